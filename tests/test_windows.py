"""Calendar windows in zones whose clocks change in every way that clocks do."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.windows import Period, Window, window_of

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Havana",  # set back at midnight: 00:00 comes twice
    "America/Sao_Paulo",  # set forward at midnight: 00:00 did not come
    "Australia/Lord_Howe",  # by half an hour
    "Asia/Kathmandu",  # +05:45
    "Africa/Casablanca",
    "America/St_Johns",  # set back at 00:01 until 2011: a day was shown twice
]
CALENDAR = [Period.HOUR, Period.DAY, Period.WEEK, Period.MONTH]
moments = st.integers(1_325_376_000, 1_893_456_000).map(lambda at: datetime.fromtimestamp(at, UTC))
# Around changes of the clocks, where random moments hardly ever fall.
changes = st.sampled_from(
    [
        datetime(2026, 10, 25, 1, tzinfo=UTC),
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 11, 1, 5, tzinfo=UTC),
        datetime(2018, 11, 4, 3, tzinfo=UTC),
        datetime(2026, 4, 4, 15, tzinfo=UTC),
        datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    ]
)
near = st.builds(lambda at, by: at + timedelta(minutes=by), changes, st.integers(-2000, 2000))


@given(st.sampled_from(CALENDAR), moments | near, st.sampled_from(ZONES))
def test_windows_follow_one_another_without_a_gap(
    period: Period, moment: datetime, name: str
) -> None:
    """A moment lies in its window, every moment of a window has the same one, and where it ends
    the next begins; all on quarters of an hour."""
    zone = ZoneInfo(name)
    window = window_of(period, moment, zone)
    assert window.since <= moment < window.until
    last = window.until - timedelta(microseconds=1)
    assert [window, window] == [window_of(period, at, zone) for at in (window.since, last)]
    assert window.until == window_of(period, window.until, zone).since
    for end in (window.since, window.until):
        assert (0, 0, 0) == (end.minute % 15, end.second, end.microsecond)


@pytest.mark.parametrize(
    ("period", "zone", "since", "until"),
    [
        (Period.DAY, "Europe/Berlin", "2026-10-24T22:00", "2026-10-25T23:00"),
        (Period.WEEK, "Europe/Berlin", "2026-10-18T22:00", "2026-10-25T23:00"),
        (Period.MONTH, "Europe/Berlin", "2026-09-30T22:00", "2026-10-31T23:00"),
        (Period.MONTH, "UTC", "2026-10-01T00:00", "2026-11-01T00:00"),
        (Period.HOUR, "Asia/Kathmandu", "2026-10-24T23:15", "2026-10-25T00:15"),
        (Period.HOUR, "Europe/Berlin", "2026-10-25T00:00", "2026-10-25T01:00"),
    ],
)
def test_the_calendar_of_the_zone_decides(
    period: Period, zone: str, since: str, until: str
) -> None:
    """On the day on which Berlin sets its clocks back, which has 25 hours."""
    moment = datetime(2026, 10, 25, 0, 10, tzinfo=UTC)
    expected = Window(*(datetime.fromisoformat(end).replace(tzinfo=UTC) for end in (since, until)))
    assert expected == window_of(period, moment, ZoneInfo(zone))


def test_an_hour_that_comes_twice_is_two_windows() -> None:
    """What is spent in the first does not count in the second."""
    berlin = ZoneInfo("Europe/Berlin")
    first, second = (
        window_of(Period.HOUR, datetime(2026, 10, 25, hour, 30, tzinfo=UTC), berlin)
        for hour in (0, 1)
    )
    assert first.until == second.since


def test_all_time_has_no_end() -> None:
    """It begins before every call."""
    window = window_of(Period.TOTAL, datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo("UTC"))
    assert window.since < datetime(2000, 1, 1, tzinfo=UTC)
    assert window.until > datetime(3000, 1, 1, tzinfo=UTC)

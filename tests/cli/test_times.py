from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.exits import UsageError
from cli.times import Range, midnight, parse_range, today, yesterday_until_now

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)  # A Sunday, 15:30 in Berlin.

YEAR_2020 = datetime(2020, 1, 1, tzinfo=UTC)


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("today", "2026-11-22"),
        ("yesterday", "2026-11-21"),
        ("TODAY", "2026-11-22"),
        ("7d", "2026-11-16"),
        ("1d", "2026-11-22"),
        ("2w", "2026-11-09"),
        ("7d ago", "2026-11-16"),
        ("24h", "2026-11-21T15:30"),
        ("90m", "2026-11-22T14:00"),
        ("90 min", "2026-11-22T14:00"),
        ("this week", "2026-11-16"),
        ("last week", "2026-11-09"),
        ("this month", "2026-11-01"),
        ("last  month", "2026-10-01"),
        ("this year", "2026-01-01"),
        ("last year", "2025-01-01"),
        ("2026-11-03", "2026-11-03"),
        ("2026-10", "2026-10-01"),
        ("2026-11-03T09:30", "2026-11-03T09:30"),
        ("2026-11-03 09:30:15", "2026-11-03T09:30:15"),
        ("2026-11-03T09:30:00Z", "2026-11-03T10:30"),
        ("2026-11-03T09:30:00-05:00", "2026-11-03T15:30"),
    ],
)
def test_a_beginning(text: str, start: str) -> None:
    """A span begins with its first instant; times without an offset are meant in the zone."""
    assert Range(berlin(start), NOW) == parse_range(text, None, NOW, BERLIN)


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("now", "2026-11-22T15:30"),
        ("today", "2026-11-23"),
        ("yesterday", "2026-11-22"),
        ("2026-11-03", "2026-11-04"),
        ("last month", "2026-11-01"),
        ("2026-10", "2026-11-01"),
        ("2025-12", "2026-01-01"),
        ("7d", "2026-11-16"),
        ("2h", "2026-11-22T13:30"),
        ("2026-11-03T09:30", "2026-11-03T09:30"),
    ],
)
def test_an_end(text: str, end: str) -> None:
    """A day, a month, or a year counts to its end; a duration is the same instant at either end."""
    assert Range(berlin("2025-01-01"), berlin(end)) == parse_range("2025-01-01", text, NOW, BERLIN)


def test_the_default_is_the_last_seven_days() -> None:
    """Today and the six days before it, up to now."""
    assert Range(berlin("2026-11-16"), NOW) == parse_range(None, None, NOW, BERLIN)


def test_one_name_at_both_ends_is_that_whole_day() -> None:
    """`--since yesterday --until yesterday` is what it says."""
    assert Range(berlin("2026-11-21"), berlin("2026-11-22")) == parse_range(
        "yesterday", "yesterday", NOW, BERLIN
    )


@pytest.mark.parametrize(
    "text", ["", " ", "soon", "7", "d7", "2026-13-01", "2026-02-30", "20", "2026-11-03T25:00", "9x"]
)
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    """The message repeats what was typed, and the hint shows what can be typed."""
    with pytest.raises(UsageError) as refused:
        parse_range("2020-01-01", text, NOW, BERLIN)
    assert repr(text) in refused.value.message
    assert refused.value.hint is not None
    assert "2026-11-01" in refused.value.hint


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_is_refused(text: str) -> None:
    """Nothing that can be typed raises anything but UsageError."""
    try:
        span = parse_range(text, None, NOW, BERLIN)
    except UsageError:
        return
    assert span.since < span.until


@pytest.mark.parametrize(("since", "until"), [("today", "2026-11-20"), ("2026-12-01", None)])
def test_a_range_that_ends_before_it_starts_is_refused(since: str, until: str | None) -> None:
    """An empty answer would look like no spending."""
    with pytest.raises(UsageError, match="before it starts"):
        parse_range(since, until, NOW, BERLIN)


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        ("today", "yesterday", "ends where it starts (2026-11-22 00:00)"),
        (
            "2026-11-20T09:30:40",
            "2026-11-20T09:30:10",
            "ends (2026-11-20T09:30:10+01:00) before it starts (2026-11-20T09:30:40+01:00)",
        ),
    ],
)
def test_what_is_said_of_an_empty_range_is_true(since: str, until: str, said: str) -> None:
    """Two ends that read the same are one instant, or are told to the second."""
    with pytest.raises(UsageError) as refused:
        parse_range(since, until, NOW, BERLIN)
    assert refused.value.message.endswith(said)


@given(
    st.integers(0, 10 * 365 * 24 * 60).map(lambda minutes: YEAR_2020 + timedelta(minutes=minutes)),
    st.sampled_from(
        [
            "UTC",
            "Europe/Berlin",
            "America/New_York",
            "Australia/Lord_Howe",
            "Asia/Kathmandu",
            "Africa/Cairo",
        ]
    ).map(ZoneInfo),
)
def test_today_begins_at_local_midnight_and_yesterday_ends_at_the_same_clock_time(
    now: datetime, zone: ZoneInfo
) -> None:
    """In every zone, on every day, those on which the clocks change included."""
    span = today(now, zone)
    before = yesterday_until_now(now, zone)
    assert now == span.until
    assert now.astimezone(zone).date() == span.since.astimezone(zone).date()
    assert (span.since - timedelta(microseconds=1)).astimezone(zone).date() < now.astimezone(
        zone
    ).date()
    assert now.astimezone(zone).date() - timedelta(days=1) == before.since.astimezone(zone).date()
    assert before.until <= span.since


def test_a_midnight_that_the_clocks_skip_is_the_instant_they_do() -> None:
    """Cairo went from 00:00 to 01:00 on 2026-04-24."""
    cairo = ZoneInfo("Africa/Cairo")
    assert datetime(2026, 4, 23, 22, 0, tzinfo=UTC) == midnight(date(2026, 4, 24), cairo)

"""Calendar windows in a time zone, as instants: an hour, a day, a week, a month, or all time. Pure.

Windows are half-open and follow one another without a gap, also where the clocks change: a day has
23, 24 or 25 hours then, and an hour that comes twice is two windows. A window begins and ends on a
quarter of an hour of UTC, as the rollups do, since no zone in use is offset by less.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

_QUARTER = timedelta(minutes=15)
_DAY = timedelta(days=1)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_END = datetime(9999, 1, 1, tzinfo=UTC)


class Period(StrEnum):
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    """From Monday (ISO 8601)."""
    MONTH = "month"
    TOTAL = "total"
    """All time."""


@dataclass(frozen=True, slots=True)
class Window:
    """``since <= time < until``, both UTC."""

    since: datetime
    until: datetime


def window_of(period: Period, moment: datetime, zone: tzinfo) -> Window:
    """The window of the zone's calendar in which a moment lies. ``moment`` is aware."""
    match period:
        case Period.HOUR:
            return _hour(moment, zone)
        case Period.TOTAL:
            return Window(_BEGINNING, _END)
    day = _calendar_day(moment, zone)
    match period:
        case Period.DAY:
            first, after = day, day + _DAY
        case Period.WEEK:
            first = day - day.weekday() * _DAY
            after = first + 7 * _DAY
        case Period.MONTH:
            first = day.replace(day=1)
            after = (first + 31 * _DAY).replace(day=1)
    return Window(midnight(first, zone), midnight(after, zone))


def midnight(day: date, zone: tzinfo) -> datetime:
    """The first instant of a calendar day, as UTC; where the clocks skip it, what they skip to."""
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _calendar_day(moment: datetime, zone: tzinfo) -> date:
    """The day in which a moment lies, by the first instants of days: clocks that are set back over
    midnight show the day before once more, which belongs to the day that has begun."""
    day = moment.astimezone(zone).date()
    return day + _DAY if moment >= midnight(day + _DAY, zone) else day


def _hour(moment: datetime, zone: tzinfo) -> Window:
    """What the clock on the wall calls one hour, at one offset from UTC."""

    def name(at: datetime) -> tuple[date, int, timedelta | None]:
        local = at.astimezone(zone)
        return local.date(), local.hour, local.utcoffset()

    utc = moment.astimezone(UTC)
    since = utc.replace(minute=utc.minute // 15 * 15, second=0, microsecond=0)
    until = since + _QUARTER
    while name(since - _QUARTER) == name(moment):
        since -= _QUARTER
    while name(until) == name(moment):
        until += _QUARTER
    return Window(since, until)

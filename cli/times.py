"""What people call a time, as an instant: days, durations, and the range of a report. Pure.

A calendar name (a date, ``yesterday``, ``this month``) is a span: as a beginning it means its first
instant, as an end its last, so ``--since yesterday --until yesterday`` is the whole day. A duration
(``24h``, ``7d``) is one instant, the same at either end: hours and minutes count back from now;
days and weeks are calendar days, today included, so ``7d`` is today and the six days before it.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from acm_addon.windows import midnight
from cli.exits import UsageError

EXAMPLES = (
    "try 2026-11-01, 2026-11-01T09:30, today, yesterday, 24h, 7d, 2w, this month or last month"
)

_DURATION = re.compile(r"(\d{1,6})\s*(m|min|h|d|w)")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Range:
    """Half-open: ``since`` belongs to it, ``until`` does not. Both UTC."""

    since: datetime
    until: datetime


def parse_range(since: str | None, until: str | None, now: datetime, zone: tzinfo) -> Range:
    """The range that was typed; by default the last seven days, up to now.

    Raises UsageError for what is no time, and for a range that ends before it starts.
    """
    start = span_of("--since", "7d" if since is None else since, now, zone).since
    end = now.astimezone(UTC) if until is None else span_of("--until", until, now, zone).until
    if start >= end:
        raise UsageError(
            _no_range(start.astimezone(zone), end.astimezone(zone)),
            "give --since an earlier time than --until",
        )
    return Range(start, end)


def _no_range(start: datetime, end: datetime) -> str:
    """Why this is none. In minutes, unless those do not tell its ends apart."""
    since, until = (f"{moment:%Y-%m-%d %H:%M}" for moment in (start, end))
    if start.astimezone(UTC) == end.astimezone(UTC):
        return f"the range ends where it starts ({since})"
    if since == until:
        since, until = start.isoformat(), end.isoformat()
    return f"the range ends ({until}) before it starts ({since})"


def today(now: datetime, zone: tzinfo) -> Range:
    """From local midnight to now."""
    return Range(midnight(now.astimezone(zone).date(), zone), now.astimezone(UTC))


def yesterday_until_now(now: datetime, zone: tzinfo) -> Range:
    """Yesterday, up to the same time by the clock on the wall."""
    local = now.astimezone(zone) - timedelta(days=1)
    return Range(midnight(local.date(), zone), local.astimezone(UTC))


def span_of(option: str, text: str, now: datetime, zone: tzinfo) -> Range:
    """The span that a text names; an instant is a span without length. Raises UsageError."""
    wanted = " ".join(text.lower().split())
    local = now.astimezone(zone)
    try:
        span = (
            _named(wanted, local, zone)
            or _duration(wanted, local, zone)
            or _calendar(wanted, zone)
            or _instant(text.strip(), zone)
        )
    except (ValueError, OverflowError):
        span = None
    if span is None:
        raise UsageError(f"{option} {text!r} is not a time", EXAMPLES)
    return span


def _named(wanted: str, local: datetime, zone: tzinfo) -> Range | None:
    day = local.date()
    one, week = timedelta(days=1), timedelta(days=7)
    monday = day - timedelta(days=day.weekday())
    first = day.replace(day=1)
    year = day.year
    named = {
        "today": (day, day + one),
        "yesterday": (day - one, day),
        "this week": (monday, monday + week),
        "last week": (monday - week, monday),
        "this month": (first, _next_month(first)),
        "last month": ((first - one).replace(day=1), first),
        "this year": (date(year, 1, 1), date(year + 1, 1, 1)),
        "last year": (date(year - 1, 1, 1), date(year, 1, 1)),
    }
    if wanted == "now":
        return _at(local)
    return _days(*named[wanted], zone) if wanted in named else None


def _duration(wanted: str, local: datetime, zone: tzinfo) -> Range | None:
    found = _DURATION.fullmatch(wanted.removesuffix(" ago"))
    if found is None:
        return None
    count, unit = int(found[1]), found[2]
    if unit in ("m", "min"):
        return _at(local.astimezone(UTC) - timedelta(minutes=count))
    if unit == "h":
        return _at(local.astimezone(UTC) - timedelta(hours=count))
    days = count * 7 if unit == "w" else count
    return _at(midnight(local.date() - timedelta(days=days - 1), zone))


def _calendar(wanted: str, zone: tzinfo) -> Range | None:
    if month := _MONTH.fullmatch(wanted):
        first = date(int(month[1]), int(month[2]), 1)
        return _days(first, _next_month(first), zone)
    if _DATE.fullmatch(wanted):
        day = date.fromisoformat(wanted)
        return _days(day, day + timedelta(days=1), zone)
    return None


def _instant(text: str, zone: tzinfo) -> Range:
    """An ISO datetime; without an offset it is meant in ``zone``. Raises ValueError."""
    if len(text) <= len("2026-11-01"):
        raise ValueError("a datetime is longer than a date")
    moment = datetime.fromisoformat(text)
    return _at(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def _at(moment: datetime) -> Range:
    return Range(moment.astimezone(UTC), moment.astimezone(UTC))


def _days(first: date, after: date, zone: tzinfo) -> Range:
    return Range(midnight(first, zone), midnight(after, zone))


def _next_month(first: date) -> date:
    return (first + timedelta(days=31)).replace(day=1)

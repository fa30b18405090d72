"""When a token or a key ends, as it is typed: ``30d``, ``12h``, ``2026-12-31``."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Annotated

import typer

from acm_addon.windows import midnight
from cli.exits import UsageError

Expires = Annotated[
    str | None,
    typer.Option("--expires", metavar="WHEN", help="30d, 12h, 2w, or a day.", show_default="never"),
]

_SPAN = re.compile(r"(\d{1,5})\s*(min|h|d|w)")
_UNITS = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_expiry(text: str | None, now: datetime, zone: tzinfo) -> datetime | None:
    """The instant from which it is refused, UTC; None for no end. A date is good to its last hour.

    Raises UsageError for what is no time, or is past.
    """
    if text is None:
        return None
    try:
        end = _end(text.strip().lower(), now, zone)
    except (ValueError, OverflowError):
        raise UsageError(
            f"--expires {text!r} is not a time to come", "try 30d, 12h, 2w or 2027-01-31"
        ) from None
    if end <= now:
        raise UsageError(f"--expires {text!r} is past", "try 30d, 12h, 2w or 2027-01-31")
    return end


def shown_expiry(end: datetime, zone: tzinfo) -> str:
    """To the minute: a token for an hour ends on a day on which it is good."""
    return f"{end.astimezone(zone):%Y-%m-%d %H:%M}"


def _end(text: str, now: datetime, zone: tzinfo) -> datetime:
    if span := _SPAN.fullmatch(text):
        return now.astimezone(UTC) + timedelta(**{_UNITS[span[2]]: int(span[1])})
    return midnight(date.fromisoformat(text) + timedelta(days=1), zone)

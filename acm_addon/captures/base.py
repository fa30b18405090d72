"""One captured exchange as a value, whatever file it comes from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum

MAX_ENTRY = 32 * 1024 * 1024
"""Bytes of one entry that are read. A longer one is skipped, and counted as unreadable."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Format(Enum):
    HAR = "HAR"
    FLOWS = "mitmproxy flows"
    LINES = "JSON lines"


class NotACallError(Exception):
    """An entry that is sound and no call of a provider, such as a raw TCP flow."""


@dataclass(frozen=True, slots=True)
class Captured:
    """One exchange. Header names are lower case; bodies are as they travelled, or decoded."""

    method: str
    host: str
    path: str
    """With the query."""
    time: datetime | None = None
    """UTC, when the request began; None where the capture does not say."""
    request_headers: Mapping[str, str] = field(default_factory=dict)
    request_body: bytes | None = None
    status: int | None = None
    """None where there was no answer."""
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_body: bytes | None = None
    """None where the capture does not hold it."""
    cut: bool = False
    """The capture holds only the beginning of the response body."""
    broken_off: bool = False
    """The exchange itself ended in an error of the network."""
    websocket: bool = False
    seconds: float | None = None
    """From the request's start to the response's end."""
    first_byte_seconds: float | None = None


def header_map(pairs: Iterable[tuple[object, object]]) -> dict[str, str]:
    """Header fields by lower-case name; of duplicates the first."""
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(str(name).lower(), str(value))
    return found


def without_coding(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a body that its capture holds decoded."""
    return {name: value for name, value in headers.items() if name != "content-encoding"}


def aware(time: datetime) -> datetime | None:
    """A time in UTC; one without an offset is taken for UTC. None before 1970."""
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return time if time >= _EPOCH else None


def time_of(text: object) -> datetime | None:
    """An ISO 8601 time, or None for what is none."""
    try:
        return aware(datetime.fromisoformat(str(text)))
    except (ValueError, OverflowError):
        return None


def date_of(headers: Mapping[str, str]) -> datetime | None:
    """When the response says that it was made: its ``Date``."""
    try:
        return aware(parsedate_to_datetime(headers["date"]))
    except (KeyError, ValueError, OverflowError, TypeError):
        return None


def seconds_of(milliseconds: object) -> float | None:
    """A duration that can be one; HAR writes -1 for an unknown one."""
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return None
    return milliseconds / 1000 if 0 <= milliseconds < 10**9 else None

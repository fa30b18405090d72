"""One captured exchange as a value, whatever file it comes from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum

from acm_addon.providers.base import headers_by_name

MAX_ENTRY = 32 * 1024 * 1024
"""Bytes of one entry that are read. A longer one is skipped, and counted as unreadable."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST = 10**6
"""Seconds: some eleven days."""
_TOO_LATE = datetime(2200, 1, 1, tzinfo=UTC)
"""A time beyond it is garbage, such as the year 9999 that stands for "never"."""


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
    port: int | None = None
    """None where it is the usual one, or the capture does not say."""
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
    messages: Sequence[tuple[bool, bytes]] | None = None
    """Of a websocket: whether the client sent it, and the message; None where there are none."""
    seconds: float | None = None
    """From the request's start to the response's end."""
    first_byte_seconds: float | None = None


def decoded_headers(fields: Iterable[tuple[object, object]]) -> dict[str, str]:
    """The headers of a body that its capture holds decoded."""
    headers = headers_by_name([(str(name), str(value)) for name, value in fields])
    headers.pop("content-encoding", None)
    return headers


def aware(time: datetime) -> datetime | None:
    """A time in UTC; one without an offset is taken for UTC. None before 1970 or after 2199."""
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return time if _EPOCH <= time < _TOO_LATE else None


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
    return milliseconds / 1000 if 0 <= milliseconds < 1000 * _LONGEST else None


def duration(seconds: float | None) -> float | None:
    """``seconds`` where they can be those of a call."""
    return seconds if seconds is not None and 0 <= seconds < _LONGEST else None


def status_of(value: object) -> int | None:
    """An HTTP status; None for zero or nothing, which mean that no answer came.

    Raises TypeError or ValueError for what is none.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError("a status is a number")
    status = int(value)
    if status == 0:
        return None
    if not 100 <= status <= 999:
        raise ValueError("a status has three digits")
    return status

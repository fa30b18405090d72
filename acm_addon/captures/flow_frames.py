"""What the process that reads mitmproxy's flow files says of each flow: one frame a flow.

A frame has a head of fixed size, and the request and the response of a provider's call as they
stand in the file (``acm_addon.captures.tnetstrings``): bodies are copied, and never encoded.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from struct import Struct
from typing import IO, Any

from acm_addon.captures.base import Captured, NotACallError, aware, duration, header_map, status_of
from acm_addon.captures.tnetstrings import Item, members, value
from acm_addon.routing import BUILT_IN, Directory

_HEAD = Struct(">BQ32s?III")
_FIELD = re.compile(r"[0-9]{1,12}:([0-9]{1,12}):")
_LENGTH = re.compile(r",([0-9]{1,12}):")
_LIST = re.compile(r"([0-9]{1,12}):([0-9]{1,12}):([^,]*+),([0-9]{1,12}):(.*?),\]", re.DOTALL)
_MARKS = len("::,:,]")
_AUTHORITY = re.compile(r"(?P<host>[^:]+|\[.+\])(?::\d+)?")


class Kind(IntEnum):
    UNREADABLE = 0
    """Damaged, too long, or of a version that is not known."""
    NO_CALL = 1
    """Of another protocol, or to a host that is no provider's. Nothing of it is handed on."""
    CALL = 2


@dataclass(frozen=True, slots=True)
class Frame:
    kind: Kind
    end: int
    """Bytes of the file that were read up to now."""
    digest: bytes
    """SHA-256 of the flow's bytes."""
    broken_off: bool = False
    request: bytes = b""
    """The members of its dictionary."""
    response: bytes = b""
    """The same; empty where there was no answer."""
    websocket: bytes = b""
    """The same, of what was said on a websocket; empty where the flow is none."""

    def packed(self) -> bytes:
        parts = self.request, self.response, self.websocket
        sizes = map(len, parts)
        head = _HEAD.pack(self.kind, self.end, self.digest, self.broken_off, *sizes)
        return b"".join((head, *parts))


def read_frame(file: IO[bytes]) -> Frame | None:
    """The next frame; None at the end, and where the other process ended within one."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    kind, end, digest, broken_off, *sizes = _HEAD.unpack(head)
    parts = [file.read(size) for size in sizes]
    if [len(part) for part in parts] != sizes:
        return None
    return Frame(Kind(kind), end, digest, broken_off, *parts)


def host_of(request: Mapping[str, Item], data: bytes, directory: Directory = BUILT_IN) -> str:
    """Where a request went. In transparent mode that is an address, and its headers name the host.

    Raises ValueError or LookupError, as does what is below.
    """
    host = str(value(data, *request["host"]))
    return host if directory.of_host(host) else _named_host(request, data) or host


def _named_host(request: Mapping[str, Item], data: bytes) -> str | None:
    """What HTTP/2's ``:authority`` or the header says, without its port, as mitmproxy reads it."""
    name = ""
    if value(data, *request["http_version"]) in (b"HTTP/2.0", b"HTTP/3"):
        name = value(data, *request["authority"]).decode("utf-8", "surrogateescape")
    name = name or _headers(request, data).get("host", "")
    found = _AUTHORITY.fullmatch(name)
    return found["host"] if found else name


def captured(frame: Frame, directory: Directory = BUILT_IN) -> Captured:
    """Raises NotACallError, or TypeError or what ``host_of`` raises for an unreadable one."""
    if frame.kind is Kind.NO_CALL:
        raise NotACallError
    if frame.kind is Kind.UNREADABLE:
        raise ValueError("the flow is damaged, too long, or of another version")
    data = frame.request
    request = members(data, 0, len(data))
    response = members(frame.response, 0, len(frame.response))
    started = _number(request, data, "timestamp_start")
    return Captured(
        method=value(data, *request["method"]).decode("utf-8", "surrogateescape").upper(),
        host=host_of(request, data, directory),
        path=value(data, *request["path"]).decode("utf-8", "surrogateescape"),
        port=value(data, *request["port"]),
        time=None if started is None else aware(datetime.fromtimestamp(started, UTC)),
        request_headers=_headers(request, data),
        request_body=_body(request, data),
        status=status_of(value(frame.response, *response["status_code"])) if response else None,
        response_headers=_headers(response, frame.response) if response else {},
        response_body=_body(response, frame.response) if response else None,
        broken_off=frame.broken_off,
        websocket=bool(frame.websocket),
        messages=_messages(frame.websocket),
        seconds=_since(started, response, frame.response, "timestamp_end"),
        first_byte_seconds=_since(started, response, frame.response, "timestamp_start"),
    )


def _messages(data: bytes) -> list[tuple[bool, bytes]] | None:
    """Lists of opcode, whether the client sent it, content, and more. None for no websocket."""
    if not data:
        return None
    said = value(data, *members(data, 0, len(data))["messages"])
    return [(bool(from_client), bytes(content)) for _, from_client, content, *_ in said]


def _headers(message: Mapping[str, Item], data: bytes) -> dict[str, str]:
    start, end, _ = message["headers"]
    return header_map(_fields(data[start:end].decode("latin-1")))


def _fields(text: str) -> list[tuple[str, str]]:
    """Header fields: lists of two byte strings. Messages have so many that they are looked for all
    at once, and one by one only where the lengths say that the looks deceived."""
    found = _LIST.findall(text)
    whole = 0
    for size, name_size, name, content_size, content in found:
        if len(name) != int(name_size) or len(content) != int(content_size):
            return [*_one_by_one(text)]
        whole += len(size) + len(name_size) + len(name) + len(content_size) + len(content)
    if whole + _MARKS * len(found) != len(text):
        return [*_one_by_one(text)]
    return [(name, content) for _, _, name, _, content in found]


def _one_by_one(text: str) -> Iterator[tuple[str, str]]:
    position, end = 0, len(text)
    while position < end:
        name = _FIELD.match(text, position)
        middle = name.end() + int(name[1]) if name else end
        content = _LENGTH.match(text, middle, end)
        if name is None or content is None:
            raise ValueError("no header field")
        last = content.end() + int(content[1])
        yield text[name.end() : middle], text[content.end() : last]
        position = last + 2


def _body(message: Mapping[str, Item], data: bytes) -> bytes | None:
    """As it travelled."""
    body = value(data, *message["content"])
    if body is not None and not isinstance(body, bytes):
        raise TypeError("a body is bytes")
    return body


def _number(message: Mapping[str, Item], data: bytes, name: str) -> float | None:
    number: Any = value(data, *message[name])
    if number is None:
        return None
    if not math.isfinite(number):
        raise ValueError("a time is a finite number")
    return float(number)


def _since(
    started: float | None, response: Mapping[str, Item], data: bytes, name: str
) -> float | None:
    """Seconds from the request's start to a moment of the response."""
    moment = _number(response, data, name) if response else None
    return None if moment is None or started is None else duration(max(moment - started, 0.0))

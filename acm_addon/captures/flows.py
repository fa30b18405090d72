"""mitmproxy's flow files: flows one after another, each of which one typed netstring is.

A flow is read as far as its price depends on it, and its bodies are as they travelled. Flows that
another version of mitmproxy wrote are converted first (``acm_addon.captures.old_flows``).
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

from acm_addon.captures.base import (
    MAX_ENTRY,
    Captured,
    NotACallError,
    aware,
    duration,
    status_of,
)
from acm_addon.captures.tnetstrings import NULL, Item, item_at, members, value
from acm_addon.providers.base import headers_by_name
from acm_addon.routing import BUILT_IN, Directory

FORMAT_VERSION = 21
"""Of the flows that the mitmproxy we depend on writes."""
_DIGITS = 12
_AUTHORITY = re.compile(r"(?P<host>[^:]+|\[.+\])(?::\d+)?")


def next_flow(file: BinaryIO) -> bytes | None:
    """The bytes of the next flow, ``b""`` at the end, None where there is one and it is unreadable
    or longer than ``MAX_ENTRY``.

    After what is no flow nothing can be read: the place where the next one begins is not known.
    """
    head = b""
    while len(head) <= _DIGITS and not head.endswith(b":"):
        byte = file.read(1)
        if not byte:
            break
        head += byte
    if not head:
        return b""
    if not head[:-1].isdigit() or not head.endswith(b":"):
        file.seek(0, 2)
        return None
    length = int(head[:-1]) + 1
    if length > MAX_ENTRY:
        file.seek(length, 1)
        return None
    data = file.read(length)
    return head + data if len(data) == length else None


def captured(
    data: bytes, convert: Callable[[bytes], bytes], directory: Directory = BUILT_IN
) -> Captured:
    """``data``: one flow. ``convert`` makes one of this version of it where it is of another.

    Raises NotACallError for a flow of another protocol or to a host that is no provider's, and
    TypeError, ValueError, LookupError, ArithmeticError, OSError, or what ``convert`` raises for an
    unreadable one.
    """
    flow = members(data, *item_at(data, 0)[:2])
    if "version" not in flow or value(data, *flow["version"]) != FORMAT_VERSION:
        data = convert(data)
        flow = members(data, *item_at(data, 0)[:2])
    if value(data, *flow["type"]) != "http":
        raise NotACallError
    request = members(data, *flow["request"][:2])
    host, port = _host_of(request, data, directory), value(data, *request["port"])
    if directory.of_address(host, port) is None:
        raise NotACallError
    response = members(data, *flow["response"][:2])
    started = _number(request, data, "timestamp_start")
    websocket = members(data, *flow["websocket"][:2])
    return Captured(
        method=value(data, *request["method"]).decode("utf-8", "surrogateescape").upper(),
        host=host,
        path=value(data, *request["path"]).decode("utf-8", "surrogateescape"),
        port=port,
        time=None if started is None else aware(datetime.fromtimestamp(started, UTC)),
        request_headers=_headers(request, data),
        request_body=_body(request, data),
        status=status_of(value(data, *response["status_code"])) if response else None,
        response_headers=_headers(response, data) if response else {},
        response_body=_body(response, data) if response else None,
        broken_off=flow["error"][2] != NULL,
        websocket=bool(websocket),
        messages=_messages(websocket, data),
        seconds=_since(started, response, data, "timestamp_end"),
        first_byte_seconds=_since(started, response, data, "timestamp_start"),
    )


def _host_of(request: Mapping[str, Item], data: bytes, directory: Directory) -> str:
    """Where a request went. In transparent mode that is an address, and its headers name the
    host."""
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


def _messages(websocket: Mapping[str, Item], data: bytes) -> list[tuple[bool, bytes]] | None:
    """Lists of opcode, whether the client sent it, content, and more. None for no websocket."""
    if not websocket:
        return None
    said = value(data, *websocket["messages"])
    return [(bool(from_client), _message(content)) for _, from_client, content, *_ in said]


def _message(content: object) -> bytes:
    """Of a text message mitmproxy 6 and earlier kept the text."""
    if isinstance(content, str):
        return content.encode()
    if not isinstance(content, bytes):
        raise TypeError("a message is bytes or text")
    return content


def _headers(message: Mapping[str, Item], data: bytes) -> dict[str, str]:
    start, end, _ = message["headers"]
    return headers_by_name(header_fields(data[start:end].decode("latin-1")))


def header_fields(text: str) -> list[tuple[str, str]]:
    """Names and values. ``text``: lists of two byte strings. Messages have many, so that they are
    not taken apart as any value is.

    Raises ValueError for what is no such list.
    """
    fields: list[tuple[str, str]] = []
    at, find = 0, text.index
    while at < len(text):
        name = find(":", find(":", at) + 1) + 1
        middle = name + int(text[find(":", at) + 1 : name - 1])
        content = find(":", middle) + 1
        end = content + int(text[middle + 1 : content - 1])
        # A comma is before the bracket, or another type's letter.
        if not at < name <= middle < content <= end or text[end + 1 : end + 2] != "]":
            raise ValueError("no header field")
        fields.append((text[name:middle], text[content:end]))
        at = end + 2
    return fields


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

"""HAR 1.2 entries, as browsers, Playwright, and mitmproxy write them.

Bodies are decoded, as text or base64; ``content`` without ``text`` means that the body was not
kept, unless its size is zero. A status of 0 means that no answer came.
"""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from acm_addon.captures.base import (
    Captured,
    decoded_headers,
    seconds_of,
    status_of,
    time_of,
)

_BINARY = 2
_BEFORE_ANSWER = ("blocked", "dns", "connect", "send", "wait")
"""Timings up to the response's first byte; ``ssl`` is inside ``connect``."""


def captured(entry: Mapping[str, Any]) -> Captured:
    """Raises KeyError, TypeError, or ValueError where ``entry`` is no HAR entry."""
    request, response = entry["request"], entry.get("response") or {}
    url = urlsplit(request["url"])
    content = response.get("content") or {}
    answer = _headers(response)
    if content.get("mimeType"):
        answer.setdefault("content-type", str(content["mimeType"]))
    return Captured(
        method=str(request["method"]),
        host=url.hostname or "",
        path=f"{url.path or '/'}?{url.query}" if url.query else url.path or "/",
        port=url.port,
        time=time_of(entry.get("startedDateTime")),
        request_headers=_request_headers(request),
        request_body=_text(request.get("postData") or {}),
        status=status_of(response.get("status")),
        response_headers=answer,
        response_body=b"" if content.get("size") == 0 else _text(content),
        broken_off=bool(response.get("_error")),
        websocket=url.scheme in ("ws", "wss") or "_webSocketMessages" in entry,
        messages=_messages(entry.get("_webSocketMessages")),
        seconds=seconds_of(entry.get("time")),
        first_byte_seconds=_first_byte(entry.get("timings") or {}),
    )


def _headers(message: Mapping[str, Any]) -> dict[str, str]:
    fields = message.get("headers") or ()
    return decoded_headers((each["name"], each["value"]) for each in fields)


def _request_headers(request: Mapping[str, Any]) -> dict[str, str]:
    headers = _headers(request)
    if kind := (request.get("postData") or {}).get("mimeType"):
        headers.setdefault("content-type", str(kind))
    return headers


def _text(holder: Mapping[str, Any]) -> bytes | None:
    text = holder.get("text")
    if text is None:
        return None
    if holder.get("encoding") == "base64":
        return base64.b64decode(text)
    return str(text).encode("utf-8", "surrogatepass")


def _first_byte(timings: Mapping[str, Any]) -> float | None:
    if seconds_of(timings.get("wait")) is None:
        return None
    return sum(seconds_of(timings.get(name)) or 0.0 for name in _BEFORE_ANSWER)


def _messages(values: Any) -> list[tuple[bool, bytes]] | None:
    """Chrome's ``_webSocketMessages``: text as it is, binary messages (opcode 2) in base64."""
    if values is None:
        return None
    return [(each["type"] == "send", _message(each["opcode"], each["data"])) for each in values]


def _message(opcode: int, data: str) -> bytes:
    return base64.b64decode(data) if opcode == _BINARY else data.encode("utf-8", "surrogatepass")

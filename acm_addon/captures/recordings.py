"""JSON lines: one recorded exchange a line, with its bodies as text or base64, decoded.

Fields that are read: ``provider_host``, ``method``, ``path`` (with the query), ``status``,
``request_headers`` and ``response_headers`` (lists of ``[name, value]``), ``request_body`` and
``response_body`` with ``…_body_encoding`` (``text``, ``base64``, ``text-truncated``),
``transport``, and, where there is one, ``time`` (ISO 8601); of a websocket ``ws_messages``, in
their order, each with ``direction`` (``sent`` by the client, or ``received``) and ``data``. All
others are ignored.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from acm_addon.captures.base import (
    Captured,
    date_of,
    decoded_headers,
    status_of,
    time_of,
)


def captured(record: Mapping[str, Any]) -> Captured:
    """Raises KeyError, TypeError, or ValueError where ``record`` is no such exchange."""
    answer = decoded_headers(record["response_headers"] or ())
    address = urlsplit(f"//{record['provider_host']}")
    return Captured(
        method=str(record["method"]),
        host=address.hostname or "",
        path=str(record["path"]),
        port=address.port,
        time=time_of(record.get("time")) or date_of(answer),
        request_headers=decoded_headers(record["request_headers"] or ()),
        request_body=_body(record, "request"),
        status=status_of(record["status"]),
        response_headers=answer,
        response_body=_body(record, "response"),
        cut=record.get("response_body_encoding") == "text-truncated",
        websocket=record.get("transport") == "websocket",
        messages=_messages(record.get("ws_messages")),
    )


def _messages(values: Any) -> list[tuple[bool, bytes]] | None:
    if values is None:
        return None
    # A message without data is the closing one.
    return [
        (each["direction"] == "sent", _message(each["data"])) for each in values if "data" in each
    ]


def _message(data: Any) -> bytes:
    """A message as it travelled, or the JSON value that it was."""
    return data.encode() if isinstance(data, str) else json.dumps(data).encode()


def _body(record: Mapping[str, Any], side: str) -> bytes | None:
    body = record[f"{side}_body"]
    if body is None:
        return None
    if not isinstance(body, str):
        raise TypeError("a body is a text")
    if record.get(f"{side}_body_encoding") == "base64":
        return base64.b64decode(body)
    return body.encode("utf-8", "surrogatepass")

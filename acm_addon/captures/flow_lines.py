"""What the process that reads mitmproxy's flow files says of each flow: one JSON line a flow.

``{"digest": hex}`` and then one of

- ``"unreadable": true`` where the flow is damaged, too long, or of a version that is not known;
- ``"http": false`` for a flow of another protocol;
- the fields of ``Captured``: bodies in base64, as they travelled; headers as ``[name, value]``; the
  time in seconds since 1970. Bodies are left out where the host is no provider's.

``digest`` identifies the flow's bytes, ``end`` is how far the file was read.
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from acm_addon.captures.base import (
    Captured,
    NotHttpError,
    aware,
    duration,
    header_map,
    status_of,
)


def captured(line: Mapping[str, Any]) -> Captured:
    """Raises NotHttpError, or KeyError, TypeError, or ValueError for a flow that is unreadable."""
    if not line.get("http", True):
        raise NotHttpError
    return Captured(
        method=line["method"],
        host=line["host"],
        path=line["path"],
        time=None if line["time"] is None else aware(datetime.fromtimestamp(line["time"], UTC)),
        request_headers=header_map(line["request_headers"]),
        request_body=_bytes(line["request_body"]),
        status=status_of(line["status"]),
        response_headers=header_map(line["response_headers"]),
        response_body=_bytes(line["response_body"]),
        broken_off=line["broken_off"],
        websocket=line["websocket"],
        seconds=duration(line["seconds"]),
        first_byte_seconds=duration(line["first_byte_seconds"]),
    )


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)

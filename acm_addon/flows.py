"""``python -m acm_addon.flows FILE``: a mitmproxy flow file as JSON lines, one a flow.

A process of its own, because it needs mitmproxy and the command line does not load that. The lines
are those of ``acm_addon.captures.flow_lines``. Flows of earlier versions are converted by
mitmproxy; a flow that it cannot read costs itself alone. No more than one flow is in memory.
"""

import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from mitmproxy import http
from mitmproxy.io import compat, tnetstring

from acm_addon.captures.base import MAX_ENTRY
from acm_addon.routing import provider_of_host

_DIGITS = 12


def lines_of(file: BinaryIO) -> Iterator[dict[str, object]]:
    """One JSON value for each flow of a file."""
    while (raw := _next(file)) != b"":
        digest = hashlib.sha256(raw or b"").hexdigest()
        yield {"digest": digest, "end": file.tell(), **_described(raw)}


def _next(file: BinaryIO) -> bytes | None:
    """The bytes of the next flow, ``b""`` at the end, None where there is one and it is unreadable.

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


def _described(raw: bytes | None) -> dict[str, object]:
    if raw is None:
        return {"unreadable": True}
    try:
        loaded: Any = tnetstring.loads(raw)
        state = compat.migrate_flow(loaded)
        return _of_http(state) if state["type"] == "http" else {"http": False}
    except Exception:  # Whatever mitmproxy makes of a damaged flow.
        return {"unreadable": True}


def _of_http(state: dict[Any, Any]) -> dict[str, object]:
    """Only the two messages are built: a whole flow has connections and certificates too."""
    request: http.Request = http.Request.from_state(state["request"])
    answer = state["response"]
    response: http.Response | None = http.Response.from_state(answer) if answer else None
    host = request.host if provider_of_host(request.host) else request.pretty_host
    ours = provider_of_host(host) is not None
    ended = response.timestamp_end if response else None
    return {
        "method": request.method,
        "host": host,
        "path": request.path,
        "time": request.timestamp_start,
        "request_headers": _headers(request),
        "request_body": _body(request) if ours else None,
        "status": response.status_code if response else None,
        "response_headers": _headers(response) if response else [],
        "response_body": _body(response) if response and ours else None,
        "broken_off": state["error"] is not None,
        "websocket": state["websocket"] is not None,
        "seconds": _since(request, ended),
        "first_byte_seconds": _since(request, response.timestamp_start if response else None),
    }


def _headers(message: http.Message) -> list[tuple[str, str]]:
    fields = message.headers.fields
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]


def _body(message: http.Message) -> str | None:
    content = message.raw_content
    return None if content is None else base64.b64encode(content).decode()


def _since(request: http.Request, moment: float | None) -> float | None:
    return None if moment is None else max(moment - request.timestamp_start, 0.0)


def main() -> int:
    with Path(sys.argv[1]).open("rb") as file:
        for line in lines_of(file):
            sys.stdout.write(json.dumps(line) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

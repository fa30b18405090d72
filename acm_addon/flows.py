"""``python -m acm_addon.flows FILE``: a mitmproxy flow file as frames, one a flow.

A process of its own, because it needs mitmproxy and the command line does not load that. The frames
are those of ``acm_addon.captures.flow_frames``. Flows of earlier versions are converted by
mitmproxy, which is imported for the first of them; a flow that cannot be read costs itself alone.
No more than one flow is in memory.
"""

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from mitmproxy.version import FLOW_FORMAT_VERSION

from acm_addon.captures.base import MAX_ENTRY
from acm_addon.captures.flow_frames import Frame, Kind, host_of
from acm_addon.captures.tnetstrings import NULL, Item, item_at, members, value
from acm_addon.home import acm_home
from acm_addon.routing import BUILT_IN, Directory
from acm_addon.user_providers import directory

_DIGITS = 12
_BUFFER = 1024 * 1024


def frames_of(file: BinaryIO, known: Directory = BUILT_IN) -> Iterator[Frame]:
    """One frame for each flow of a file."""
    while (raw := _next(file)) != b"":
        yield _frame(raw, file.tell(), hashlib.sha256(raw or b"").digest(), known)


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


def _frame(raw: bytes | None, end: int, digest: bytes, known: Directory) -> Frame:
    if raw is None:
        return Frame(Kind.UNREADABLE, end, digest)
    try:
        raw, flow = _converted(raw)
        return _of_flow(raw, flow, Frame(Kind.CALL, end, digest), known)
    except Exception:  # Whatever mitmproxy makes of a damaged flow of an earlier version.
        return Frame(Kind.UNREADABLE, end, digest)


def _converted(raw: bytes) -> tuple[bytes, dict[str, Item]]:
    """The flow as the mitmproxy that is installed writes it, and its members. Raises anything."""
    flow = members(raw, *item_at(raw, 0)[:2])
    if "version" in flow and value(raw, *flow["version"]) == FLOW_FORMAT_VERSION:
        return raw, flow
    from mitmproxy.io import compat, tnetstring

    loaded: Any = tnetstring.loads(raw)
    raw = tnetstring.dumps(compat.migrate_flow(loaded))
    return raw, members(raw, *item_at(raw, 0)[:2])


def _of_flow(raw: bytes, flow: dict[str, Item], frame: Frame, known: Directory) -> Frame:
    """``frame`` with what of the flow matters."""
    if value(raw, *flow["type"]) != "http":
        return replace(frame, kind=Kind.NO_CALL)
    start, stop, _ = flow["request"]
    request = members(raw, start, stop)
    port = value(raw, *request["port"])
    if known.of_address(host_of(request, raw, known), port) is None:
        return replace(frame, kind=Kind.NO_CALL)
    return replace(
        frame,
        broken_off=flow["error"][2] != NULL,
        request=raw[start:stop],
        response=raw[slice(*flow["response"][:2])],
        websocket=raw[slice(*flow["websocket"][:2])],
    )


def main() -> int:
    with Path(sys.argv[1]).open("rb") as file, open(1, "wb", _BUFFER, closefd=False) as out:
        for frame in frames_of(file, directory(acm_home())):
            out.write(frame.packed())
    return 0


if __name__ == "__main__":
    sys.exit(main())

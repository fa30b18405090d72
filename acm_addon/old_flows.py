"""``python -m acm_addon.old_flows``: converts flows that other versions of mitmproxy wrote.

The other side, and what passes between them, is ``acm_addon.captures.old_flows``.
"""

import sys
from typing import Any, BinaryIO

from mitmproxy.io import compat, tnetstring

from acm_addon.captures.old_flows import receive, send


def serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Converts one flow after another, until there are no more."""
    while (flow := receive(asked)) is not None:
        send(answers, _converted(flow))


def _converted(flow: bytes) -> bytes:
    """Empty where nothing came of it."""
    try:
        loaded: Any = tnetstring.loads(flow)
        return tnetstring.dumps(compat.migrate_flow(loaded))
    except Exception:  # Whatever mitmproxy makes of a damaged flow.
        return b""


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)

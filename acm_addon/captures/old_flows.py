"""Flows of other versions of mitmproxy, through mitmproxy's own conversion.

It runs in a process of its own, ``python -m acm_addon.old_flows``, because it needs mitmproxy and
the command line does not load that. Most files need none: the process starts with the first flow
that does. Both sides say a length of eight bytes, and as many bytes: the flow, and what it became,
which is empty where it became nothing.
"""

import subprocess
import sys
from contextlib import suppress
from struct import Struct
from typing import IO

_LENGTH = Struct(">Q")


def send(stream: IO[bytes], data: bytes) -> None:
    """Raises OSError."""
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """None where the other side has ended. Raises OSError."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (size,) = _LENGTH.unpack(head)
    data = stream.read(size)
    return data if len(data) == size else None


class Conversion:
    """The process, and what it is asked. A flow that it dies over costs itself alone."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def convert(self, flow: bytes) -> bytes:
        """The flow as the mitmproxy that is installed writes it.

        Raises ValueError or OSError where that is not to be had.
        """
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        answer = None
        try:
            send(process.stdin, flow)
            answer = receive(process.stdout)
        finally:
            if answer is None:
                self.close()
        if not answer:
            raise ValueError("the flow is damaged, or of a version that is not known")
        return answer

    def _start(self) -> "subprocess.Popen[bytes]":
        self._process = subprocess.Popen(
            [sys.executable, "-m", "acm_addon.old_flows"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return self._process

    def close(self) -> None:
        """Ends the process. Another flow starts another."""
        process, self._process = self._process, None
        if process is not None:
            # What it was not told any more cannot be told now.
            with suppress(OSError), process:
                process.kill()

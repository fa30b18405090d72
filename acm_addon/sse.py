"""Server-sent events, incrementally: bytes in, events out. Sans-IO; never raises.

Follows https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream, but
leaves the bytes undecoded and does not track ``id`` and ``retry``, which mean nothing to a meter.
"""

from typing import NamedTuple

MAX_EVENT = 8 * 1024 * 1024
"""Bytes of one event. A longer one is dropped and counted in ``dropped``."""

_BOM = b"\xef\xbb\xbf"


class Event(NamedTuple):
    """One event. A tuple rather than a dataclass: streams carry hundreds of thousands."""

    name: bytes
    """``event:`` of the stream, ``message`` where there is none."""
    data: bytes


class SseParser:
    """The same events come out however the bytes are cut."""

    def __init__(self) -> None:
        self.dropped = 0
        """Events that were too long."""
        self._pieces: list[bytes] = []
        self._size = 0
        self._last = b""
        """The last byte that was fed, with line ends made ``\\n``."""
        self._at_start = True
        self._skip_newline = False
        self._too_long = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that ``data`` completes."""
        if self._skip_newline or b"\r" in data:
            data = self._with_plain_newlines(data)
        if not data:
            return []
        ends_here = b"\n\n" in data or (self._last == b"\n" and data[:1] == b"\n")
        self._last = data[-1:]
        if not ends_here:
            self._hold(data)
            return []
        self._pieces.append(data)
        blocks = b"".join(self._pieces).split(b"\n\n")
        self._pieces = []
        self._size = 0
        if self._too_long:
            del blocks[0]
            self._too_long = self._at_start = False
            self.dropped += 1
        self._hold(blocks.pop())
        return self._events(blocks)

    def pending(self) -> Event | None:
        """The event that the stream would complete if a blank line came next.

        The standard drops it at the end of a stream; some providers omit the last blank line.
        """
        if self._too_long or not self._pieces:
            return None
        block = b"".join(self._pieces)
        return _parse(block.removeprefix(_BOM) if self._at_start else block)

    def _with_plain_newlines(self, data: bytes) -> bytes:
        """``data`` with CRLF and CR turned into LF, also where CRLF was cut in two."""
        if self._skip_newline and data:
            data = data.removeprefix(b"\n")
            self._skip_newline = False
        if data.endswith(b"\r"):
            self._skip_newline = True
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _hold(self, data: bytes) -> None:
        """Keep the start of an event until its blank line comes, or its end if it is too long."""
        if not data:
            return
        self._size += len(data)
        # One byte over may be the first half of the blank line.
        self._too_long = self._too_long or self._size > MAX_EVENT + 1
        if self._too_long:
            self._pieces = [data[-1:]]
        else:
            self._pieces.append(data)

    def _events(self, blocks: list[bytes]) -> list[Event]:
        events = []
        for block in blocks:
            if self._at_start:
                self._at_start = False
                block = block.removeprefix(_BOM)  # noqa: PLW2901
            if len(block) > MAX_EVENT:
                self.dropped += 1
            elif event := _parse(block):
                events.append(event)
        return events


def _parse(block: bytes) -> Event | None:
    """The event of the lines between two blank lines, or None where they carry no data.

    Nearly all events are one of two forms, which are told at a glance.
    """
    if block.startswith(b"data: ") and b"\n" not in block:
        return Event(b"message", block[6:])
    if block.startswith(b"event: "):
        name, _, line = block.partition(b"\n")
        if line.startswith(b"data: ") and b"\n" not in line:
            return Event(name[7:] or b"message", line[6:])
    name = b"message"
    data: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value or b"message"
    return Event(name, b"\n".join(data)) if data else None

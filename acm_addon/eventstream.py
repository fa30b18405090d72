"""AWS event stream (``application/vnd.amazon.eventstream``): bytes in, messages out. Sans-IO.

A message is a prelude (its length, the headers' length, their CRC-32), headers, a payload, and the
CRC-32 of all before, numbers in network order:
https://smithy.io/2.0/aws/amazon-eventstream.html

Never raises. A stream that is not this, or whose CRC is wrong, sets ``damaged`` and nothing comes
out from then on: after a wrong length there is no telling where the next message begins.
"""

import zlib
from collections.abc import Mapping
from typing import NamedTuple

MAX_MESSAGE = 8 * 1024 * 1024
"""Bytes of one message. A longer one is skipped, its CRC unread, and counted in ``dropped``."""
MAX_HEADERS = 128 * 1024
"""Bytes of the headers of one message, as in the AWS SDKs. More is damage."""

_PRELUDE = 12
_CRC = 4

_FIXED_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type: true, false, byte, short, int, long, timestamp, UUID."""
_BYTES, _STRING = 6, 7
"""The types whose value is preceded by its length in two bytes."""


class Message(NamedTuple):
    """One message. A tuple rather than a dataclass: streams carry very many."""

    headers: Mapping[str, str]
    """Those of type string alone: ``:event-type``, ``:exception-type``, ``:content-type``, ….

    Of equal names, the last.
    """
    payload: bytes


class EventStreamParser:
    """The same messages come out however the bytes are cut."""

    def __init__(self) -> None:
        self.damaged = False
        self.dropped = 0
        """Messages that were too long."""
        self._buffer = bytearray()
        self._needed = _PRELUDE
        """Bytes that the buffer must hold before there is anything to do."""
        self._skip = 0
        """Bytes still to come of a message that is too long."""

    @property
    def unfinished(self) -> bool:
        """Whether the bytes so far end in the middle of a message."""
        return bool(self._buffer or self._skip)

    def feed(self, data: bytes) -> list[Message]:
        """The messages that ``data`` completes."""
        messages: list[Message] = []
        if self.damaged:
            return messages
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        self._buffer += data
        position = 0
        while len(self._buffer) - position >= self._needed:
            position = self._step(position, messages)
        del self._buffer[:position]
        return messages

    def _step(self, start: int, messages: list[Message]) -> int:
        """Read the prelude or the whole message that begins at ``start``; where to go on."""
        buffer = self._buffer
        total = _number(buffer, start)
        headers = _number(buffer, start + 4)
        if self._needed == _PRELUDE:
            right = zlib.crc32(buffer[start : start + 8]) == _number(buffer, start + 8)
            if not right or headers > MAX_HEADERS or total < _PRELUDE + headers + _CRC:
                return self._give_up()
            if total > MAX_MESSAGE:
                return self._leap(start, total)
            self._needed = total
            return start
        self._needed = _PRELUDE
        headers_end, end = start + _PRELUDE + headers, start + total
        fields = _strings(bytes(buffer[start + _PRELUDE : headers_end]))
        if fields is None or zlib.crc32(buffer[start : end - _CRC]) != _number(buffer, end - _CRC):
            return self._give_up()
        messages.append(Message(fields, bytes(buffer[headers_end : end - _CRC])))
        return end

    def _give_up(self) -> int:
        self.damaged = True
        self._buffer.clear()
        return 0

    def _leap(self, start: int, total: int) -> int:
        self.dropped += 1
        held = min(total, len(self._buffer) - start)
        self._skip = total - held
        return start + held


def _number(buffer: bytearray, position: int) -> int:
    return int.from_bytes(buffer[position : position + 4])


def _strings(raw: bytes) -> dict[str, str] | None:
    """The headers of type string, or None where the bytes are no headers."""
    fields: dict[str, str] = {}
    position = 0
    while position < len(raw):
        name_end = position + 1 + raw[position]
        if name_end >= len(raw):
            return None
        kind = raw[name_end]
        start = name_end + 1
        if kind in (_BYTES, _STRING):
            end = start + 2 + int.from_bytes(raw[start : start + 2])
            start += 2
        elif kind in _FIXED_SIZES:
            end = start + _FIXED_SIZES[kind]
        else:
            return None
        if end > len(raw) or start > len(raw):
            return None
        if kind == _STRING:
            name = raw[position + 1 : name_end].decode(errors="replace")
            fields[name] = raw[start:end].decode(errors="replace")
        position = end
    return fields

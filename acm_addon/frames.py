"""Framing of journal records: pure functions over bytes.

A frame is ``RS length crc payload LF``: the record separator 0x1E, the payload's length and CRC-32
as eight hexadecimal digits each, JSON, and a newline. JSON escapes control characters, so RS occurs
at the start of a frame and nowhere else (the idea of RFC 7464): after any damage the reader goes on
at the next one, and damage to a length cannot swallow the frames behind it.
"""

import zlib
from dataclasses import dataclass

RS = 0x1E
HEADER = 17
"""RS, eight digits of length, eight digits of CRC-32."""


@dataclass(frozen=True, slots=True)
class Frame:
    offset: int
    """Where the frame starts, counted from the start of the scanned bytes."""
    payload: bytes

    @property
    def end(self) -> int:
        return self.offset + HEADER + len(self.payload) + 1


@dataclass(frozen=True, slots=True)
class Scan:
    """What a piece of a journal holds."""

    frames: tuple[Frame, ...]
    consumed: int
    """Bytes that need not be looked at again; the rest is a frame that has not arrived whole."""
    corrupt: int
    """Stretches of bytes that were skipped."""


def frame(payload: bytes) -> bytes:
    """``payload`` must not contain 0x1E; JSON text never does."""
    return b"\x1e%08x%08x%s\n" % (len(payload), zlib.crc32(payload), payload)


def scan(data: bytes, *, final: bool) -> Scan:
    """Read every whole frame of ``data``. Never raises.

    ``final`` says that nothing will be appended any more: a torn tail is then corrupt; otherwise it
    is left unconsumed, because the rest of it may be on its way.
    """
    frames: list[Frame] = []
    corrupt = 0
    position = 0
    while position < len(data):
        end = _frame_end(data, position)
        if end is not None:
            frames.append(Frame(position, data[position + HEADER : end - 1]))
            position = end
            continue
        following = data.find(RS, position + 1)
        if following < 0 and data[position] == RS and not final:
            break
        corrupt += 1
        position = len(data) if following < 0 else following
    return Scan(tuple(frames), position, corrupt)


def _frame_end(data: bytes, start: int) -> int | None:
    """Where the frame that starts at ``start`` ends, or None when no whole, sound one does."""
    body = start + HEADER
    if data[start] != RS or body > len(data):
        return None
    try:
        length = int(data[start + 1 : start + 9], 16)
        checksum = int(data[start + 9 : body], 16)
    except ValueError:
        return None
    end = body + length + 1
    if length < 0 or end > len(data) or data[end - 1] != 0x0A:
        return None
    return end if zlib.crc32(data[body : end - 1]) == checksum else None

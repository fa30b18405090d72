"""How long an uploaded recording plays, from its first and last bytes and its size. Never raises.

tinytag reads MP3, FLAC, Ogg (Opus, Vorbis, Speex, FLAC), MP4 (M4A), AIFF, and WMA; it is handed a
file of which only the two ends are there. WAV and WebM are read here and in ``webm.py``: tinytag
believes a WAV's length fields, which are nonsense in one that was written as a stream, and does
not read WebM.

Hostile bytes can take half a second: not for the event loop.
"""

import io
import os
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO, cast

from acm_addon.webm import EBML, webm_times

MAX_SECONDS = 10_000_000
"""A longer recording (four months) is not believed."""

_PAGE = b"OggS"
_EXACT_WAVE_FORMATS = (0x0001, 0x0003, 0x0006, 0x0007, 0xFFFE)
"""PCM, float, A-law, mu-law, extensible: every second has the same bytes."""
_SAMPLE = 64 * 1024
"""Bytes of an MP3 that are enough to tell its bit rate."""


@dataclass(frozen=True, slots=True)
class Duration:
    seconds: Decimal
    """To the microsecond, above zero."""
    estimated: bool = False
    """Derived from the size and a bit rate, or from where the last piece begins."""


@dataclass(frozen=True, slots=True)
class _Sound:
    """What tinytag says, None where it says nothing."""

    is_mpeg: bool
    seconds: float | None
    bit_rate: float | None
    """Bits a second, above zero."""
    missed: bool
    """Whether tinytag asked for bytes that are not there."""


def duration(head: bytes, tail: bytes, size: int) -> Duration | None:
    """How long a file of ``size`` bytes plays, None where it cannot be told.

    ``head``: its first bytes; ``tail``: its last ones, as far as they are not in the head.
    """
    if size < len(head) + len(tail) or _is_adts(head):
        return None
    if head.startswith(EBML):
        return _webm(head, tail)
    if head.startswith(b"RIFF") and head[8:12] == b"WAVE":
        return _wave(head, size)
    if head.startswith(_PAGE):
        return _ogg(head, tail, size)
    if head[4:8] != b"ftyp":
        # Only MP4 may have its index there. tinytag goes through an MP3 byte by byte.
        tail = tail[-_SAMPLE:]
    sound = _sound(head, tail, size)
    if sound is None:
        return None
    return _mpeg(sound, head, tail, size) if sound.is_mpeg else _believed(sound.seconds)


def _is_adts(head: bytes) -> bool:
    """Bare AAC, whose frames say nothing of their number; tinytag takes it for an odd MP3."""
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0


def _webm(head: bytes, tail: bytes) -> Duration | None:
    times = webm_times(head, tail)
    return _believed(times.stated) or _believed(times.last_block, estimated=True)


def _wave(head: bytes, size: int) -> Duration | None:
    """The length of ``data`` over the bytes a second of ``fmt``.

    A length of zero, or beyond the file, is that of a stream, or of a file that was cut off; then
    the sound is what there is.
    """
    position, kind, rate = 12, 0, 0
    while len(chunk := head[position : position + 8]) == 8:
        length = int.from_bytes(chunk[4:], "little")
        position += 8
        if chunk[:4] == b"fmt ":
            kind = int.from_bytes(head[position : position + 2], "little")
            rate = int.from_bytes(head[position + 8 : position + 12], "little")
        elif chunk[:4] == b"data":
            there = size - position
            known = 0 < length <= there
            seconds = Decimal(length if known else there) / rate if rate else None
            return _believed(seconds, estimated=not known or kind not in _EXACT_WAVE_FORMATS)
        position += length + length % 2
    return None


def _ogg(head: bytes, tail: bytes, size: int) -> Duration | None:
    """The position in the last pages is the duration, so those in between may be left out."""
    if len(head) + len(tail) < size:
        first, last = head.rfind(_PAGE), tail.find(_PAGE)
        if last < 0:
            return None
        head, tail = head[:first], tail[last:]
    sound = _sound(head, tail, len(head) + len(tail))
    return _believed(sound.seconds) if sound else None


def _mpeg(sound: _Sound, head: bytes, tail: bytes, size: int) -> Duration | None:
    """MP3: a Xing, Info, or VBRI header states the frames; else the size and bit rate tell."""
    if not sound.missed:
        # What was stated, or counted, does not change with the size of the file.
        longer = _sound(head, tail, size + _SAMPLE)
        derived = longer is not None and not longer.missed and longer.seconds != sound.seconds
        return _believed(sound.seconds, estimated=derived)
    bit_rate = sound.bit_rate
    if bit_rate is None:
        # A picture in the tag may fill the head. The last frames are like those before them.
        last = _sound(tail[tail.find(b"\xff") :], b"", size)
        bit_rate = last.bit_rate if last is not None and last.is_mpeg else None
    audio = size - _id3_size(head)
    return _believed(audio * 8 / bit_rate if bit_rate else None, estimated=True)


def _id3_size(head: bytes) -> int:
    """Bytes of the ID3v2 tag in front: a header of ten, whose last 4 x 7 bits say what follows."""
    if not head.startswith(b"ID3") or len(head) < 10:
        return 0
    first, second, third, fourth = head[6:10]
    return 10 + (first << 21 | second << 14 | third << 7 | fourth)


def _sound(head: bytes, tail: bytes, size: int) -> _Sound | None:
    from tinytag import TinyTag, TinyTagException

    file = _Ends(head, tail, size)
    try:
        tag = TinyTag.get(file_obj=cast(BinaryIO, file), tags=False)
    except TinyTagException:
        return None
    bit_rate = tag.bitrate * 1000 if tag.bitrate and tag.bitrate > 0 else None
    return _Sound(tag.mime_type == "audio/mpeg", tag.duration, bit_rate, file.missed)


def _believed(seconds: float | Decimal | None, *, estimated: bool = False) -> Duration | None:
    # Both comparisons are false for what is not a number.
    if seconds is None or not 0 < seconds <= MAX_SECONDS:
        return None
    exact = Decimal(seconds).quantize(Decimal("0.000001"))
    return Duration(exact, estimated) if exact else None


class _Ends(io.RawIOBase):
    """A file of which only the two ends are there. It seems to end where the gap begins."""

    def __init__(self, head: bytes, tail: bytes, size: int) -> None:
        self.missed = False
        self._head = head
        self._tail = tail
        self._size = size
        self._position = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if start + offset < 0:
            raise OSError("before the start")
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1, /) -> bytes:
        start = self._position
        data = self._head[start : start + size]
        tail_start = self._size - len(self._tail)
        if start + len(data) >= tail_start:
            begin = start + len(data) - tail_start
            data += self._tail[begin : begin + size - len(data)]
        self.missed = self.missed or len(data) < min(size, self._size - start)
        self._position += len(data)
        return data

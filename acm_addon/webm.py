"""How long a WebM or Matroska file plays (RFC 9559), from its first and last bytes. Never raises.

The segment's Info states a duration, unless the file was written as a stream, as browsers record
them. Then the last block of the last cluster says when it begins, which is at most one block, some
tens of milliseconds, before the end.
"""

import struct
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

EBML = b"\x1a\x45\xdf\xa3"
"""What the file begins with."""

_SEGMENT, _INFO, _CLUSTER = 0x18538067, 0x1549A966, 0x1F43B675
_TIMESTAMP_SCALE, _DURATION = 0x2AD7B1, 0x4489
_CLUSTER_TIMESTAMP, _SIMPLE_BLOCK, _BLOCK_GROUP, _BLOCK = 0xE7, 0xA3, 0xA0, 0xA1
_CONTAINERS = (_SEGMENT, _INFO, _BLOCK_GROUP)

_CLUSTER_ID = _CLUSTER.to_bytes(4)
_DEFAULT_SCALE = 1_000_000
"""Nanoseconds of a tick where the file does not say."""
_NANO = Decimal(10) ** 9
MAX_ELEMENTS = 100_000
"""Elements that are looked at. No file has more in the bytes that are kept of it."""


class WebmTimes(NamedTuple):
    stated: Decimal | None
    """Seconds, as the header says."""
    last_block: Decimal | None
    """Seconds at which the last block begins."""


class _Element(NamedTuple):
    id: int
    start: int
    end: int
    """Where its data lies; the end may be beyond the bytes that are there."""


def webm_times(head: bytes, tail: bytes) -> WebmTimes:
    """``head``: the first bytes; ``tail``: the last ones, as far as they are not in the head."""
    scale, ticks = _DEFAULT_SCALE, None
    for element in _elements(head, 0):
        if element.id == _CLUSTER:
            break
        data = head[element.start : element.end]
        if element.id == _TIMESTAMP_SCALE:
            scale = int.from_bytes(data[:8]) or scale
        elif element.id == _DURATION:
            ticks = _float(data)
    block = _last_block(tail) if _CLUSTER_ID in tail else _last_block(head + tail)
    return WebmTimes(
        None if ticks is None else _seconds(ticks, scale),
        None if block is None else _seconds(Decimal(block), scale),
    )


def _seconds(ticks: Decimal, scale: int) -> Decimal:
    return ticks * scale / _NANO


def _float(data: bytes) -> Decimal | None:
    """A number of four or eight bytes, None for anything else and for what is no number."""
    shape = {4: ">f", 8: ">d"}.get(len(data))
    value = Decimal(struct.unpack(shape, data)[0]) if shape else None
    return value if value is not None and value.is_finite() else None


def _last_block(data: bytes) -> int | None:
    """The ticks at which the last block of the last cluster begins."""
    cluster = data.rfind(_CLUSTER_ID)
    if cluster < 0:
        return None
    base: int | None = None
    latest: int | None = None
    inside = _vint(data, cluster + 4, keep_marker=False)
    for element in _elements(data, inside[1]) if inside else ():
        value = data[element.start : element.end]
        if element.id == _CLUSTER_TIMESTAMP:
            base = int.from_bytes(value[:8])
        elif element.id in (_SIMPLE_BLOCK, _BLOCK) and base is not None:
            track = _vint(data, element.start, keep_marker=True)
            after = track[1] if track else element.end
            if after + 2 <= min(element.end, len(data)):
                latest = base + int.from_bytes(data[after : after + 2], signed=True)
    return latest


def _elements(data: bytes, position: int) -> Iterator[_Element]:
    """The elements from ``position`` on, and those inside containers, in the file's order."""
    for _ in range(MAX_ELEMENTS):
        identity = _vint(data, position, keep_marker=True)
        length = _vint(data, identity[1], keep_marker=False) if identity else None
        if identity is None or length is None:
            return
        start = length[1]
        element = _Element(identity[0], start, start + length[0])
        yield element
        position = start if element.id in _CONTAINERS else element.end


def _vint(data: bytes, position: int, *, keep_marker: bool) -> tuple[int, int] | None:
    """A number of one to eight bytes (RFC 8794 section 4) and what follows it; None at the end."""
    if position >= len(data) or data[position] == 0:
        return None
    width = 9 - data[position].bit_length()
    end = position + width
    if end > len(data):
        return None
    value = int.from_bytes(data[position:end])
    return value if keep_marker else value & ~(1 << 7 * width), end

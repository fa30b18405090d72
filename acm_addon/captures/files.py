"""What a capture file is, and its entries one after another, whatever its size.

A file is known by how it begins, never by its name. Texts may be UTF-8 or UTF-16, with or without a
byte order mark. No more than one entry is in memory.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from acm_addon.captures.base import MAX_ENTRY, Format
from acm_addon.captures.flows import next_flow
from acm_addon.captures.har_entries import HarEntries
from acm_addon.captures.har_salvage import apart, closes, is_several

_PIECE = 1024 * 1024
_FLOW = re.compile(rb"\d{1,12}:")
"""A tnetstring begins with its length."""
_HAR = re.compile(r'\s*\{\s*"log"\s*:')
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True, slots=True)
class Raw:
    """One entry as it lies in its file."""

    number: int
    """Its line, counted from 1, or its index, counted from 0."""
    data: bytes | None
    """The entry's JSON or the flow; None where it is cut off, or longer than ``MAX_ENTRY``."""
    end: int
    """Bytes of the file that were read up to now, for a progress display."""


def format_of(path: Path) -> Format:
    """Raises OSError. What is neither HAR nor flows is taken for lines."""
    with path.open("rb") as file:
        start = file.read(4096)
    if _FLOW.match(start):
        return Format.FLOWS
    text = start.decode(_encoding(start) or "utf-8", "replace")
    return Format.HAR if _HAR.match(text) else Format.LINES


def raw_entries(path: Path, format_: Format) -> Iterator[Raw]:
    """Every entry of a file. Raises OSError."""
    match format_:
        case Format.FLOWS:
            yield from _flows(path)
        case Format.HAR:
            yield from _har(path)
        case Format.LINES:
            yield from _lines(path)


def _har(path: Path) -> Iterator[Raw]:
    """Also one without data at the end, where there may have been more that did not come out."""
    entries, index, damaged = HarEntries(), 0, False
    with path.open("rb") as file:
        for whole in _har_entries(entries, file):
            for data in (None,) if whole is None else apart(whole):
                damaged |= whole is not None and (data is None or not closes(data))
                yield Raw(index, data, file.tell())
                index += 1
        if entries.astray and not damaged:
            yield Raw(index, None, file.tell())


def _har_entries(entries: HarEntries, file: BinaryIO) -> Iterator[bytes | None]:
    """Those that end, and what there is of one that does not but seems to hold others."""
    for piece in _utf8(file):
        yield from entries.feed(piece)
    if entries.inside_entry and (rest := entries.held()) and is_several(rest):
        yield rest


def _lines(path: Path) -> Iterator[Raw]:
    """Lines that are not blank."""
    with path.open("rb") as file:
        for number, line in enumerate(_split(_utf8(file)), start=1):
            if line is None or line.strip():
                yield Raw(number, line, file.tell())


def _split(pieces: Iterator[bytes]) -> Iterator[bytes | None]:
    """Lines without their ends; None for one that is longer than ``MAX_ENTRY``."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        first, *rest = piece.split(b"\n")
        for part in (first, *rest[:-1]) if rest else ():
            size += len(part)
            yield b"".join((*held, part)) if size <= MAX_ENTRY else None
            held, size = [], 0
        last = rest[-1] if rest else first
        size += len(last)
        if size <= MAX_ENTRY:
            held.append(last)
        else:
            held = []
    if size:
        yield b"".join(held) if size <= MAX_ENTRY else None


def _utf8(file: BinaryIO) -> Iterator[bytes]:
    """The file's text as UTF-8. What is UTF-8 already, or no text at all, passes as it is."""
    piece = file.read(_PIECE)
    encoding = _encoding(piece)
    if encoding is None:
        while piece:
            yield piece
            piece = file.read(_PIECE)
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    while piece:
        yield decoder.decode(piece).encode("utf-8", "replace")
        piece = file.read(_PIECE)
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def _encoding(start: bytes) -> str | None:
    """What a text must be decoded from, or None where it is UTF-8 without a mark."""
    for mark, encoding in _BOMS.items():
        if start.startswith(mark):
            return encoding
    # A capture begins with ASCII: in UTF-16 every other byte of it is zero.
    if len(start) >= 2 and 0 in start[:2]:
        return "utf-16-le" if start[1] == 0 else "utf-16-be"
    return None


def _flows(path: Path) -> Iterator[Raw]:
    index = 0
    with path.open("rb", _PIECE) as file:
        while (flow := next_flow(file)) != b"":
            yield Raw(index, flow, file.tell())
            index += 1

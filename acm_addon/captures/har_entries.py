"""Cuts the entries out of a HAR document as its bytes pass, without holding the document.

Sans-IO. A streaming JSON library would hand out parsed values; what is wanted are the bytes of each
entry: they identify it, a damaged one costs itself alone, and one that is too long can be let pass
without being held.
"""

import json
import re
from collections.abc import Iterator

from acm_addon.captures.base import MAX_ENTRY

_TEXT = rb'[^"\\]*+(?:\\.[^"\\]*+)*+'
_STRING = b'"' + _TEXT + b'"'
_BETWEEN = rb'[^"{}\[\]]*+'
_FLAT = _BETWEEN + b"(?:" + _STRING + _BETWEEN + b")*+"
_CLOSED = _STRING + rb"|\{" + _FLAT + rb"\}|\[" + _FLAT + rb"\]"
_RUN = re.compile(_BETWEEN + b"(?:(?:" + _CLOSED + b")" + _BETWEEN + b")*+", re.DOTALL)
"""Everything up to the next bracket that does not close within two steps: headers, mostly."""
_REST_OF_STRING = re.compile(_TEXT, re.DOTALL)
_BETWEEN_ENTRIES = re.compile(_BETWEEN)
_ENTRIES_KEY = re.compile(rb'"entries"\s*+:\s*+\Z')
_LOG_KEY = re.compile(rb'"log"\s*+:\s*+\Z')
_TAIL = 64
"""Bytes before a bracket that are kept to see whether it follows the key."""
_DECODER = json.JSONDecoder()
_DOCUMENT_DEPTH, _LOG_DEPTH, _ENTRIES_DEPTH = 1, 2, 3


class HarEntries:
    """Feed it the document in pieces of any size; entries come out as they close."""

    def __init__(self, limit: int = MAX_ENTRY) -> None:
        self._limit = limit
        self._depth = 0
        self._in_entries = False
        self._in_string = False
        self._rest = b""
        """A backslash that ended a piece, inside a string."""
        self._tail = b""
        self._held: list[bytes] = []
        self._size = 0
        self._had_log = False
        """Whether this document is a HAR."""
        self._astray = False

    @property
    def astray(self) -> bool:
        """Whether its brackets do not match, it is cut off, or something else stands beside it:
        there may be entries that did not come out."""
        return self._astray or self._depth > 0 or self._in_string

    @property
    def inside_entry(self) -> bool:
        """Whether an entry has begun and not ended: at the end of a file, a cut."""
        return self._in_entries and self._depth > _ENTRIES_DEPTH

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """The entries that ``data`` completes; None for one that is longer than the limit."""
        data = self._rest + data
        self._rest = b""
        # A character is a byte here, and what JSON is made of is ASCII.
        text = data.decode("latin-1")
        at = start = 0
        sound = True
        while at < len(data):
            if self._in_string:
                at = self._through_string(data, at)
                continue
            begun = at
            at = self._pattern().match(data, at).end()  # type: ignore[union-attr]
            self._note(data[max(begun, at - _TAIL) : at])
            if at == len(data):
                break
            byte = data[at]
            at += 1
            if byte == 0x22:
                self._in_string = True
                self._note(b'"')
            elif byte in b"{[":
                if self._open(byte):
                    start = at - 1
                    end = _end_of_json(text, start) if sound else None
                    # To say where damage is, json counts the lines of the piece up to it: once is
                    # enough, for entries may be damaged by the thousand.
                    sound = end is not None
                    if end:
                        at = end
                        self._close()
                        yield self._entry(data[start:at])
            elif self._close():
                yield self._entry(data[start:at])
        if self.inside_entry:
            self._hold(data[start : len(data) - len(self._rest)])

    def held(self) -> bytes | None:
        """What came of an entry that did not end; None where it is longer than the limit."""
        return b"".join(self._held) if self._size <= self._limit else None

    def _pattern(self) -> re.Pattern[bytes]:
        at_entries = self._in_entries and self._depth == _ENTRIES_DEPTH
        return _BETWEEN_ENTRIES if at_entries or self._depth <= _DOCUMENT_DEPTH else _RUN

    def _through_string(self, data: bytes, at: int) -> int:
        end = _REST_OF_STRING.match(data, at).end()  # type: ignore[union-attr]
        self._note(data[max(at, end - _TAIL) : end])
        if end == len(data):
            return end
        if data[end] == 0x22:
            self._in_string = False
            self._note(b'"')
            return end + 1
        self._rest = data[end:]
        return len(data)

    def _note(self, passed: bytes) -> None:
        if not self._in_entries:
            self._tail = (self._tail + passed)[-_TAIL:]

    def _open(self, byte: int) -> bool:
        """True where the bracket begins an entry."""
        entry = self._in_entries and self._depth == _ENTRIES_DEPTH
        if byte == 0x5B and self._depth == _LOG_DEPTH and not self._in_entries:
            self._in_entries = _ENTRIES_KEY.search(self._tail) is not None
        elif self._depth == _DOCUMENT_DEPTH:
            self._had_log |= _LOG_KEY.search(self._tail) is not None
        self._tail = b""
        self._depth += 1
        if entry:
            self._held, self._size = [], 0
        return entry

    def _close(self) -> bool:
        """True where the bracket ends an entry."""
        self._depth -= 1
        if self._depth <= 0:
            self._astray |= not self._had_log
            self._depth, self._had_log = 0, False
        if self._in_entries and self._depth < _ENTRIES_DEPTH:
            self._in_entries = False
            return False
        return self._in_entries and self._depth == _ENTRIES_DEPTH

    def _hold(self, part: bytes) -> None:
        self._size += len(part)
        if self._size <= self._limit:
            self._held.append(part)
        else:
            self._held.clear()

    def _entry(self, last: bytes) -> bytes | None:
        self._hold(last)
        whole = b"".join(self._held) if self._size <= self._limit else None
        self._held = []
        return whole


def _end_of_json(text: str, start: int) -> int | None:
    """Where the value ends that begins at ``start``, or None where it is damaged or cut off.

    A sound entry that is all there is found so in half the time that its brackets take.
    """
    try:
        return _DECODER.raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return None

"""Captures chosen values of a JSON document of any size without holding the document. Sans-IO.

The document is walked over its structural characters. Only containers on the way to a wanted path
are walked key by key; everything else, such as base64 images and embedding vectors, is skipped at
the speed of C, checked for balanced brackets and strings only. Never raises; malformed input stops
the walk and sets ``malformed``. Several documents one after another (NDJSON) are read as one.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from acm_addon.json_paths import ANY, Key, Node, Path, matches, tree

MAX_VALUE = 256 * 1024
"""Bytes of one captured value. A longer one is not kept, and sets ``truncated``."""
MAX_TOTAL = 1024 * 1024
"""Bytes of all captured values. Beyond it the oldest go, and ``truncated`` is set."""
MAX_DEPTH = 4096
"""Containers in containers. A deeper document counts as malformed."""
MAX_TOKEN = 4096
"""Bytes of a key on the way to a wanted path, with the blanks around it."""

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_KEY = re.compile(rb"[ \t\r\n]*+(" + _STRING + rb")[ \t\r\n]*+:[ \t\r\n]*+", re.DOTALL)
_KEY_START = re.compile(
    rb'[ \t\r\n]*+(?:"(?:[^"\\]++|\\.)*+(?:\\?\Z|"[ \t\r\n]*+\Z))?\Z', re.DOTALL
)
_FLAT_MEMBER = re.compile(
    rb'[ \t\r\n]*+"([^"\\]*+)"[ \t\r\n]*+:[ \t\r\n]*+(' + _STRING + rb"|[-+.\w]++)[ \t\r\n]*+,",
    re.DOTALL,
)
"""A whole member of an object, the next comma included, whose value is no container."""
_BLANKS = re.compile(rb"[ \t\r\n]*+")
_EMPTY_OBJECT = re.compile(rb"[ \t\r\n]*+\}")
_FLAT = re.compile(rb'(?:[^"\[\]{}]++|' + _STRING + rb")*+", re.DOTALL)
_STRING_END = re.compile(rb'(?:[^"\\]++|\\.)*+"', re.DOTALL)
_SCALAR = re.compile(rb"[-+.\w]*+")

_SPACE, _QUOTE, _BACKSLASH, _COMMA = b' "\\,'
_BRACES = {ord("{"): ord("}"), ord("["): ord("]")}
_OBJECT_END, _ARRAY_END = b"}]"
_BOM = b"\xef\xbb\xbf"

_DECODER = json.JSONDecoder(parse_float=Decimal)


def parse(raw: bytes) -> object:
    """A JSON value with Decimal for fractions, or None where it is not JSON. Never raises."""
    try:
        return _DECODER.decode(raw.decode())
    except (ValueError, ArithmeticError, RecursionError):
        return None


@dataclass(slots=True)
class _Frame:
    """A container on the way to a wanted path."""

    node: Node
    place: tuple[Key, ...]
    is_array: bool
    key: Key = -1
    seen: set[str] = field(default_factory=set)
    """Keys that were walked into, to notice a second one of that name."""


class JsonFields:
    """Feed it a document; ask for the captured values at any time."""

    def __init__(self, wanted: tuple[Path, ...]) -> None:
        """``wanted``: paths of keys and ``ANY``; none may lead through another."""
        self.malformed = False
        self.truncated = False
        """A wanted value was too long, or too many were found."""
        self._root = tree(wanted)
        self._values: dict[tuple[Key, ...], bytes] = {}
        self._total = 0
        self._documents = 0
        self._frames: list[_Frame] = []
        self._state = self._value
        self._tail = b""
        """Bytes of a token that is not complete."""
        self._closers = bytearray()
        """What closes the containers that are being skipped, innermost last."""
        self._escaped = False
        self._target: tuple[Key, ...] | None = None
        self._captured: list[bytes] = []
        self._captured_size = 0

    @property
    def closed(self) -> bool:
        """Whether the document is complete: its last bracket was seen."""
        at_end = not self._frames and self._state == self._value
        return at_end and self._documents > 0 and not self.malformed

    def value(self, *path: str) -> object:
        """The captured value of a path (the last one, if there is an ``ANY`` in it), or None."""
        raw = self._values.get(path)
        if ANY in path:
            latest_first = reversed(self._values.items())
            raw = next((raw for place, raw in latest_first if matches(place, path)), None)
        return None if raw is None else parse(raw)

    def values(self, *path: str) -> Iterator[object]:
        """Every captured value of a path, in the document's order."""
        for place, raw in self._values.items():
            if matches(place, path):
                yield parse(raw)

    def siblings(self, parent: Path, *keys: str) -> Iterator[tuple[object, ...]]:
        """For every object at ``parent``: its captured values of ``keys``, None where absent."""
        objects: dict[tuple[Key, ...], list[object]] = {}
        for place, raw in self._values.items():
            if place[-1] in keys and matches(place[:-1], parent):
                row = objects.setdefault(place[:-1], [None] * len(keys))
                row[keys.index(str(place[-1]))] = parse(raw)
        yield from map(tuple, objects.values())

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self.malformed or not data:
            return
        buffer = self._tail + data if self._tail else data
        self._tail = b""
        position = 0
        # A state that needs more bytes than there are keeps its token in the tail.
        while position < len(buffer) and not self.malformed:
            after = self._state(buffer, position)
            if after < 0:
                self._tail = buffer[position:]
                self.malformed = self.malformed or len(self._tail) > MAX_TOKEN
                return
            position = after

    # States take the buffer and a position; they return the one after what they read, -1 for more.

    def _value(self, buffer: bytes, position: int) -> int:
        """Before a value: of the document, of a key, or of an array (which may also end)."""
        frames = self._frames
        if not frames and not self._documents and buffer.startswith(_BOM[:1], position):
            return self._bom(buffer, position)
        start = _past_blanks(buffer, position)
        if start == len(buffer):
            return start
        first = buffer[start]
        node: Node | None = self._root
        place: tuple[Key, ...] = ()
        if frames:
            frame = frames[-1]
            if frame.is_array:
                if first == _ARRAY_END and frame.key == -1:
                    return self._pop(start)
                assert isinstance(frame.key, int)
                frame.key += 1
                node = frame.node.children.get(ANY)
            else:
                assert isinstance(frame.key, str)
                node = self._child(frame, frame.key)
            place = (*frame.place, frame.key) if node is not None else ()
        if node is not None:
            if node.wanted:
                self._target = place
            elif first in _BRACES:
                frames.append(_Frame(node, place, first == ord("[")))
                self._state = self._value if first == ord("[") else self._first_key
                return start + 1
        return self._begin(buffer, start)

    def _bom(self, buffer: bytes, position: int) -> int:
        if buffer.startswith(_BOM, position):
            return position + 3
        self.malformed = not _BOM.startswith(buffer[position:])
        return -1

    def _child(self, frame: _Frame, key: str) -> Node | None:
        """The wanted node under a key. As in json.loads, the last of equal keys is the one."""
        node = frame.node.children.get(key) if key != ANY else None
        if node is not None and not node.wanted:
            if key in frame.seen:
                self._forget((*frame.place, key))
            frame.seen.add(key)
        return node

    def _begin(self, buffer: bytes, start: int) -> int:
        """Go into a value that is skipped, or captured, as a whole."""
        first = buffer[start]
        if first == _QUOTE:
            self._state = self._string
        elif first in _BRACES:
            self._closers.append(_BRACES[first])
            self._state = self._skip
        else:
            self._state = self._scalar
            end = self._scalar(buffer, start)
            self.malformed = self.malformed or end == start
            return end
        self._capture(buffer, start, start + 1)
        return self._state(buffer, start + 1) if start + 1 < len(buffer) else start + 1

    def _scalar(self, buffer: bytes, position: int) -> int:
        match = _SCALAR.match(buffer, position)
        assert match is not None
        end = match.end()
        self._capture(buffer, position, end)
        if end < len(buffer):
            self._end_of_value()
        return end

    def _string(self, buffer: bytes, position: int) -> int:
        """Inside a string; ``_escaped`` where the last byte before was a lone backslash."""
        start = position
        if self._escaped:
            self._escaped = False
            position += 1
        # Nearly every string ends at the next quote; memchr finds it.
        end = buffer.find(b'"', position) + 1
        if end and buffer[end - 2] == _BACKSLASH and end - 2 >= position:
            match = _STRING_END.match(buffer, position)
            end = match.end() if match else 0
        if not end:
            rest = buffer[position:]
            self._escaped = (len(rest) - len(rest.rstrip(b"\\"))) % 2 == 1
            self._capture(buffer, start, len(buffer))
            return len(buffer)
        self._capture(buffer, start, end)
        if self._closers:
            self._state = self._skip
        else:
            self._end_of_value()
        return end

    def _skip(self, buffer: bytes, position: int) -> int:
        """Inside containers that are not walked."""
        start = position
        closers = self._closers
        end = len(buffer)
        while position < end:
            flat = _FLAT.match(buffer, position)
            assert flat is not None
            position = flat.end()
            if position == end:
                break
            byte = buffer[position]
            position += 1
            if byte == _QUOTE:
                # It does not end in this buffer, or the pattern would have taken it.
                self._capture(buffer, start, position)
                self._state = self._string
                return position
            if byte in _BRACES:
                closers.append(_BRACES[byte])
                if len(closers) + len(self._frames) > MAX_DEPTH:
                    self.malformed = True
                    return position
            elif closers.pop() != byte:
                self.malformed = True
                return position
            elif not closers:
                self._capture(buffer, start, position)
                self._end_of_value()
                return position
        self._capture(buffer, start, position)
        return position

    def _first_key(self, buffer: bytes, position: int) -> int:
        """After ``{``: a key, or the end of an empty object."""
        if buffer[position] != _QUOTE and (end := _EMPTY_OBJECT.match(buffer, position)):
            self.malformed = end.end() - 1 - position > MAX_TOKEN
            return self._pop(end.end() - 1)
        return self._next_key(buffer, position)

    def _next_key(self, buffer: bytes, position: int) -> int:
        start = position
        position = self._flat_members(buffer, position)
        match = _KEY.match(buffer, position)
        if match is None:
            if position > start:
                self._state = self._next_key
                return position
            self.malformed = _KEY_START.match(buffer, position) is None
            return -1
        key = match[1]
        text = parse(key) if b"\\" in key else key[1:-1].decode(errors="replace")
        self.malformed = not isinstance(text, str) or _is_too_long(buffer, position, match.end())
        if isinstance(text, str):
            self._frames[-1].key, self._state = text, self._value
        return match.end()

    def _flat_members(self, buffer: bytes, position: int) -> int:
        """Read all members from here on that are whole and hold no container, at one go each."""
        frame = self._frames[-1]
        names = frame.node.names
        while (member := _FLAT_MEMBER.match(buffer, position)) and not _is_too_long(
            buffer, position, member.start(2)
        ):
            if member[1] in names:
                key = member[1].decode()
                if key == ANY or not frame.node.children[key].wanted:
                    break
                self._keep((*frame.place, key), member[2])
            position = member.end()
        return position

    def _after(self, buffer: bytes, position: int) -> int:
        """After a value in a container: a comma, or the container's end."""
        start = _past_blanks(buffer, position)
        if start == len(buffer):
            return start
        frame = self._frames[-1]
        byte = buffer[start]
        if byte == _COMMA:
            self._state = self._value if frame.is_array else self._next_key
            return start + 1
        if byte == (_ARRAY_END if frame.is_array else _OBJECT_END):
            return self._pop(start)
        self.malformed = True
        return start

    def _pop(self, position: int) -> int:
        self._frames.pop()
        self._end_of_value()
        return position + 1

    def _end_of_value(self) -> None:
        if self._target is not None:
            fits = self._captured_size <= MAX_VALUE
            self._keep(self._target, b"".join(self._captured) if fits else None)
            self._target = None
            self._captured.clear()
            self._captured_size = 0
        if not self._frames:
            self._documents += 1
        self._state = self._after if self._frames else self._value

    def _capture(self, buffer: bytes, start: int, end: int) -> None:
        if self._target is None:
            return
        self._captured_size += end - start
        if self._captured_size <= MAX_VALUE:
            self._captured.append(buffer[start:end])
        else:
            self._captured.clear()

    def _keep(self, place: tuple[Key, ...], raw: bytes | None) -> None:
        """Store a value (None: it was too long); of equal keys, the last one stays."""
        self._drop(place)
        if raw is None or len(raw) > MAX_VALUE:
            self.truncated = True
            return
        self._values[place] = raw
        self._total += len(raw)
        while self._total > MAX_TOTAL:
            self.truncated = True
            self._drop(next(iter(self._values)))

    def _forget(self, prefix: tuple[Key, ...]) -> None:
        for place in [place for place in self._values if place[: len(prefix)] == prefix]:
            self._drop(place)

    def _drop(self, place: tuple[Key, ...]) -> None:
        self._total -= len(self._values.pop(place, b""))


def _past_blanks(buffer: bytes, position: int) -> int:
    if buffer[position] > _SPACE:  # as nearly always
        return position
    blanks = _BLANKS.match(buffer, position)
    assert blanks is not None
    return blanks.end()


def _is_too_long(buffer: bytes, start: int, end: int) -> bool:
    """Whether a key has more than its bound before its colon, as it would if it came in pieces."""
    return end - start > MAX_TOKEN and buffer.rindex(b":", start, end) - start > MAX_TOKEN

"""Texts of responses, for the tokenizer fallback. In memory only, never written.

Used only where a provider reports no usage, so it does as little as it can until asked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import itemgetter

from acm_addon.json_fields import parse
from acm_addon.providers.prompts import Answer, dump, well_formed

MAX_RAW = 1024 * 1024
"""Bytes of response payloads that are held as they came; more are folded into their texts."""
MAX_TEXT = 4 * 1024 * 1024
"""Bytes of generated text that are held; more is counted by length only."""

_BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class TextKeys:
    """Which values of a response's JSON are generated text, by their keys."""

    strings: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    """Keys of objects that the model wrote: the arguments of a tool call."""
    foreign: tuple[str, ...] = ()
    """Keys of objects and lists in which nothing counts: what others wrote, and repetitions."""
    spare: tuple[str, ...] = ()
    """Keys among ``strings`` that repeat another: not counted in an event that has one."""


_NAME = "name"
"""The key of a called tool's name, in every API."""
_REASONING = ("reasoning_content", "reasoning", "thinking")
type _Found = tuple[str, tuple[bytes, ...]]
"""A key, and the pieces of one text as they stood in the JSON."""


_COLON = rb'"[ \t\r\n]*+:[ \t\r\n]*+'
_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[{}\[\]]', re.DOTALL)


@lru_cache(maxsize=64)
def _pattern(keys: TextKeys) -> re.Pattern[bytes]:
    """Finds the string values of keys, and where their objects and the foreign ones begin.

    The last quote of a string may be missing: a body may be cut there.
    """
    finds = (
        (keys.strings, _COLON + rb'"(?P<string>(?:[^"\\]++|\\.)*+)"?'),
        (keys.objects, _COLON + rb"(?P<object>)(?=\{)"),
        (keys.foreign, _COLON + rb"(?P<foreign>)(?=[{\[])"),
    )
    choices = (
        rb"(?:" + "|".join(map(re.escape, names)).encode() + rb")" + value
        if names
        else rb"(?!)" + value
        for names, value in finds
    )
    return re.compile(rb'"(?:' + rb"|".join(choices) + rb")", re.DOTALL)


def _key(match: re.Match[bytes]) -> str:
    return match[0][1 : match[0].index(b'"', 1)].decode()


def _end_of_container(raw: bytes, start: int) -> int:
    """Where the object or list that begins at ``start`` ends, at the latest where ``raw`` does."""
    depth = 0
    for match in _BRACKETS.finditer(raw, start):
        if match[0] in (b"{", b"["):
            depth += 1
        elif match[0] in (b"}", b"]"):
            depth -= 1
            if not depth:
                return match.end()
    return len(raw)


class GeneratedText:
    """What a model wrote, held as raw payloads until somebody asks."""

    def __init__(self, keys: TextKeys, *, events: bool) -> None:
        """``events``: what is added are the events of a stream, and not the pieces of one
        document."""
        self._pattern = _pattern(keys)
        self._spare = keys.spare
        self._events = events
        self._raw: list[bytes] = []
        self._raw_size = 0
        self._folded: list[tuple[str, bytes]] = []
        self._folded_size = 0
        self._payloads = 0
        self._bytes = 0
        self._smallest = MAX_RAW

    def add(self, payload: bytes) -> None:
        size = len(payload)
        self._payloads += 1
        self._bytes += size
        self._smallest = min(self._smallest, size)
        if self._events or self._raw_size < MAX_RAW:
            self._raw.append(payload)
            self._raw_size += size
            if self._events and self._raw_size > MAX_RAW:
                self._fold()

    def answer(self) -> Answer:
        """What is known by now; no more than ``MAX_TEXT`` bytes, or a ``MAX_RAW`` of a document."""
        found = [(key, _unescape(pieces)) for key, pieces in self._whole()]
        return Answer(
            texts=tuple(text for key, text in found if key != _NAME and key not in _REASONING),
            calls=tuple(text for key, text in found if key == _NAME),
            reasoning=tuple(text for key, text in found if key in _REASONING),
        )

    def tokens(self) -> int:
        """About how many tokens. In a stream one an event, or a quarter of what the bytes have in
        excess of the smallest event, which is nearly all envelope."""
        if not self._events:
            return self._bytes // _BYTES_PER_TOKEN
        excess = self._bytes - self._payloads * self._smallest
        return max(self._payloads, excess // _BYTES_PER_TOKEN)

    def _whole(self) -> Iterator[_Found]:
        """What was found, the pieces that a stream cut a text into put together again."""
        found = [(key, text) for key, text in self._folded + self._found() if text]
        if not self._events:
            yield from ((key, (text,)) for key, text in found)
            return
        for key, run in groupby(found, key=itemgetter(0)):
            pieces = tuple(text for _, text in run)
            yield from ((key, (name,)) for name in pieces) if key == _NAME else [(key, pieces)]

    def _found(self) -> list[tuple[str, bytes]]:
        payloads = self._raw if self._events else [b"".join(self._raw)]
        found = []
        for raw in payloads:
            texts = list(self._found_in(raw))
            if any(key not in self._spare and text for key, text in texts):
                texts = [each for each in texts if each[0] not in self._spare]
            found += texts
        return found

    def _found_in(self, raw: bytes) -> Iterator[tuple[str, bytes]]:
        passed = 0
        for match in self._pattern.finditer(raw):
            if match.start() < passed:
                continue
            if match["string"] is not None:
                yield _key(match), match["string"]
                continue
            passed = _end_of_container(raw, match.end())
            if match["object"] is not None:
                yield _key(match), raw[match.end() : passed]

    def _fold(self) -> None:
        for key, text in self._found():
            if self._folded_size + len(text) > MAX_TEXT:
                break
            self._folded.append((key, text))
            self._folded_size += len(text)
        self._raw.clear()
        self._raw_size = 0


def _unescape(pieces: tuple[bytes, ...]) -> str:
    """The text that a JSON string or object held, of all its pieces if they are JSON together."""
    raw = b"".join(pieces)
    if raw.startswith(b"{") and isinstance(written := parse(raw), dict):
        return dump(written)
    text = parse(b'"' + raw + b'"')
    if isinstance(text, str):
        return well_formed(text)
    if len(pieces) > 1:
        return "".join(_unescape((piece,)) for piece in pieces)
    return raw.decode(errors="replace")

"""Texts of requests and responses, for the tokenizer fallback. In memory only, never written.

Used only where a provider reports no usage, so both ends do as little as they can until asked.
"""

import json
import re
from dataclasses import dataclass
from functools import lru_cache

from acm_addon.json_fields import parse

MAX_RAW = 1024 * 1024
"""Bytes of response payloads that are held as they came; more are folded into their texts."""
MAX_TEXT = 4 * 1024 * 1024
"""Bytes of generated text that are held; more is counted by length only."""

_BYTES_PER_TOKEN = 4

_INPUTS = (
    "system",
    "systemInstruction",
    "system_instruction",
    "instructions",
    "messages",
    "contents",
    "content",
    "input",
    "prompt",
    "suffix",
    "requests",
)
"""Fields of request bodies that hold input, over all the APIs we read."""
_SCHEMAS = ("tools", "functions", "response_format")
"""Fields whose keys are input too."""
_NOT_TEXT = frozenset(
    (
        "type",
        "role",
        "id",
        "call_id",
        "tool_call_id",
        "tool_use_id",
        "url",
        "image_url",
        "file_id",
        "file_data",
        "file",
        "filename",
        "data",
        "media_type",
        "mime_type",
        "mimeType",
        "detail",
        "signature",
        "thoughtSignature",
        "encrypted_content",
        "cache_control",
        "inlineData",
        "inline_data",
        "fileData",
        "input_audio",
        "model",
    )
)


def input_texts(body: bytes) -> list[str]:
    """The texts of a JSON request body; empty where it cannot be read."""
    document = parse(body)
    if not isinstance(document, dict):
        return []
    found: list[str] = []
    rest = [document[field] for field in reversed(_INPUTS) if field in document]
    while rest:
        value = rest.pop()
        if isinstance(value, str):
            found.append(_well_formed(value))
        elif isinstance(value, list):
            rest.extend(reversed(value))
        elif isinstance(value, dict):
            rest.extend(value[key] for key in reversed(value) if key not in _NOT_TEXT)
    schemas = (document[field] for field in _SCHEMAS if document.get(field))
    found.extend(_well_formed(_dump(schema)) for schema in schemas)
    return found


@dataclass(frozen=True, slots=True)
class TextKeys:
    """Which values of a response's JSON are generated text, by their keys."""

    strings: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    """Keys of objects that the model wrote: the arguments of a tool call."""
    foreign: tuple[str, ...] = ()
    """Keys of objects and lists in which nothing counts: what others wrote, and repetitions."""


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
        self._events = events
        self._raw: list[bytes] = []
        self._raw_size = 0
        self._folded: list[bytes] = []
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

    def texts(self) -> list[str]:
        """The texts in order; no more than ``MAX_TEXT`` bytes, or a ``MAX_RAW`` of a document."""
        found = self._folded + self._found()
        return [_unescape(text) for text in found if text]

    def tokens(self) -> int:
        """About how many tokens. In a stream one an event, or a quarter of what the bytes have in
        excess of the smallest event, which is nearly all envelope."""
        if not self._events:
            return self._bytes // _BYTES_PER_TOKEN
        excess = self._bytes - self._payloads * self._smallest
        return max(self._payloads, excess // _BYTES_PER_TOKEN)

    def _found(self) -> list[bytes]:
        raw = (b"\n" if self._events else b"").join(self._raw)
        found = []
        passed = 0
        for match in self._pattern.finditer(raw):
            if match.start() < passed:
                continue
            if match["string"] is not None:
                found.append(match["string"])
                continue
            passed = _end_of_container(raw, match.end())
            if match["object"] is not None:
                found.append(raw[match.end() : passed])
        return found

    def _fold(self) -> None:
        for text in self._found():
            if self._folded_size + len(text) > MAX_TEXT:
                break
            self._folded.append(text)
            self._folded_size += len(text)
        self._raw.clear()
        self._raw_size = 0


def _unescape(raw: bytes) -> str:
    if raw.startswith(b"{") and isinstance(written := parse(raw), dict):
        return _well_formed(_dump(written))
    text = parse(b'"' + raw + b'"')
    return _well_formed(text) if isinstance(text, str) else raw.decode(errors="replace")


def _well_formed(text: str) -> str:
    """``text`` without lone surrogates, which JSON can carry and no encoder takes."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _dump(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return ""

"""Usage in streams whose client did not ask for it: the question added, the answer taken out again.

OpenAI's chat streams carry usage only where the request says
``"stream_options": {"include_usage": true}``. Then a last chunk without choices has it, and every
other chunk has ``"usage": null`` (openai-python, ``types/chat/chat_completion_chunk.py``). A
project may have acm ask on its behalf; the client gets the stream that it would have got. Sans-IO.
"""

import json
import re

from acm_addon.json_fields import parse

MAX_BODY = 8 * 1024 * 1024
"""Bytes of a request that are changed. A longer one passes as it is."""
MAX_EVENT = 1024 * 1024
"""Bytes of an event that are held until it is complete. A longer one passes as it is."""

_ASKED = '"stream_options":{"include_usage":true},'
_END = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_DATA = re.compile(rb"^data: ?(.*)$", re.MULTILINE)
_NULL = re.compile(rb',\s*+"usage"\s*+:\s*+null')
"""Cannot be inside of a text: there its quotes would be escaped."""
_BLANKS = re.compile(r"[ \t\r\n]*+")
_DECODER = json.JSONDecoder()


def asking_for_usage(body: bytes) -> bytes | None:
    """A request body that asks for usage, else equal to ``body``.

    None where there is nothing to change: it is no JSON object, asks for no stream, asks for usage
    already, or is longer than ``MAX_BODY``.
    """
    if len(body) > MAX_BODY:
        return None
    try:
        text = body.decode()
        members = _members(text)
    except (ValueError, LookupError, RecursionError):
        return None
    if "stream" not in members or text[slice(*members["stream"])] != "true":
        return None
    asked = _asking(text, *members.get("stream_options", (0, 0)))
    return None if asked is None else asked.encode()


def _asking(text: str, start: int, end: int) -> str | None:
    """``text`` with the question. Its options lie from ``start`` to ``end``; 0 if it has none."""
    if not end:
        start = text.index("{") + 1
        return text[:start] + _ASKED + text[start:]
    options = _DECODER.decode(text[start:end]) or {}
    if not isinstance(options, dict) or options.get("include_usage") is True:
        return None
    asked = json.dumps({**options, "include_usage": True}, separators=(",", ":"))
    return text[:start] + asked + text[end:]


class UsageStripper:
    """Takes out of a stream what only our question brought into it.

    Every other byte passes as soon as the event that it belongs to is complete.
    """

    def __init__(self) -> None:
        self._held = b""
        self._passed = 0
        """Bytes of the event at hand that have passed already: it is too long."""

    def feed(self, data: bytes) -> bytes:
        """What the client gets of the stream so far, without what it got before."""
        blocks, start = [], 0
        data = self._held + data
        for end in _END.finditer(data, max(0, len(self._held) - 3)):
            blocks.append(self._event(data[start : end.end()]))
            start = end.end()
        self._held = data[start:]
        if self._passed + len(self._held) > MAX_EVENT:
            # But for what may be a part of its blank line.
            blocks.append(self._held[:-3])
            self._passed += len(blocks[-1])
            self._held = self._held[-3:]
        return b"".join(blocks)

    def end(self) -> bytes:
        """What is left of a stream that ends in the middle of an event."""
        left, self._held = self._held, b""
        return self._event(left)

    def _event(self, rest: bytes) -> bytes:
        """The event that ends with ``rest``, as far as it has not passed."""
        too_long = self._passed + len(rest) > MAX_EVENT
        self._passed = 0
        return rest if too_long else _stripped(rest)


def _members(text: str) -> dict[str, tuple[int, int]]:
    """Where the values of a JSON object lie, by key; of a repeated key the last.

    Raises ValueError or IndexError where ``text`` is no JSON object.
    """
    found = {}
    at = _after_blanks(text, 0)
    if text[at] != "{":
        raise ValueError("no object")
    at = _after_blanks(text, at + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        at = _after_blanks(text, at)
        if text[at] != ":" or not isinstance(key, str):
            raise ValueError("no member")
        start = _after_blanks(text, at + 1)
        _, end = _DECODER.raw_decode(text, start)
        found[key] = (start, end)
        at = _after_blanks(text, end)
        if text[at] == ",":
            at = _after_blanks(text, at + 1)
        elif text[at] != "}":
            raise ValueError("no end")
    if _after_blanks(text, at + 1) != len(text):
        raise ValueError("more than an object")
    return found


def _after_blanks(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    assert match is not None
    return match.end()


def _stripped(block: bytes) -> bytes:
    """An event with its blank line, as the client would have got it: perhaps not at all."""
    if b'"usage"' not in block:
        return block
    chunk = parse(b"\n".join(_DATA.findall(block)))
    if isinstance(chunk, dict) and chunk.get("choices") == [] and chunk.get("usage"):
        return b""
    return _NULL.sub(b"", block)

"""The values between a request and the bytes of its answer, and what the three families share."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cli.standin.script import Script

JSON = "application/json"
SSE = "text/event-stream; charset=utf-8"

TEXT = "This is the stand-in speaking: no model was asked, and no money was spent."


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, as far as an answer depends on it."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Lower-case names; the last of several."""
    body: Mapping[str, Any]
    size: int
    """Bytes of the request body."""
    number: int
    """Counts the calls of this stand-in, so that ids are unique and yet predictable."""
    created: int
    """Unix seconds."""
    script: Script = field(default_factory=Script)

    @property
    def input_tokens(self) -> int:
        """As a rule of thumb has it, four bytes make a token."""
        return max(1, self.size // 4)

    @property
    def words(self) -> tuple[str, ...]:
        """The text of the answer in pieces, each counted as one output token."""
        words = (self.script.say or TEXT).split(" ")
        pieces = [words[0], *(f" {word}" for word in words[1:])]
        count = self.script.pieces or len(pieces)
        return tuple(pieces[index % len(pieces)] for index in range(count))

    @property
    def text(self) -> str:
        return "".join(self.words)

    @property
    def streamed(self) -> bool:
        return self.body.get("stream") is True

    def id(self, prefix: str) -> str:
        return f"{prefix}standin{self.number:08d}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response before compression and framing."""

    pieces: Sequence[bytes]
    """The body; each piece leaves as it is made."""
    status: int = 200
    content_type: str = JSON
    streamed: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    object_id: str | None = None
    model: str | None = None
    usage: Mapping[str, int] | None = None
    """What the body reports, inclusive and in acm's unit names; None where it reports nothing."""


def as_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def event(value: object, name: str | None = None) -> bytes:
    """One server-sent event."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + as_json(value) + b"\n\n"


def broken_off(pieces: Sequence[bytes], error: bytes) -> list[bytes]:
    """The first half of a stream, and then its error event."""
    return [*pieces[: max(1, len(pieces) // 2)], error]

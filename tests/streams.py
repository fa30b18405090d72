"""Streams of every family, put together from their events: the same call in five shapes.

Each consumed 100 input tokens, 40 of them read from the cache, and 20 output tokens.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.wire import JSON, SSE, Wire, as_json

INPUT, CACHED, OUTPUT = 100, 40, 20
PIECES = ("Rivers ", "run ", "to the sea, ", "and the sea ", "is not full.")

type Event = tuple[str | None, dict[str, Any] | str]
"""Its name, if the family gives it one, and its data."""


@dataclass(frozen=True, slots=True)
class Family:
    """How one API streams. Its functions make events of what they are told."""

    name: str
    host: str
    path: str
    request: dict[str, Any]
    opening: Callable[[bool], list[Event]]
    """Before any text. Told whether the stream reports usage."""
    text: Callable[[str], list[Event]]
    counted_text: Callable[[str, int], list[Event]] | None
    """A piece of text, and a count of the output so far; None where the family has no such."""
    closing: Callable[[bool], list[Event]]
    """After the text. Told whether the stream reports usage."""
    failure: Event
    cost: int
    """Nano-dollars, by hand."""
    is_array: bool = False

    @property
    def model(self) -> str:
        return str(self.request["model"])

    def wire(self, body: bytes) -> Wire:
        kind = JSON if self.is_array else SSE
        return Wire(self.host, self.path, body, as_json(self.request), content_type=kind)

    def render(self, events: Sequence[Event], dress: "Dress | None" = None) -> bytes:
        """The body of a stream that reached its end."""
        if self.is_array:
            line = (dress or PLAIN).line
            return b"[" + (b"," + line).join(self.parts(events, dress)) + line + b"]" + line
        return b"".join(self.parts(events, dress))

    def parts(self, events: Sequence[Event], dress: "Dress | None" = None) -> list[bytes]:
        dress = dress or PLAIN
        return [
            dress.data(data) if self.is_array else dress.event(event)
            for event in events
            for data in event[1:]
        ]

    def cut(self, events: Sequence[Event]) -> bytes:
        """The body of a stream that broke off after ``events``, in the middle of the next one."""
        parts = self.parts(events)
        return (
            b"[" + b",\n".join([*parts, b'{"cand']) if self.is_array else b"".join([*parts, b"da"])
        )


@dataclass(frozen=True, slots=True)
class Dress:
    """A way of writing the same events."""

    line: bytes = b"\n"
    before: bytes = b""
    """Between any two events: comments, pings, empty lines."""
    indent: int | None = None
    """Data over several lines."""

    def data(self, data: dict[str, Any] | str) -> bytes:
        text = data if isinstance(data, str) else json.dumps(data, indent=self.indent)
        return text.encode().replace(b"\n", self.line)

    def event(self, event: Event) -> bytes:
        name, data = event
        head = f"event: {name}".encode() + self.line if name else b""
        lines = self.data(data).split(self.line)
        body = b"".join(b"data: " + line + self.line for line in lines)
        return self.before + head + body + self.line


PLAIN = Dress()
DRESSES = {
    "plain": PLAIN,
    "crlf": Dress(line=b"\r\n"),
    "cr": Dress(line=b"\r"),
    "comments": Dress(before=b": keep-alive\n\n:\n\n"),
    "pings": Dress(before=b'event: ping\ndata: {"type": "ping"}\n\n'),
    "multi-line": Dress(indent=2),
    "multi-line crlf": Dress(line=b"\r\n", indent=1),
}


def _chat(**fields: Any) -> Event:
    return None, {"id": "c1", "object": "chat.completion.chunk", "model": "gpt-4o", **fields}


def _chat_text(text: str, **fields: Any) -> Event:
    return _chat(choices=[{"index": 0, "delta": {"content": text}}], **fields)


def _chat_usage(output: int) -> dict[str, Any]:
    return {
        "prompt_tokens": INPUT,
        "completion_tokens": output,
        "total_tokens": INPUT + output,
        "prompt_tokens_details": {"cached_tokens": CACHED},
    }


def _chat_closing(reports: bool) -> list[Event]:
    finish = _chat(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
    usage = [_chat(choices=[], usage=_chat_usage(OUTPUT))] if reports else []
    return [finish, *usage, (None, "[DONE]")]


def _response(kind: str, **fields: Any) -> Event:
    return kind, {"type": kind, **fields}


def _responses_closing(reports: bool) -> list[Event]:
    usage = {
        "input_tokens": INPUT,
        "input_tokens_details": {"cached_tokens": CACHED},
        "output_tokens": OUTPUT,
        "total_tokens": INPUT + OUTPUT,
    }
    done = {"id": "r1", "model": "gpt-4o", "status": "completed", "output": []}
    return [_response("response.completed", response={**done, "usage": usage if reports else None})]


def _message_start(reports: bool) -> list[Event]:
    """With what the input came to, and a stub of the output."""
    usage = {
        "input_tokens": INPUT - CACHED,
        "cache_read_input_tokens": CACHED,
        "cache_creation_input_tokens": 0,
        "output_tokens": 1,
    }
    message = {"id": "m1", "model": "claude-sonnet-4-5", **({"usage": usage} if reports else {})}
    return [_response("message_start", message=message)]


def _message_text(text: str) -> list[Event]:
    delta = {"type": "text_delta", "text": text}
    return [_response("content_block_delta", index=0, delta=delta)]


def _message_delta(output: int | None) -> Event:
    usage = {} if output is None else {"usage": {"output_tokens": output}}
    return _response("message_delta", delta={"stop_reason": None}, **usage)


def _message_closing(reports: bool) -> list[Event]:
    return [_message_delta(OUTPUT if reports else None), _response("message_stop")]


def _chunk(text: str, output: int | None, *, ends: bool = False) -> Event:
    candidate = {"content": {"parts": [{"text": text}]}, "index": 0}
    finish = {"finishReason": "STOP"} if ends else {}
    usage = {
        "promptTokenCount": INPUT,
        "cachedContentTokenCount": CACHED,
        "candidatesTokenCount": output,
        "totalTokenCount": INPUT + (output or 0),
    }
    reported = {} if output is None else {"usageMetadata": usage}
    tail = {"modelVersion": "gemini-2.5-flash", "responseId": "g1"}
    return None, {"candidates": [candidate | finish], **reported, **tail}


def _gemini(name: str, query: str, *, is_array: bool) -> Family:
    return Family(
        name=name,
        host="generativelanguage.googleapis.com",
        path=f"/v1beta/models/gemini-2.5-flash:streamGenerateContent{query}",
        request={"model": "gemini-2.5-flash", "contents": [{"parts": [{"text": "Speak."}]}]},
        opening=lambda _reports: [],
        text=lambda text: [_chunk(text, None)],
        counted_text=lambda text, output: [_chunk(text, output)],
        closing=lambda reports: [_chunk("", OUTPUT if reports else None, ends=True)],
        failure=(None, {"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}),
        # 60 x 0.30 + 40 x 0.03 + 20 x 2.50 dollars a million
        cost=69_200,
        is_array=is_array,
    )


_ASKED = [{"role": "user", "content": "Speak."}]

FAMILIES = (
    Family(
        name="chat",
        host="api.openai.com",
        path="/v1/chat/completions",
        request={"model": "gpt-4o", "stream": True, "messages": _ASKED},
        opening=lambda _reports: [_chat_text("")],
        text=lambda text: [_chat_text(text)],
        counted_text=lambda text, output: [_chat_text(text, usage=_chat_usage(output))],
        closing=_chat_closing,
        failure=(None, {"error": {"message": "Overloaded.", "type": "server_error"}}),
        # 60 x 2.50 + 40 x 1.25 + 20 x 10 dollars a million
        cost=400_000,
    ),
    Family(
        name="responses",
        host="api.openai.com",
        path="/v1/responses",
        request={"model": "gpt-4o", "stream": True, "input": "Speak."},
        opening=lambda _reports: [
            _response("response.created", response={"id": "r1", "model": "gpt-4o", "usage": None})
        ],
        text=lambda text: [_response("response.output_text.delta", delta=text)],
        counted_text=None,
        closing=_responses_closing,
        failure=_response("error", code="server_error", message="Overloaded."),
        cost=400_000,
    ),
    Family(
        name="messages",
        host="api.anthropic.com",
        path="/v1/messages",
        request={"model": "claude-sonnet-4-5", "stream": True, "messages": _ASKED},
        opening=_message_start,
        text=_message_text,
        counted_text=lambda text, output: [*_message_text(text), _message_delta(output)],
        closing=_message_closing,
        failure=_response("error", error={"type": "overloaded_error", "message": "Overloaded."}),
        # 60 x 3 + 40 x 0.30 + 20 x 15 dollars a million
        cost=492_000,
    ),
    _gemini("gemini events", "?alt=sse", is_array=False),
    _gemini("gemini array", "", is_array=True),
)

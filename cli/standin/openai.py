"""The OpenAI shapes: chat and legacy completions, embeddings, models, files; responses beside."""

import base64
import math
import re
import struct
from collections.abc import Mapping
from typing import Any

from cli.standin.answer import Answer, Ask, as_json, event
from cli.standin.openai_parts import served_model, stream, token_counts
from cli.standin.openai_responses import responses

DIMENSIONS = 1536
BILLABLE = ("/chat/completions", "/responses", "/embeddings", "/completions")


def billable(method: str, path: str) -> bool:
    return method == "POST" and path.endswith(BILLABLE)


def answer(method: str, ask: Ask) -> Answer:
    if method == "POST":
        for ending, make in _MAKERS.items():
            if ask.path.endswith(ending):
                return make(ask)
    if method == "GET" and ask.path.endswith("/models"):
        return _models(ask)
    return error(404, f"Unknown request URL: {method} {ask.path}.")


def error(status: int, message: str) -> Answer:
    kind = "invalid_request_error" if status < 429 else "server_error"
    body = {"error": {"message": message, "type": kind, "param": None, "code": None}}
    retry = (("retry-after", "1"),) if status == 429 else ()
    return Answer([as_json(body)], status=status, headers=retry)


def _chat_usage(counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "prompt_tokens": counts["input_tokens"],
        "completion_tokens": counts["output_tokens"],
        "total_tokens": counts["input_tokens"] + counts["output_tokens"],
        "prompt_tokens_details": {"cached_tokens": counts["cache_read_tokens"], "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _wants_usage(ask: Ask) -> bool:
    options = ask.body.get("stream_options")
    asked = isinstance(options, Mapping) and options.get("include_usage") is True
    return asked and not ask.script.no_usage


def _tool_call(ask: Ask) -> dict[str, Any]:
    arguments = as_json({"query": ask.text}).decode()
    return {
        "id": ask.id("call_"),
        "type": "function",
        "function": {"name": "lookup", "arguments": arguments},
    }


def _chat(ask: Ask) -> Answer:
    model, object_id, counts = served_model(ask), ask.id("chatcmpl-"), token_counts(ask)
    head = {"id": object_id, "created": ask.created, "model": model, "service_tier": "default"}
    if ask.streamed:
        return _chat_stream(ask, head, counts)
    message: dict[str, Any] = {"role": "assistant", "content": ask.text, "refusal": None}
    if ask.script.tool:
        message |= {"content": None, "tool_calls": [_tool_call(ask)]}
    finish = "tool_calls" if ask.script.tool else "stop"
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    body: dict[str, Any] = head | {"object": "chat.completion", "choices": [choice]}
    if not ask.script.no_usage:
        body["usage"] = _chat_usage(counts)
    return Answer(
        [as_json(body)],
        object_id=object_id,
        model=model,
        usage=None if ask.script.no_usage else counts,
    )


def _chat_stream(ask: Ask, head: dict[str, Any], counts: Mapping[str, int]) -> Answer:
    with_usage = _wants_usage(ask)
    empty = {"usage": None} if with_usage else {}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return event(head | {"object": "chat.completion.chunk", "choices": [choice]} | empty)

    pieces = [chunk({"role": "assistant", "content": "", "refusal": None})]
    if ask.script.tool:
        pieces.append(chunk({"tool_calls": [{"index": 0} | _tool_call(ask)]}))
    else:
        pieces += [chunk({"content": word}) for word in ask.words]
    pieces.append(chunk({}, "tool_calls" if ask.script.tool else "stop"))
    if with_usage:
        last = {"object": "chat.completion.chunk", "choices": [], "usage": _chat_usage(counts)}
        pieces.append(event(head | last))
    pieces.append(b"data: [DONE]\n\n")
    return stream(ask, head["id"], head["model"], pieces, counts if with_usage else None)


def _completions(ask: Ask) -> Answer:
    model, object_id, counts = served_model(ask), ask.id("cmpl-"), token_counts(ask)
    head = {"id": object_id, "object": "text_completion", "created": ask.created, "model": model}
    usage = {
        "prompt_tokens": counts["input_tokens"],
        "completion_tokens": counts["output_tokens"],
        "total_tokens": counts["input_tokens"] + counts["output_tokens"],
    }

    def body(text: str, finish: str | None) -> dict[str, Any]:
        choice = {"text": text, "index": 0, "logprobs": None, "finish_reason": finish}
        return head | {"choices": [choice]}

    if not ask.streamed:
        reported = {} if ask.script.no_usage else {"usage": usage}
        return Answer(
            [as_json(body(ask.text, "stop") | reported)],
            object_id=object_id,
            model=model,
            usage=None if ask.script.no_usage else counts,
        )
    pieces = [event(body(word, None)) for word in ask.words] + [event(body("", "stop"))]
    if _wants_usage(ask):
        pieces.append(event(head | {"choices": [], "usage": usage}))
    pieces.append(b"data: [DONE]\n\n")
    return stream(ask, object_id, model, pieces, counts if _wants_usage(ask) else None)


def _embeddings(ask: Ask) -> Answer:
    model = served_model(ask)
    asked = ask.body.get("input", "")
    inputs = asked if isinstance(asked, list) and asked else [asked]
    data = [
        {"object": "embedding", "index": index, "embedding": _vector(ask, index)}
        for index in range(len(inputs))
    ]
    body: dict[str, Any] = {"object": "list", "data": data, "model": model}
    if not ask.script.no_usage:
        body["usage"] = {"prompt_tokens": ask.input_tokens, "total_tokens": ask.input_tokens}
    usage = None if ask.script.no_usage else {"input_tokens": ask.input_tokens}
    return Answer([as_json(body)], model=model, usage=usage)


def _vector(ask: Ask, index: int) -> str | list[float]:
    """A unit vector that depends on the request's length and the input's place alone."""
    seed = ask.size + index
    raw = [math.sin(seed * (place + 1)) for place in range(DIMENSIONS)]
    length = math.sqrt(sum(value * value for value in raw)) or 1.0
    vector = [round(value / length, 8) for value in raw]
    if ask.body.get("encoding_format") == "base64":
        return base64.b64encode(struct.pack(f"<{DIMENSIONS}f", *vector)).decode()
    return vector


def _models(ask: Ask) -> Answer:
    names = ("gpt-4o", "gpt-4o-mini", "gpt-5-mini", "text-embedding-3-small")
    data = [
        {"id": name, "object": "model", "created": ask.created, "owned_by": "system"}
        for name in names
    ]
    return Answer([as_json({"object": "list", "data": data})])


def _files(ask: Ask) -> Answer:
    """An upload. Like the provider, it gives the file's name back."""
    found = re.search(r'filename="([^"]*)"', str(ask.body.get("raw", "")))
    body = {
        "id": ask.id("file-"),
        "object": "file",
        "bytes": ask.size,
        "created_at": ask.created,
        "filename": found.group(1) if found else "",
        "purpose": "batch",
        "status": "processed",
    }
    return Answer([as_json(body)])


_MAKERS = {
    "/chat/completions": _chat,
    "/responses": responses,
    "/embeddings": _embeddings,
    "/completions": _completions,
    "/files": _files,
}

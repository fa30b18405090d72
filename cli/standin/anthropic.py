"""The Anthropic shapes: messages, plain and streamed, with cache fields; count_tokens; models."""

from collections.abc import Mapping
from typing import Any

from cli.standin.answer import SSE, Answer, Ask, as_json, broken_off, event


def billable(method: str, path: str) -> bool:
    return method == "POST" and path.endswith("/messages")


def answer(method: str, ask: Ask) -> Answer:
    if billable(method, ask.path):
        return _messages(ask)
    if method == "POST" and ask.path.endswith("/messages/count_tokens"):
        return Answer([as_json({"input_tokens": ask.input_tokens})])
    if method == "GET" and ask.path.endswith("/models"):
        names = ("claude-sonnet-4-6", "claude-haiku-4-5")
        data = [
            {
                "type": "model",
                "id": name,
                "display_name": name,
                "created_at": "2025-10-01T00:00:00Z",
            }
            for name in names
        ]
        page = {"data": data, "has_more": False, "first_id": names[0], "last_id": names[-1]}
        return Answer([as_json(page)])
    return error(404, "Not found")


def error(status: int, message: str) -> Answer:
    kinds = {
        400: "invalid_request_error",
        401: "authentication_error",
        404: "not_found_error",
        429: "rate_limit_error",
        529: "overloaded_error",
    }
    inner = {"type": kinds.get(status, "api_error"), "message": message}
    retry = (("retry-after", "1"),) if status == 429 else ()
    return Answer([as_json({"type": "error", "error": inner})], status=status, headers=retry)


def _input_usage(ask: Ask) -> dict[str, Any]:
    """A prompt that marks a cache point writes a quarter of itself to the cache, and reads half.

    The provider's ``input_tokens`` leaves both out.
    """
    cached = "cache_control" in str(ask.body)
    written = ask.input_tokens // 4 if cached else 0
    read = ask.input_tokens // 2 if cached else 0
    return {
        "input_tokens": ask.input_tokens - written - read,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 1,
        "service_tier": "standard",
        "inference_geo": "global",
    }


def _messages(ask: Ask) -> Answer:
    model = str(ask.body.get("model", "claude-sonnet-4-6"))
    usage = _input_usage(ask)
    counts = {
        "input_tokens": ask.input_tokens,
        "cache_read_tokens": usage["cache_read_input_tokens"],
        "cache_write_tokens": usage["cache_creation_input_tokens"],
        "output_tokens": len(ask.words),
    }
    message: dict[str, Any] = {
        "model": model,
        "id": ask.id("msg_"),
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }
    if ask.streamed:
        return _stream(ask, message, usage, counts)
    block: dict[str, Any] = {"type": "text", "text": ask.text}
    if ask.script.tool:
        block = _tool_use(ask) | {"input": {"query": ask.text}}
    reason = "tool_use" if ask.script.tool else "end_turn"
    body = message | {"content": [block], "stop_reason": reason}
    if not ask.script.no_usage:
        body["usage"] = usage | {"output_tokens": counts["output_tokens"]}
    return Answer(
        [as_json(body)],
        object_id=message["id"],
        model=model,
        usage=None if ask.script.no_usage else counts,
    )


def _tool_use(ask: Ask) -> dict[str, Any]:
    return {"type": "tool_use", "id": ask.id("toolu_"), "name": "lookup", "input": {}}


def _stream(
    ask: Ask, message: Mapping[str, Any], usage: Mapping[str, Any], counts: Mapping[str, int]
) -> Answer:
    """``message_start`` carries the input and a stub of the output; ``message_delta`` the rest."""
    reported = not ask.script.no_usage
    opened: dict[str, Any] = {"type": "text", "text": ""}
    deltas: list[dict[str, Any]] = [{"type": "text_delta", "text": word} for word in ask.words]
    if ask.script.tool:
        opened = _tool_use(ask)
        arguments = as_json({"query": ask.text}).decode()
        deltas = [{"type": "input_json_delta", "partial_json": arguments}]
    last = {
        "input_tokens": usage["input_tokens"],
        "cache_creation_input_tokens": usage["cache_creation_input_tokens"],
        "cache_read_input_tokens": usage["cache_read_input_tokens"],
        "output_tokens": counts["output_tokens"],
    }
    reason = "tool_use" if ask.script.tool else "end_turn"

    def send(kind: str, **fields: object) -> bytes:
        return event({"type": kind, **fields}, name=kind)

    start = dict(message) | ({"usage": usage} if reported else {})
    delta = {"stop_reason": reason, "stop_sequence": None}
    pieces = [
        send("message_start", message=start),
        send("content_block_start", index=0, content_block=opened),
        send("ping"),
        *(send("content_block_delta", index=0, delta=value) for value in deltas),
        send("content_block_stop", index=0),
        send("message_delta", delta=delta, **({"usage": last} if reported else {})),
        send("message_stop"),
    ]
    if ask.script.error_event:
        overloaded = {"type": "overloaded_error", "message": "Overloaded"}
        pieces = broken_off(pieces, send("error", error=overloaded))
        reported = False
    return Answer(
        pieces,
        content_type=SSE,
        streamed=True,
        object_id=message["id"],
        model=message["model"],
        usage=counts if reported else None,
    )

"""The OpenAI Responses shape, plain and as its sequence of named events."""

import itertools
from typing import Any

from cli.standin.answer import Answer, Ask, as_json, event
from cli.standin.openai_parts import served_model, stream, token_counts


def responses(ask: Ask) -> Answer:
    model, object_id, counts = served_model(ask), ask.id("resp_"), token_counts(ask)
    part = {"type": "output_text", "annotations": [], "logprobs": [], "text": ask.text}
    item = {
        "id": ask.id("msg_"),
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [part],
    }
    usage = {
        "input_tokens": counts["input_tokens"],
        "input_tokens_details": {"cached_tokens": counts["cache_read_tokens"]},
        "output_tokens": counts["output_tokens"],
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": counts["input_tokens"] + counts["output_tokens"],
    }
    started = {
        "id": object_id,
        "object": "response",
        "created_at": ask.created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": model,
        "output": [],
        "parallel_tool_calls": True,
        "service_tier": "auto",
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": None,
    }
    done = started | {"status": "completed", "output": [item], "service_tier": "default"}
    if not ask.script.no_usage:
        done["usage"] = usage
    if not ask.streamed:
        return Answer(
            [as_json(done)],
            object_id=object_id,
            model=model,
            usage=None if ask.script.no_usage else counts,
        )
    pieces = _response_events(ask, started, done, item, part)
    return stream(ask, object_id, model, pieces, None if ask.script.no_usage else counts)


def _response_events(
    ask: Ask, started: dict[str, Any], done: dict[str, Any], item: dict[str, Any], part: object
) -> list[bytes]:
    number = itertools.count()
    where = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    empty_part = {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}

    def send(kind: str, **fields: object) -> bytes:
        return event({"type": kind, **fields, "sequence_number": next(number)}, name=kind)

    opened = item | {"status": "in_progress", "content": []}
    return [
        send("response.created", response=started),
        send("response.in_progress", response=started),
        send("response.output_item.added", output_index=0, item=opened),
        send("response.content_part.added", **where, part=empty_part),
        *(
            send("response.output_text.delta", **where, delta=word, logprobs=[])
            for word in ask.words
        ),
        send("response.output_text.done", **where, text=ask.text, logprobs=[]),
        send("response.content_part.done", **where, part=part),
        send("response.output_item.done", output_index=0, item=item),
        send("response.completed", response=done),
    ]

"""Anthropic, on hand-written bodies."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from acm_addon.model import ModelUsage, Reason

type Run = Callable[..., Any]

MESSAGES = "anthropic/v1/messages"
SSE = "text/event-stream"

_USAGE: dict[str, Any] = {
    "input_tokens": 10,
    "cache_read_input_tokens": 200,
    "cache_creation_input_tokens": 30,
    "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
    "output_tokens": 1,
    "service_tier": "standard",
    "inference_geo": "us",
}
_START = {"id": "msg_1", "model": "claude-sonnet-4-5", "content": [], "usage": _USAGE}


def _event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


_BEGIN = _event("message_start", message=_START)
_TEXT = _event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Hi"})
_STOP = _event("message_stop")


def _delta(**usage: object) -> bytes:
    return _event("message_delta", delta={"stop_reason": "end_turn"}, usage=usage)


def test_a_message_counts_its_cache_into_the_input(run: Run) -> None:
    """Anthropic leaves cache reads and writes out of input_tokens; the row does not."""
    usage = {**_USAGE, "output_tokens": 50, "server_tool_use": {"web_search_requests": 2}}
    usage |= {"output_tokens_details": {"thinking_tokens": 20}, "speed": "fast"}
    facts = run(MESSAGES, json.dumps({**_START, "usage": usage}).encode()).response.facts()
    assert facts.quantities == {
        "input_tokens": 240,
        "output_tokens": 50,
        "output_reasoning_tokens": 20,
        "cache_read_tokens": 200,
        "cache_write_tokens": 30,
        "cache_write_5m_tokens": 20,
        "cache_write_1h_tokens": 10,
        "web_searches": 2,
    }
    assert ("us", "standard", "msg_1") == (facts.region, facts.tier, facts.object_id)
    assert {"service_tier": "standard", "speed": "fast", "inference_geo": "us"} == (
        facts.price_context
    )
    assert (True, None) == (facts.finished, facts.reason)


def test_batches_are_priced_as_batches(run: Run) -> None:
    usage = {**_USAGE, "service_tier": "batch", "inference_geo": "not_available"}
    facts = run(MESSAGES, json.dumps({**_START, "usage": usage}).encode()).response.facts()
    assert ({"processing": "batch"}, None) == (facts.price_context, facts.region)


@pytest.mark.parametrize("piece", [0, 1, 11])
def test_a_stream_ends_with_the_last_delta(run: Run, piece: int) -> None:
    """Deltas are cumulative, the last wins, and what it leaves out stays from the start."""
    stream = _BEGIN + _event("ping") + _TEXT + _delta(output_tokens=5) + _delta(output_tokens=9)
    call = run(MESSAGES, stream + _STOP, content_type=SSE, piece=piece)
    facts = call.response.facts()
    assert (240, 9) == (facts.quantities["input_tokens"], facts.quantities["output_tokens"])
    assert (True, False) == (facts.finished, facts.output_missing)
    assert ("Hi",) == call.response.output_text().texts


def test_a_cut_stream_knows_its_input_and_not_its_output(run: Run) -> None:
    """The start's output count is a stub: it is left out, not booked."""
    facts = run(MESSAGES, _BEGIN + _TEXT, content_type=SSE).response.facts()
    assert 240 == facts.quantities["input_tokens"]
    assert "output_tokens" not in facts.quantities
    assert (True, False) == (facts.output_missing, facts.finished)


def test_a_delta_can_replace_every_field(run: Run) -> None:
    """Counts that a delta repeats are newer than the start's, zero included."""
    delta = _delta(input_tokens=7, cache_read_input_tokens=0, output_tokens=3)
    facts = run(MESSAGES, _BEGIN + delta + _STOP, content_type=SSE).response.facts()
    assert (7 + 0 + 30, 0) == (
        facts.quantities["input_tokens"],
        facts.quantities["cache_read_tokens"],
    )


def test_an_error_inside_a_stream(run: Run) -> None:
    """What was used before the error is still there."""
    error = _event("error", error={"type": "overloaded_error", "message": "secret"})
    facts = run(MESSAGES, _BEGIN + error, content_type=SSE).response.facts()
    assert (True, False) == (facts.failed, facts.finished)
    assert 240 == facts.quantities["input_tokens"]


def _iteration(kind: str, inputs: int, output: int, model: str | None = None) -> dict[str, Any]:
    iteration = {"type": kind, "input_tokens": inputs, "output_tokens": output}
    return iteration | ({"model": model} if model else {})


def test_compaction_is_added_to_the_totals(run: Run) -> None:
    """The totals leave compaction out."""
    iterations = [_iteration("compaction", 60_000, 500), _iteration("message", 600, 40)]
    usage = {"input_tokens": 600, "output_tokens": 40, "iterations": iterations}
    facts = run(MESSAGES, json.dumps({"model": "c", "usage": usage}).encode()).response.facts()
    assert {"input_tokens": 60_600, "output_tokens": 540} == facts.quantities


def test_other_models_are_counted_apart(run: Run) -> None:
    """An advisor's tokens have another price, that of its model."""
    iterations = [
        _iteration("message", 100, 10),
        _iteration("advisor_message", 70, 7, "claude-opus-4-8"),
        _iteration("message", 200, 20),
    ]
    usage = {"input_tokens": 300, "output_tokens": 30, "iterations": iterations}
    facts = run(MESSAGES, json.dumps({"model": "c", "usage": usage}).encode()).response.facts()
    assert {"input_tokens": 300, "output_tokens": 30} == facts.quantities
    advisor = {"input_tokens": 70, "output_tokens": 7}
    assert (ModelUsage("claude-opus-4-8", advisor),) == facts.others


def test_the_fallback_model_is_the_one_that_served(run: Run) -> None:
    iterations = [_iteration("message", 408, 0, "a"), _iteration("fallback_message", 412, 264, "b")]
    usage = {"input_tokens": 412, "output_tokens": 264, "iterations": iterations}
    facts = run(MESSAGES, json.dumps({"model": "a", "usage": usage}).encode()).response.facts()
    assert "b" == facts.model
    assert 412 == facts.quantities["input_tokens"]
    assert (ModelUsage("a", {"input_tokens": 408, "output_tokens": 0}),) == facts.others


@pytest.mark.parametrize("hostile", [-1, "7", True, None, [1], 1e300, 10**30])
def test_hostile_counts_are_dropped(run: Run, hostile: object) -> None:
    usage = {"input_tokens": hostile, "output_tokens": 3}
    facts = run(MESSAGES, json.dumps({"model": "c", "usage": usage}).encode()).response.facts()
    assert ({"output_tokens": 3}, Reason.BAD_USAGE) == (facts.quantities, facts.reason)


def test_legacy_completions_report_nothing(run: Run) -> None:
    """The tokenizer gets the text of both sides."""
    stream = _event("completion", completion=" sky", stop_reason=None, model="claude-2.1")
    stream += _event("completion", completion="", stop_reason="stop_sequence", model="claude-2.1")
    request = b'{"prompt":"Human: why?","model":"claude-2","max_tokens_to_sample":9,"stream":true}'
    call = run("anthropic/v1/complete", stream, request, content_type=SSE)
    facts = call.response.facts()
    assert ("claude-2.1", True, Reason.NO_USAGE) == (facts.model, facts.finished, facts.reason)
    assert (" sky",) == call.response.output_text().texts
    assert ["Human: why?"] == call.request.input_text().texts
    assert 9 == call.request.facts().max_output_tokens


def test_a_request(run: Run) -> None:
    request = {
        "model": "claude-sonnet-4-5",
        "max_tokens": 1024,
        "stream": True,
        "speed": "fast",
        "system": [{"type": "text", "text": "Be kind"}],
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"name": "weather"}],
    }
    call = run(MESSAGES, b"", json.dumps(request).encode())
    facts = call.request.facts()
    assert ("claude-sonnet-4-5", 1024, True) == (facts.model, facts.max_output_tokens, facts.stream)
    assert {"speed": "fast"} == facts.price_context
    prompt = call.request.input_text()
    assert ["Be kind", "Hi"] == prompt.texts
    assert ["weather"] == [function.name for function in prompt.functions]


def test_its_openai_compatible_path_is_read_as_openai(run: Run) -> None:
    body = b'{"model":"claude","usage":{"prompt_tokens":3,"completion_tokens":2}}'
    facts = run("anthropic/v1/chat/completions", body).response.facts()
    assert {"input_tokens": 3, "output_tokens": 2} == facts.quantities


def test_errors_of_ours_have_the_shape_of_the_provider(run: Run) -> None:
    call = run(MESSAGES, b"")
    assert {"type": "error", "error": {"type": "rate_limit_error", "message": "No."}} == (
        json.loads(call.provider.error_body(429, "budget", "No."))
    )

"""Gemini's interactions, on hand-written bodies."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from acm_addon.model import Reason
from acm_addon.providers.base import Billing, RequestHead
from acm_addon.providers.gemini import GEMINI

type Run = Callable[..., Any]

PATH = "gemini/v1beta/interactions"
SSE = "text/event-stream"
_USAGE = {
    "total_tokens": 155,
    "total_input_tokens": 100,
    "input_tokens_by_modality": [{"modality": "text", "tokens": 60}, {"modality": "document"}],
    "total_cached_tokens": 40,
    "total_output_tokens": 20,
    "total_tool_use_tokens": 5,
    "tool_use_tokens_by_modality": [{"modality": "text", "tokens": 5}],
    "total_thought_tokens": 30,
}
_EXPECTED = {
    "input_tokens": 105,
    "output_tokens": 50,
    "cache_read_tokens": 40,
    "output_reasoning_tokens": 30,
    "input_tool_tokens": 5,
    "input_text_tokens": 65,
    "input_text_tool_tokens": 5,
}
_WHOLE = {
    "id": "v1_a",
    "status": "completed",
    "usage": _USAGE,
    "model": "gemini-2.5-flash",
    "service_tier": "flex",
    "created": "2026-05-13T19:57:40Z",
}
_BEGUN = {"id": "v1_a", "status": "in_progress", "model": "gemini-2.5-flash"}
_SEARCH = {"type": "google_search_call", "arguments": {"queries": ["a", "b", "a"]}}


def _sse(*events: tuple[str, dict[str, Any]]) -> bytes:
    return b"".join(
        f"event: {kind}\ndata: {json.dumps({**data, 'event_type': kind})}\n\n".encode()
        for kind, data in events
    )


def test_a_whole_interaction(run: Run) -> None:
    """Thoughts are added to the output, and what tools fed back to the input."""
    request = b'{"model":"gemini-2.5-flash","generation_config":{"max_output_tokens":9}}'
    call = run(PATH, json.dumps(_WHOLE).encode(), request)
    facts = call.response.facts()
    assert (_EXPECTED, "flex", "v1_a") == (facts.quantities, facts.tier, facts.object_id)
    assert (True, False) == (facts.finished, facts.pending)
    assert 9 == call.request.facts().max_output_tokens


@pytest.mark.parametrize("piece", [0, 1, 13])
def test_a_stream_ends_when_the_interaction_does(run: Run, piece: int) -> None:
    text = ("step.delta", {"delta": {"type": "text", "text": "Hi"}})
    body = _sse(
        ("interaction.created", {"interaction": _BEGUN}),
        text,
        ("interaction.completed", {"interaction": _WHOLE}),
    )
    call = run(PATH, body, content_type=SSE, piece=piece)
    facts = call.response.facts()
    assert (_EXPECTED, True, False) == (facts.quantities, facts.finished, facts.pending)
    assert ("Hi",) == call.response.output_text().texts


def test_a_stream_that_is_cut(run: Run) -> None:
    body = _sse(("interaction.created", {"interaction": _BEGUN}))
    facts = run(PATH, body, content_type=SSE).response.facts()
    assert ("v1_a", False, True) == (facts.object_id, facts.finished, facts.output_missing)


def test_an_error_inside_a_stream(run: Run) -> None:
    body = _sse(("error", {"error": {"code": "internal", "message": "secret"}}))
    facts = run(PATH, body, content_type=SSE).response.facts()
    assert (True, Reason.PROVIDER_ERROR) == (facts.failed, facts.reason)


@pytest.mark.parametrize(("model", "searches"), [("gemini-2.5-flash", 1), ("gemini-3-pro", 2)])
def test_searches(run: Run, model: str, searches: int) -> None:
    """In a document and in a stream: a grounded prompt until Gemini 2, distinct queries since."""
    whole = {**_WHOLE, "model": model}
    document = json.dumps({**whole, "steps": [{"type": "thought"}, _SEARCH]}).encode()
    stream = _sse(("step.delta", {"delta": _SEARCH}), ("x", {"interaction": whole}))
    for body, kind in ((document, ""), (stream, SSE)):
        facts = run(PATH, body, content_type=kind).response.facts()
        assert searches == facts.quantities["web_searches"]


def test_background_work_is_pending_until_one_looks_at_it(run: Run) -> None:
    """An agent stands for the model."""
    begun = {"id": "v1_a", "status": "in_progress", "agent": "deep-research"}
    facts = run(PATH, json.dumps(begun).encode(), b'{"agent":"deep-research"}').response.facts()
    assert (True, "deep-research", {}) == (facts.pending, facts.model, facts.quantities)
    endpoint = GEMINI.classify(RequestHead("GET", "/v1beta/interactions/v1_a"))
    assert ("interactions", Billing.RESULT, "v1_a") == (
        endpoint.name,
        endpoint.billing,
        endpoint.object_id,
    )


@pytest.mark.parametrize("hostile", [-1, "7", True, [1], 1e300])
def test_hostile_counts_are_dropped(run: Run, hostile: object) -> None:
    usage = {"total_input_tokens": hostile, "total_output_tokens": 3}
    facts = run(PATH, json.dumps({**_WHOLE, "usage": usage}).encode()).response.facts()
    assert ({"output_tokens": 3}, Reason.BAD_USAGE) == (facts.quantities, facts.reason)

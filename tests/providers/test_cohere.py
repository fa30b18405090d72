"""Cohere, on hand-written bodies."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from acm_addon.model import Reason
from acm_addon.providers.base import Billing, RequestHead
from acm_addon.providers.cohere import COHERE

type Run = Callable[..., Any]

SSE = "text/event-stream"
_USAGE = {
    "billed_units": {"input_tokens": 65, "output_tokens": 63},
    "tokens": {"input_tokens": 508, "output_tokens": 86, "reasoning_tokens": 28},
    "cached_tokens": 144,
}
_EXPECTED = {"input_tokens": 65, "output_tokens": 63, "output_reasoning_tokens": 28}
_REQUEST = b'{"model":"command-a-03-2025","stream":true,"max_tokens":9}'


def _sse(*events: dict[str, Any]) -> bytes:
    return b"".join(
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events
    )


_START = {"type": "message-start", "id": "m1", "delta": {"message": {"role": "assistant"}}}
_TEXT = {"type": "content-delta", "delta": {"message": {"content": {"text": "Hello"}}}}
_END = {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": _USAGE}}


def test_what_is_billed_is_not_what_the_model_read(run: Run) -> None:
    """The preamble, cached or not, is not billed."""
    call = run("cohere/v2/chat", json.dumps({"id": "m1", "usage": _USAGE}).encode(), _REQUEST)
    facts = call.response.facts()
    assert (_EXPECTED, "m1", True) == (facts.quantities, facts.object_id, facts.finished)
    request = call.request.facts()
    assert ("command-a-03-2025", True, 9) == (
        request.model,
        request.stream,
        request.max_output_tokens,
    )


@pytest.mark.parametrize("piece", [0, 1, 13])
def test_a_stream_has_its_usage_in_the_last_event(run: Run, piece: int) -> None:
    body = _sse(_START, _TEXT, _END)
    call = run("cohere/v2/chat", body, _REQUEST, content_type=SSE, piece=piece)
    facts = call.response.facts()
    assert (_EXPECTED, "m1", True) == (facts.quantities, facts.object_id, facts.finished)
    assert ("Hello",) == call.response.output_text().texts


def test_a_stream_that_is_cut(run: Run) -> None:
    facts = run("cohere/v2/chat", _sse(_START, _TEXT), content_type=SSE).response.facts()
    assert (False, True, {}) == (facts.finished, facts.output_missing, facts.quantities)


_LINES = (
    {"is_finished": False, "event_type": "stream-start", "generation_id": "g1"},
    {"is_finished": False, "event_type": "text-generation", "text": "Hello"},
    {
        "is_finished": True,
        "event_type": "stream-end",
        "response": {"text": "Hello", "chat_history": [{"message": "Hi"}], "meta": _USAGE},
        "finish_reason": "COMPLETE",
    },
)


@pytest.mark.parametrize("piece", [0, 1, 13])
def test_json_lines_of_v1_end_with_the_usage(run: Run, piece: int) -> None:
    lines = [json.dumps(line).encode() + b"\n" for line in _LINES]
    facts = run("cohere/v1/chat", b"".join(lines), piece=piece).response.facts()
    assert (_EXPECTED, "g1", True) == (facts.quantities, facts.object_id, facts.finished)
    cut = run("cohere/v1/chat", b"".join(lines[:2]), piece=piece).response
    assert (False, {}) == (cut.facts().finished, cut.facts().quantities)
    assert ("Hello",) == cut.output_text().texts


@pytest.mark.parametrize(
    ("path", "units", "expected"),
    [
        ("v2/rerank", {"search_units": 2}, {"rerank_searches": 2}),
        ("v1/classify", {"classifications": 3}, {"classifications": 3}),
        ("v1/embed", {"input_tokens": 7.0}, {"input_tokens": 7}),
        (
            "v2/embed",
            {"input_tokens": 7, "image_tokens": 20},
            {"input_tokens": 27, "input_image_tokens": 20},
        ),
    ],
)
def test_units(run: Run, path: str, units: object, expected: object) -> None:
    """Nothing is generated, so that no output is missing."""
    body = {"meta": {"billed_units": units}}
    facts = run(f"cohere/{path}", json.dumps(body).encode()).response.facts()
    assert (expected, False) == (facts.quantities, facts.output_missing)


@pytest.mark.parametrize("hostile", [-1, "7", True, [1], 1e300, 0.5])
def test_hostile_counts_are_dropped(run: Run, hostile: object) -> None:
    body = {"usage": {"billed_units": {"input_tokens": hostile, "output_tokens": 3}}}
    facts = run("cohere/v2/chat", json.dumps(body).encode()).response.facts()
    assert ({"output_tokens": 3}, Reason.BAD_USAGE) == (facts.quantities, facts.reason)


def test_an_error(run: Run) -> None:
    facts = run("cohere/v2/chat", b'{"id":"x","message":"no"}', status=401).response.facts()
    assert (True, Reason.PROVIDER_ERROR) == (facts.failed, facts.reason)


@pytest.mark.parametrize(("status", "pending"), [("processing", True), ("complete", False)])
def test_an_embedding_job_says_what_it_came_to(run: Run, status: str, pending: bool) -> None:
    body = {
        "job_id": "j1",
        "status": status,
        "created_at": "2026-11-02T10:00:00Z",
        "meta": {"billed_units": {"input_tokens": 5}},
    }
    facts = run("cohere/v1/embed-jobs", json.dumps(body).encode()).response.facts()
    assert ("j1", pending, {"input_tokens": 5}) == (
        facts.object_id,
        facts.pending,
        facts.quantities,
    )
    assert datetime(2026, 11, 2, 10, tzinfo=UTC) == facts.created
    endpoint = COHERE.classify(RequestHead("GET", "/v1/embed-jobs/j1"))
    assert ("embed-jobs", Billing.RESULT, "j1") == (
        endpoint.name,
        endpoint.billing,
        endpoint.object_id,
    )


@pytest.mark.parametrize(
    ("line", "billing"),
    [
        ("POST /v1/chat chat", Billing.METERED),
        ("POST /v2/embed embed", Billing.METERED),
        ("POST /v1/generate generate", Billing.METERED),
        ("POST /v1/tokenize manage", Billing.FREE),
        ("POST /v1/detokenize manage", Billing.FREE),
        ("POST /v1/datasets manage", Billing.FREE),
        ("GET /v1/models/command-r manage", Billing.FREE),
        ("POST /v1/embed-jobs embed-jobs", Billing.PENDING),
        ("POST /v1/embed-jobs/j/cancel manage", Billing.FREE),
        ("POST /v2/audio/transcriptions audio.transcriptions", Billing.UNKNOWN),
        ("POST /v1/finetuning/finetuned-models finetuning", Billing.UNKNOWN),
        ("POST /v1/secret other", Billing.UNKNOWN),
        ("POST /compatibility/v1/chat/completions chat.completions", Billing.METERED),
        ("POST /compatibility/v1/embeddings embeddings", Billing.METERED),
    ],
)
def test_paths(line: str, billing: Billing) -> None:
    method, path, expected = line.split()
    endpoint = COHERE.classify(RequestHead(method, path))
    assert (expected, billing) == (endpoint.name, endpoint.billing)


def test_errors_of_ours_have_the_shape_of_the_provider() -> None:
    assert {"message": "No."} == json.loads(COHERE.error_body(404, "unknown_route", "No."))

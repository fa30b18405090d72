"""Gemini, on hand-written bodies."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from acm_addon.model import Reason

type Run = Callable[..., Any]

GENERATE = "gemini/v1beta/models/gemini-2.5-pro:generateContent"
STREAM = "gemini/v1beta/models/gemini-2.5-pro:streamGenerateContent"
SSE = "text/event-stream"


def _chunk(
    usage: dict[str, Any], *, model: str = "gemini-2.5-pro", end: bool = True, **candidate: object
) -> dict[str, Any]:
    candidate["content"] = {"parts": [{"text": "Hi"}], "role": "model"}
    if end:
        candidate["finishReason"] = "STOP"
    return {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": model,
        "responseId": "r1",
    }


def _sse(*chunks: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)


_USAGE = {
    "promptTokenCount": 100,
    "candidatesTokenCount": 20,
    "thoughtsTokenCount": 30,
    "toolUsePromptTokenCount": 5,
    "cachedContentTokenCount": 40,
    "totalTokenCount": 155,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 60},
        {"modality": "DOCUMENT", "tokenCount": 40},
    ],
    "toolUsePromptTokensDetails": [{"modality": "TEXT", "tokenCount": 5}],
    "trafficType": "ON_DEMAND_FLEX",
}
_EXPECTED = {
    "input_tokens": 105,
    "output_tokens": 50,
    "cache_read_tokens": 40,
    "output_reasoning_tokens": 30,
    "input_tool_tokens": 5,
    "input_text_tokens": 65,
    "input_image_tokens": 40,
    "input_text_tool_tokens": 5,
}


def test_a_whole_answer(run: Run) -> None:
    """Thoughts are added to the output, and what tools fed back to the input."""
    call = run(GENERATE, json.dumps(_chunk(_USAGE)).encode())
    facts = call.response.facts()
    assert (_EXPECTED, "flex") == (facts.quantities, facts.tier)
    assert ("gemini-2.5-pro", "r1", True) == (facts.model, facts.object_id, facts.finished)
    assert "gemini-2.5-pro" == call.endpoint.model == call.request.facts().model


_EARLY = _chunk({"promptTokenCount": 169, "totalTokenCount": 169}, end=False)
_LATE = _chunk({"promptTokenCount": 79, "candidatesTokenCount": 12, "totalTokenCount": 91})


@pytest.mark.parametrize("piece", [0, 1, 13])
@pytest.mark.parametrize("as_events", [True, False])
def test_a_stream_ends_with_its_finish_reason(run: Run, piece: int, as_events: bool) -> None:
    """The usage beside it counts, though an earlier one may be larger; in events or an array."""
    chunks = (_EARLY, _LATE)
    body = _sse(*chunks) if as_events else json.dumps(chunks, indent=2).encode()
    facts = run(STREAM, body, content_type=SSE if as_events else "", piece=piece).response.facts()
    assert {"input_tokens": 79, "output_tokens": 12} == facts.quantities
    assert (True, "gemini-2.5-pro") == (facts.finished, facts.model)


@pytest.mark.parametrize("as_events", [True, False])
def test_a_cut_stream_keeps_its_largest_count(run: Run, as_events: bool) -> None:
    """Cut before the end: the largest so far, and not finished."""
    small = _chunk({"promptTokenCount": 9, "totalTokenCount": 9}, end=False)
    large = {"promptTokenCount": 9, "candidatesTokenCount": 15, "totalTokenCount": 24}
    chunks = (_chunk(large, end=False), small)
    body = _sse(*chunks) if as_events else json.dumps(chunks).encode()[:-1]
    facts = run(STREAM, body, content_type=SSE if as_events else "").response.facts()
    assert {"input_tokens": 9, "output_tokens": 15} == facts.quantities
    assert not facts.finished


@pytest.mark.parametrize("as_events", [True, False])
@pytest.mark.parametrize(
    ("model", "searches"), [("gemini-2.5-flash", 1), ("gemini-3-flash-preview", 2)]
)
def test_searches(run: Run, model: str, searches: int, as_events: bool) -> None:
    """A grounded prompt until Gemini 2, each distinct query that is not empty from Gemini 3 on."""
    grounding = {"webSearchQueries": ["", "a", "b", "a"]}
    chunk = _chunk(_USAGE, model=model, groundingMetadata=grounding)
    body = _sse(chunk) if as_events else json.dumps(chunk).encode()
    facts = run(STREAM, body, content_type=SSE if as_events else "").response.facts()
    assert searches == facts.quantities["web_searches"]


def test_an_error_inside_a_stream(run: Run) -> None:
    error = {"error": {"code": 503, "message": "secret", "status": "UNAVAILABLE"}}
    facts = run(STREAM, _sse(_EARLY, error), content_type=SSE).response.facts()
    assert (True, False) == (facts.failed, facts.finished)


def test_an_error_in_an_array(run: Run) -> None:
    facts = run(STREAM, b'[{"error":{"code":400,"message":"no"}}]', status=400).response.facts()
    assert (True, Reason.PROVIDER_ERROR) == (facts.failed, facts.reason)


def test_a_blocked_prompt_costs_its_input(run: Run) -> None:
    """Nothing was written, so that no output is missing."""
    body = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}}
    facts = run(STREAM, _sse(body), content_type=SSE).response.facts()
    assert ({"input_tokens": 4}, True, False) == (
        facts.quantities,
        facts.finished,
        facts.output_missing,
    )


@pytest.mark.parametrize("hostile", [-1, "7", True, [1], 1e300, 10**30])
def test_hostile_counts_are_dropped(run: Run, hostile: object) -> None:
    usage = {"promptTokenCount": hostile, "candidatesTokenCount": 3}
    facts = run(GENERATE, json.dumps(_chunk(usage)).encode()).response.facts()
    assert ({"output_tokens": 3}, Reason.BAD_USAGE) == (facts.quantities, facts.reason)


def test_modalities_may_be_numbers(run: Run) -> None:
    """Vertex AI sends those of its protocol: 4 is audio, which has a price of its own."""
    details = [{"modality": 1, "tokenCount": 4}, {"modality": 4, "tokenCount": 5}]
    usage = {"promptTokenCount": 9, "promptTokensDetails": details}
    facts = run(GENERATE, json.dumps(_chunk(usage)).encode()).response.facts()
    assert {"input_tokens": 9, "input_text_tokens": 4, "input_audio_tokens": 5} == facts.quantities
    assert facts.reason is None


@pytest.mark.parametrize(
    "details",
    [
        [{"modality": ["x"], "tokenCount": 4}],
        [{"modality": True, "tokenCount": 4}],
        [{"modality": "SMELL", "tokenCount": 4}],
        [{"tokenCount": 4}],
        [7],
        [None],
        {"modality": "TEXT"},
        "TEXT",
    ],
)
def test_modalities_that_nobody_knows_are_marked(run: Run, details: object) -> None:
    """What they cost is not known; the totals stay."""
    usage = {"promptTokenCount": 4, "promptTokensDetails": details}
    facts = run(GENERATE, json.dumps(_chunk(usage)).encode()).response.facts()
    assert ({"input_tokens": 4}, Reason.BAD_USAGE) == (facts.quantities, facts.reason)


@pytest.mark.parametrize("as_events", [True, False])
def test_a_prompt_that_was_grounded_in_maps(run: Run, as_events: bool) -> None:
    """Is billed once, however many places it found."""
    chunks = [{"maps": {"uri": "https://x", "title": "A"}}, {"maps": {"uri": "https://y"}}]
    chunk = _chunk(_USAGE, groundingMetadata={"groundingChunks": chunks})
    body = _sse(chunk) if as_events else json.dumps(chunk).encode()
    facts = run(STREAM, body, content_type=SSE if as_events else "").response.facts()
    assert 1 == facts.quantities["map_searches"]


def test_older_embeddings_report_nothing(run: Run) -> None:
    body = b'{"embedding":{"values":[0.1,0.2]}}'
    request = b'{"content":{"parts":[{"text":"hello"}]}}'
    call = run("gemini/v1beta/models/text-embedding-004:embedContent", body, request)
    facts = call.response.facts()
    assert (Reason.NO_USAGE, False) == (facts.reason, facts.output_missing)
    assert ["hello"] == call.request.input_text().texts


def test_its_openai_compatible_path_leaves_reasoning_out_of_the_output(run: Run) -> None:
    """Total minus prompt finds it."""
    body = b'{"model":"g","usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":80}}'
    facts = run("gemini/v1beta/openai/chat/completions", body).response.facts()
    assert {"input_tokens": 10, "output_tokens": 70} == facts.quantities


@pytest.mark.parametrize(
    "config",
    [
        {"generationConfig": {"maxOutputTokens": "64", "candidateCount": "2"}},
        {"generation_config": {"max_output_tokens": 64, "candidate_count": 2}},
        {"generationConfig": {"max_output_tokens": 64, "candidateCount": 2}},
    ],
)
def test_a_ceiling_is_read_as_the_api_reads_it(run: Run, config: dict[str, object]) -> None:
    """JSON of protocol buffers: either spelling, and a number or a text of its digits."""
    facts = run(STREAM, b"", json.dumps(config).encode()).request.facts()
    assert (64, 2) == (facts.max_output_tokens, facts.choices)


def test_a_request(run: Run) -> None:
    request = {
        "contents": [{"role": "user", "parts": [{"text": "Hi"}, {"inlineData": {"data": "QUJD"}}]}],
        "systemInstruction": {"parts": [{"text": "Be kind"}]},
        "generationConfig": {"maxOutputTokens": 64, "candidateCount": 2},
        "serviceTier": "FLEX",
    }
    call = run(STREAM, b"", json.dumps(request).encode())
    facts = call.request.facts()
    assert ("gemini-2.5-pro", True, 64, 2, "flex") == (
        facts.model,
        facts.stream,
        facts.max_output_tokens,
        facts.choices,
        facts.tier,
    )
    assert ["Be kind", "Hi"] == call.request.input_text().texts


def test_errors_of_ours_have_the_shape_of_the_provider(run: Run) -> None:
    call = run(GENERATE, b"")
    assert {"error": {"code": 404, "message": "No.", "status": "NOT_FOUND"}} == (
        json.loads(call.provider.error_body(404, "unknown_route", "No."))
    )

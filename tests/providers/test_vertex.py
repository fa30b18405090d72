"""Vertex AI, on hand-written bodies."""

import json
from typing import Any

import pytest

from acm_addon.model import Reason
from acm_addon.providers.base import (
    Billing,
    RequestHead,
    ResponseFacts,
    ResponseHead,
    ResponseReader,
)
from acm_addon.providers.vertex import VERTEX
from acm_addon.routing import BUILT_IN

_HOST = "europe-west1-aiplatform.googleapis.com"
_IN = "/v1/projects/p/locations/europe-west1"
_GEMINI = f"{_IN}/publishers/google/models/gemini-2.5-pro"
_CLAUDE = f"{_IN}/publishers/anthropic/models/claude-sonnet-4-5@20250929"


def _reader(path: str, request: object = None) -> ResponseReader:
    head = RequestHead("POST", path, host=_HOST)
    endpoint = VERTEX.classify(head)
    reader = VERTEX.request_reader(endpoint, head)
    reader.feed(json.dumps(request or {}).encode())
    return VERTEX.response_reader(endpoint, reader.facts(), ResponseHead(200))


def _facts(path: str, body: bytes, request: object = None) -> ResponseFacts:
    """The facts of a response, which are the same whole and byte by byte."""
    whole, bytewise = _reader(path, request), _reader(path, request)
    whole.feed(body)
    for position in range(len(body)):
        bytewise.feed(body[position : position + 1])
    assert whole.facts() == bytewise.facts()
    return whole.facts()


def _chunk(modality: object, traffic: object, end: object) -> dict[str, Any]:
    return {
        "candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": end}],
        "usageMetadata": {
            "promptTokenCount": 74,
            "candidatesTokenCount": 16,
            "thoughtsTokenCount": 200,
            "totalTokenCount": 290,
            "trafficType": traffic,
            "promptTokensDetails": [{"modality": modality, "tokenCount": 74}],
        },
        "modelVersion": "gemini-2.5-pro",
    }


@pytest.mark.parametrize("as_events", [True, False])
@pytest.mark.parametrize("names", [("TEXT", "ON_DEMAND", "STOP"), (1, 1, 1)])
def test_enumerations_may_be_numbers(names: tuple[object, ...], as_events: bool) -> None:
    """Whatever the transport."""
    data = json.dumps(_chunk(*names)).encode()
    body = b"data: " + data + b"\n\n" if as_events else b"[" + data + b"]"
    facts = _facts(_GEMINI + ":streamGenerateContent", body)
    assert {
        "input_tokens": 74,
        "output_tokens": 216,
        "output_reasoning_tokens": 200,
        "input_text_tokens": 74,
    } == facts.quantities
    assert ("standard", True) == (facts.tier, facts.finished)


def test_a_stream_that_is_cut() -> None:
    chunk = {**_chunk("TEXT", "ON_DEMAND", "STOP"), "candidates": [{"content": {}}]}
    body = b"data: " + json.dumps(chunk).encode() + b"\n\n"
    assert not _facts(_GEMINI + ":streamGenerateContent", body).finished


def test_claude_answers_as_from_anthropic() -> None:
    """Cached input is outside of the input."""
    usage = {"input_tokens": 5, "cache_read_input_tokens": 20, "output_tokens": 3}
    body = json.dumps({"model": "claude-sonnet-4-5-20250929", "usage": usage}).encode()
    facts = _facts(_CLAUDE + ":rawPredict", body)
    assert {"input_tokens": 25, "output_tokens": 3, "cache_read_tokens": 20} == facts.quantities


def test_claude_streams_as_from_anthropic() -> None:
    events: tuple[tuple[str, dict[str, Any]], ...] = (
        ("message_start", {"message": {"usage": {"input_tokens": 5, "output_tokens": 1}}}),
        ("message_delta", {"usage": {"output_tokens": 30}}),
        ("message_stop", {}),
    )
    body = b"".join(
        f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()
        for kind, data in events
    )
    facts = _facts(_CLAUDE + ":streamRawPredict", body)
    assert ({"input_tokens": 5, "output_tokens": 30}, True) == (facts.quantities, facts.finished)


def test_chat_of_other_makers_and_of_the_compatible_path() -> None:
    """Gemini's reasoning is left out of the output there; total minus prompt finds it."""
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 80}
    body = json.dumps({"model": "google/gemini-2.5-flash", "usage": usage}).encode()
    facts = _facts(f"{_IN}/endpoints/openapi/chat/completions", body)
    assert ({"input_tokens": 10, "output_tokens": 70}, "gemini-2.5-flash") == (
        facts.quantities,
        facts.model,
    )
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    body = json.dumps({"model": "mistral-medium-3", "usage": usage}).encode()
    path = f"{_IN}/publishers/mistralai/models/mistral-medium-3:rawPredict"
    assert {"input_tokens": 10, "output_tokens": 5} == _facts(path, body).quantities


def _embedded(model: str) -> ResponseFacts:
    predictions = [{"embeddings": {"statistics": {"token_count": count}}} for count in (5, 6)]
    body = {"predictions": predictions, "metadata": {"billableCharacterCount": 35}}
    path = f"{_IN}/publishers/google/models/{model}:predict"
    return _facts(path, json.dumps(body).encode())


def test_older_embeddings_are_billed_by_characters() -> None:
    assert {"input_tokens": 11, "input_characters": 35} == _embedded(
        "text-embedding-004"
    ).quantities
    assert {"input_tokens": 11} == _embedded("gemini-embedding-001").quantities


def test_pictures() -> None:
    """Sounds are none."""
    predictions = [{"mimeType": "image/png"}, {"mimeType": "image/png"}, {"mimeType": "audio/wav"}]
    path = f"{_IN}/publishers/google/models/imagen-4.0-generate-001:predict"
    facts = _facts(path, json.dumps({"predictions": predictions}).encode())
    assert {"images": 2} == facts.quantities


@pytest.mark.parametrize("hostile", [-1, "7", True, [1], 1e300])
def test_hostile_counts(hostile: object) -> None:
    body = {"predictions": [{"embeddings": {"statistics": {"token_count": hostile}}}]}
    path = f"{_IN}/publishers/google/models/gemini-embedding-001:predict"
    facts = _facts(path, json.dumps(body).encode())
    assert ({}, Reason.BAD_USAGE) == (facts.quantities, facts.reason)


def test_a_video_is_known_by_what_is_unique_in_its_operation() -> None:
    """The whole name, with a project in it, is too long for an id."""
    name = f"projects/{'p' * 30}{_GEMINI}/operations/6c1f"
    body = json.dumps({"name": name}).encode()
    video = f"{_IN}/publishers/google/models/veo-3.0-generate-001"
    begun = _facts(f"{video}:predictLongRunning", body)
    looked = _facts(f"{video}:fetchPredictOperation", body)
    assert ("operations/6c1f", True) == (begun.object_id, looked.pending)
    assert begun.object_id == looked.object_id


@pytest.mark.parametrize(("state", "pending"), [("RUNNING", True), ("FAILED", False)])
def test_a_batch_job_says_nothing_of_usage(state: str, pending: bool) -> None:
    body = {"name": "projects/1/locations/l/batchPredictionJobs/2", "state": f"JOB_STATE_{state}"}
    facts = _facts(f"{_IN}/batchPredictionJobs", json.dumps(body).encode())
    assert (body["name"], pending) == (facts.object_id, facts.pending)


@pytest.mark.parametrize(
    ("line", "billing"),
    [
        ("POST :generateContent generateContent", Billing.METERED),
        ("POST :embedContent embedContent", Billing.METERED),
        ("POST :predict predict", Billing.METERED),
        ("POST :countTokens countTokens", Billing.FREE),
        ("POST :computeTokens computeTokens", Billing.FREE),
        ("POST :predictLongRunning predictLongRunning", Billing.PENDING),
        ("POST :fetchPredictOperation predictLongRunning", Billing.RESULT),
        ("POST :somethingNew other", Billing.UNKNOWN),
    ],
)
def test_methods_of_models(line: str, billing: Billing) -> None:
    method, rest, expected = line.split()
    endpoint = VERTEX.classify(RequestHead(method, _GEMINI + rest, host=_HOST))
    assert (expected, billing, "europe-west1") == (
        endpoint.name,
        endpoint.billing,
        endpoint.region,
    )


@pytest.mark.parametrize(
    ("line", "billing"),
    [
        ("POST /cachedContents cachedContents", Billing.METERED),
        ("PATCH /cachedContents/c cachedContents", Billing.UNKNOWN),
        ("DELETE /cachedContents/c manage", Billing.FREE),
        ("POST /batchPredictionJobs batchPredictionJobs", Billing.PENDING),
        ("GET /batchPredictionJobs/1 batchPredictionJobs", Billing.RESULT),
        ("GET /batchPredictionJobs manage", Billing.FREE),
        ("POST /batchPredictionJobs/1:cancel manage", Billing.FREE),
        ("POST /endpoints/123:generateContent generateContent", Billing.METERED),
        ("POST /endpoints/123:predict endpoints", Billing.UNKNOWN),
        ("POST /endpoints/openapi/chat/completions chat.completions", Billing.METERED),
        ("POST /reasoningEngines/1:query reasoningEngines", Billing.UNKNOWN),
        ("POST /tuningJobs tuningJobs", Billing.UNKNOWN),
        ("POST /publishers/anthropic/models/claude-x@1:rawPredict messages", Billing.METERED),
        ("POST /publishers/anthropic/models/count-tokens:rawPredict rawPredict", Billing.FREE),
        ("POST /secret other", Billing.UNKNOWN),
    ],
)
def test_paths(line: str, billing: Billing) -> None:
    method, rest, expected = line.split()
    endpoint = VERTEX.classify(RequestHead(method, _IN + rest, host=_HOST))
    assert (expected, billing) == (endpoint.name, endpoint.billing)


@pytest.mark.parametrize(
    ("path", "host", "region"),
    [
        (_IN, _HOST, "europe-west1"),
        ("/v1/publishers/google", _HOST, "europe-west1"),
        ("/v1/projects/p/locations/global/publishers", "aiplatform.googleapis.com", "global"),
        ("/v1/publishers/google", "aiplatform.eu.rep.googleapis.com", "eu"),
        ("/v1/publishers/google", "aiplatform.googleapis.com", None),
        ("/v1/projects/p/locations/a b/publishers", "aiplatform.googleapis.com", None),
    ],
)
def test_the_region(path: str, host: str, region: str | None) -> None:
    """The path's location, else the host's; what is no location's name is none."""
    assert region == VERTEX.classify(RequestHead("POST", path + "/x", host=host)).region
    assert VERTEX is BUILT_IN.of_host(host)


def test_the_gateway_leads_to_the_global_host_or_the_one_that_is_named() -> None:
    route, named = BUILT_IN.route(f"/vertex{_IN}", {}), BUILT_IN.route(f"/vertex/{_HOST}{_IN}", {})
    assert route is not None
    assert named is not None
    assert ("aiplatform.googleapis.com", _IN) == (route.origin.host, route.path)
    assert (_HOST, _IN) == (named.origin.host, named.path)

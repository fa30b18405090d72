"""Amazon Bedrock, on hand-written bodies."""

import base64
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any

import pytest

from acm_addon.model import ModelUsage, Reason, UsageSource
from acm_addon.providers.base import (
    Billing,
    RequestHead,
    ResponseFacts,
    ResponseHead,
    ResponseReader,
)
from acm_addon.providers.bedrock import BEDROCK
from acm_addon.routing import BUILT_IN

_HOST = "bedrock-runtime.eu-west-1.amazonaws.com"
_STREAM = "application/vnd.amazon.eventstream"
_HAIKU = "eu.anthropic.claude-haiku-4-5-20251001-v1:0"
_CONVERSE = f"/model/{_HAIKU}/converse"
_INVOKE = "/model/amazon.titan-text-express-v1/invoke"


def _message(kind: str, payload: object, **more: str) -> bytes:
    """One message of an event stream, as AWS frames it."""
    headers = b"".join(
        struct.pack("!B", len(name))
        + name.encode()
        + struct.pack("!BH", 7, len(value))
        + value.encode()
        for name, value in {":event-type": kind, **more}.items()
    )
    data = json.dumps(payload).encode()
    prelude = struct.pack("!II", len(headers) + len(data) + 16, len(headers))
    whole = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + data
    return whole + struct.pack("!I", zlib.crc32(whole))


def _chunk(document: object) -> bytes:
    return _message("chunk", {"bytes": base64.b64encode(json.dumps(document).encode()).decode()})


def _reader(
    path: str,
    request: object = None,
    *,
    host: str = _HOST,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    asked: Mapping[str, str] | None = None,
) -> ResponseReader:
    head = RequestHead("POST", path, host=host, headers=asked or {})
    endpoint = BEDROCK.classify(head)
    reader = BEDROCK.request_reader(endpoint, head)
    reader.feed(json.dumps(request or {}).encode())
    return BEDROCK.response_reader(endpoint, reader.facts(), ResponseHead(status, headers or {}))


def _facts(path: str, response: bytes, request: object = None, **how: Any) -> ResponseFacts:
    """The facts of a response, which are the same whole and byte by byte."""
    whole, bytewise = _reader(path, request, **how), _reader(path, request, **how)
    whole.feed(response)
    for position in range(len(response)):
        bytewise.feed(response[position : position + 1])
    facts = whole.facts()
    assert facts == bytewise.facts()
    return facts


_USAGE = {
    "inputTokens": 10,
    "outputTokens": 5,
    "totalTokens": 125,
    "cacheReadInputTokens": 100,
    "cacheWriteInputTokens": 10,
    "cacheDetails": [{"ttl": "5m", "inputTokens": 4}, {"ttl": "1h", "inputTokens": 6}],
}
_EXPECTED = {
    "input_tokens": 120,
    "output_tokens": 5,
    "cache_read_tokens": 100,
    "cache_write_tokens": 10,
    "cache_write_5m_tokens": 4,
    "cache_write_1h_tokens": 6,
}


def test_converse_adds_cached_input() -> None:
    """And says which tier was served, and where."""
    body = {"output": {}, "usage": _USAGE, "serviceTier": {"type": "flex"}}
    facts = _facts(_CONVERSE, json.dumps(body).encode())
    assert (_EXPECTED, UsageSource.REPORTED) == (facts.quantities, facts.usage_source)
    assert ("flex", {"service_tier": "flex"}, True) == (
        facts.tier,
        facts.price_context,
        facts.finished,
    )


_DELTA = _message("contentBlockDelta", {"delta": {"text": "Good day"}})
_END = _message("metadata", {"usage": _USAGE, "performanceConfig": {"latency": "optimized"}})


def test_converse_stream_has_its_usage_in_the_last_event() -> None:
    facts = _facts(_CONVERSE + "-stream", _DELTA + _END, headers={"content-type": _STREAM})
    assert (_EXPECTED, {"speed": "optimized"}) == (facts.quantities, facts.price_context)
    assert (True, False) == (facts.finished, facts.output_missing)


def test_a_stream_that_is_cut_keeps_its_text() -> None:
    """Its tokens are counted, and never taken for all there was."""
    reader = _reader(_CONVERSE + "-stream")
    reader.feed(_DELTA + _END[:-3])
    assert (False, True, {}) == (
        reader.facts().finished,
        reader.facts().output_missing,
        reader.facts().quantities,
    )
    assert ("Good day",) == reader.output_text().texts
    assert reader.output_tokens_so_far() > 0


def test_a_damaged_stream_says_so() -> None:
    facts = _facts(_CONVERSE + "-stream", _DELTA[:-1] + b"?" + _END)
    assert (Reason.UNREADABLE_BODY, False) == (facts.reason, facts.finished)


def test_an_exception_inside_a_stream() -> None:
    error = _message("x", {"message": "slow"}, **{":exception-type": "throttlingException"})
    facts = _facts(_CONVERSE + "-stream", _DELTA + error)
    assert (True, Reason.PROVIDER_ERROR) == (facts.failed, facts.reason)


def test_an_error() -> None:
    facts = _facts(_CONVERSE, b'{"message":"no such model"}', status=400)
    assert (True, Reason.PROVIDER_ERROR) == (facts.failed, facts.reason)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"inputTextTokenCount": 3, "results": [{"tokenCount": 4}, {"tokenCount": 5}]}, (3, 9)),
        ({"generation": "x", "prompt_token_count": 3, "generation_token_count": 9}, (3, 9)),
        ({"usage": {"inputTokens": 3, "outputTokens": 9}}, (3, 9)),
        ({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 9}}, (3, 9)),
        ({"usage": {"input_tokens": 3, "output_tokens": 9}, "model": "claude-x"}, (3, 9)),
        ({"text": "from the headers"}, (30, 90)),
    ],
)
def test_vendors_answer_in_shapes_of_their_own(body: object, expected: tuple[int, int]) -> None:
    """Bedrock's headers stand in for a vendor who states nothing. The model is the path's."""
    headers = {
        "x-amzn-bedrock-input-token-count": "30",
        "x-amzn-bedrock-output-token-count": "90",
        "x-amzn-bedrock-service-tier": "priority",
    }
    facts = _facts(_INVOKE, json.dumps(body).encode(), headers=headers)
    assert dict(zip(("input_tokens", "output_tokens"), expected, strict=True)) == facts.quantities
    assert (None, "priority") == (facts.model, facts.tier)


def test_headers_with_cached_input() -> None:
    names = ("input", "output", "cache-read-input", "cache-write-input")
    headers = {
        f"x-amzn-bedrock-{name}-token-count": str(count)
        for name, count in zip(names, (1, 2, 30, 40), strict=True)
    }
    assert {
        "input_tokens": 71,
        "output_tokens": 2,
        "cache_read_tokens": 30,
        "cache_write_tokens": 40,
    } == _facts(_INVOKE, b"{}", headers=headers).quantities


@pytest.mark.parametrize("hostile", ["-1", "1e9", "7" * 40, "x"])
def test_hostile_headers(hostile: str) -> None:
    headers = {"x-amzn-bedrock-input-token-count": hostile}
    facts = _facts(_INVOKE, b"{}", headers=headers)
    assert ({}, Reason.BAD_USAGE) == (facts.quantities, facts.reason)


@pytest.mark.parametrize("hostile", [-1, "7", True, [1], 1e300, 10**30])
def test_hostile_counts(hostile: object) -> None:
    body = {"usage": {"inputTokens": hostile, "outputTokens": 3}}
    facts = _facts(_CONVERSE, json.dumps(body).encode())
    assert ({"output_tokens": 3}, Reason.BAD_USAGE) == (facts.quantities, facts.reason)


_METRICS = {"inputTokenCount": 12, "outputTokenCount": 100}


def test_an_invocation_s_stream_ends_with_bedrock_s_counts() -> None:
    last = {"outputText": "", "amazon-bedrock-invocationMetrics": _METRICS}
    stream = _chunk({"outputText": "Good"}) + _chunk(last)
    facts = _facts(_INVOKE + "-with-response-stream", stream)
    assert {"input_tokens": 12, "output_tokens": 100} == facts.quantities
    assert facts.finished


def test_claude_s_stream_says_more_than_bedrock_s_counts() -> None:
    usage = {"input_tokens": 12, "cache_creation": {"ephemeral_1h_input_tokens": 7}}
    start = {**usage, "cache_creation_input_tokens": 7, "output_tokens": 2}
    stream = (
        _chunk({"type": "message_start", "message": {"usage": start}})
        + _chunk({"type": "message_delta", "usage": {"output_tokens": 100}})
        + _chunk({"type": "message_stop", "amazon-bedrock-invocationMetrics": _METRICS})
    )
    facts = _facts(f"/model/{_HAIKU}/invoke-with-response-stream", stream)
    assert {
        "input_tokens": 19,
        "output_tokens": 100,
        "cache_write_tokens": 7,
        "cache_write_1h_tokens": 7,
    } == facts.quantities


def test_claude_s_stream_cut_after_its_start_has_no_output_count() -> None:
    start = {
        "type": "message_start",
        "message": {"usage": {"input_tokens": 12, "output_tokens": 2}},
    }
    facts = _facts(f"/model/{_HAIKU}/invoke-with-response-stream", _chunk(start))
    assert ({"input_tokens": 12}, True, False) == (
        facts.quantities,
        facts.output_missing,
        facts.finished,
    )


def test_nova_sonic_counts_speech_and_text() -> None:
    """The last of its usage events has the totals of the connection."""
    total = {
        "input": {"speechTokens": 40, "textTokens": 10},
        "output": {"speechTokens": 60, "textTokens": 5},
    }
    event = {"event": {"usageEvent": {"details": {"total": total}}}}
    path = "/model/amazon.nova-sonic-v1:0/invoke-with-bidirectional-stream"
    assert {
        "input_tokens": 50,
        "input_audio_tokens": 40,
        "input_text_tokens": 10,
        "output_tokens": 65,
        "output_audio_tokens": 60,
        "output_text_tokens": 5,
    } == _facts(path, _chunk(event)).quantities


def test_embeddings_have_no_output() -> None:
    """Whatever a profile of one's own is named."""
    path = "/model/application-inference-profile%2Fabc/invoke"
    headers = {"x-amzn-bedrock-input-token-count": "3"}
    facts = _facts(path, b'{"embedding":[0.1]}', headers=headers)
    assert ({"input_tokens": 3}, False) == (facts.quantities, facts.output_missing)


def test_pictures_are_counted_in_the_request() -> None:
    request = {"imageGenerationConfig": {"numberOfImages": 3, "quality": "premium"}}
    facts = _facts("/model/amazon.nova-canvas-v1:0/invoke", b'{"images":["QUJD"]}', request)
    assert ({"images": 3}, UsageSource.DERIVED) == (facts.quantities, facts.usage_source)


@pytest.mark.parametrize(("documents", "searches"), [(1, 1), (100, 1), (101, 2)])
def test_reranking_is_billed_by_hundreds_of_documents(documents: int, searches: int) -> None:
    """By the agents' API as by an invocation."""
    arn = "arn:aws:bedrock:us-west-2::foundation-model/cohere.rerank-v3-5:0"
    model = {"modelConfiguration": {"modelArn": arn}}
    configuration = {"bedrockRerankingConfiguration": model}
    request = {
        "sources": [{"type": "INLINE"}] * documents,
        "rerankingConfiguration": configuration,
    }
    facts = _facts("/rerank", b'{"results":[]}', request)
    assert {"rerank_searches": searches} == facts.quantities
    invoked = {"documents": ["text"] * documents, "query": "which"}
    facts = _facts("/model/cohere.rerank-v3-5:0/invoke", b'{"results":[]}', invoked)
    assert {"rerank_searches": searches} == facts.quantities


def _trace(at: str, model: str, counts: tuple[int, int]) -> bytes:
    usage = {"inputTokens": counts[0], "outputTokens": counts[1]}
    asked = {"modelInvocationInput": {"traceId": at, "foundationModel": model}}
    answered = {"modelInvocationOutput": {"traceId": at, "metadata": {"usage": usage}}}
    return b"".join(
        _message("trace", {"trace": {"orchestrationTrace": each}}) for each in (asked, answered)
    )


_AGENT = "/agents/A/agentAliases/B/sessions/s/text"
_ANSWER = _message("chunk", {"bytes": "SGVsbG8="})


def test_an_agent_s_trace_has_the_usage_of_every_model() -> None:
    stream = _trace("1", "m", (10, 1)) + _trace("2", "n", (5, 2)) + _trace("3", "m", (20, 3))
    facts = _facts(_AGENT, stream + _ANSWER)
    assert ("m", {"input_tokens": 30, "output_tokens": 4}) == (facts.model, facts.quantities)
    assert (ModelUsage("n", {"input_tokens": 5, "output_tokens": 2}),) == facts.others
    assert facts.finished


def test_an_agent_without_a_trace_is_not_estimated() -> None:
    """Its prompts are its own: what the request says is a small part of them."""
    reader = _reader(_AGENT, {"inputText": "What is it?"})
    reader.feed(_ANSWER)
    assert ({}, Reason.NO_USAGE) == (reader.facts().quantities, reader.facts().reason)
    assert () == reader.output_text().texts
    head = RequestHead("POST", _AGENT, host=_HOST)
    request = BEDROCK.request_reader(BEDROCK.classify(head), head)
    request.feed(b'{"inputText":"What is it?"}')
    assert [] == request.input_text().texts


def test_asynchronous_work_stays_pending_unless_it_failed() -> None:
    """Its end says nothing of usage."""
    arn = "arn:aws:bedrock:us-east-1:123456789012:async-invoke/abc"
    started = _facts("/async-invoke", json.dumps({"invocationArn": arn}).encode())
    assert (arn, True) == (started.object_id, started.pending)
    head = RequestHead("GET", "/async-invoke/" + arn.replace(":", "%3A").replace("/", "%2F"))
    endpoint = BEDROCK.classify(head)
    assert (Billing.RESULT, arn, "async-invoke") == (
        endpoint.billing,
        endpoint.object_id,
        endpoint.name,
    )
    for status, pending in (("InProgress", True), ("Completed", True), ("Failed", False)):
        body = json.dumps({"invocationArn": arn, "status": status}).encode()
        assert pending is _facts("/async-invoke", body).pending


@pytest.mark.parametrize(
    ("identifier", "model"),
    [
        ("amazon.nova-micro-v1%3A0", "amazon.nova-micro-v1:0"),
        (_HAIKU, _HAIKU),
        (
            "arn%3Aaws%3Abedrock%3Aus-west-2%3A1%3Ainference-profile%2Fus.amazon.nova-lite-v1%3A0",
            "us.amazon.nova-lite-v1:0",
        ),
        ("arn:aws-cn:bedrock:cn-north-1::foundation-model/a.b-v1", "a.b-v1"),
        (
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fabc",
            "application-inference-profile/abc",
        ),
    ],
)
def test_the_model_is_in_the_path(identifier: str, model: str) -> None:
    """ARNs of AWS's own give the id; those that users made keep what they are."""
    path = f"/model/{identifier}/converse"
    endpoint = BEDROCK.classify(RequestHead("POST", path, host=_HOST))
    assert (model, "eu-west-1") == (endpoint.model, endpoint.region)


@pytest.mark.parametrize(
    ("line", "billing"),
    [
        ("POST /model/m/converse converse", Billing.METERED),
        ("POST /model/m/converse-stream converse-stream", Billing.METERED),
        ("POST /model/m/invoke invoke", Billing.METERED),
        ("POST /model/m/count-tokens count-tokens", Billing.FREE),
        ("POST /model/m/something other", Billing.UNKNOWN),
        ("POST /guardrail/g/version/1/apply guardrail", Billing.UNKNOWN),
        ("POST /knowledgebases/k/retrieve retrieve", Billing.UNKNOWN),
        ("POST /retrieveAndGenerate retrieveAndGenerate", Billing.UNKNOWN),
        ("POST /flows/f/aliases/a flows", Billing.UNKNOWN),
        ("POST /async-invoke async-invoke", Billing.PENDING),
        ("GET /async-invoke manage", Billing.FREE),
        ("PUT /sessions manage", Billing.FREE),
        ("POST /agents/session agents", Billing.METERED),
        ("POST /v1/chat/completions chat.completions", Billing.METERED),
        ("POST /openai/v1/responses responses", Billing.METERED),
        ("GET /v1/models manage", Billing.FREE),
        ("POST /anthropic/v1/messages messages", Billing.METERED),
        ("POST /anthropic/v1/messages/count_tokens manage", Billing.FREE),
    ],
)
def test_paths(line: str, billing: Billing) -> None:
    method, path, expected = line.split()
    endpoint = BEDROCK.classify(RequestHead(method, path, host=_HOST))
    assert (expected, billing) == (endpoint.name, endpoint.billing)


def test_messages_are_priced_by_bedrock_s_name_of_the_model() -> None:
    """The answer's own is Anthropic's, whose prices differ."""
    body = {"model": "claude-x", "usage": {"input_tokens": 3, "output_tokens": 4}}
    request = {"model": "anthropic.claude-x"}
    facts = _facts("/anthropic/v1/messages", json.dumps(body).encode(), request)
    assert (None, {"input_tokens": 3, "output_tokens": 4}) == (facts.model, facts.quantities)


@pytest.mark.parametrize(
    "host",
    [
        _HOST,
        "bedrock-runtime-fips.us-gov-west-1.amazonaws.com",
        "bedrock-runtime.cn-north-1.amazonaws.com.cn",
        "bedrock-mantle.us-east-1.api.aws",
        "bedrock-agent-runtime.us-east-1.amazonaws.com",
        "vpce-0ab-1cd.bedrock-runtime.us-east-1.vpce.amazonaws.com",
    ],
)
def test_every_region_has_hosts(host: str) -> None:
    """Of other services of AWS none is opened; what is counted does not name the user's own."""
    assert BEDROCK is BUILT_IN.of_host(host)
    assert BUILT_IN.declared_host(host) in BEDROCK.hosts


@pytest.mark.parametrize(
    "host",
    [
        "bedrock.us-east-1.amazonaws.com",
        "s3.us-east-1.amazonaws.com",
        "bedrock-runtime.a.b.amazonaws.com",
        "bedrock-runtime.us-east-1.amazonaws.com.evil.example",
    ],
)
def test_other_hosts_stay_closed(host: str) -> None:
    assert BUILT_IN.of_host(host) is None


def test_the_gateway_s_path_names_the_host() -> None:
    """There is one for every region, and none to fall back on."""
    route = BUILT_IN.route(f"/bedrock/{_HOST}{_CONVERSE}", {})
    assert route is not None
    assert (_HOST, _CONVERSE) == (route.origin.host, route.path)
    assert BUILT_IN.route(f"/bedrock{_CONVERSE}", {}) is None


def test_errors_of_ours_have_the_shape_of_the_provider() -> None:
    assert {"message": "No."} == json.loads(BEDROCK.error_body(404, "unknown_route", "No."))

"""OpenAI and its family, on hand-written bodies."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from acm_addon.model import Reason, UsageSource

type Run = Callable[..., Any]

CHAT = "openai/v1/chat/completions"
RESPONSES = "openai/v1/responses"
IMAGES = "openai/v1/images/generations"
SSE = "text/event-stream; charset=utf-8"

_FIRST = b'data: {"id":"c1","model":"gpt-4o-2024-08-06","service_tier":"default","choices":[]}\n\n'
_HELLO = b'data: {"id":"c1","choices":[{"delta":{"content":"Hello \\u00e9"}}],"usage":null}\n\n'
_USAGE = (
    b'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7,'
    b'"total_tokens":18,"prompt_tokens_details":{"cached_tokens":4}}}\n\n'
)
_DONE = b"data: [DONE]\n\n"


def _usage(**usage: object) -> bytes:
    return json.dumps({"id": "x", "model": "m", "usage": usage}).encode()


def test_a_whole_completion(run: Run) -> None:
    """Everything that a response says of itself is there, details beside inclusive totals."""
    body = {
        "id": "chatcmpl-1",
        "model": "gpt-4o-2024-08-06",
        "service_tier": "priority",
        "choices": [{"message": {"content": "Hi", "refusal": None}}],
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 30, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 20},
        },
    }
    facts = run(CHAT, json.dumps(body).encode()).response.facts()
    assert facts.quantities == {
        "input_tokens": 100,
        "output_tokens": 50,
        "cache_read_tokens": 30,
        "input_audio_tokens": 0,
        "output_reasoning_tokens": 20,
    }
    assert ("gpt-4o-2024-08-06", "chatcmpl-1", "priority") == (
        facts.model,
        facts.object_id,
        facts.tier,
    )
    assert {"service_tier": "priority"} == facts.price_context
    assert (True, False, None) == (facts.finished, facts.failed, facts.reason)
    assert UsageSource.REPORTED is facts.usage_source


@pytest.mark.parametrize("piece", [0, 1, 5])
@pytest.mark.parametrize("content_type", [SSE, "application/json", ""])
def test_a_stream_with_usage(run: Run, piece: int, content_type: str) -> None:
    """A stream is told by its first bytes, whatever its content type says."""
    stream = b": warming up\n\n" + _FIRST + _HELLO + _USAGE + _DONE
    call = run(CHAT, stream, content_type=content_type, piece=piece)
    facts = call.response.facts()
    assert {"input_tokens": 11, "output_tokens": 7, "cache_read_tokens": 4} == facts.quantities
    assert ("gpt-4o-2024-08-06", "default") == (facts.model, facts.tier)
    assert (True, False, False) == (facts.finished, facts.failed, facts.output_missing)
    assert ("Hello é",) == call.response.output_text().texts


def test_a_stream_without_usage_leaves_the_counting_to_the_tokenizer(run: Run) -> None:
    """``[DONE]`` and no usage: finished, nothing counted, the text kept."""
    request = json.dumps(
        {
            "model": "gpt-4o",
            "messages": [
                {"role": "system", "content": "Be brief"},
                {"role": "user", "content": [{"type": "text", "text": "Why?"}]},
            ],
        }
    )
    call = run(CHAT, _FIRST + _HELLO * 3 + _DONE, request.encode(), content_type=SSE)
    facts = call.response.facts()
    assert ({}, UsageSource.NONE) == (facts.quantities, facts.usage_source)
    assert (True, True, Reason.NO_USAGE) == (facts.finished, facts.output_missing, facts.reason)
    assert ("Hello é" * 3,) == call.response.output_text().texts
    assert ["Be brief", "Why?"] == call.request.input_text().texts
    assert 3 <= call.response.output_tokens_so_far()


def test_a_cut_stream_is_unfinished(run: Run) -> None:
    """No end was seen: not finished, and no reason of the body's own."""
    facts = run(CHAT, _FIRST + _HELLO + _USAGE[:40], content_type=SSE).response.facts()
    assert (False, None, {}) == (facts.finished, facts.reason, facts.quantities)
    assert "gpt-4o-2024-08-06" == facts.model


def test_the_last_event_may_lack_its_blank_line(run: Run) -> None:
    facts = run(CHAT, _FIRST + _USAGE + _DONE.strip(), content_type=SSE).response.facts()
    assert (True, 7) == (facts.finished, facts.quantities["output_tokens"])


def test_a_last_event_without_an_end_says_the_same_however_often_asked(run: Run) -> None:
    """Nor does it matter that its end comes after all."""
    finish = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
    response = run(CHAT, _FIRST + finish + _USAGE.strip(), content_type=SSE).response
    facts = response.facts()
    assert facts.finished
    assert facts == response.facts()
    response.feed(b"\n\n")
    assert facts == response.facts()


def test_usage_after_the_finish_reason_ends_a_stream_without_done(run: Run) -> None:
    """Some of the family never send ``[DONE]``."""
    stop = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
    assert run(CHAT, _FIRST + stop + _USAGE, content_type=SSE).response.facts().finished


def test_an_error_inside_a_stream(run: Run) -> None:
    """A 200 can fail: the error is seen, and is no usage."""
    error = b'event: error\ndata: {"error":{"message":"secret","code":"x"}}\n\n'
    facts = run(CHAT, _FIRST + _HELLO + error, content_type=SSE).response.facts()
    assert (True, False, Reason.PROVIDER_ERROR) == (facts.failed, facts.finished, facts.reason)


def test_text_that_speaks_of_errors_and_usage_is_text(run: Run) -> None:
    """Escaped quotes keep generated JSON from being taken for the provider's."""
    text = json.dumps('{"error":{"a":1},"usage":{"prompt_tokens":5}}').encode()
    event = b'data: {"choices":[{"delta":{"content":' + text + b"}}]}\n\n"
    facts = run(CHAT, _FIRST + event + _DONE, content_type=SSE).response.facts()
    assert (False, {}) == (facts.failed, facts.quantities)


def test_groq_puts_usage_beside_its_own_id(run: Run) -> None:
    chunk = (
        b'data: {"choices":[],"x_groq":{"id":"r","usage":{"prompt_tokens":3,'
        b'"completion_tokens":2,"total_tokens":5,"queue_time":0.1}}}\n\n'
    )
    call = run("groq/openai/v1/chat/completions", _FIRST + chunk + _DONE, content_type=SSE)
    assert {"input_tokens": 3, "output_tokens": 2} == call.response.facts().quantities


def test_the_last_usage_wins(run: Run) -> None:
    """Perplexity and others report in every chunk, growing."""
    chunks = b"".join(
        b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":%d}}\n\n' % count
        for count in (1, 5, 9)
    )
    facts = run(CHAT, chunks + _DONE, content_type=SSE).response.facts()
    assert 9 == facts.quantities["output_tokens"]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        pytest.param(
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 45,
                "completion_tokens_details": {"reasoning_tokens": 30},
            },
            {"input_tokens": 10, "output_tokens": 35, "output_reasoning_tokens": 30},
            id="reasoning outside of output",
        ),
        pytest.param(
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 90},
            {"input_tokens": 100, "output_tokens": 5, "cache_read_tokens": 90},
            id="cached outside of input",
        ),
        pytest.param(
            {"prompt_tokens": 100, "completion_tokens": 5, "prompt_cache_hit_tokens": 90},
            {"input_tokens": 100, "output_tokens": 5, "cache_read_tokens": 90},
            id="DeepSeek's cache hits",
        ),
        pytest.param(
            {
                "prompt_tokens": 9,
                "completion_tokens": 248,
                "total_tokens": 632,
                "prompt_tokens_details": {"audio_tokens": 375},
            },
            {"input_tokens": 384, "output_tokens": 248, "input_audio_tokens": 375},
            id="Mistral's audio outside of input",
        ),
        pytest.param(
            {
                "prompt_tokens": 33,
                "completion_tokens": 7163,
                "total_tokens": 7196,
                "citation_tokens": 20016,
                "num_search_queries": 18,
                "reasoning_tokens": 73997,
            },
            {
                "input_tokens": 33,
                "output_tokens": 7163 + 20016 + 73997,
                "output_citation_tokens": 20016,
                "output_reasoning_tokens": 73997,
                "web_searches": 18,
            },
            id="Perplexity's deep research",
        ),
        pytest.param(
            {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
            {"input_tokens": 0, "output_tokens": 0},
            id="zero is a count",
        ),
        pytest.param(
            {"prompt_tokens": 12.0, "completion_tokens": 1},
            {"input_tokens": 12, "output_tokens": 1},
            id="integral fractions",
        ),
    ],
)
def test_dialects_of_usage(run: Run, usage: dict[str, Any], expected: dict[str, int]) -> None:
    """However a member of the family counts, totals come out inclusive."""
    facts = run(CHAT, _usage(**usage)).response.facts()
    assert (expected, None) == (facts.quantities, facts.reason)


@pytest.mark.parametrize(
    "hostile",
    ["-1", "1e308", '"7"', "null", "true", "[]", "{}", "1.5", "9" * 400, "1e999999999999"],
)
def test_hostile_counts_are_dropped(run: Run, hostile: str) -> None:
    """What is not a count is dropped and called bad; the rest stays."""
    body = '{"usage":{"prompt_tokens":%s,"completion_tokens":5}}' % hostile  # noqa: UP031
    facts = run(CHAT, body.encode()).response.facts()
    assert ({"output_tokens": 5}, Reason.BAD_USAGE) == (facts.quantities, facts.reason)


def test_usage_that_contradicts_itself_is_called_bad(run: Run) -> None:
    details = {"reasoning_tokens": 50}
    body = _usage(prompt_tokens=1, completion_tokens=5, completion_tokens_details=details)
    assert Reason.BAD_USAGE is run(CHAT, body).response.facts().reason


@pytest.mark.parametrize(
    ("usage", "nano"),
    [
        ('{"cost":0.00014935}', 149350),
        ('{"cost":0}', 0),
        ('{"cost":0.1,"is_byok":true,"cost_details":{"upstream_inference_cost":1.5}}', 1600000000),
        ('{"cost":0.1,"is_byok":true}', None),
        ('{"cost_in_usd_ticks":2375800}', 237580),
        ('{"cost_in_usd_ticks":25}', 2),
        ('{"cost":{"total_cost":0.0061}}', 6100000),
        ('{"cost":{"total_cost":0.0061,"currency":"EUR"}}', None),
        ('{"cost":-1}', None),
        ('{"cost":"0.1"}', None),
        ('{"cost":1e300}', None),
        ('{"cost":NaN}', None),
        ("{}", None),
    ],
)
def test_stated_costs(run: Run, usage: str, nano: int | None) -> None:
    """The provider's own figure, exact, or None where it gives none that can be trusted."""
    body = '{"model":"m","usage":%s}' % usage  # noqa: UP031
    call = run("openrouter/api/v1/chat/completions", body.encode())
    assert nano == call.response.facts().provider_cost


def test_embeddings_have_no_output(run: Run) -> None:
    body = b'{"data":[{"embedding":[0.1,-2e-3]}],"usage":{"prompt_tokens":8,"total_tokens":8}}'
    facts = run("openai/v1/embeddings", body).response.facts()
    assert ({"input_tokens": 8}, False) == (facts.quantities, facts.output_missing)


_ITEMS = [
    {"type": "web_search_call", "id": "1"},
    {"type": "web_search_call", "id": "2"},
    {"type": "file_search_call", "id": "3"},
    {"type": "code_interpreter_call", "id": "4", "container_id": "c"},
    {"type": "code_interpreter_call", "id": "5", "container_id": "c"},
    {"type": "function_call", "id": "6"},
    {"type": "message", "id": "7"},
]
_RESPONSE = {
    "id": "resp_1",
    "model": "gpt-5",
    "service_tier": "flex",
    "status": "completed",
    "error": None,
    "output": _ITEMS,
    "usage": {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13},
}
_RESPONSE_QUANTITIES = {
    "input_tokens": 9,
    "output_tokens": 4,
    "web_searches": 2,
    "storage_searches": 1,
    "container_sessions": 1,
}


def _event(kind: str, **fields: object) -> bytes:
    data = json.dumps({"type": kind, **fields})
    return f"event: {kind}\ndata: {data}\n\n".encode()


def test_a_response_counts_its_tool_calls(run: Run) -> None:
    """Tool calls are billed and not in usage; containers are billed, not their calls."""
    request = b'{"model":"gpt-5","tools":[{"type":"web_search_preview_2025_03_11"}]}'
    call = run(RESPONSES, json.dumps(_RESPONSE).encode(), request)
    facts = call.response.facts()
    assert (_RESPONSE_QUANTITIES, "flex") == (facts.quantities, facts.tier)
    assert "web_search_preview" == call.request.facts().price_context["web_search_tool"]


@pytest.mark.parametrize("in_the_end", [True, False])
def test_a_response_stream(run: Run, in_the_end: bool) -> None:
    """Usage and tools come from the last event; tools from their own where the last has none."""
    begun = {**_RESPONSE, "usage": None, "output": [], "status": "in_progress"}
    done = _RESPONSE if in_the_end else {**_RESPONSE, "output": []}
    stream = _event("response.created", response={**begun, "service_tier": "auto"})
    for index, item in enumerate(_ITEMS):
        stream += _event("response.output_item.done", output_index=index, item=item)
    stream += _event("response.output_text.delta", delta="Hello")
    stream += _event("response.output_text.done", text="Hello")
    call = run(RESPONSES, stream, content_type=SSE)
    assert (False, True) == (call.response.facts().finished, call.response.facts().output_missing)
    assert ("Hello",) == call.response.output_text().texts
    call.response.feed(_event("response.completed", response=done))
    facts = call.response.facts()
    assert (_RESPONSE_QUANTITIES, "flex", True) == (facts.quantities, facts.tier, facts.finished)
    assert ("gpt-5", "resp_1") == (facts.model, facts.object_id)


def test_generated_images_keep_a_response_from_looking_fully_priced(run: Run) -> None:
    """They cost, and the response does not say how much: a unit without a price says so."""
    body = {**_RESPONSE, "output": [{"type": "image_generation_call"}]}
    facts = run(RESPONSES, json.dumps(body).encode()).response.facts()
    assert 1 == facts.quantities["image_generations"]


def test_a_failed_response(run: Run) -> None:
    failed = {**_RESPONSE, "status": "failed", "error": {"code": "x"}, "usage": None, "output": []}
    stream = _event("response.failed", response=failed)
    facts = run(RESPONSES, stream, content_type=SSE).response.facts()
    assert (True, True, Reason.PROVIDER_ERROR) == (facts.failed, facts.finished, facts.reason)


def test_a_background_response_is_pending(run: Run) -> None:
    """The answer is whole, and the work goes on without it."""
    body = {**_RESPONSE, "status": "queued", "usage": None, "output": []}
    facts = run(RESPONSES, json.dumps(body).encode()).response.facts()
    assert (True, True) == (facts.finished, facts.pending)


def test_zeros_after_the_real_usage_are_not_believed(run: Run) -> None:
    """Some servers repeat the last chunk with empty counts."""
    chunk = {"model": "m", "choices": []}
    real = {"prompt_tokens": 50, "completion_tokens": 5, "total_tokens": 55}
    stream = b"".join(
        b"data: " + json.dumps({**chunk, "usage": usage}).encode() + b"\n\n"
        for usage in (real, dict.fromkeys(real, 0))
    )
    facts = run(CHAT, stream + b"data: [DONE]\n\n", content_type=SSE).response.facts()
    assert {"input_tokens": 50, "output_tokens": 5} == dict(facts.quantities)


def test_dall_e_is_billed_by_what_was_asked_for(run: Run) -> None:
    """Without usage, images come from the request, with the defaults that the API documents."""
    body = b'{"created":1,"data":[{"b64_json":"' + b"QUJD" * 100_000 + b'"},{"url":"u"}]}'
    call = run(IMAGES, body, b'{"prompt":"cat","n":2,"model":"dall-e-3"}', piece=65536)
    facts, request = call.response.facts(), call.request.facts()
    assert ({"images": 2}, UsageSource.DERIVED) == (facts.quantities, facts.usage_source)
    assert {"size": "1024x1024", "quality": "standard"} == request.price_context
    assert (True, None) == (facts.finished, facts.reason)


def test_images_of_a_failed_call_are_not_booked(run: Run) -> None:
    error = b'{"error":{"message":"no","code":"billing_hard_limit_reached"}}'
    facts = run(IMAGES, error, status=400).response.facts()
    assert ({}, UsageSource.NONE) == (facts.quantities, facts.usage_source)


def test_images_of_a_call_that_was_cut_are_booked(run: Run) -> None:
    """They were made, and are billed, whether they arrived or not."""
    facts = run(IMAGES, b'{"created":1,"data":[{"b64_json":"QU').response.facts()
    assert ({"images": 1}, UsageSource.DERIVED) == (facts.quantities, facts.usage_source)


def test_gpt_image_reports_usage(run: Run) -> None:
    body = (
        b'{"created":1,"data":[{"b64_json":"QUJD"}],"size":"1024x1024","usage":{"input_tokens":50,'
        b'"output_tokens":1000,"total_tokens":1050,"input_tokens_details":{"text_tokens":10,'
        b'"image_tokens":40}}}'
    )
    facts = run(IMAGES, body, b'{"model":"gpt-image-2"}').response.facts()
    assert facts.quantities == {
        "input_tokens": 50,
        "output_tokens": 1000,
        "input_text_tokens": 10,
        "input_image_tokens": 40,
    }


def test_a_request(run: Run) -> None:
    """What a request asks for, wherever its fields stand."""
    request = (
        b'{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:'
        + b"QUJD" * 5000
        + b'"}}]}],"stream":true,"n":2,"max_tokens":5,"max_completion_tokens":100,'
        b'"service_tier":"flex","model":"gpt-5"}'
    )
    call = run(CHAT, b"", request)
    facts = call.request.facts()
    assert ("gpt-5", True, 2, 100, "flex") == (
        facts.model,
        facts.stream,
        facts.choices,
        facts.max_output_tokens,
        facts.tier,
    )
    assert {"service_tier": "flex"} == facts.price_context
    assert len(request) // 4 == facts.input_tokens_estimate
    assert [] == call.request.input_text().texts


@pytest.mark.parametrize(
    "limits",
    [
        {"max_completion_tokens": 5, "max_tokens": 100},
        {"max_tokens": 5, "max_output_tokens": 100},
        {"max_completion_tokens": None, "max_tokens": 100},
        {"max_completion_tokens": "5", "max_tokens": "100"},
    ],
)
def test_of_several_limits_the_highest_counts(run: Run, limits: dict[str, object]) -> None:
    """A provider that knows one of the names alone passes over the other; some take texts."""
    asked = json.dumps({"model": "m", **limits}).encode()
    facts = run("groq/openai/v1/chat/completions", b"{}", asked).request.facts()
    assert 100 == facts.max_output_tokens


@pytest.mark.parametrize("request_body", [b"", b'{"model":"gpt-5"', b"not json", b"\xff\x00"])
def test_unreadable_requests_have_no_text(run: Run, request_body: bytes) -> None:
    call = run(CHAT, b"", request_body)
    assert [] == call.request.input_text().texts


def test_a_huge_request_is_read_but_not_held(run: Run) -> None:
    """Fields are found in a body of any size; its copy goes once it is too long."""
    request = b'{"input":"' + b"x" * 9_000_000 + b'","model":"m"}'
    call = run("openai/v1/embeddings", b"", request)
    assert ("m", []) == (call.request.facts().model, call.request.input_text().texts)


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b"<html>bad gateway</html>", 502, Reason.PROVIDER_ERROR),
        (b"<html>hello</html>", 200, Reason.UNREADABLE_BODY),
        (b'{"error":{"message":"x"}}', 429, Reason.PROVIDER_ERROR),
        (b'{"error":{"message":"x"}}', 200, Reason.PROVIDER_ERROR),
        (b'{"id":"x"}', 200, Reason.NO_USAGE),
        (b'{"id":"x"', 200, None),
        (b"", 200, None),
    ],
)
def test_why_there_is_no_usage(run: Run, body: bytes, status: int, reason: Reason | None) -> None:
    facts = run(CHAT, body, status=status).response.facts()
    assert (reason, {}) == (facts.reason, facts.quantities)
    assert (status >= 400 or b"error" in body) == facts.failed


def test_errors_of_ours_have_the_shape_of_the_provider(run: Run) -> None:
    call = run(CHAT, b"")
    error = json.loads(call.provider.error_body(404, "unknown_route", "No."))["error"]
    assert ("No.", "invalid_request_error", None, "unknown_route") == (
        error["message"],
        error["type"],
        error["param"],
        error["code"],
    )

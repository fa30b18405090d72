"""What Azure does otherwise than those whose models it serves."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from acm_addon.model import Reason
from acm_addon.providers.azure import AZURE
from acm_addon.providers.base import RequestFacts, RequestHead, ResponseHead
from acm_addon.routing import BUILT_IN

type Run = Callable[..., Any]

_CHAT = "azure/openai/deployments/mine/chat/completions"
_FILTERS = {"choices": [], "id": "", "model": "", "prompt_filter_results": [{"prompt_index": 0}]}


def _data(*events: object) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


def test_the_first_event_only_judges_the_prompt(run: Run) -> None:
    """The model is named by the ones behind it, also where no usage comes."""
    chunk = {"id": "c1", "model": "gpt-4o-2024-11-20", "choices": [{"delta": {"content": "Hi"}}]}
    done = b"data: [DONE]\n\n"
    facts = run(_CHAT, _data(_FILTERS, chunk) + done, content_type="text/event-stream")
    assert "gpt-4o-2024-11-20" == facts.response.facts().model
    assert "c1" == facts.response.facts().object_id


def test_what_xai_would_have_charged_is_not_what_azure_bills(run: Run) -> None:
    usage = {"prompt_tokens": 5, "completion_tokens": 1, "cost_in_usd_ticks": 0}
    body = json.dumps({"model": "grok-4", "usage": usage}).encode()
    facts = run("azure/models/chat/completions", body).response.facts()
    assert ({"input_tokens": 5, "output_tokens": 1}, None) == (
        facts.quantities,
        facts.provider_cost,
    )


def test_more_cached_than_input_is_a_contradiction_where_the_input_is_all_text(run: Run) -> None:
    """xAI's models on Azure count a preamble as cached, and not as input."""
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 213,
        "total_tokens": 223,
        "prompt_tokens_details": {"cached_tokens": 161, "text_tokens": 10},
    }
    body = json.dumps({"model": "grok-4", "usage": usage}).encode()
    facts = run("azure/models/chat/completions", body).response.facts()
    assert (10, 161, Reason.BAD_USAGE) == (
        facts.quantities["input_tokens"],
        facts.quantities["cache_read_tokens"],
        facts.reason,
    )


def test_chunks_of_a_chat_may_answer_a_request_for_a_response(run: Run) -> None:
    """For some vendors' models the path is translated, and the stream is not."""
    chunk = {"id": "c1", "object": "chat.completion.chunk", "model": "deepseek-v4-pro"}
    usage = {
        "prompt_tokens": 19,
        "completion_tokens": 1720,
        "total_tokens": 1739,
        "reasoning_tokens": 1000,
    }
    stream = _data({**chunk, "usage": None}, {**chunk, "choices": [], "usage": usage})
    facts = run("azure/openai/v1/responses", stream, content_type="text/event-stream")
    facts = facts.response.facts()
    assert {"input_tokens": 19, "output_tokens": 1720, "output_reasoning_tokens": 1000} == (
        facts.quantities
    )
    assert ("deepseek-v4-pro", True) == (facts.model, facts.finished)


def test_claude_on_foundry_counts_as_anthropic_does(run: Run) -> None:
    """Cached input is outside of its input."""
    usage = {"input_tokens": 20, "cache_read_input_tokens": 5, "output_tokens": 7}
    body = {"type": "message", "model": "claude-sonnet-4-5-20250929", "usage": usage}
    facts = run("azure/anthropic/v1/messages", json.dumps(body).encode()).response.facts()
    assert {"input_tokens": 25, "cache_read_tokens": 5, "output_tokens": 7} == facts.quantities


def test_the_region_is_on_the_row_where_the_answer_names_it() -> None:
    endpoint = AZURE.classify(RequestHead("POST", "/openai/v1/chat/completions"))
    head = ResponseHead(200, {"content-type": "application/json", "x-ms-region": "East US 2"})
    reader = AZURE.response_reader(endpoint, RequestFacts(), head)
    reader.feed(b"{}")
    facts = reader.facts()
    assert ("eastus2", {"region": "us"}) == (facts.region, facts.price_context)


@pytest.mark.parametrize(
    "host",
    [
        "mine.openai.azure.com",
        "mine.services.ai.azure.com",
        "mine.cognitiveservices.azure.com",
        "mine.eastus2.inference.ai.azure.com",
    ],
)
def test_hosts_are_the_users_own(host: str) -> None:
    """The gateway's path names one, and goes nowhere without it."""
    path = "/openai/v1/responses?api-version=preview"
    assert BUILT_IN.of_host(host) is AZURE
    route = BUILT_IN.route(f"/azure/{host}{path}", {})
    assert route is not None
    assert (host, path) == (route.origin.host, route.path)
    assert BUILT_IN.route(f"/azure{path}", {}) is None

"""Everything that is on a provider's bill, from the bytes of an answer to the money, by hand.

Amounts are written as a bill has them: tokens times dollars a million, and fees in dollars. Prices
are those of the shipped table on 2026-11-22, unless another day is given. Field lessons 1 (cached
tokens billed twice), 2 (the split of cache writes lost), 16 (the tier that was asked for priced
instead of the one that served), 17 (names), and 18 (the provider's own figure ignored).
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from acm_addon.model import PriceStatus, Reason
from tests.wire import SUNDAY, Wire, as_json, row

type Tokens = list[tuple[int, str]]
"""How many, and dollars for a million of them."""

_MILLION = Decimal(10) ** 6
_JUNE = datetime(2026, 6, 1, tzinfo=UTC)

_TOKENS = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
_CACHED = {
    **_TOKENS,
    "prompt_tokens_details": {"cached_tokens": 400},
    "completion_tokens_details": {"reasoning_tokens": 60},
}
_AUDIO = {
    **_TOKENS,
    "prompt_tokens_details": {"audio_tokens": 600, "text_tokens": 400},
    "completion_tokens_details": {"audio_tokens": 80, "text_tokens": 20},
}
_PREDICTED = {"accepted_prediction_tokens": 30, "rejected_prediction_tokens": 20}
_RESPONSE = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}
_WRITES = {"cached_tokens": 400, "cache_write_tokens": 300}
_MESSAGE = {
    "input_tokens": 100,
    "output_tokens": 50,
    "cache_read_input_tokens": 400,
    "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
    "service_tier": "standard",
}
_GEMINI = {
    "promptTokenCount": 1000,
    "cachedContentTokenCount": 400,
    "candidatesTokenCount": 100,
    "thoughtsTokenCount": 60,
    "totalTokenCount": 1160,
}


def _chat(
    model: str,
    usage: dict[str, Any],
    host: str = "api.openai.com",
    path: str = "/v1/chat/completions",
    asked: dict[str, Any] | None = None,
    **fields: Any,
) -> Wire:
    choices = [{"message": {"role": "assistant", "content": "x"}}]
    body = {"id": "c1", "model": model, "choices": choices, "usage": usage, **fields}
    return Wire(host, path, as_json(body), as_json({"model": model, **(asked or {})}))


def _response(
    model: str, usage: dict[str, Any], *output: dict[str, Any], tool: str | None = None
) -> Wire:
    body = {"id": "r1", "model": model, "status": "completed", "output": output, "usage": usage}
    asked = {"model": model, "input": "x", "tools": [{"type": tool}] if tool else []}
    return Wire("api.openai.com", "/v1/responses", as_json(body), as_json(asked))


def _message(model: str, **usage: Any) -> Wire:
    content = [{"type": "text", "text": "x"}]
    body = {"id": "m1", "model": model, "content": content, "usage": {**_MESSAGE, **usage}}
    return Wire("api.anthropic.com", "/v1/messages", as_json(body), as_json({"model": model}))


def _gemini(model: str, usage: dict[str, Any], *queries: str) -> Wire:
    candidate: dict[str, Any] = {"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}
    if queries:
        candidate["groundingMetadata"] = {"webSearchQueries": queries}
    body = {"candidates": [candidate], "modelVersion": model, "usageMetadata": usage}
    path = f"/v1beta/models/{model}:generateContent"
    return Wire("generativelanguage.googleapis.com", path, as_json(body))


def _images(answer: dict[str, Any], **asked: Any) -> Wire:
    return Wire("api.openai.com", "/v1/images/generations", as_json(answer), as_json(asked))


def _sonar(**usage: Any) -> Wire:
    usage = {**_TOKENS, "search_context_size": "low", **usage}
    return _chat("sonar", usage, "api.perplexity.ai", "/chat/completions")


def _nano(tokens: Tokens, *fees: str) -> int:
    """Nano-dollars. Every line of these bills is a whole number of them."""
    lines = [Decimal(count) * Decimal(rate) / _MILLION for count, rate in tokens]
    total = (sum(lines) + sum(map(Decimal, fees))) * 10**9
    assert total == int(total)
    return int(total)


@pytest.mark.parametrize(
    ("wire", "nano"),
    [
        pytest.param(
            _chat("gpt-4o", _CACHED),
            _nano([(600, "2.5"), (400, "1.25"), (100, "10")]),
            id="openai: inside the prompt, and reasoning inside the completion",
        ),
        pytest.param(
            _chat(
                "deepseek-v4-flash",
                {**_TOKENS, "prompt_cache_hit_tokens": 400, "prompt_cache_miss_tokens": 600},
                "api.deepseek.com",
                "/chat/completions",
            ),
            _nano([(600, "0.15"), (400, "0.003"), (100, "0.6")]),
            id="deepseek: hits and misses, without details",
        ),
        pytest.param(
            _message("claude-sonnet-4-5", cache_creation_input_tokens=0, cache_creation=None),
            _nano([(100, "3"), (400, "0.3"), (50, "15")]),
            id="anthropic: outside of the input",
        ),
        pytest.param(
            _gemini("gemini-2.5-flash", _GEMINI),
            _nano([(600, "0.3"), (400, "0.03"), (160, "2.5")]),
            id="gemini: inside the prompt, and thoughts outside the candidates",
        ),
    ],
)
def test_lesson_01_cached_tokens_are_billed_once(wire: Wire, nano: int) -> None:
    """litellm#11364, #14849, bifrost#904, #3451, langfuse#10592, tokscale#1022: billed twice, or at
    the full price. Here each token is on one line, whichever way its provider counts."""
    entry = row(wire)
    assert (nano, PriceStatus.PRICED, None) == (entry.cost, entry.price_status, entry.reason)
    tokens = sum(line.quantity for line in entry.lines)
    assert tokens == entry.usage["input_tokens"] + entry.usage["output_tokens"]


@pytest.mark.parametrize(
    ("wire", "nano", "reason"),
    [
        pytest.param(
            _message("claude-sonnet-4-5"),
            _nano([(100, "3"), (400, "0.3"), (200, "3.75"), (100, "6"), (50, "15")]),
            None,
            id="five minutes and one hour",
        ),
        pytest.param(
            _message("claude-sonnet-4-5", cache_creation=None),
            _nano([(100, "3"), (400, "0.3"), (300, "3.75"), (50, "15")]),
            None,
            id="no split: the default lifetime",
        ),
        pytest.param(
            _message("claude-sonnet-4-5", cache_creation={"ephemeral_1h_input_tokens": 100}),
            _nano([(100, "3"), (400, "0.3"), (200, "3.75"), (100, "6"), (50, "15")]),
            Reason.BAD_USAGE,
            id="a part of the split: the remainder at the default, and marked",
        ),
        pytest.param(
            _response("gpt-5.6-sol", {**_RESPONSE, "input_tokens_details": _WRITES}),
            _nano([(300, "4"), (400, "0.4"), (300, "5"), (100, "20")]),
            None,
            id="openai: inside the input, for thirty minutes",
        ),
    ],
)
def test_lesson_02_cache_writes_are_priced_by_lifetime(
    wire: Wire, nano: int, reason: Reason | None
) -> None:
    """litellm#42663, PR#36762: an hour costs more than five minutes, and the split was lost."""
    entry = row(wire)
    assert (nano, reason) == (entry.cost, entry.reason)


def test_lesson_02_a_split_beyond_its_total_has_no_cost() -> None:
    """Nobody knows which of the two is right: the output is known, and no total."""
    split = {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 101}
    entry = row(_message("claude-opus-4-6", cache_creation=split))
    assert (None, Reason.BAD_USAGE) == (entry.cost, entry.reason)
    assert _nano([(50, "25")]) == entry.known_cost


@pytest.mark.parametrize(
    ("wire", "nano"),
    [
        pytest.param(
            _chat("gpt-4o", {**_TOKENS, "completion_tokens_details": _PREDICTED}),
            _nano([(1000, "2.5"), (100, "10")]),
            id="predicted output, rejected or not, is inside the completion",
        ),
        pytest.param(
            _chat("gpt-audio", _AUDIO),
            _nano([(400, "2.5"), (600, "32"), (20, "10"), (80, "64")]),
            id="audio in and out",
        ),
        pytest.param(
            _gemini(
                "gemini-2.5-flash",
                {
                    **_GEMINI,
                    "cachedContentTokenCount": 0,
                    "promptTokensDetails": [
                        {"modality": "TEXT", "tokenCount": 400},
                        {"modality": "AUDIO", "tokenCount": 600},
                    ],
                },
            ),
            _nano([(400, "0.3"), (600, "1"), (160, "2.5")]),
            id="audio in, gemini",
        ),
        pytest.param(
            _gemini(
                "gemini-2.5-flash-image",
                {
                    "promptTokenCount": 10,
                    "candidatesTokenCount": 1290,
                    "totalTokenCount": 1300,
                    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
                },
            ),
            _nano([(10, "0.3"), (1290, "30")]),
            id="an image out, by tokens",
        ),
        pytest.param(
            _images(
                {
                    "created": 1,
                    "data": [{}],
                    "usage": {
                        "input_tokens": 50,
                        "output_tokens": 272,
                        "total_tokens": 322,
                        "input_tokens_details": {"text_tokens": 40, "image_tokens": 10},
                    },
                },
                model="gpt-image-1",
                prompt="x",
            ),
            _nano([(40, "5"), (10, "10"), (272, "40")]),
            id="images in and out, by tokens",
        ),
        pytest.param(
            _images(
                {"created": 1, "data": [{}, {}]},
                model="dall-e-3",
                n=2,
                size="1024x1792",
                quality="hd",
            ),
            _nano([], "0.12", "0.12"),
            id="images by what was asked for",
        ),
    ],
)
def test_tokens_of_every_kind(wire: Wire, nano: int) -> None:
    entry = row(wire)
    assert (nano, PriceStatus.PRICED) == (entry.cost, entry.price_status)


_SEARCH, _FILES = {"type": "web_search_call"}, {"type": "file_search_call"}
_CODE = {"type": "code_interpreter_call", "container_id": "cntr_1"}


@pytest.mark.parametrize(
    ("wire", "nano"),
    [
        pytest.param(
            _response("gpt-5.4", _RESPONSE, _SEARCH, _SEARCH, tool="web_search"),
            _nano([(1000, "2.5"), (100, "15")], "0.01", "0.01"),
            id="openai: two searches",
        ),
        pytest.param(
            _response("gpt-4o", _RESPONSE, _SEARCH, tool="web_search_preview"),
            _nano([(1000, "2.5"), (100, "10")], "0.025"),
            id="openai: the preview's search costs more",
        ),
        pytest.param(
            _response("gpt-5.4", _RESPONSE, _FILES, _FILES, _FILES),
            _nano([(1000, "2.5"), (100, "15")], "0.0025", "0.0025", "0.0025"),
            id="openai: file searches",
        ),
        pytest.param(
            _response("gpt-5.4", _RESPONSE, _CODE, _CODE),
            _nano([(1000, "2.5"), (100, "15")], "0.03"),
            id="openai: one container, run twice",
        ),
        pytest.param(
            _message(
                "claude-sonnet-4-5",
                server_tool_use={"web_search_requests": 2, "web_fetch_requests": 3},
            ),
            _nano(
                [(100, "3"), (400, "0.3"), (200, "3.75"), (100, "6"), (50, "15")], "0.01", "0.01"
            ),
            id="anthropic: searches, and pages that are free",
        ),
        pytest.param(
            _gemini("gemini-2.5-flash", _GEMINI, "tides", "rivers"),
            _nano([(600, "0.3"), (400, "0.03"), (160, "2.5")], "0.035"),
            id="gemini 2.5: a grounded prompt, however many searches",
        ),
        pytest.param(
            _gemini("gemini-3-pro-preview", _GEMINI, "tides", "rivers", "tides"),
            _nano([(600, "2"), (400, "0.2"), (160, "12")], "0.014", "0.014"),
            id="gemini 3: each search",
        ),
        pytest.param(
            _chat("gpt-4o-search-preview", _TOKENS),
            _nano([(1000, "2.5"), (100, "10")], "0.025"),
            id="a model that searches in every request",
        ),
    ],
)
def test_server_tools_are_beside_the_tokens(wire: Wire, nano: int) -> None:
    """OpenAI states them only in its output items, and Gemini in what it grounded."""
    entry = row(wire)
    assert (nano, PriceStatus.PRICED) == (entry.cost, entry.price_status)


_FLEX_OF_5_4 = _nano([(1000, "1.25"), (100, "7.5")])
_PRIORITY_OF_5_4 = _nano([(1000, "5"), (100, "30")])
_DEFAULT_OF_5_4 = _nano([(1000, "2.5"), (100, "15")])


@pytest.mark.parametrize(
    ("asked", "served", "nano"),
    [
        ("priority", "default", _DEFAULT_OF_5_4),
        ("flex", "flex", _FLEX_OF_5_4),
        ("auto", "flex", _FLEX_OF_5_4),
        ("auto", "priority", _PRIORITY_OF_5_4),
        (None, "priority", _PRIORITY_OF_5_4),
        ("default", "priority", _PRIORITY_OF_5_4),
        ("flex", None, _FLEX_OF_5_4),
        ("auto", None, _DEFAULT_OF_5_4),
        (None, None, _DEFAULT_OF_5_4),
    ],
)
def test_lesson_16_the_tier_that_served_is_priced(
    asked: str | None, served: str | None, nano: int
) -> None:
    """litellm#31837, #13810, #37046: the wish was priced. Only where the answer is silent is it."""
    wish = {"service_tier": asked} if asked else {}
    said = {"service_tier": served} if served else {}
    assert nano == row(_chat("gpt-5.4", _TOKENS, asked=wish, **said)).cost


def test_lesson_16_a_tier_without_a_price_has_no_cost() -> None:
    """The standard price would be a guess."""
    entry = row(_chat("gpt-5.4", _TOKENS, service_tier="scale"))
    assert (None, Reason.NO_PRICE_FOR_UNIT, "scale") == (entry.cost, entry.reason, entry.tier)


@pytest.mark.parametrize(
    ("wire", "nano"),
    [
        pytest.param(
            _message("claude-sonnet-4-5", service_tier="batch"),
            _nano([(100, "1.5"), (400, "0.15"), (200, "1.875"), (100, "3"), (50, "7.5")]),
            id="a batch",
        ),
        pytest.param(
            _message(
                "claude-opus-4-8",
                speed="fast",
                cache_read_input_tokens=0,
                cache_creation_input_tokens=0,
                cache_creation=None,
            ),
            _nano([(100, "10"), (50, "50")]),
            id="fast",
        ),
        pytest.param(
            _message("claude-opus-4-6", inference_geo="us"),
            _nano([(100, "5.5"), (400, "0.55"), (200, "6.875"), (100, "11"), (50, "27.5")]),
            id="in the United States: a tenth more",
        ),
        pytest.param(
            _message("claude-opus-4-6", inference_geo="global"),
            _nano([(100, "5"), (400, "0.5"), (200, "6.25"), (100, "10"), (50, "25")]),
            id="anywhere",
        ),
        pytest.param(
            _message("claude-opus-4-6", inference_geo="not_available"),
            _nano([(100, "5"), (400, "0.5"), (200, "6.25"), (100, "10"), (50, "25")]),
            id="not said where",
        ),
        pytest.param(
            _message(
                "claude-opus-4-6",
                inference_geo="us",
                server_tool_use={"web_search_requests": 1},
                cache_read_input_tokens=0,
                cache_creation_input_tokens=0,
                cache_creation=None,
            ),
            _nano([(100, "5.5"), (50, "27.5")], "0.01"),
            id="searches cost the same everywhere",
        ),
        pytest.param(
            _chat("gpt-5.4", {**_TOKENS, "prompt_tokens": 272_000, "total_tokens": 272_100}),
            _nano([(272_000, "2.5"), (100, "15")]),
            id="a long prompt, just short of the threshold",
        ),
        pytest.param(
            _chat("gpt-5.4", {**_TOKENS, "prompt_tokens": 272_001, "total_tokens": 272_101}),
            _nano([(272_001, "5"), (100, "22.5")]),
            id="past the threshold every token costs more",
        ),
        pytest.param(
            _chat(
                "gpt-5.4",
                {**_TOKENS, "prompt_tokens": 272_001, "total_tokens": 272_101},
                service_tier="flex",
            ),
            _nano([(272_001, "2.5"), (100, "11.25")]),
            id="long, and flex",
        ),
        pytest.param(
            _message(
                "claude-sonnet-4-5",
                input_tokens=100_000,
                cache_read_input_tokens=100_001,
                cache_creation_input_tokens=0,
                cache_creation=None,
            ),
            _nano([(100_000, "6"), (100_001, "0.6"), (50, "22.5")]),
            id="anthropic: what was read from the cache makes a prompt long",
        ),
        pytest.param(
            _gemini(
                "gemini-2.5-pro",
                {
                    "promptTokenCount": 250_000,
                    "candidatesTokenCount": 100,
                    "totalTokenCount": 250_100,
                },
            ),
            _nano([(250_000, "2.5"), (100, "15")]),
            id="gemini: a long prompt",
        ),
    ],
)
def test_modifiers(wire: Wire, nano: int) -> None:
    """What multiplies a price, or chooses another one."""
    entry = row(wire)
    assert (nano, PriceStatus.PRICED) == (entry.cost, entry.price_status)


@pytest.mark.parametrize(
    ("wire", "at", "stated", "ours"),
    [
        pytest.param(
            _chat(
                "openai/gpt-4o",
                {**_CACHED, "cost": 0.0031},
                "openrouter.ai",
                "/api/v1/chat/completions",
            ),
            SUNDAY,
            3_100_000,
            _nano([(600, "2.5"), (400, "1.25"), (100, "10")]),
            id="openrouter",
        ),
        pytest.param(
            _sonar(cost={"total_cost": 0.0062}),
            _JUNE,
            6_200_000,
            _nano([(1000, "1"), (100, "1")], "0.005"),
            id="perplexity",
        ),
        pytest.param(
            _chat("grok-4", {**_TOKENS, "cost_in_usd_ticks": 12_345_675}, "api.x.ai"),
            SUNDAY,
            # A tick is a tenth of a nano-dollar; half of one goes to the even neighbour.
            1_234_568,
            _nano([(1000, "3"), (100, "15")]),
            id="xai",
        ),
    ],
)
def test_lesson_18_the_provider_s_own_figure_comes_first(
    wire: Wire, at: datetime, stated: int, ours: int
) -> None:
    """litellm#38802, PR#39441: it was ignored. It is booked, and ours stands beside it."""
    entry = row(wire, at=at)
    assert (stated, stated, ours) == (entry.cost, entry.provider_cost, entry.computed_cost)


@pytest.mark.parametrize(
    ("size", "fee"), [("low", "0.005"), ("medium", "0.008"), ("high", "0.012")]
)
def test_a_fee_for_every_request(size: str, fee: str) -> None:
    """Perplexity charges by how much of the web a request looks at."""
    nano = _nano([(1000, "1"), (100, "1")], fee)
    assert nano == row(_sonar(search_context_size=size), at=_JUNE).cost


@pytest.mark.parametrize("cost", ["free", None, -1, {}, [], {"total_cost": "x"}, 1e308, True])
def test_lesson_18_a_figure_that_is_none_leaves_ours(cost: object) -> None:
    """Never $0, and never what a bad number says."""
    entry = row(_sonar(cost=cost), at=_JUNE)
    assert (None, _nano([(1000, "1"), (100, "1")], "0.005")) == (entry.provider_cost, entry.cost)


@pytest.mark.parametrize(
    ("model", "nano"),
    [
        ("gpt-4o-2024-08-06", _nano([(1000, "2.5"), (100, "10")])),
        ("gpt-4o-2024-05-13", _nano([(1000, "5"), (100, "15")])),
        ("gpt-4o-mini-2024-07-18", _nano([(1000, "0.15"), (100, "0.6")])),
        ("ft:gpt-4o-2024-08-06:us::x1", _nano([(1000, "3.75"), (100, "15")])),
    ],
)
def test_lesson_17_a_dated_name_has_its_own_price(model: str, nano: int) -> None:
    """litellm#35762, #33170, Helicone#4893: a variant was given the price of another one."""
    assert nano == row(_chat(model, _TOKENS)).cost


@pytest.mark.parametrize("model", ["gpt-7", "gpt-4o-ultra", "my-gpt-4o", "claude-sonnet-4-5"])
def test_lesson_06_an_unknown_model_is_never_free(model: str) -> None:
    """litellm PR#36561: $0. Here the usage is kept, the cost is NULL, and the row says why; nor is
    a name that looks like a known one given its price."""
    entry = row(_chat(model, _TOKENS))
    assert (None, 0, Reason.UNKNOWN_MODEL) == (entry.cost, entry.known_cost, entry.reason)
    assert PriceStatus.UNPRICED is entry.price_status
    assert {"input_tokens": 1000, "output_tokens": 100} == entry.usage


def test_lesson_06_an_unknown_unit_is_never_free() -> None:
    """An image that a response drew is priced nowhere in it: the tokens are known, and no total."""
    entry = row(_response("gpt-5.4", _RESPONSE, {"type": "image_generation_call"}))
    assert (None, Reason.NO_PRICE_FOR_UNIT) == (entry.cost, entry.reason)
    assert _nano([(1000, "2.5"), (100, "15")]) == entry.known_cost

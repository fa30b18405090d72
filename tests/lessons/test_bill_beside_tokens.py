"""What is on a bill beside tokens, or changes their price, from an answer to the money, by hand.

Amounts are written as in ``test_bill_of_tokens``. Field lessons 16 (the tier that was asked for
priced, not the one that served) and 18 (the provider's own figure ignored).
"""

from datetime import datetime

import pytest

from acm_addon.model import PriceStatus, Reason
from tests.bills import (
    CACHED,
    GEMINI,
    JUNE,
    RESPONSE,
    TOKENS,
    chat_answer,
    converse_answer,
    due,
    gemini_answer,
    message_answer,
    response_answer,
    sonar_answer,
)
from tests.wire import SUNDAY, Wire, row

_SEARCH, _FILES = {"type": "web_search_call"}, {"type": "file_search_call"}
_CODE = {"type": "code_interpreter_call", "container_id": "cntr_1"}


@pytest.mark.parametrize(
    ("wire", "nano"),
    [
        pytest.param(
            response_answer("gpt-5.4", RESPONSE, _SEARCH, _SEARCH, tool="web_search"),
            due([(1000, "2.5"), (100, "15")], "0.01", "0.01"),
            id="openai: two searches",
        ),
        pytest.param(
            response_answer("gpt-4o", RESPONSE, _SEARCH, tool="web_search_preview"),
            due([(1000, "2.5"), (100, "10")], "0.025"),
            id="openai: the preview's search costs more",
        ),
        pytest.param(
            response_answer("gpt-5.4", RESPONSE, _FILES, _FILES, _FILES),
            due([(1000, "2.5"), (100, "15")], "0.0025", "0.0025", "0.0025"),
            id="openai: file searches",
        ),
        pytest.param(
            response_answer("gpt-5.4", RESPONSE, _CODE, _CODE),
            due([(1000, "2.5"), (100, "15")], "0.03"),
            id="openai: one container, run twice",
        ),
        pytest.param(
            message_answer(
                "claude-sonnet-4-5",
                server_tool_use={"web_search_requests": 2, "web_fetch_requests": 3},
            ),
            due([(100, "3"), (400, "0.3"), (200, "3.75"), (100, "6"), (50, "15")], "0.01", "0.01"),
            id="anthropic: searches, and pages that are free",
        ),
        pytest.param(
            gemini_answer("gemini-2.5-flash", GEMINI, "tides", "rivers"),
            due([(600, "0.3"), (400, "0.03"), (160, "2.5")], "0.035"),
            id="gemini 2.5: a grounded prompt, however many searches",
        ),
        pytest.param(
            gemini_answer("gemini-3-pro-preview", GEMINI, "tides", "rivers", "tides"),
            due([(600, "2"), (400, "0.2"), (160, "12")], "0.014", "0.014"),
            id="gemini 3: each search",
        ),
        pytest.param(
            gemini_answer("gemini-2.5-flash", GEMINI, places=["a", "b"]),
            due([(600, "0.3"), (400, "0.03"), (160, "2.5")], "0.025"),
            id="gemini: a prompt grounded in maps, however many places",
        ),
        pytest.param(
            chat_answer("gpt-4o-search-preview", TOKENS),
            due([(1000, "2.5"), (100, "10")], "0.025"),
            id="a model that searches in every request",
        ),
    ],
)
def test_server_tools_are_beside_the_tokens(wire: Wire, nano: int) -> None:
    """OpenAI states them only in its output items, and Gemini in what it grounded."""
    entry = row(wire)
    assert (nano, PriceStatus.PRICED) == (entry.cost, entry.price_status)


_FLEX_OF_5_4 = due([(1000, "1.25"), (100, "7.5")])
_PRIORITY_OF_5_4 = due([(1000, "5"), (100, "30")])
_DEFAULT_OF_5_4 = due([(1000, "2.5"), (100, "15")])


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
    assert nano == row(chat_answer("gpt-5.4", TOKENS, asked=wish, **said)).cost


def test_lesson_16_a_tier_without_a_price_has_no_cost() -> None:
    """The standard price would be a guess."""
    entry = row(chat_answer("gpt-5.4", TOKENS, service_tier="scale"))
    assert (None, Reason.NO_PRICE_FOR_UNIT, "scale") == (entry.cost, entry.reason, entry.tier)


@pytest.mark.parametrize(
    ("wire", "nano"),
    [
        pytest.param(
            message_answer("claude-sonnet-4-5", service_tier="batch"),
            due([(100, "1.5"), (400, "0.15"), (200, "1.875"), (100, "3"), (50, "7.5")]),
            id="a batch",
        ),
        pytest.param(
            message_answer(
                "claude-opus-4-8",
                speed="fast",
                cache_read_input_tokens=0,
                cache_creation_input_tokens=0,
                cache_creation=None,
            ),
            due([(100, "10"), (50, "50")]),
            id="fast",
        ),
        pytest.param(
            message_answer("claude-opus-4-6", inference_geo="us"),
            due([(100, "5.5"), (400, "0.55"), (200, "6.875"), (100, "11"), (50, "27.5")]),
            id="in the United States: a tenth more",
        ),
        pytest.param(
            message_answer("claude-opus-4-6", inference_geo="global"),
            due([(100, "5"), (400, "0.5"), (200, "6.25"), (100, "10"), (50, "25")]),
            id="anywhere",
        ),
        pytest.param(
            message_answer("claude-opus-4-6", inference_geo="not_available"),
            due([(100, "5"), (400, "0.5"), (200, "6.25"), (100, "10"), (50, "25")]),
            id="not said where",
        ),
        pytest.param(
            message_answer(
                "claude-opus-4-6",
                inference_geo="us",
                server_tool_use={"web_search_requests": 1},
                cache_read_input_tokens=0,
                cache_creation_input_tokens=0,
                cache_creation=None,
            ),
            due([(100, "5.5"), (50, "27.5")], "0.01"),
            id="searches cost the same everywhere",
        ),
        pytest.param(
            chat_answer("gpt-5.4", {**TOKENS, "prompt_tokens": 272_000, "total_tokens": 272_100}),
            due([(272_000, "2.5"), (100, "15")]),
            id="a long prompt, just short of the threshold",
        ),
        pytest.param(
            chat_answer("gpt-5.4", {**TOKENS, "prompt_tokens": 272_001, "total_tokens": 272_101}),
            due([(272_001, "5"), (100, "22.5")]),
            id="past the threshold every token costs more",
        ),
        pytest.param(
            chat_answer(
                "gpt-5.4",
                {**TOKENS, "prompt_tokens": 272_001, "total_tokens": 272_101},
                service_tier="flex",
            ),
            due([(272_001, "2.5"), (100, "11.25")]),
            id="long, and flex",
        ),
        pytest.param(
            message_answer(
                "claude-sonnet-4-5",
                input_tokens=100_000,
                cache_read_input_tokens=100_001,
                cache_creation_input_tokens=0,
                cache_creation=None,
            ),
            due([(100_000, "6"), (100_001, "0.6"), (50, "22.5")]),
            id="anthropic: what was read from the cache makes a prompt long",
        ),
        pytest.param(
            gemini_answer(
                "gemini-2.5-pro",
                {
                    "promptTokenCount": 250_000,
                    "candidatesTokenCount": 100,
                    "totalTokenCount": 250_100,
                },
            ),
            due([(250_000, "2.5"), (100, "15")]),
            id="gemini: a long prompt",
        ),
        pytest.param(
            converse_answer("us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            due([(600, "3.3"), (400, "0.33"), (100, "16.5")]),
            id="bedrock: a profile that stays in its region costs a tenth more",
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
            chat_answer(
                "openai/gpt-4o",
                {**CACHED, "cost": 0.0031},
                "openrouter.ai",
                "/api/v1/chat/completions",
            ),
            SUNDAY,
            3_100_000,
            due([(600, "2.5"), (400, "1.25"), (100, "10")]),
            id="openrouter",
        ),
        pytest.param(
            sonar_answer(cost={"total_cost": 0.0062}),
            JUNE,
            6_200_000,
            due([(1000, "1"), (100, "1")], "0.005"),
            id="perplexity",
        ),
        pytest.param(
            chat_answer("grok-4", {**TOKENS, "cost_in_usd_ticks": 12_345_675}, "api.x.ai"),
            SUNDAY,
            # A tick is a tenth of a nano-dollar; half of one goes to the even neighbour.
            1_234_568,
            due([(1000, "3"), (100, "15")]),
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
    nano = due([(1000, "1"), (100, "1")], fee)
    assert nano == row(sonar_answer(search_context_size=size), at=JUNE).cost


@pytest.mark.parametrize("cost", ["free", None, -1, {}, [], {"total_cost": "x"}, 1e308, True])
def test_lesson_18_a_figure_that_is_none_leaves_ours(cost: object) -> None:
    """Never $0, and never what a bad number says."""
    entry = row(sonar_answer(cost=cost), at=JUNE)
    assert (None, due([(1000, "1"), (100, "1")], "0.005")) == (entry.provider_cost, entry.cost)

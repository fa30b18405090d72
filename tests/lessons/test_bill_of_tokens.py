"""Tokens of every kind, from the bytes of an answer to the money, by hand.

Amounts are written as a bill has them: tokens times dollars a million, and fees in dollars. Prices
are those of the shipped table on 2026-11-22. Field lessons 1 (cached tokens billed twice), 2 (the
split of cache writes lost), 6 (unknown is not free), and 17 (names).
"""

import pytest

from acm_addon.model import PriceStatus, Reason
from tests.bills import (
    AUDIO,
    CACHED,
    GEMINI,
    PREDICTED,
    RESPONSE,
    TOKENS,
    WRITES,
    chat_answer,
    converse_answer,
    due,
    gemini_answer,
    images_answer,
    message_answer,
    response_answer,
)
from tests.wire import Wire, row


@pytest.mark.parametrize(
    ("wire", "nano"),
    [
        pytest.param(
            chat_answer("gpt-4o", CACHED),
            due([(600, "2.5"), (400, "1.25"), (100, "10")]),
            id="openai: inside the prompt, and reasoning inside the completion",
        ),
        pytest.param(
            chat_answer(
                "deepseek-v4-flash",
                {**TOKENS, "prompt_cache_hit_tokens": 400, "prompt_cache_miss_tokens": 600},
                "api.deepseek.com",
                "/chat/completions",
            ),
            due([(600, "0.15"), (400, "0.003"), (100, "0.6")]),
            id="deepseek: hits and misses, without details",
        ),
        pytest.param(
            message_answer("claude-sonnet-4-5", cache_creation_input_tokens=0, cache_creation=None),
            due([(100, "3"), (400, "0.3"), (50, "15")]),
            id="anthropic: outside of the input",
        ),
        pytest.param(
            gemini_answer("gemini-2.5-flash", GEMINI),
            due([(600, "0.3"), (400, "0.03"), (160, "2.5")]),
            id="gemini: inside the prompt, and thoughts outside the candidates",
        ),
        pytest.param(
            converse_answer("global.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            due([(600, "3"), (400, "0.3"), (100, "15")]),
            id="bedrock: outside of the input",
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
            message_answer("claude-sonnet-4-5"),
            due([(100, "3"), (400, "0.3"), (200, "3.75"), (100, "6"), (50, "15")]),
            None,
            id="five minutes and one hour",
        ),
        pytest.param(
            message_answer("claude-sonnet-4-5", cache_creation=None),
            due([(100, "3"), (400, "0.3"), (300, "3.75"), (50, "15")]),
            None,
            id="no split: the default lifetime",
        ),
        pytest.param(
            message_answer("claude-sonnet-4-5", cache_creation={"ephemeral_1h_input_tokens": 100}),
            due([(100, "3"), (400, "0.3"), (200, "3.75"), (100, "6"), (50, "15")]),
            Reason.BAD_USAGE,
            id="a part of the split: the remainder at the default, and marked",
        ),
        pytest.param(
            response_answer("gpt-5.6-sol", {**RESPONSE, "input_tokens_details": WRITES}),
            due([(300, "4"), (400, "0.4"), (300, "5"), (100, "20")]),
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
    entry = row(message_answer("claude-opus-4-6", cache_creation=split))
    assert (None, Reason.BAD_USAGE) == (entry.cost, entry.reason)
    assert due([(50, "25")]) == entry.known_cost


@pytest.mark.parametrize(
    ("wire", "nano"),
    [
        pytest.param(
            chat_answer("gpt-4o", {**TOKENS, "completion_tokens_details": PREDICTED}),
            due([(1000, "2.5"), (100, "10")]),
            id="predicted output, rejected or not, is inside the completion",
        ),
        pytest.param(
            chat_answer("gpt-audio", AUDIO),
            due([(400, "2.5"), (600, "32"), (20, "10"), (80, "64")]),
            id="audio in and out",
        ),
        pytest.param(
            gemini_answer(
                "gemini-2.5-flash",
                {
                    **GEMINI,
                    "cachedContentTokenCount": 0,
                    "promptTokensDetails": [
                        {"modality": "TEXT", "tokenCount": 400},
                        {"modality": "AUDIO", "tokenCount": 600},
                    ],
                },
            ),
            due([(400, "0.3"), (600, "1"), (160, "2.5")]),
            id="audio in, gemini",
        ),
        pytest.param(
            gemini_answer(
                "gemini-2.5-flash-image",
                {
                    "promptTokenCount": 10,
                    "candidatesTokenCount": 1290,
                    "totalTokenCount": 1300,
                    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
                },
            ),
            due([(10, "0.3"), (1290, "30")]),
            id="an image out, by tokens",
        ),
        pytest.param(
            images_answer(
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
            due([(40, "5"), (10, "10"), (272, "40")]),
            id="images in and out, by tokens",
        ),
        pytest.param(
            images_answer(
                {"created": 1, "data": [{}, {}]},
                model="dall-e-3",
                n=2,
                size="1024x1792",
                quality="hd",
            ),
            due([], "0.12", "0.12"),
            id="images by what was asked for",
        ),
    ],
)
def test_tokens_of_every_kind(wire: Wire, nano: int) -> None:
    entry = row(wire)
    assert (nano, PriceStatus.PRICED) == (entry.cost, entry.price_status)


@pytest.mark.parametrize(
    ("model", "nano"),
    [
        ("gpt-4o-2024-08-06", due([(1000, "2.5"), (100, "10")])),
        ("gpt-4o-2024-05-13", due([(1000, "5"), (100, "15")])),
        ("gpt-4o-mini-2024-07-18", due([(1000, "0.15"), (100, "0.6")])),
        ("ft:gpt-4o-2024-08-06:us::x1", due([(1000, "3.75"), (100, "15")])),
    ],
)
def test_lesson_17_a_dated_name_has_its_own_price(model: str, nano: int) -> None:
    """litellm#35762, #33170, Helicone#4893: a variant was given the price of another one."""
    assert nano == row(chat_answer(model, TOKENS)).cost


@pytest.mark.parametrize("model", ["gpt-7", "gpt-4o-ultra", "my-gpt-4o", "claude-sonnet-4-5"])
def test_lesson_06_an_unknown_model_is_never_free(model: str) -> None:
    """litellm PR#36561: $0. Here the usage is kept, the cost is NULL, and the row says why; nor is
    a name that looks like a known one given its price."""
    entry = row(chat_answer(model, TOKENS))
    assert (None, 0, Reason.UNKNOWN_MODEL) == (entry.cost, entry.known_cost, entry.reason)
    assert PriceStatus.UNPRICED is entry.price_status
    assert {"input_tokens": 1000, "output_tokens": 100} == entry.usage


def test_lesson_06_an_unknown_unit_is_never_free() -> None:
    """An image that a response drew is priced nowhere in it: the tokens are known, and no total."""
    entry = row(response_answer("gpt-5.4", RESPONSE, {"type": "image_generation_call"}))
    assert (None, Reason.NO_PRICE_FOR_UNIT) == (entry.cost, entry.reason)
    assert due([(1000, "2.5"), (100, "15")]) == entry.known_cost

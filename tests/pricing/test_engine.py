"""Usage to lines, on models whose prices are well known."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from acm_addon.model import Cost, CostLine, PriceStatus, Reason

type Bill = Callable[..., Cost]


def amounts(cost: Cost) -> dict[str, int]:
    return {line.sku: line.amount for line in cost.lines}


def test_cached_input_is_not_billed_twice(bill: Bill) -> None:
    """Input is inclusive: what was read from the cache is taken out of it, and priced apart."""
    cost = bill(
        "openai", "gpt-4o", {"input_tokens": 100, "cache_read_tokens": 40, "output_tokens": 10}
    )

    assert cost.lines == (
        CostLine("openai/gpt-4o:input_mtok", "input_tokens", 60, Decimal("0.0000025"), 150_000),
        CostLine(
            "openai/gpt-4o:cache_read_mtok",
            "cache_read_tokens",
            40,
            Decimal("0.00000125"),
            50_000,
        ),
        CostLine("openai/gpt-4o:output_mtok", "output_tokens", 10, Decimal("0.00001"), 100_000),
    )
    assert (cost.status, cost.computed, cost.known) == (PriceStatus.PRICED, 300_000, 300_000)
    assert cost.reason is None


def test_details_without_a_price_are_inside_their_total(bill: Bill) -> None:
    """Reasoning, tool and modality details change nothing where the model prices the total only."""
    quantities = {
        "input_tokens": 100,
        "input_text_tokens": 90,
        "input_image_tokens": 10,
        "input_tool_tokens": 5,
        "output_tokens": 10,
        "output_reasoning_tokens": 8,
    }

    cost = bill("openai", "gpt-4o", quantities)

    assert cost.computed == 350_000
    assert {line.unit: line.quantity for line in cost.lines} == {
        "input_tokens": 100,
        "output_tokens": 10,
    }


def test_a_detail_that_the_model_prices_apart_has_its_own_line(bill: Bill) -> None:
    """Gemini's audio input costs more than its text."""
    cost = bill("google", "gemini-2.0-flash", {"input_tokens": 10, "input_audio_tokens": 4})

    assert amounts(cost) == {
        "google/gemini-2.0-flash:input_mtok": 600,
        "google/gemini-2.0-flash:input_audio_mtok": 2800,
    }


def test_the_split_of_cache_writes_is_priced(bill: Bill) -> None:
    """Five-minute writes have the default rate, one-hour writes their own."""
    quantities = {
        "input_tokens": 100,
        "cache_write_tokens": 50,
        "cache_write_5m_tokens": 20,
        "cache_write_1h_tokens": 30,
    }

    cost = bill("anthropic", "claude-sonnet-4-5-20250929", quantities)

    assert amounts(cost) == {
        "anthropic/claude-sonnet-4-5:input_mtok": 150_000,
        "anthropic/claude-sonnet-4-5:cache_write_mtok": 75_000,
        "anthropic/claude-sonnet-4-5:cache_write_1h_mtok": 180_000,
    }
    assert cost.reason is None


def test_cache_writes_without_a_split_have_the_default_rate(bill: Bill) -> None:
    """No split is no contradiction."""
    cost = bill("anthropic", "claude-sonnet-4-5", {"input_tokens": 50, "cache_write_tokens": 50})

    assert amounts(cost) == {"anthropic/claude-sonnet-4-5:cache_write_mtok": 187_500}
    assert cost.reason is None


def test_a_split_without_its_total_is_summed(bill: Bill) -> None:
    """The parts of the cache writes stand in for a total that was not reported."""
    cost = bill("anthropic", "claude-sonnet-4-5", {"input_tokens": 50, "cache_write_5m_tokens": 50})

    assert amounts(cost) == {"anthropic/claude-sonnet-4-5:cache_write_mtok": 187_500}


def test_the_remainder_of_a_split_is_priced_and_marked(bill: Bill) -> None:
    """Ten of the writes are in neither part: the default rate, and a reason."""
    quantities = {
        "input_tokens": 50,
        "cache_write_tokens": 50,
        "cache_write_5m_tokens": 10,
        "cache_write_1h_tokens": 30,
    }

    cost = bill("anthropic", "claude-sonnet-4-5", quantities)

    assert (cost.computed, cost.status) == (255_000, PriceStatus.PRICED)
    assert cost.reason is Reason.BAD_USAGE


def test_one_hour_writes_are_never_priced_as_five_minute_ones(bill: Bill) -> None:
    """A model whose one-hour rate is not known is partly priced: the default would be too low."""
    cost = bill(
        "aws",
        "anthropic.claude-3-7-sonnet-20250219-v1:0",
        {"input_tokens": 100, "cache_write_tokens": 50, "cache_write_1h_tokens": 50},
    )

    assert (cost.status, cost.computed) == (PriceStatus.PARTLY_PRICED, None)
    assert cost.reason is Reason.NO_PRICE_FOR_UNIT
    assert [line.quantity for line in cost.lines] == [50]


def test_a_threshold_reprices_the_whole_request(bill: Bill) -> None:
    """Past 272k input tokens every token has the higher rate, cached and output ones too."""
    below = bill("openai", "gpt-5.4", {"input_tokens": 272_000, "output_tokens": 10})
    above = bill(
        "openai",
        "gpt-5.4",
        {"input_tokens": 272_001, "cache_read_tokens": 272_000, "output_tokens": 10},
    )

    assert amounts(below) == {
        "openai/gpt-5.4:input_mtok": 680_000_000,
        "openai/gpt-5.4:output_mtok": 150_000,
    }
    assert amounts(above) == {
        "openai/gpt-5.4:input_mtok>272k": 5_000,
        "openai/gpt-5.4:cache_read_mtok>272k": 136_000_000,
        "openai/gpt-5.4:output_mtok>272k": 225_000,
    }


@pytest.mark.parametrize("provider", ["openai", "azure"])
def test_the_service_tier_selects_a_variant(bill: Bill, provider: str) -> None:
    """Also where the prices are those of a fallback: Azure's OpenAI models."""
    cost = bill(
        provider, "gpt-4o", {"input_tokens": 2, "output_tokens": 1}, {"service_tier": "priority"}
    )

    assert amounts(cost) == {
        "openai/gpt-4o:input_mtok@priority": 8_500,
        "openai/gpt-4o:output_mtok@priority": 17_000,
    }


@pytest.mark.parametrize("context", [{"processing": "batch"}, {"service_tier": "batch"}])
def test_a_batch_is_not_one_long_request(bill: Bill, context: dict[str, str]) -> None:
    """Its total passes any threshold, and none of its calls need to. Some call it a tier."""
    cost = bill("openai", "gpt-5.4", {"input_tokens": 300_000}, context)
    assert amounts(cost) == {"openai/gpt-5.4:input_mtok@batch": 375_000_000}


def test_a_variant_can_have_a_threshold(bill: Bill) -> None:
    """Both are visible in the line."""
    cost = bill("openai", "gpt-5.4", {"input_tokens": 300_000}, {"service_tier": "flex"})

    assert amounts(cost) == {"openai/gpt-5.4:input_mtok@flex>272k": 750_000_000}


@pytest.mark.parametrize(
    ("provider", "model", "context", "sku"),
    [
        ("openai", "gpt-4o", {"processing": "batch"}, "openai/gpt-4o:input_mtok@batch"),
        (
            "anthropic",
            "claude-sonnet-4-5",
            {"service_tier": "batch"},
            "anthropic/claude-sonnet-4-5:input_mtok@batch",
        ),
        ("openai", "gpt-4o", {"service_tier": "default"}, "openai/gpt-4o:input_mtok"),
        (
            "anthropic",
            "claude-sonnet-4-5",
            {"service_tier": "standard", "speed": "standard"},
            "anthropic/claude-sonnet-4-5:input_mtok",
        ),
        (
            "groq",
            "llama-3.3-70b-versatile",
            {"service_tier": "flex"},
            "groq/llama-3.3-70b-versatile:input_mtok",
        ),
        ("openai", "gpt-4o", {"size": "1024x1024"}, "openai/gpt-4o:input_mtok"),
    ],
)
def test_what_a_context_selects(
    bill: Bill, provider: str, model: str, context: dict[str, str], sku: str
) -> None:
    """Batch by either name, standard by any name, and what selects nothing is ignored."""
    cost = bill(provider, model, {"input_tokens": 10}, context)

    assert [sku] == [line.sku.replace("@default", "") for line in cost.lines]
    assert cost.status is PriceStatus.PRICED


@pytest.mark.parametrize(
    ("context", "at"),
    [
        ({"service_tier": "scale"}, datetime(2026, 11, 22, tzinfo=UTC)),
        ({"service_tier": "flex"}, datetime(2026, 11, 22, tzinfo=UTC)),
        ({"service_tier": "priority"}, datetime(2026, 10, 11, 23, 59, tzinfo=UTC)),
        ({"processing": "batch"}, datetime(2026, 10, 13, tzinfo=UTC)),
        ({"speed": "fast"}, datetime(2026, 11, 22, tzinfo=UTC)),
    ],
)
def test_a_tier_without_a_price_is_not_priced_as_standard(
    bill: Bill, context: dict[str, str], at: datetime
) -> None:
    """The model has no such tier, or its price is not known for that day."""
    cost = bill("openai", "gpt-4o", {"input_tokens": 10}, context, at)

    assert (cost.status, cost.computed, cost.known) == (PriceStatus.UNPRICED, None, 0)
    assert cost.reason is Reason.NO_PRICE_FOR_UNIT


@pytest.mark.parametrize("provider", ["openai", "azure"])
@pytest.mark.parametrize(
    ("model", "context", "nano"),
    [
        ("dall-e-3", {"size": "1024x1024", "quality": "standard"}, 40_000_000),
        ("dall-e-3", {"size": "1024x1792", "quality": "standard"}, 80_000_000),
        ("dall-e-3", {"size": "1792x1024", "quality": "hd"}, 120_000_000),
        ("dall-e-2", {"size": "256x256", "quality": "standard"}, 16_000_000),
        ("dall-e-2", {"size": "1024x1024"}, 20_000_000),
    ],
)
def test_images_by_size_and_quality(
    bill: Bill, provider: str, model: str, context: dict[str, str], nano: int
) -> None:
    """Our own table prices what the base lacks, on Azure too."""
    cost = bill(provider, model, {"images": 3}, context)

    assert (cost.computed, cost.status) == (3 * nano, PriceStatus.PRICED)
    assert [(line.unit, line.quantity) for line in cost.lines] == [("images", 3)]


def test_an_image_of_unknown_size_is_unpriced(bill: Bill) -> None:
    """The model is known, and nothing of the usage has a price."""
    cost = bill("openai", "dall-e-3", {"images": 3}, {"quality": "hd"})

    assert (cost.status, cost.computed, cost.known) == (PriceStatus.UNPRICED, None, 0)
    assert cost.reason is Reason.NO_PRICE_FOR_UNIT


@pytest.mark.parametrize("extra", ["social_searches", "smiles", "input_characters"])
def test_a_quantity_without_a_price_is_not_free(bill: Bill, extra: str) -> None:
    """The rest is priced, and the row says that it is not the whole."""
    cost = bill("openai", "gpt-4o", {"input_tokens": 100, "output_tokens": 10, extra: 1})

    assert (cost.status, cost.computed, cost.known) == (PriceStatus.PARTLY_PRICED, None, 350_000)
    assert cost.reason is Reason.NO_PRICE_FOR_UNIT


def test_a_zero_without_a_price_costs_nothing(bill: Bill) -> None:
    """Nothing of something unpriced is nothing."""
    cost = bill("openai", "gpt-4o", {"input_tokens": 100, "code_executions": 0})

    assert (cost.status, cost.computed) == (PriceStatus.PRICED, 250_000)


def test_web_searches_are_beside_the_tokens(bill: Bill) -> None:
    """They are no part of any token total, and the older tool costs more."""
    quantities = {"input_tokens": 100, "web_searches": 2}

    cost = bill("openai", "gpt-4o", quantities)
    preview = bill("openai", "gpt-4o", quantities, {"web_search_tool": "web_search_preview"})

    assert amounts(cost)["openai/gpt-4o:web_searches_kcount"] == 20_000_000
    assert amounts(preview)["openai/gpt-4o:web_searches_kcount@web_search_preview"] == 50_000_000


def test_a_request_fee_is_for_one_request(bill: Bill) -> None:
    """Perplexity charges each call, whatever it used."""
    cost = bill("perplexity", "sonar", {"input_tokens": 1, "output_tokens": 0})

    assert amounts(cost) == {
        "perplexity/sonar:input_mtok": 1_000,
        "perplexity/sonar:requests_kcount": 12_000_000,
    }


def test_the_least_that_is_billed(bill: Bill) -> None:
    """Groq bills ten seconds of audio for any shorter recording, and nothing for none."""
    short = bill("groq", "whisper-large-v3-turbo", {"input_audio_seconds": Decimal("3.2")})
    none = bill("groq", "whisper-large-v3-turbo", {"input_audio_seconds": 0})

    assert [(line.quantity, line.amount) for line in short.lines] == [(10, 111_111)]
    assert (none.computed, none.status) == (0, PriceStatus.PRICED)


def test_all_zero_is_priced_at_zero(bill: Bill) -> None:
    """Reported zeros are quantities."""
    cost = bill("openai", "gpt-4o", {"input_tokens": 0, "output_tokens": 0})

    assert (cost.status, cost.computed, cost.lines) == (PriceStatus.PRICED, 0, ())


def test_no_usage_is_not_zero(bill: Bill) -> None:
    """Without quantities there is nothing to price."""
    cost = bill("openai", "gpt-4o", {})

    assert (cost.status, cost.computed, cost.reason) == (
        PriceStatus.UNPRICED,
        None,
        Reason.NO_USAGE,
    )


@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "gpt-7"), ("openai", None), ("openai", ""), ("nobody", "gpt-4o")],
)
def test_an_unknown_model_is_unpriced(bill: Bill, provider: str, model: str | None) -> None:
    """Never $0, and never a neighbour's price."""
    cost = bill(provider, model, {"input_tokens": 100})

    assert (cost.status, cost.computed, cost.known) == (PriceStatus.UNPRICED, None, 0)
    assert cost.reason is Reason.UNKNOWN_MODEL
    assert cost.price_version is not None

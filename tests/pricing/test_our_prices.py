"""What the shipped files add to the base dataset: units, uplifts, fees, and what is refused."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from acm_addon.model import Cost, PriceStatus, Reason

type Bill = Callable[..., Cost]

MILLION = 1_000_000


def skus(cost: Cost) -> dict[str, int]:
    return {line.sku: line.amount for line in cost.lines}


@pytest.mark.parametrize(
    ("call", "context", "nano_dollars"),
    [
        (
            ("openai", "dall-e-3", {"images": 2}),
            {"size": "1024x1792", "quality": "hd"},
            240_000_000,
        ),
        (("google", "veo-3.1-generate-001", {"video_seconds": 8}), {}, 3_200_000_000),
        (
            ("google", "veo-3.1-generate-001", {"video_seconds": 8}),
            {"resolution": "4k"},
            4_800_000_000,
        ),
        (("google", "imagen-3.0-fast-generate-001", {"images": 1}), {}, 20_000_000),
        (("replicate", "hardware:gpu-a100-large", {"compute_seconds": 10}), {}, 14_000_000),
        (("replicate", "black-forest-labs/flux-schnell", {"images": 1}), {}, 3_000_000),
        (
            ("replicate", "black-forest-labs/flux-2-dev", {"megapixels": 2}),
            {"model_variant": "go_fast"},
            24_000_000,
        ),
        (("cohere", "rerank-v3.5", {"rerank_searches": 1}), {}, 2_000_000),
        (("voyageai", "rerank-2.5", {"input_tokens": 1_000_000}), {}, 50_000_000),
        (("elevenlabs", "eleven_v3", {"input_characters": 1000}), {}, 80_000_000),
        (("deepgram", "nova-3", {"input_audio_seconds": 60}), {}, 4_300_000),
        (("x-ai", "grok-imagine-image", {"images": 1}), {}, 20_000_000),
        (
            (
                "x-ai",
                "grok-voice-latest",
                {
                    "input_tokens": 23,
                    "input_audio_tokens": 0,
                    "output_tokens": 311,
                    "output_audio_tokens": 290,
                    "audio_seconds": 60,
                    "input_text_messages": 2,
                },
            ),
            {},
            88_000_000,
        ),
        (("aws", "amazon.rerank-v1:0", {"rerank_searches": 1}), {}, 1_000_000),
        (
            ("openai", "ft:gpt-4.1-2025-04-14:acme::9x", {"input_tokens": 1_000_000}),
            {},
            3_000_000_000,
        ),
        (("openai", "gpt-4o-search-preview", {"output_tokens": 1_000_000}), {}, 10_025_000_000),
    ],
)
def test_units_that_the_base_lacks(
    bill: Bill,
    call: tuple[str, str, dict[str, int]],
    context: dict[str, str],
    nano_dollars: int,
) -> None:
    """Images, seconds, searches, characters: each by what the provider counts."""
    cost = bill(*call, context)

    assert (PriceStatus.PRICED, nano_dollars) == (cost.status, cost.computed)


@pytest.mark.parametrize(
    ("size", "cost"), [("low", 5_000_000), ("medium", 8_000_000), ("high", 12_000_000)]
)
def test_a_request_fee_goes_by_the_search_context(bill: Bill, size: str, cost: int) -> None:
    """Perplexity's, while it was sold: the base dataset has the highest alone."""
    while_sold = datetime(2026, 9, 1, tzinfo=UTC)

    found = bill("perplexity", "sonar", {"requests": 1}, {"search_context_size": size}, while_sold)

    assert cost == found.computed


def test_fees_for_tools_hold_for_every_model(bill: Bill) -> None:
    """But for one that the base dataset has its own fee for; Azure's containers cost Azure's."""
    tools = {"container_sessions": 1, "web_searches": 1}

    assert skus(bill("openai", "gpt-4.1-nano", tools)) == {
        "openai/gpt-4.1-nano:container_sessions": 30_000_000,
        "openai/gpt-4.1-nano:web_searches_kcount": 10_000_000,
    }
    assert bill("azure", "gpt-4o", {"container_sessions": 1}).computed == 33_000_000
    assert bill("google", "gemini-2.5-pro", {"web_searches": 1}).computed == 35_000_000


@pytest.mark.parametrize(
    ("provider", "model", "context", "factor"),
    [
        ("anthropic", "claude-opus-4-6", {"inference_geo": "us"}, "*1.1"),
        ("anthropic", "claude-opus-4-6", {"inference_geo": "global"}, ""),
        ("anthropic", "claude-opus-4-5", {"inference_geo": "not_available"}, ""),
        ("openai", "gpt-5.5", {"region": "eu"}, "*1.1"),
        ("openai", "gpt-5.5-2026-04-23", {"region": "us"}, "*1.1"),
        ("openai", "gpt-4o", {"region": "eu"}, ""),
        ("x-ai", "grok-4.5", {"region": "us"}, "*1.1"),
        ("google", "claude-opus-4-6", {"region": "us-east5"}, "*1.1"),
        ("google", "claude-opus-4-6", {"region": "global"}, ""),
        ("google", "claude-opus-4-6", {}, ""),
        ("google", "gemini-2.5-pro", {"region": "us-east5"}, ""),
        ("azure", "gpt-4o", {"deployment": "data_zone"}, "*1.1"),
        ("azure", "gpt-6-sol", {"deployment": "data_zone", "region": "eu"}, "*1.2"),
        ("aws", "amazon.nova-pro-v1:0", {"service_tier": "priority"}, "*1.75"),
        ("aws", "amazon.nova-pro-v1:0", {"partition": "us-gov"}, "*1.2"),
        ("aws", "amazon.nova-pro-v1:0", {"region": "us-gov-east-1"}, "*1.2"),
        ("aws", "amazon.nova-pro-v1:0", {"region": "us-east-1"}, ""),
        ("aws", "us-gov.anthropic.claude-opus-5", {"region": "us-gov-west-1"}, "*1.2"),
        ("aws", "us.anthropic.claude-opus-5", {"region": "us-west-2"}, ""),
    ],
)
def test_where_a_call_is_served_changes_its_price(
    bill: Bill, provider: str, model: str, context: dict[str, str], factor: str
) -> None:
    """The line shows the factor; models and places without an uplift have none."""
    cost = bill(provider, model, {"input_tokens": 1000}, context)

    (line,) = cost.lines
    assert cost.status is PriceStatus.PRICED
    assert line.sku.endswith(f":input_mtok{factor}")


def test_an_uplift_is_for_tokens(bill: Bill) -> None:
    """A search costs the same everywhere."""
    cost = bill("anthropic", "claude-opus-4-6", {"web_searches": 1}, {"inference_geo": "us"})

    assert cost.computed == 10_000_000


def test_audio_is_never_billed_as_text(bill: Bill) -> None:
    """Where OpenAI's audio rate is not known the rest is priced, and the call partly."""
    quantities = {"input_tokens": 100, "input_audio_tokens": 40}

    known = bill("openai", "gpt-4o-audio-preview", quantities)
    unknown = bill("openai", "gpt-4o", quantities)

    assert known.computed == 60 * 2_500 + 40 * 40_000
    assert (unknown.status, unknown.reason) == (
        PriceStatus.PARTLY_PRICED,
        Reason.NO_PRICE_FOR_UNIT,
    )
    assert unknown.known == 60 * 2_500


def test_no_audio_is_no_reason_for_doubt(bill: Bill) -> None:
    """OpenAI reports zero audio tokens for every text model."""
    cost = bill("openai", "gpt-4o", {"input_tokens": 100, "input_audio_tokens": 0})

    assert cost.status is PriceStatus.PRICED


def test_twelve_hours_in_the_cache_cost_more(bill: Bill) -> None:
    """Thirty minutes cost what a write costs; above a threshold, and on a tier, each its own."""
    quantities = {
        "input_tokens": 1000,
        "cache_write_tokens": 600,
        "cache_write_30m_tokens": 400,
        "cache_write_12h_tokens": 200,
    }

    cost = bill("openai", "gpt-6-sol", quantities)
    long_flex = bill(
        "openai", "gpt-6-sol", {**quantities, "input_tokens": 300_000}, {"service_tier": "flex"}
    )

    assert skus(cost) == {
        "openai/gpt-6-sol:input_mtok": 400 * 2_000,
        "openai/gpt-6-sol:cache_write_mtok": 400 * 2_500,
        "openai/gpt-6-sol:cache_write_12h_tokens": 200 * 5_000,
    }
    assert skus(long_flex)["openai/gpt-6-sol:cache_write_12h_tokens@flex>272k"] == 200 * 5_000


def test_a_long_write_without_a_price_is_not_a_short_one(bill: Bill) -> None:
    """It is partly priced."""
    quantities = {"input_tokens": 9, "cache_write_tokens": 9, "cache_write_12h_tokens": 9}

    cost = bill("anthropic", "claude-opus-4-6", quantities)

    assert cost.status is not PriceStatus.PRICED


def test_an_image_is_not_billed_beside_its_tokens(bill: Bill) -> None:
    """Its price stands in where no tokens were reported."""
    context = {"size": "1024x1024", "quality": "low"}

    both = bill("openai", "gpt-image-1", {"images": 1, "output_tokens": 272}, context)
    image = bill("openai", "gpt-image-1", {"images": 1}, context)

    assert skus(both) == {"openai/gpt-image-1:output_mtok": 272 * 40_000}
    assert both.status is PriceStatus.PRICED
    assert image.computed == 11_000_000


def test_a_batch_has_no_service_tier(bill: Bill) -> None:
    """A tier beside it does not choose another price."""
    usage = {"input_tokens": MILLION}

    batch = bill("openai", "gpt-4.1", usage, {"processing": "batch"})
    both = bill("openai", "gpt-4.1", usage, {"processing": "batch", "service_tier": "priority"})

    assert batch == both


def test_a_retired_name_is_billed_as_its_successor(bill: Bill) -> None:
    """From the day of the retirement on."""
    usage = {"input_tokens": MILLION}

    before = bill("mistral", "magistral-medium-latest", usage, at=datetime(2026, 7, 30, tzinfo=UTC))
    after = bill("mistral", "magistral-medium-latest", usage)

    assert (2_000_000_000, 1_500_000_000) == (before.computed, after.computed)

"""The prices of a model as people read them."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from acm_addon.pricing import PriceTable
from acm_addon.pricing.listing import Listed, Listing
from acm_addon.pricing.rates import Layer
from pricing_data import Confidence, read_overrides

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def listed(table: PriceTable, provider: str, model: str) -> Listing:
    found = table.listed(provider, model, NOW)
    assert found is not None
    return found


def of_unit(prices: tuple[Listed, ...], unit: str) -> list[Listed]:
    return [price for price in prices if price.unit == unit]


def test_an_unknown_model_has_no_listing(table: PriceTable) -> None:
    """And no effective price."""
    assert table.listed("openai", "gpt-7", NOW) is None
    assert table.effective("openai", "gpt-7", {}, NOW) == ()


def test_every_price_says_where_it_comes_from(table: PriceTable) -> None:
    """Ours with source, day and confidence; the base dataset's with its release."""
    found = listed(table, "x-ai", "grok-code-fast-1")

    ours, base = of_unit(found.prices, "input_tokens")
    assert (ours.layer, ours.usd, ours.per) == (Layer.OVERLAY, Decimal(1), 1_000_000)
    assert ours.effective_from == datetime(2026, 5, 15, tzinfo=UTC)
    assert ours.confidence is Confidence.HIGH
    assert ours.checked is not None
    assert (base.layer, base.usd) == (Layer.BASE, Decimal("0.2"))
    assert base.source.startswith("genai-prices ")
    assert (base.checked, base.confidence) == (None, None)


def test_history_has_both_ends(table: PriceTable) -> None:
    """A price of the base dataset ends where the next one begins."""
    found = listed(table, "mistral", "mistral-medium-latest")

    now, before, *_batch = of_unit(found.prices, "output_tokens")
    change = datetime(2026, 6, 16, tzinfo=UTC)
    assert (now.usd, now.effective_from, now.effective_to) == (Decimal("7.5"), change, None)
    assert (before.usd, before.effective_from, before.effective_to) == (Decimal(2), None, change)


def test_what_is_in_force_is_what_a_call_pays(table: PriceTable) -> None:
    """One price a unit, and its steps."""
    in_force = listed(table, "openai", "gpt-5.4").in_force

    steps = of_unit(in_force, "input_tokens")
    assert [(None, Decimal("2.5")), (272_000, Decimal(5))] == [
        (price.above, price.usd) for price in steps
    ]


def test_effective_prices_follow_the_context(table: PriceTable) -> None:
    """A batch has another price, and says on which condition."""
    (price,) = of_unit(
        table.effective("openai", "gpt-4.1", {"processing": "batch"}, NOW), "output_tokens"
    )

    assert (price.usd, price.conditions) == (Decimal(4), {"processing": "batch"})


def test_times_of_day_and_weekdays_are_said(table: PriceTable) -> None:
    """In words."""
    whens = {price.when for price in listed(table, "deepseek", "deepseek-v4-flash").prices}

    assert {None, "sat, sun in Beijing", "01:00-04:00 UTC", "06:00-10:00 UTC"} == whens


def test_a_unit_or_model_of_ours_is_no_correction(table: PriceTable) -> None:
    """The layer tells them apart; the highest comes first."""
    image = listed(table, "openai", "dall-e-3").prices
    sora = listed(table, "openai", "sora-2").prices

    assert {Layer.SKU} == {
        price.layer for price in (*of_unit(image, "images"), *of_unit(sora, "video_seconds"))
    }


def test_uplifts_and_own_prices_are_listed(tmp_path: Path) -> None:
    """With what the user has negotiated."""
    file = tmp_path / "overrides.toml"
    file.write_text(
        '[[price]]\nprovider = "openai"\nmodel = "gpt-5.4"\nproject = "shop"\n'
        'unit = "input_tokens"\nusd = "2"\nper = 1000000\nnote = "contract 17"\n'
        '[[discount]]\nprovider = "openai"\npercent = "10"\n'
    )

    found = listed(PriceTable.current(read_overrides(file)), "openai", "gpt-5.4")

    own = of_unit(found.prices, "input_tokens")[0]
    assert (own.layer, own.project, own.note) == (Layer.OVERRIDE, "shop", "contract 17")
    assert [str(each.factor) for each in found.multipliers] == ["1.1"]
    assert [str(each.factor) for each in found.discounts] == ["0.9"]


def test_all_models_can_be_listed(table: PriceTable) -> None:
    """Every one that is named has prices."""
    models = list(table.models())

    assert len(models) > 2_300
    assert ("replicate", "hardware:gpu-t4") in models
    assert len(models) == len(set(models))
    assert [] == [each for each in models[::50] if table.listed(*each, NOW) is None]

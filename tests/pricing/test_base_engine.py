"""Our engine against genai-prices' own, over every model of the dataset."""

import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import Usage as BaseUsage
from genai_prices.data_snapshot import get_snapshot
from genai_prices.data_units import unit_data

from acm_addon.model import PriceStatus, Usage
from acm_addon.pricing import PriceTable, price
from acm_addon.pricing.names import is_fine_tune
from pricing_data import load_files, own_units

MOMENTS = (
    datetime(2025, 3, 1, 3, tzinfo=UTC),
    datetime(2026, 8, 19, 7, 30, tzinfo=UTC),
    datetime(2026, 11, 20, 12, tzinfo=UTC),
)


def corrected() -> set[str]:
    """Names on which we mean to differ."""
    entries = load_files(own_units() | unit_data.keys()).values()
    return {price.model for found in entries for price in found.prices} | {
        alias.model for found in entries for alias in found.aliases
    }


def consistent_usage(units: list[str]) -> dict[str, int]:
    """Every unit with something of its own, and with all that its parts have."""
    dimensions = {unit: unit_data[unit]["dimensions"].items() for unit in units}
    own = {unit: 1000 + 137 * place for place, unit in enumerate(units)}
    return {
        unit: sum(own[other] for other in units if dimensions[unit] <= dimensions[other])
        for unit in units
    }


def cases() -> Iterator[tuple[str, str, dict[str, str], dict[str, int]]]:
    unit_of = {raw.get("price_key", name): name for name, raw in unit_data.items()}
    ours = corrected()
    for provider in get_snapshot().providers:
        for model in provider.models:
            name = model.id.lower()
            matched = provider.find_model(name, all_providers=get_snapshot().providers)
            if matched is not model or name in ours or is_fine_tune(name):
                continue
            contexts = [dict(variant.when) for variant in model.price_variants or ()]
            keys = vars(model.get_prices(MOMENTS[-1]))
            units = [unit_of[key] for key in keys if key != "requests_kcount"]
            if units:
                for context in ({}, *contexts):
                    yield provider.id, name, context, consistent_usage(units)


@pytest.mark.parametrize("at", MOMENTS)
def test_agrees_with_the_base_engine(table: PriceTable, at: datetime) -> None:
    """Where nothing is missing and nothing of ours applies, totals are equal to the rounding."""
    snapshot: Any = get_snapshot()
    priced = 0
    for provider, model, context, quantities in cases():
        cost = price(
            Usage(quantities),
            provider=provider,
            model=model,
            at=at,
            context=context,
            table=table,
        )
        if cost.status is not PriceStatus.PRICED:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            base = snapshot.calc(
                BaseUsage(**quantities), model, provider, None, at, price_context=context
            )
        tolerance = Decimal(len(cost.lines)) / 2
        assert abs(base.total_price * 10**9 - cost.known) <= tolerance, (provider, model, context)
        priced += 1

    assert priced > 1500

"""What differs between two price tables, and which differences are too large to be believed. Pure.

Prices are compared as calls would be billed at a moment: per unit, in every context that a table
has a price for.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from acm_addon.pricing import PriceTable
from acm_addon.pricing.listing import Listed

LARGEST_SWING = 5
"""A price that grows or falls by more than this factor is more often a mistake than a change."""
_LARGEST_LOSS = 10
"""Percent of the models that an update may drop before it looks cut short."""

type Prices = Mapping["PriceKey", Decimal]
"""USD for one unit."""
type AllPrices = Mapping["PriceKey", Set[Decimal]]
"""The same, at any time."""


@dataclass(frozen=True, slots=True, order=True)
class PriceKey:
    provider: str
    model: str
    unit: str
    context: tuple[tuple[str, str], ...]
    """What the call's price context says; empty for a standard call."""
    above: int
    """For requests with more input tokens than this; -1 for all, or for the rest."""


@dataclass(frozen=True, slots=True)
class PriceChange:
    """USD for one unit; None where there is no price before, or after."""

    key: PriceKey
    before: Decimal | None
    after: Decimal | None

    @property
    def incredible(self) -> bool:
        """Whether the price swings too far; to or from nothing is the farthest."""
        if self.before is None or self.after is None or self.before == self.after:
            return False
        low, high = sorted((self.before, self.after))
        return high > low * LARGEST_SWING


def prices_at(table: PriceTable, at: datetime) -> Prices:
    """Every price that holds at a moment."""
    return {
        key: usd
        for provider, model in table.models()
        for key, usd in _of(table, provider, model, at)
    }


def prices_from(table: PriceTable, at: datetime) -> AllPrices:
    """Every price that holds at a moment, or will: on other days, at other hours of the day."""
    found: dict[PriceKey, set[Decimal]] = {}
    for provider, model in table.models():
        listing = table.listed(provider, model, at)
        for price in listing.prices if listing else ():
            if price.effective_to is None or price.effective_to > at:
                key = _key(provider, model, tuple(sorted(price.conditions.items())), price)
                found.setdefault(key, set()).add(price.usd / price.per)
    return found


def swings(before: AllPrices, after: AllPrices) -> list[PriceChange]:
    """New prices that are too far from all that there were, whenever they are to hold."""
    found: list[PriceChange] = []
    for key in sorted(before.keys() & after.keys()):
        low, high = min(before[key]), max(before[key])
        found += (
            PriceChange(key, high if usd > high else low, usd)
            for usd in sorted(after[key])
            if not low <= usd <= high
        )
    return [change for change in found if change.incredible]


def changes(before: Prices, after: Prices) -> list[PriceChange]:
    """By provider, model, and unit, in the order of their names.

    What a context only shares with standard calls is said of these alone.
    """
    moved = {
        key: (before.get(key), after.get(key))
        for key in sorted(before.keys() | after.keys())
        if before.get(key) != after.get(key)
    }
    return [
        PriceChange(key, *prices)
        for key, prices in moved.items()
        if not key.context or moved.get(replace(key, context=())) != prices
    ]


def lost_models(before: Prices, after: Prices) -> bool:
    """Whether so many models are gone that the data looks cut short."""
    old = {(key.provider, key.model) for key in before}
    new = {(key.provider, key.model) for key in after}
    return len(old - new) * 100 > len(old) * _LARGEST_LOSS


def negative_price(document: Mapping[str, Any]) -> str | None:
    """The provider and model of a price of a base document that is no amount of at least zero."""
    for provider, values in document["providers"].items():
        for model in values["models"]:
            for period in (*model["periods"], *model.get("variants", ())):
                if not all(_is_amount(text) for text in _amounts(period["prices"])):
                    return f"{provider}/{model['id']}"
    return None


def _amounts(prices: Mapping[str, Any]) -> Iterator[str]:
    for value in prices.values():
        if isinstance(value, str):
            yield value
        else:
            yield value["base"]
            yield from (amount for _, amount in value["tiers"])


def _is_amount(text: str) -> bool:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return False
    return value.is_finite() and value >= 0


def _of(
    table: PriceTable, provider: str, model: str, at: datetime
) -> Iterator[tuple[PriceKey, Decimal]]:
    listing = table.listed(provider, model, at)
    if listing is None:
        return
    contexts = {tuple(sorted(price.conditions.items())) for price in listing.prices} | {()}
    for context in sorted(contexts):
        for price in table.effective(provider, model, dict(context), at):
            yield _key(provider, model, context, price), price.usd / price.per


def _key(
    provider: str, model: str, context: tuple[tuple[str, str], ...], price: Listed
) -> PriceKey:
    above = -1 if price.above is None else price.above
    return PriceKey(provider, model, price.unit, context, above)

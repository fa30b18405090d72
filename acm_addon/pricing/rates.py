"""The prices of one model at one moment and in one context: a rate card.

Layers, later ones over earlier ones, unit by unit: the base dataset's standard prices; our
corrections of these; the base's variants that the context selects (tier, batch, speed); our prices
whose conditions the context meets, the ones with more conditions last.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from acm_addon.model import NANO
from acm_addon.pricing.catalog import BaseModel, Found
from acm_addon.pricing.units import Units
from pricing_data import Price

_STANDARD: Mapping[str, frozenset[str]] = {
    "service_tier": frozenset(
        {"default", "standard", "standard_only", "auto", "on_demand", "unspecified"}
    ),
    "speed": frozenset({"standard"}),
    "processing": frozenset({"standard"}),
}
"""What selects between prices of one model, and the choices that mean its standard prices."""

_DIVIDE = Context(prec=34, rounding=ROUND_HALF_EVEN)
"""Enough for every price to be exact, save those for 3,600 seconds: they end at 34 digits."""
_EXACT = Context(prec=100)


@dataclass(frozen=True, slots=True)
class Rate:
    """One price for one unit."""

    sku: str
    unit_price: Decimal
    """USD for one unit."""
    nano_price: Decimal
    """The same in nano-dollars."""


type Ladder = tuple[tuple[int, Rate], ...]
"""``(threshold, rate)``, highest first; a rate holds for whole requests with more input tokens."""


@dataclass(frozen=True, slots=True)
class RateCard:
    ladders: Mapping[str, Ladder | None]
    """By unit, in the order of a bill. None: its own price is needed, and there is none."""
    minimums: Mapping[str, int]
    """The least that is billed of a unit, once there is any."""
    context_priced: bool
    """False where the context selects a price (a tier, a batch) that the table does not have."""


@dataclass(frozen=True, slots=True)
class _Value:
    """What the table says for one unit: USD for ``per``, by threshold."""

    base: Decimal
    tiers: tuple[tuple[int, Decimal], ...]
    per: int
    label: str
    """How the price was selected, such as ``@priority``."""


def rate_card(found: Found, context: Mapping[str, str], at: datetime, units: Units) -> RateCard:
    prices = sorted(
        (price for price in found.prices if price.active(at) and _meets(price.conditions, context)),
        key=lambda price: price.priority,
    )
    variants = list(_variants(found.base, context, at)) if found.base else []
    values: dict[str, _Value] = {}
    if found.base:
        values.update(_base_values(_standard_prices(found.base, at), units, ""))
    values.update(_our_values(price for price in prices if not price.conditions))
    for variant in reversed(variants):  # the first that names a unit decides
        label = _label(variant["when"])
        values.update(_base_values(variant["prices"], units, label))
    values.update(_our_values(price for price in prices if price.conditions))

    chosen = [variant["when"] for variant in variants]
    chosen += [price.conditions for price in prices]
    chosen += [rate.conditions for rate in found.standard_rates if _meets(rate.conditions, context)]
    return _card(found, values, units, _context_priced(context, chosen))


def _card(
    found: Found, values: Mapping[str, _Value], units: Units, context_priced: bool
) -> RateCard:
    ladders: dict[str, Ladder | None] = dict.fromkeys(units.own_price_only)
    for unit, value in values.items():
        prefix = f"{found.provider}/{found.model}:{units.by_name[unit].price_key}{value.label}"
        ladders[unit] = _ladder(prefix, value)
    last = len(units.position)
    bill = sorted(ladders, key=lambda name: units.position.get(name, last))
    return RateCard(
        ladders={unit: ladders[unit] for unit in bill},
        minimums=found.base.get("minimums", {}) if found.base else {},
        context_priced=context_priced,
    )


def _ladder(sku: str, value: _Value) -> Ladder:
    steps = [
        (start, _rate(f"{sku}>{_thousands(start)}", amount, value.per))
        for start, amount in sorted(value.tiers, reverse=True)
    ]
    return (*steps, (-1, _rate(sku, value.base, value.per)))


def _rate(sku: str, amount: Decimal, per: int) -> Rate:
    unit_price = _DIVIDE.divide(amount, Decimal(per))
    return Rate(sku, unit_price, _EXACT.multiply(unit_price, Decimal(NANO)))


def _thousands(count: int) -> str:
    return f"{count // 1000}k" if count % 1000 == 0 else str(count)


def _standard_prices(model: BaseModel, at: datetime) -> Mapping[str, Any]:
    """The last active period wins; the first stands in where none is active."""
    periods = model["periods"]
    for period in reversed(periods):
        if _active(period["constraint"], at):
            prices: Mapping[str, Any] = period["prices"]
            return prices
    first: Mapping[str, Any] = periods[0]["prices"]
    return first


def _variants(
    model: BaseModel, context: Mapping[str, str], at: datetime
) -> Iterator[Mapping[str, Any]]:
    for variant in model.get("variants", ()):
        if _active(variant["constraint"], at) and _meets(variant["when"], context):
            yield variant


def _active(constraint: Mapping[str, str] | None, at: datetime) -> bool:
    """Whether a day has come (UTC), or the time of day lies in a window, over midnight perhaps."""
    if constraint is None:
        return True
    moment = at.astimezone(UTC)
    if "start_date" in constraint:
        return moment.date() >= date.fromisoformat(constraint["start_date"])
    start = time.fromisoformat(constraint["start_time"])
    end = time.fromisoformat(constraint["end_time"])
    now = moment.time()
    return start <= now < end if start <= end else now >= start or now < end


def _base_values(
    prices: Mapping[str, Any], units: Units, label: str
) -> Iterator[tuple[str, _Value]]:
    for key, amount in prices.items():
        unit = units.by_price_key[key]
        if isinstance(amount, str):
            yield unit.name, _Value(Decimal(amount), (), unit.per, label)
        else:
            tiers = tuple((start, Decimal(price)) for start, price in amount["tiers"])
            yield unit.name, _Value(Decimal(amount["base"]), tiers, unit.per, label)


def _our_values(prices: Iterator[Price]) -> Iterator[tuple[str, _Value]]:
    for price in prices:
        yield price.unit, _Value(price.usd, (), price.per, _label(price.conditions))


def _label(conditions: Mapping[str, str]) -> str:
    chosen = ",".join(conditions[key] for key in sorted(conditions))
    return f"@{chosen}" if chosen else ""


def _meets(conditions: Mapping[str, str], context: Mapping[str, str]) -> bool:
    return all(context.get(key) == value for key, value in conditions.items())


def _context_priced(context: Mapping[str, str], chosen: list[Mapping[str, str]]) -> bool:
    return all(
        value in standard or any(key in conditions for conditions in chosen)
        for key, standard in _STANDARD.items()
        if (value := context.get(key)) is not None
    )

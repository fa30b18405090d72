"""The prices of one model at one moment and in one context: a rate card.

Layers, later ones over earlier ones, unit by unit: the base dataset's standard prices; our
corrections of these; the base's variants that the context selects (tier, batch, speed); our prices
whose conditions the context meets, the ones with more conditions last; the user's own. Multipliers
(a region, a residency) and the user's discounts then change list prices, never the user's own.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_EVEN, Context, Decimal
from enum import StrEnum
from math import prod
from typing import Any

from acm_addon.model import NANO
from acm_addon.pricing.catalog import BaseModel, Found
from acm_addon.pricing.units import Unit, Units
from pricing_data import ANY_MODEL, Discount, Multiplier, Price

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
    nano_ratio: tuple[int, int]
    """The same as numerator and denominator: whole numbers are several times faster."""


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
    instead_of_tokens: frozenset[str]
    """Units that are only billed where the tokens behind them were not reported."""

    def billed(self, names: tuple[str, ...], units: Units) -> tuple[str, ...]:
        """The reported ``names`` that are billed."""
        if not self.instead_of_tokens:
            return names
        if not any(name in units.by_name and units.by_name[name].needs_total for name in names):
            return names
        return tuple(name for name in names if name not in self.instead_of_tokens)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What decides between the prices of one model."""

    context: Mapping[str, str]
    """The call's price context: tier, size, region and so on."""
    at: datetime
    """Aware."""
    project: str | None = None


class Layer(StrEnum):
    """Where a price comes from, the highest first."""

    OVERRIDE = "override"
    """The user's own."""
    SKU = "sku"
    """Ours, of a unit or a model that the base dataset lacks."""
    OVERLAY = "overlay"
    """Ours, in place of the base dataset's price."""
    BASE = "base"


@dataclass(frozen=True, slots=True)
class Value:
    """What the table says for one unit: USD for ``per``, by threshold."""

    base: Decimal
    tiers: tuple[tuple[int, Decimal], ...]
    """Threshold, USD, in no order: for requests with more input tokens."""
    per: int
    label: str
    """How the price was selected, such as ``@priority``."""
    layer: Layer
    entry: Price | Mapping[str, Any]
    """Ours or the user's; or the period, or the variant, of the base document."""


def rate_card(found: Found, call: Circumstances, units: Units) -> RateCard:
    values, chosen = effective(found, call, units)
    ladders: dict[str, Ladder | None] = dict.fromkeys((*units.own_price_only, *found.own_prices))
    multipliers = [each for each in found.multipliers if each.applies(call.context, call.at)]
    # A batch's sum says nothing of how long its calls were: they are taken for ordinary ones.
    tiered = call.context.get("processing") != "batch"
    for unit, each in values.items():
        value = each if tiered else replace(each, tiers=())
        prefix = f"{found.provider}/{found.model}:{units.by_name[unit].price_key}{value.label}"
        if value.layer is Layer.OVERRIDE:
            ladders[unit] = _ladder(f"{prefix}!own", value, Decimal(1))
        else:
            factor, mark = _factor(units.by_name[unit], multipliers, found.discounts, call)
            ladders[unit] = _ladder(prefix + mark, value, factor)
    last = len(units.position)
    bill = sorted(ladders, key=lambda name: units.position.get(name, last))
    return RateCard(
        ladders={unit: ladders[unit] for unit in bill},
        minimums=found.base.get("minimums", {}) if found.base else {},
        context_priced=_context_priced(call.context, chosen),
        instead_of_tokens=frozenset(
            unit
            for unit, value in values.items()
            if isinstance(value.entry, Price) and value.entry.instead_of_tokens
        ),
    )


def effective(
    found: Found, call: Circumstances, units: Units
) -> tuple[dict[str, Value], list[Mapping[str, str]]]:
    """By unit, the price that holds, before multipliers and discounts; and all conditions met."""
    prices = _in_force(found.prices, call)
    variants = list(_variants(found.base, call)) if found.base else []
    values: dict[str, Value] = {}
    # A provider's fee for a tool gives way where the base dataset has one for the model.
    values.update(_our_values((each for each in prices if _is_general(each)), frozenset()))
    if found.base:
        values.update(base_values(_standard_prices(found.base, call.at), units))
    standard = {unit for unit, value in values.items() if value.layer is Layer.BASE}
    ours = (each for each in prices if not each.conditions and not _is_general(each))
    values.update(_our_values(ours, standard))
    for variant in reversed(variants):  # the first that names a unit decides
        values.update(base_values(variant, units))
    values.update(_our_values((each for each in prices if each.conditions), standard))
    own = _in_force(found.overrides, call)
    values.update((each.unit, _our_value(each, Layer.OVERRIDE)) for each in own)

    chosen = [variant["when"] for variant in variants]
    chosen += [each.conditions for each in (*prices, *own)]
    chosen += [
        rate.conditions for rate in found.standard_rates if _meets(rate.conditions, call.context)
    ]
    chosen += [each.conditions for each in found.multipliers if each.applies(call.context, call.at)]
    return values, chosen


def _is_general(price: Price) -> bool:
    return price.model == ANY_MODEL and not price.conditions


def _in_force(prices: Iterable[Price], call: Circumstances) -> list[Price]:
    held = (
        each
        for each in prices
        if each.active(call.at)
        and _meets(each.conditions, call.context)
        and each.project in {None, call.project}
    )
    return sorted(held, key=lambda price: price.priority)


def _factor(
    unit: Unit,
    multipliers: Iterable[Multiplier],
    discounts: tuple[Discount, ...],
    call: Circumstances,
) -> tuple[Decimal, str]:
    """What list prices of a unit are multiplied with, and how a line says so: ``*1.1*0.9``."""
    factors = [
        each.factor
        for each in multipliers
        if unit.name in each.units or (not each.units and unit.needs_total)
    ]
    for discount in reversed(discounts):
        if (
            discount.project in {None, call.project}
            and discount.period.holds(call.at)
            and (not discount.units or unit.name in discount.units)
        ):
            factors.append(discount.factor)
            break
    return prod(factors, start=Decimal(1)), "".join(f"*{factor}" for factor in factors)


def _ladder(sku: str, value: Value, factor: Decimal) -> Ladder:
    steps = [
        (start, _rate(f"{sku}>{_thousands(start)}", amount * factor, value.per))
        for start, amount in sorted(value.tiers, reverse=True)
    ]
    return (*steps, (-1, _rate(sku, value.base * factor, value.per)))


def _rate(sku: str, amount: Decimal, per: int) -> Rate:
    unit_price = _DIVIDE.divide(amount, Decimal(per))
    nano_price = _EXACT.multiply(unit_price, Decimal(NANO))
    return Rate(sku, unit_price, nano_price, nano_price.as_integer_ratio())


def _thousands(count: int) -> str:
    return f"{count // 1000}k" if count % 1000 == 0 else str(count)


def _standard_prices(model: BaseModel, at: datetime) -> Mapping[str, Any]:
    """The period that holds: the last active one; the first stands in where none is."""
    periods: list[Mapping[str, Any]] = model["periods"]
    active = (period for period in reversed(periods) if _active(period["constraint"], at))
    return next(active, periods[0])


def _variants(model: BaseModel, call: Circumstances) -> Iterator[Mapping[str, Any]]:
    for variant in model.get("variants", ()):
        if _active(variant["constraint"], call.at) and _meets(variant["when"], call.context):
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


def base_values(period: Mapping[str, Any], units: Units) -> Iterator[tuple[str, Value]]:
    """The prices of one period, or one variant, of the base document."""
    label = _label(period.get("when", {}))
    for key, amount in period["prices"].items():
        unit = units.by_price_key[key]
        first, steps = (
            (amount, ()) if isinstance(amount, str) else (amount["base"], amount["tiers"])
        )
        tiers = tuple((start, Decimal(price)) for start, price in steps)
        yield unit.name, Value(Decimal(first), tiers, unit.per, label, Layer.BASE, period)


def _our_values(prices: Iterable[Price], standard: Set[str]) -> Iterator[tuple[str, Value]]:
    for price in prices:
        layer = Layer.OVERLAY if price.unit in standard else Layer.SKU
        yield price.unit, _our_value(price, layer)


def _our_value(price: Price, layer: Layer) -> Value:
    return Value(price.usd, price.tiers, price.per, _label(price.conditions), layer, price)


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

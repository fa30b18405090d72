"""The prices of a model as people read them: each with its layer, conditions, dates and origin."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from acm_addon.pricing.catalog import Found
from acm_addon.pricing.rates import Circumstances, Layer, Value, base_values, effective
from acm_addon.pricing.units import Units
from pricing_data import Confidence, Discount, Multiplier, Price

_DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Listed:
    """One price: USD for ``per`` units of ``unit``."""

    unit: str
    usd: Decimal
    per: int
    above: int | None
    """For requests with more input tokens than this. None: for all, or for the rest."""
    layer: Layer
    conditions: Mapping[str, str]
    """What the call's price context must say."""
    effective_from: datetime | None
    """UTC. None where it is not known."""
    effective_to: datetime | None
    """UTC, without this moment. None where no end is known."""
    when: str | None
    """The time of day (UTC) or the days of the week to which it is limited."""
    project: str | None
    source: str
    checked: date | None
    """None where the source does not say: the base dataset carries no day for a price."""
    confidence: Confidence | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Listing:
    """All prices of one model, and what changes them."""

    provider: str
    """Whose prices these are: for Azure mostly OpenAI."""
    model: str
    """As the price table calls it."""
    prices: tuple[Listed, ...]
    """Units in the order of a bill; of one unit the highest layer first, then the newest."""
    in_force: tuple[Listed, ...]
    """Those of ``prices`` that a standard call is billed at."""
    multipliers: tuple[Multiplier, ...]
    discounts: tuple[Discount, ...]


def listing(found: Found, at: datetime, units: Units, base_name: str) -> Listing:
    base = tuple(_base(found, units, base_name))
    standard = {price.unit for price in base}
    prices = [
        *base,
        *(
            listed
            for each in found.prices
            for listed in _ours(each, Layer.OVERLAY if each.unit in standard else Layer.SKU)
        ),
        *(listed for each in found.overrides for listed in _ours(each, Layer.OVERRIDE)),
    ]
    return Listing(
        provider=found.provider,
        model=found.model,
        prices=tuple(sorted(prices, key=lambda price: _order(price, units))),
        in_force=effective_prices(found, Circumstances({}, at), units, base_name),
        multipliers=found.multipliers,
        discounts=found.discounts,
    )


def effective_prices(
    found: Found, call: Circumstances, units: Units, base_name: str
) -> tuple[Listed, ...]:
    """What one kind of call is billed at, before multipliers and discounts."""
    values, _ = effective(found, call, units)
    listed = [
        each for unit, value in values.items() for each in _of_value(found, unit, value, base_name)
    ]
    return tuple(sorted(listed, key=lambda price: _order(price, units)))


def _base(found: Found, units: Units, base_name: str) -> Iterator[Listed]:
    if found.base is None:
        return
    for period in (*found.base["periods"], *found.base.get("variants", ())):
        for unit, value in base_values(period, units):
            yield from _of_value(found, unit, value, base_name)


def _of_value(found: Found, unit: str, value: Value, base_name: str) -> Iterator[Listed]:
    if isinstance(value.entry, Price):
        yield from _ours(value.entry, value.layer)
        return
    for above, usd in ((None, value.base), *value.tiers):
        yield Listed(
            unit=unit,
            usd=usd,
            per=value.per,
            above=above,
            layer=Layer.BASE,
            conditions=value.entry.get("when", {}),
            effective_from=_start(value.entry),
            effective_to=_end(found, value.entry),
            when=_hours(value.entry),
            project=None,
            source=base_name,
            checked=None,
            confidence=None,
            note=None,
        )


def _ours(price: Price, layer: Layer) -> Iterator[Listed]:
    days = ", ".join(_DAY_NAMES[day] for day in sorted(price.beijing_weekdays))
    for above, usd in ((None, price.usd), *price.tiers):
        yield Listed(
            unit=price.unit,
            usd=usd,
            per=price.per,
            above=above,
            layer=layer,
            conditions=price.conditions,
            effective_from=price.period.start,
            effective_to=price.period.end,
            when=f"{days} in Beijing" if days else None,
            project=price.project,
            source=price.origin.source,
            checked=price.origin.checked,
            confidence=price.origin.confidence,
            note=price.origin.note,
        )


def _start(period: Mapping[str, Any]) -> datetime | None:
    day = (period["constraint"] or {}).get("start_date")
    return datetime.combine(date.fromisoformat(day), time(), UTC) if day else None


def _end(found: Found, period: Mapping[str, Any]) -> datetime | None:
    """The last period that has begun holds, so one ends where the next one of its kind begins."""
    if found.base is None or _hours(period):
        return None
    siblings = found.base["periods"]
    if period not in siblings:
        siblings = [each for each in found.base["variants"] if each["when"] == period["when"]]
    later = siblings[siblings.index(period) + 1 :]
    return min((start for each in later if (start := _start(each))), default=None)


def _hours(period: Mapping[str, Any]) -> str | None:
    constraint = period["constraint"] or {}
    if "start_time" not in constraint:
        return None
    return f"{constraint['start_time'][:5]}-{constraint['end_time'][:5]} UTC"


def _order(price: Listed, units: Units) -> tuple[int, str, int, int, int, float, str]:
    """Units as on a bill; of one, the highest layer, the standard price, the newest first."""
    start = price.effective_from.timestamp() if price.effective_from else 0.0
    return (
        units.position.get(price.unit, len(units.position)),
        price.unit,
        list(Layer).index(price.layer),
        len(price.conditions),
        price.above or -1,
        -start,
        str(sorted(price.conditions.items())),
    )

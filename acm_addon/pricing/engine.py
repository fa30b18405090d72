"""Usage times prices: the lines of a bill. Pure."""

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context

from acm_addon.model import (
    FREE_OF_CHARGE,
    Cost,
    CostLine,
    PriceStatus,
    Quantities,
    Quantity,
    Reason,
    Usage,
)
from acm_addon.pricing.rates import Ladder, Rate
from acm_addon.pricing.split import Plan, split
from acm_addon.pricing.table import PriceTable

_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)
_LARGEST_AMOUNT = 2**63 - 1
"""SQLite's and PostgreSQL's integers end here: $9.2 billion."""


def price(
    usage: Usage,
    *,
    provider: str,
    model: str | None,
    at: datetime,
    context: Mapping[str, str],
    table: PriceTable,
    project: str | None = None,
) -> Cost:
    """What ``usage`` costs by ``table``. Never raises for any usage, model or context.

    ``provider`` is the price table's id of it; ``at`` is aware and names the moment whose prices
    hold; ``project`` may have prices of its own. Each line is rounded once, half-even, to
    nano-dollars. ``computed`` is None unless every reported quantity has a price and the quantities
    agree with one another.
    """
    if provider == FREE_OF_CHARGE:
        return Cost((), PriceStatus.FREE, 0, 0, table.version)
    if not usage.quantities:
        return _unpriced(table, Reason.NO_USAGE)
    names = tuple(usage.quantities)
    planned = table.plan(provider, model, context, at, names, project=project) if model else None
    if planned is None:
        return _unpriced(table, Reason.UNKNOWN_MODEL)
    card, by = planned
    if not card.context_priced:
        return _unpriced(table, Reason.NO_PRICE_FOR_UNIT)
    return _bill(usage.quantities, by, table)


def lacking(
    quantities: Quantities,
    *,
    provider: str,
    model: str,
    at: datetime,
    context: Mapping[str, str],
    table: PriceTable,
    project: str | None = None,
) -> tuple[str, ...] | None:
    """The units for which ``price`` finds no price. None where the table does not know the model.

    What is counted inside a unit that has a price does not need one.
    """
    planned = table.plan(provider, model, context, at, tuple(quantities), project=project)
    if planned is None:
        return None
    card, by = planned
    if not card.context_priced:
        return tuple(name for name, quantity in quantities.items() if quantity)
    left = split(quantities, by).quantities
    without = (unit for unit, ladder, _ in by.charges if ladder is None and left.get(unit))
    return (*(name for name in by.uncovered if quantities[name]), *without)


def _bill(quantities: Quantities, by: Plan, table: PriceTable) -> Cost:
    length = quantities.get("input_tokens", 0)
    parts = split(quantities, by)
    unpriced = parts.unpriced
    known = 0
    lines: list[CostLine] = []
    for unit, ladder, minimum in by.charges:
        quantity: Quantity = 1 if unit == "requests" else parts.quantities.get(unit, 0)
        if not quantity:
            continue
        if ladder is None:
            unpriced = True
            continue
        if len(ladder) > 1 and "input_tokens" in parts.doubtful:
            continue  # what decides between its steps is in doubt
        billed = quantity if minimum is None else max(quantity, minimum)
        rate = ladder[0][1] if len(ladder) == 1 else _rate(ladder, length)
        amount = _amount(billed, rate)
        known += amount
        lines.append(CostLine(rate.sku, unit, billed, rate.unit_price, amount))

    if known > _LARGEST_AMOUNT:
        return _unpriced(table, Reason.BAD_USAGE)
    reason = None
    if parts.doubtful or parts.remainder:
        reason = Reason.BAD_USAGE
    elif unpriced:
        reason = Reason.NO_PRICE_FOR_UNIT
    if not unpriced and not parts.doubtful:
        return Cost(tuple(lines), PriceStatus.PRICED, known, known, table.version, reason)
    status = PriceStatus.PARTLY_PRICED if lines else PriceStatus.UNPRICED
    return Cost(tuple(lines), status, None, known, table.version, reason)


def _unpriced(table: PriceTable, reason: Reason) -> Cost:
    return Cost((), PriceStatus.UNPRICED, None, 0, table.version, reason)


def _rate(ladder: Ladder, length: Quantity) -> Rate:
    """The rate of the highest threshold that the whole input passes. It holds for every token."""
    for start, rate in ladder[:-1]:
        if length > start:
            return rate
    return ladder[-1][1]


def _amount(quantity: Quantity, rate: Rate) -> int:
    """Nano-dollars, rounded once."""
    if isinstance(quantity, int):
        numerator, denominator = rate.nano_ratio
        exact = quantity * numerator
        return exact if denominator == 1 else _rounded(exact, denominator)
    return int(_EXACT.multiply(quantity, rate.nano_price).to_integral_value(ROUND_HALF_EVEN))


def _rounded(numerator: int, denominator: int) -> int:
    """The quotient, half-even. Neither is negative."""
    whole, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return whole + (twice > denominator or (twice == denominator and whole % 2 == 1))

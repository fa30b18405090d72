"""A row priced again from what it keeps: by another table, or by its own to prove it. Pure."""

from collections.abc import Iterator

from acm_addon.booking import outcome, price_of
from acm_addon.ledger.priceable import Bill, Priceable
from acm_addon.ledger.rows import SANE_AMOUNT, lines_text
from acm_addon.model import Cost, PriceContext, PriceStatus, Reason
from acm_addon.pricing import PriceTable, lacking

_FROM_THE_TABLE = frozenset({None, Reason.UNKNOWN_MODEL, Reason.NO_PRICE_FOR_UNIT})
"""Reasons that another table can change. The others are about the call, and stay."""


def bill_by(row: Priceable, context: PriceContext, table: PriceTable) -> Bill:
    """The row's bill by a table. The provider's own figure stays what is booked."""
    return next(_bills_by(row, context, table))


def is_proved(row: Priceable, context: PriceContext, table: PriceTable) -> bool:
    """Whether the row's bill is what its table says, by any name that its project had."""
    return any(bill.says_the_same(row.bill) for bill in _bills_by(row, context, table))


def gaps(row: Priceable, context: PriceContext, table: PriceTable) -> set[tuple[str, str]]:
    """Model and unit of what a table has no price for; no unit where it is the whole model."""
    used = [(row.model, row.usage, context.choices)]
    used += [(each.model, each.quantities, each.price_context) for each in row.others]
    found: set[tuple[str, str]] = set()
    for model, quantities, choices in used:
        units: tuple[str, ...] | None = None
        if model:
            units = lacking(
                quantities,
                provider=context.provider,
                model=model,
                at=row.time,
                context=choices,
                table=table,
                project=_scopes(row, table)[0],
            )
        if quantities:
            found.update((model or "", unit) for unit in (("",) if units is None else units))
    return found


def _bills_by(row: Priceable, context: PriceContext, table: PriceTable) -> Iterator[Bill]:
    for project in _scopes(row, table):
        cost = _sane(
            price_of(
                row.usage,
                context,
                row.model,
                table,
                project=project,
                at=row.time,
                others=row.others,
            )
        )
        status, booked = outcome(cost, row.provider_cost, row.completeness)
        yield Bill(
            status,
            booked,
            cost.computed,
            cost.known,
            lines_text(cost.lines),
            cost.price_version,
            cost.reason if row.bill.reason in _FROM_THE_TABLE else row.bill.reason,
        )


def _scopes(row: Priceable, table: PriceTable) -> list[str]:
    """By which names its project may be priced: first those that the table has prices for."""
    known = [name for name in (row.project, *row.former) if name in table.projects]
    return list(dict.fromkeys((*known, row.project)))


def _sane(cost: Cost) -> Cost:
    """The ledger books no bill that is out of this world."""
    if cost.known <= SANE_AMOUNT:
        return cost
    return Cost((), PriceStatus.UNPRICED, None, 0, cost.price_version, Reason.BAD_USAGE)

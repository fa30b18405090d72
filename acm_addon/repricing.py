"""A row priced again from what it keeps: by another table, or by its own to prove it. Pure."""

from acm_addon.booking import outcome, price_of
from acm_addon.ledger.priceable import Bill, Priceable
from acm_addon.ledger.rows import SANE_AMOUNT, lines_text
from acm_addon.model import Cost, PriceContext, PriceStatus, Reason
from acm_addon.pricing import PriceTable

_FROM_THE_TABLE = frozenset({None, Reason.UNKNOWN_MODEL, Reason.NO_PRICE_FOR_UNIT})
"""Reasons that another table can change. The others are about the call, and stay."""


def bill_by(row: Priceable, context: PriceContext, table: PriceTable) -> Bill:
    """The row's bill by a table. The provider's own figure stays what is booked."""
    cost = _sane(
        price_of(
            row.usage,
            context,
            row.model,
            table,
            project=row.project,
            at=row.time,
            others=row.others,
        )
    )
    status, booked = outcome(cost, row.provider_cost, row.completeness)
    return Bill(
        status,
        booked,
        cost.computed,
        cost.known,
        lines_text(cost.lines),
        cost.price_version,
        cost.reason if row.bill.reason in _FROM_THE_TABLE else row.bill.reason,
    )


def _sane(cost: Cost) -> Cost:
    """The ledger books no bill that is out of this world."""
    if cost.known <= SANE_AMOUNT:
        return cost
    return Cost((), PriceStatus.UNPRICED, None, 0, cost.price_version, Reason.BAD_USAGE)

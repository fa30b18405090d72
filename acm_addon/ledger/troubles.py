"""What is wrong with recent calls, in the embedded store: SQL for alerts."""

# Only names of our own are written into SQL; values are bound.
# ruff: noqa: S608

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from acm_addon.alerts import Errors, NoPrice
from acm_addon.ledger.measures import ERROR, QUARTER
from acm_addon.ledger.rows import to_micros

type Rows = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]

_LONGEST_CALL = timedelta(hours=1)
"""A call that began earlier is not looked for: the index is by the beginning."""

# Of failed calls the provider charges nothing: these are `free`, and in no such sum.
_NO_PRICE = (
    "SELECT provider, NULLIF(model, ''), SUM(unpriced + partly_priced) AS calls FROM rollups"
    " WHERE bucket >= ? AND unpriced + partly_priced > 0 GROUP BY 1, 2"
)
# By when they came, which is not when their calls began.
_ERRORS = (
    "SELECT provider, CASE WHEN IFNULL(status, 0) >= 400 THEN status END, COUNT(*) FROM calls"
    " WHERE time >= ? AND time + IFNULL(latency_ms, 0) * 1000 >= ?"
    f" AND {ERROR} GROUP BY 1, 2"
)


def no_price(rows: Rows, since: datetime) -> list[NoPrice]:
    """Calls from ``since`` on without a whole price, by provider and model.

    ``since`` is rounded down to a quarter of an hour.
    """
    start = to_micros(since)
    return [NoPrice(*found) for found in rows(_NO_PRICE, (start - start % QUARTER,))]


def errors(rows: Rows, since: datetime) -> list[Errors]:
    """Errors that came from ``since`` on, by provider. What never left is none of theirs."""
    found = rows(_ERRORS, (to_micros(since - _LONGEST_CALL), to_micros(since)))
    by_provider: dict[str, dict[int | None, int]] = {}
    for provider, status, count in found:
        by_provider.setdefault(provider, {})[status] = count
    return [Errors(provider, by_status) for provider, by_status in by_provider.items()]

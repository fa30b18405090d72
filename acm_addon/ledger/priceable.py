"""Rows as they are priced again: only what decides a price, and the bills that they had."""

# Only names of our own are written into SQL; values are bound.
# ruff: noqa: S608

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from acm_addon.entry_json import context_from_json, model_usage_from_json, quantities_from_json
from acm_addon.ledger.rows import from_micros, to_micros
from acm_addon.model import Completeness, ModelUsage, PriceContext, PriceStatus, Quantities, Reason

BILL = (
    "price_status",
    "cost",
    "computed_cost",
    "known_cost",
    "lines",
    "price_version",
    "reason",
)
"""The columns of a bill, in the order of its fields."""

_CALL = (
    "seq",
    "id",
    "time",
    "provider",
    "project",
    "model",
    "usage",
    "completeness",
    "provider_cost",
    "price_context",
    "other_usage",
)
_NO_OTHERS = (None, "[]")
_decode = json.JSONDecoder().raw_decode
_PAGE = 2_000
_COMPLETENESS = {value.value: value for value in Completeness}
_STATUSES = {value.value: value for value in PriceStatus}
_REASONS = {value.value: value for value in Reason}

END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
EVER = datetime(1970, 1, 1, tzinfo=UTC), END_OF_TIME
"""A range with every call in it."""

type Rows = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]
"""Runs a query of one state of the ledger."""


class Bill(NamedTuple):
    """What a row says about its price; the names are the row's.

    A named tuple, as ``Priceable`` is: of a million rows, both are made four times as fast.
    """

    price_status: PriceStatus
    cost: int | None
    computed_cost: int | None
    known_cost: int
    lines: str
    """As the ledger holds them: JSON text."""
    price_version: str | None
    reason: Reason | None

    def says_the_same(self, other: "Bill") -> bool:
        """Whether nothing but the table differs."""
        return (
            self.lines == other.lines
            and self.cost == other.cost
            and self.computed_cost == other.computed_cost
            and self.known_cost == other.known_cost
            and self.price_status is other.price_status
            and self.reason is other.reason
        )


class Priceable(NamedTuple):
    """What of a row decides its price, and the bill that it has."""

    seq: int
    id: str
    time: datetime
    provider: str
    project: str
    model: str | None
    usage: Quantities
    completeness: Completeness
    provider_cost: int | None
    context: PriceContext | None
    """None in rows of versions that did not keep it."""
    bill: Bill
    others: tuple[ModelUsage, ...] = ()
    """What other models consumed in the same call."""
    former: tuple[str, ...] = ()
    """What its project was called before, when perhaps it was priced."""

    @property
    def due(self) -> bool:
        """Whether a table has a say: not where nothing was due, nor before it is known what is."""
        return (
            self.bill.price_status is not PriceStatus.FREE
            and self.completeness is not Completeness.PENDING
        )


@dataclass(frozen=True, slots=True)
class Extent:
    """Where the calls of a range of time lie in the order of booking."""

    since: datetime
    until: datetime
    first: int
    last: int
    calls: int


@dataclass(frozen=True, slots=True)
class Repricing:
    """A bill that a row had, until ``time``."""

    time: datetime
    bill: Bill


def extent(rows: Rows, since: datetime, until: datetime) -> Extent:
    """``calls`` is 0 where there is none. Reads an index alone."""
    found = rows(
        "SELECT IFNULL(MIN(seq), 0), IFNULL(MAX(seq), 0), COUNT(*) FROM calls"
        " WHERE time >= ? AND time < ?",
        (to_micros(since), to_micros(until)),
    )
    return Extent(since, until, *(found[0] if found else (0, 0, 0)))


def priceable(rows: Rows, of: Extent) -> Iterator[Priceable]:
    """The calls in the order of booking, a page at a time: no read of the ledger stays open."""
    since, until = to_micros(of.since), to_micros(of.until)
    former = _former_names(rows)
    after = of.first - 1
    while page := rows(
        # The plus keeps SQLite to the order of booking, in which neighbours lie side by side.
        f"SELECT {', '.join((*_CALL, *BILL))} FROM calls"
        " WHERE seq > ? AND seq <= ? AND +time >= ? AND +time < ? ORDER BY seq LIMIT ?",
        (after, of.last, since, until, _PAGE),
    ):
        after = page[-1][0]
        found: Iterator[Priceable] = map(_priceable, page)
        if former:
            found = (row._replace(former=former.get(row.project, ())) for row in found)
        yield from found


def repricings(rows: Rows, call_id: str) -> list[Repricing]:
    """The bills that a call had before the present one, the oldest first."""
    found = rows(
        f"SELECT repricings.time, {', '.join(f'repricings.{name}' for name in BILL)}"
        " FROM repricings JOIN calls ON calls.seq = repricings.call"
        " WHERE calls.id = ? ORDER BY repricings.seq",
        (call_id,),
    )
    return [Repricing(from_micros(time), _bill(bill)) for time, *bill in found]


def _former_names(rows: Rows) -> dict[str, tuple[str, ...]]:
    """By the name that a project has now."""
    found: dict[str, tuple[str, ...]] = {}
    for old, new in rows("SELECT old, new FROM project_names ORDER BY old", ()):
        found[new] = (*found.get(new, ()), old)
    return found


def _priceable(values: tuple[Any, ...]) -> Priceable:
    seq, call_id, time, provider, project, model, usage, completeness, stated, context = values[:10]
    quantities, _ = _decode(usage)
    if usage.count('"') != 2 * len(quantities):  # There is a Decimal, which is kept as a text.
        quantities = quantities_from_json(quantities)
    others = values[10]
    return Priceable(
        seq,
        call_id,
        from_micros(time),
        provider,
        project,
        model,
        quantities,
        _COMPLETENESS[completeness],
        stated,
        None if context is None else _context(context),
        _bill(values[11:]),
        () if others in _NO_OTHERS else tuple(map(model_usage_from_json, json.loads(others))),
    )


def _bill(values: Sequence[Any]) -> Bill:
    status, cost, computed, known, lines, version, reason = values
    return Bill(
        _STATUSES[status],
        cost,
        computed,
        known,
        lines,
        version,
        None if reason is None else _REASONS[reason],
    )


@lru_cache(1_000)
def _context(text: str) -> PriceContext:
    """Most rows share one of few."""
    context = context_from_json(json.loads(text))
    assert context is not None
    return context

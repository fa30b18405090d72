"""Which tables answer for a range of time: pure arithmetic on microseconds UTC.

A range is cut so that every instant of it is read once, from the coarsest table that fits: whole
UTC days from the daily rollups, whole quarters of an hour from the rollups, and the ragged edges
from the calls themselves. Nothing is approximated.
"""

from dataclasses import dataclass
from enum import Enum

from acm_addon.ledger.measures import DAY, QUARTER


class Source(Enum):
    CALLS = "calls"
    QUARTERS = "rollups"
    DAYS = "daily_rollups"


@dataclass(frozen=True, slots=True)
class Span:
    """``since <= time < until``, to be read from one table."""

    source: Source
    since: int
    until: int


def spans(since: int, until: int, *, daily: bool) -> list[Span]:
    """Cut ``[since, until)``, in order. ``daily`` false keeps to quarters, for calendars of a
    zone."""
    steps = [(Source.QUARTERS, QUARTER), (Source.DAYS, DAY)]
    return _cut(since, until, Source.CALLS, steps if daily else steps[:1])


def _cut(since: int, until: int, source: Source, coarser: list[tuple[Source, int]]) -> list[Span]:
    if since >= until:
        return []
    if coarser:
        better, step = coarser[0]
        first, last = -(-since // step) * step, until // step * step
        if first < last:
            return [
                *_cut(since, first, source, []),
                *_cut(first, last, better, coarser[1:]),
                *_cut(last, until, source, []),
            ]
    return [Span(source, since, until)]

"""Sums for a reader: the JSON of totals and ranges, and what stands beside a cost."""

from collections.abc import Iterable
from dataclasses import astuple
from datetime import tzinfo

from acm_addon.ledger.totals import Totals
from cli.money import dollars, exact_usd
from cli.render import UNKNOWN
from cli.times import Range

REMARKS = {
    "unpriced": "unpriced",
    "partly_priced": "partly priced",
    "partial": "partial",
    "sent_unknown": "of unknown outcome",
    "pending": "pending",
    "refused": "refused",
    "estimated": "estimated",
}
"""The counts of ``Totals`` that qualify its cost, gravest first, and how they are called."""


def remarks_of(totals: Totals) -> dict[str, int]:
    """Those of ``REMARKS`` that are not zero, by their spoken name."""
    counts = {words: getattr(totals, name) for name, words in REMARKS.items()}
    return {words: number for words, number in counts.items() if number}


def cost_of(totals: Totals) -> str:
    """The booked cost; a dash where no call's cost is known, for that is not zero."""
    return dollars(totals.cost) if _cost_known(totals) else UNKNOWN


def added(parts: Iterable[Totals]) -> Totals:
    """The totals of disjoint sets of calls, as those of all of them."""
    return Totals(*map(sum, zip(*map(astuple, [Totals(), *parts]), strict=True)))


def totals_json(totals: Totals) -> dict[str, object]:
    """Every count, amounts as exact decimal strings in USD, latency as a mean.

    ``cost_usd`` is null where calls were made and the cost of none is known.
    """
    average = totals.average_latency_ms
    return {
        "requests": totals.requests,
        "errors": totals.errors,
        "cost_usd": exact_usd(totals.cost) if _cost_known(totals) else None,
        "known_cost_usd": exact_usd(totals.known_cost),
        "without_cost": totals.without_cost,
        **{name: getattr(totals, name) for name in REMARKS},
        "input_tokens": totals.input_tokens,
        "output_tokens": totals.output_tokens,
        "cache_read_tokens": totals.cache_read_tokens,
        "cache_write_tokens": totals.cache_write_tokens,
        "average_latency_ms": None if average is None else round(average, 1),
    }


def range_json(span: Range, zone: tzinfo) -> dict[str, str]:
    """Both ends with their offset; ``until`` does not belong to the range."""
    return {
        "since": span.since.astimezone(zone).isoformat(timespec="seconds"),
        "until": span.until.astimezone(zone).isoformat(timespec="seconds"),
    }


def range_words(span: Range, zone: tzinfo) -> str:
    since, until = span.since.astimezone(zone), span.until.astimezone(zone)
    return f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M}"


def _cost_known(totals: Totals) -> bool:
    """No calls cost nothing; calls whose cost is unknown, one and all, do not."""
    return not totals.requests or totals.without_cost < totals.requests

"""Sums over calls, and what can be read from them: pure values."""

from collections.abc import Sequence
from dataclasses import dataclass

from acm_addon.ledger.measures import LATENCY_BOUNDS


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over a set of calls. The fields are the rollups' columns, in ``MEASURES``' order."""

    requests: int = 0
    errors: int = 0
    """Answered with an error by the provider, or not at all."""
    partial: int = 0
    sent_unknown: int = 0
    pending: int = 0
    refused: int = 0
    partly_priced: int = 0
    unpriced: int = 0
    without_cost: int = 0
    """Calls whose cost is unknown (NULL). They are in ``requests`` and not in ``cost``."""
    estimated: int = 0
    cost: int = 0
    """Nano-dollars booked: the sum over the calls whose cost is known."""
    known_cost: int = 0
    """Nano-dollars: as ``cost``, with the part that could be priced of the other calls."""
    input_tokens: int = 0
    """Sum over the calls that say; likewise the other token counts."""
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    latency_ms: int = 0
    """Sum over the ``latency_count`` calls whose latency is known."""
    latency_count: int = 0

    @property
    def average_latency_ms(self) -> float | None:
        return self.latency_ms / self.latency_count if self.latency_count else None


@dataclass(frozen=True, slots=True)
class GroupRow:
    name: str | None
    """The model, provider, …; None where the calls have none. A day is ``2026-11-22``, an hour its
    local hour with the offset, ``2026-11-22T14:00+01:00``: a repeated hour is two rows."""
    totals: Totals


def percentile(histogram: Sequence[int], share: float) -> float | None:
    """The latency in milliseconds below which ``share`` (0 to 1) of the calls stay, or None.

    ``histogram`` has one count for each of ``LATENCY_BOUNDS`` and one for what is above. Within a
    bucket the calls are taken as evenly spread, so that the answer is off by less than the bucket's
    width; above the last bound it is that bound.
    """
    rank = share * sum(histogram)
    seen = 0
    for count, lower, upper in zip(histogram, (0, *LATENCY_BOUNDS), LATENCY_BOUNDS, strict=False):
        if count and seen + count >= rank:
            return lower + (upper - lower) * (rank - seen) / count
        seen += count
    return float(LATENCY_BOUNDS[-1]) if histogram and histogram[-1] else None

"""What a rollup row holds, as SQL over ``calls``.

One definition serves three readers: the writer adds new rows to the rollups with it, the reader
sums the calls at the ragged edges of a range with it, and both are therefore the same figure.
"""

QUARTER = 15 * 60 * 1_000_000
"""Microseconds in a rollup bucket: no zone in use is offset by less than a quarter of an hour."""
DAY = 24 * 60 * 60 * 1_000_000
"""Microseconds in a bucket of the daily rollups (UTC days)."""

LATENCY_BOUNDS: tuple[int, ...] = tuple(
    step * 10**power for power in range(5) for step in (10, 15, 22, 33, 47, 68)
)
"""Upper bounds of the latency histogram in milliseconds, exclusive: E6 preferred numbers, each
about 1.5 times the one before, from 10 ms to 680 s."""

_SANE_TOKENS = 10**12
"""A count above this, in one call, is garbage: it stays in its row and is left out of the sums,
which would otherwise overflow and take every report with them."""

ERROR = (
    "completeness <> 'refused'"
    " AND (IFNULL(status, 0) >= 400 OR reason IN ('provider_error', 'upstream_failed'))"
)
"""Answered with an error by the provider, or not at all. What never left is none."""


def _count(condition: str) -> str:
    return f"COUNT(*) FILTER (WHERE {condition})"


def _tokens(unit: str) -> str:
    quantity = f"json_extract(usage, '$.{unit}')"
    return f"IFNULL(SUM({quantity}) FILTER (WHERE {quantity} BETWEEN 0 AND {_SANE_TOKENS}), 0)"


MEASURES = {
    "requests": "COUNT(*)",
    "errors": _count(ERROR),
    "partial": _count("completeness = 'partial'"),
    "sent_unknown": _count("completeness = 'sent_unknown'"),
    "pending": _count("completeness = 'pending'"),
    "refused": _count("completeness = 'refused'"),
    "partly_priced": _count("price_status = 'partly_priced'"),
    "unpriced": _count("price_status = 'unpriced'"),
    "without_cost": _count("cost IS NULL"),
    "estimated": _count("usage_source = 'estimated'"),
    "cost": "IFNULL(SUM(cost), 0)",
    "known_cost": "IFNULL(SUM(known_cost), 0)",
    "input_tokens": _tokens("input_tokens"),
    "output_tokens": _tokens("output_tokens"),
    "cache_read_tokens": _tokens("cache_read_tokens"),
    "cache_write_tokens": _tokens("cache_write_tokens"),
    "latency_ms": "IFNULL(SUM(latency_ms), 0)",
    "latency_count": "COUNT(latency_ms)",
}
"""Column to aggregate. The order is that of ``Totals``' fields."""

HISTOGRAM = {
    f"latency_below_{upper}": _count(f"latency_ms >= {lower} AND latency_ms < {upper}")
    for lower, upper in zip((0, *LATENCY_BOUNDS), LATENCY_BOUNDS, strict=False)
} | {"latency_above": _count(f"latency_ms >= {LATENCY_BOUNDS[-1]}")}
"""Column to aggregate: how many calls took so long. Negative latencies do not occur."""

DIMENSIONS = {
    "project": "project",
    "key": "IFNULL(key, '')",
    "provider": "provider",
    "model": "IFNULL(model, '')",
    "endpoint": "endpoint",
}
"""Column to expression. A primary key has no NULL, so that an absent name is the empty one here."""

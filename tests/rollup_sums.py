"""What the rollups must hold: the sums over the calls, computed the plain way."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from acm_addon.ledger.measures import DAY, LATENCY_BOUNDS, MEASURES, QUARTER
from acm_addon.ledger.rows import to_micros
from acm_addon.ledger.totals import Totals
from acm_addon.model import Completeness, Entry, PriceStatus, Reason, UsageSource


def expected_totals(calls: Iterable[Entry]) -> Totals:
    """The sums of calls, the plain way."""
    calls = list(calls)

    def count(**wanted: object) -> int:
        return sum(
            all(getattr(call, name) == value for name, value in wanted.items()) for call in calls
        )

    def total(unit: str) -> int:
        counts = [call.usage.get(unit, 0) for call in calls]
        return sum(int(count) for count in counts if count <= 10**12)

    failed = (Reason.PROVIDER_ERROR, Reason.UPSTREAM_FAILED)
    latencies = [call.latency_ms for call in calls if call.latency_ms is not None]
    return Totals(
        requests=len(calls),
        errors=sum(
            call.completeness is not Completeness.REFUSED
            and ((call.status or 0) >= 400 or call.reason in failed)
            for call in calls
        ),
        partial=count(completeness=Completeness.PARTIAL),
        sent_unknown=count(completeness=Completeness.SENT_UNKNOWN),
        pending=count(completeness=Completeness.PENDING),
        refused=count(completeness=Completeness.REFUSED),
        partly_priced=count(price_status=PriceStatus.PARTLY_PRICED),
        unpriced=count(price_status=PriceStatus.UNPRICED),
        without_cost=count(cost=None),
        estimated=count(usage_source=UsageSource.ESTIMATED),
        cost=sum(call.cost or 0 for call in calls),
        known_cost=sum(call.known_cost for call in calls),
        input_tokens=total("input_tokens"),
        output_tokens=total("output_tokens"),
        cache_read_tokens=total("cache_read_tokens"),
        cache_write_tokens=total("cache_write_tokens"),
        latency_ms=sum(latencies),
        latency_count=len(latencies),
    )


def expected_histogram(calls: Iterable[Entry]) -> list[int]:
    bounds = [0, *LATENCY_BOUNDS, 10**18]
    latencies = [call.latency_ms for call in calls if call.latency_ms is not None]
    return [
        sum(lower <= latency < upper for latency in latencies) for lower, upper in pairwise(bounds)
    ]


def stored(path: Path, table: str, keys: int) -> dict[tuple[object, ...], tuple[Totals, list[int]]]:
    """A table of rollups, by its key."""
    with closing(sqlite3.connect(path)) as conn:
        rows = conn.execute(f"SELECT * FROM {table}").fetchall()
    width = keys + len(MEASURES)
    return {row[:keys]: (Totals(*row[keys:width]), list(row[width:])) for row in rows}


def assert_rolled_up(path: Path, calls: Iterable[Entry]) -> None:
    """Every table of rollups equals the sums over ``calls``, and has no line besides."""
    calls = list(calls)
    for table, width in (("rollups", QUARTER), ("daily_rollups", DAY)):
        groups: dict[tuple[object, ...], list[Entry]] = defaultdict(list)
        for call in calls:
            bucket = to_micros(call.time) // width * width
            groups[
                bucket,
                call.project,
                call.key or "",
                call.provider,
                call.model or "",
                call.endpoint,
            ].append(call)
        assert {
            key: (expected_totals(group), expected_histogram(group))
            for key, group in groups.items()
        } == stored(path, table, 6)
    quarters: dict[tuple[object, ...], list[Entry]] = defaultdict(list)
    for call in calls:
        quarters[(to_micros(call.time) // QUARTER * QUARTER,)].append(call)
    assert {
        key: (expected_totals(group), expected_histogram(group)) for key, group in quarters.items()
    } == stored(path, "total_rollups", 1)
    tagged: dict[tuple[object, ...], list[Entry]] = defaultdict(list)
    for call in calls:
        bucket = to_micros(call.time) // QUARTER * QUARTER
        for tag, value in call.tags.items():
            tagged[bucket, tag, value].append(call)
    assert {
        key: (expected_totals(group), expected_histogram(group)) for key, group in tagged.items()
    } == stored(path, "tag_rollups", 3)

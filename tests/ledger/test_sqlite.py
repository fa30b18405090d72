import sqlite3
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acm_addon.ledger.base import Booked, Position
from acm_addon.ledger.measures import DAY, HISTOGRAM, LATENCY_BOUNDS, MEASURES, QUARTER
from acm_addon.ledger.rows import to_micros
from acm_addon.ledger.sqlite import SqliteLedger
from acm_addon.ledger.totals import Totals
from acm_addon.model import Completeness, Entry, PriceStatus, Reason, UsageSource
from tests.calls import NOON, make_entry

tokens = st.dictionaries(
    st.sampled_from(["input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"]),
    st.integers(0, 10**6) | st.just(10**25),
)
entries = st.builds(
    make_entry,
    time=st.integers(0, 3 * 24 * 3600).map(lambda seconds: NOON + timedelta(seconds=seconds)),
    latency_ms=st.none() | st.integers(0, 10**6),
    provider=st.sampled_from(["openai", "anthropic"]),
    model=st.sampled_from([None, "a", "b"]),
    key=st.sampled_from([None, "key_1"]),
    tags=st.dictionaries(st.sampled_from(["feature", "customer"]), st.sampled_from(["1", "2"])),
    status=st.sampled_from([None, 200, 429, 500]),
    usage=tokens,
    usage_source=st.sampled_from(UsageSource),
    completeness=st.sampled_from(Completeness),
    price_status=st.sampled_from(PriceStatus),
    cost=st.none() | st.integers(0, 10**12),
    known_cost=st.integers(0, 10**12),
    reason=st.sampled_from([None, Reason.PROVIDER_ERROR, Reason.UPSTREAM_FAILED]),
)


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


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(entries, max_size=12), max_size=4))
def test_rollups_are_the_sums_of_the_calls(batches: list[list[Entry]]) -> None:
    """However calls come in, and come again, every rollup equals the sum over its calls."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        with closing(SqliteLedger(path)) as ledger:
            for batch in batches:
                assert Booked(len(batch), 0) == ledger.book(batch, {})
                assert Booked(0, len(batch)) == ledger.book(batch, {})
        calls = [call for batch in batches for call in batch]
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
            key: (expected_totals(group), expected_histogram(group))
            for key, group in quarters.items()
        } == stored(path, "total_rollups", 1)
        tagged: dict[tuple[object, ...], list[Entry]] = defaultdict(list)
        for call in calls:
            bucket = to_micros(call.time) // QUARTER * QUARTER
            for tag, value in call.tags.items():
                tagged[bucket, tag, value].append(call)
        assert {
            key: (expected_totals(group), expected_histogram(group))
            for key, group in tagged.items()
        } == stored(path, "tag_rollups", 3)
        assert len(list(HISTOGRAM)) == len(LATENCY_BOUNDS) + 1


def test_a_call_is_booked_once(tmp_path: Path) -> None:
    """The id decides: a second row of the same call changes neither the row nor the sums."""
    path = tmp_path / "ledger.db"
    entry = make_entry()
    with closing(SqliteLedger(path)) as ledger:
        assert Booked(1, 1) == ledger.book([entry, replace(entry, cost=99)], {})
        assert Booked(0, 1) == ledger.book([replace(entry, cost=99)], {})
    ((totals, _),) = stored(path, "rollups", 6).values()
    assert (1, entry.cost) == (totals.requests, totals.cost)


def test_rows_and_positions_are_stored_together_or_not_at_all(tmp_path: Path) -> None:
    """A batch that fails leaves no row, no sum, and the position where it was."""
    path = tmp_path / "ledger.db"
    broken = make_entry(provider=None)  # A NOT NULL column.
    with closing(SqliteLedger(path)) as ledger:
        ledger.book([], {"a.journal": Position(1, 2)})
        with pytest.raises(sqlite3.IntegrityError):
            ledger.book([make_entry(), broken], {"a.journal": Position(3, 4)})
        assert {"a.journal": Position(1, 2)} == ledger.positions()
        ledger.book([make_entry()], {"a.journal": Position(3, 4)})
        assert {"a.journal": Position(3, 4)} == ledger.positions()
        ledger.forget(["a.journal"])
        assert {} == ledger.positions()
    ((totals, _),) = stored(path, "rollups", 6).values()
    assert 1 == totals.requests

import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acm_addon.ledger.base import Booked, Position
from acm_addon.ledger.measures import HISTOGRAM, LATENCY_BOUNDS
from acm_addon.ledger.sqlite import SqliteLedger
from acm_addon.model import Completeness, Entry, PriceStatus, Reason, UsageSource
from tests.calls import NOON, make_entry
from tests.rollup_sums import assert_rolled_up, stored

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
    object_id=st.none(),
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
        assert_rolled_up(path, calls)
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

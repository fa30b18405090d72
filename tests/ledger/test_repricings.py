"""New bills in a real ledger: old ones kept, rollups right, killed and done again."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acm_addon.errors import AcmError
from acm_addon.ledger.priceable import Bill, Priceable
from acm_addon.ledger.reader import LedgerReader
from acm_addon.ledger.repricings import BATCH, Repricer
from acm_addon.ledger.sqlite import SqliteLedger
from acm_addon.model import Entry, PriceStatus, Reason
from tests.calls import NOON, make_entry

LATER = NOON + timedelta(days=30)
AT_ALL = (NOON - timedelta(days=1), NOON + timedelta(days=4))

entries = st.builds(
    make_entry,
    time=st.integers(0, 3 * 24 * 3600).map(lambda seconds: NOON + timedelta(seconds=seconds)),
    provider=st.sampled_from(["openai", "anthropic"]),
    model=st.sampled_from([None, "a", "b"]),
    tags=st.dictionaries(st.sampled_from(["feature", "customer"]), st.sampled_from(["1", "2"])),
    price_status=st.sampled_from(PriceStatus),
    cost=st.none() | st.integers(0, 10**12),
    known_cost=st.integers(0, 10**12),
)
bills = st.builds(
    Bill,
    price_status=st.sampled_from(PriceStatus),
    cost=st.none() | st.integers(0, 10**12),
    computed_cost=st.none() | st.integers(0, 10**12),
    known_cost=st.integers(0, 10**12),
    lines=st.just("[]"),
    price_version=st.just("new"),
    reason=st.sampled_from([None, Reason.UNKNOWN_MODEL, Reason.BAD_USAGE]),
)


def book(path: Path, calls: Iterable[Entry]) -> None:
    with closing(SqliteLedger(path)) as ledger:
        ledger.book(list(calls), {})


def rows_of(path: Path) -> list[Priceable]:
    with LedgerReader(path) as reader:
        return list(reader.priceable(reader.extent(*AT_ALL)))


def reprice(path: Path, bills: Iterable[tuple[Priceable, Bill]], now: datetime = LATER) -> int:
    with Repricer(path) as repricer:
        for row, bill in bills:
            repricer.stage(row, bill)
        return max(repricer.book(now), default=0)


def rollups_of(path: Path) -> list[list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as conn:
        return [
            conn.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3, 4, 5, 6").fetchall()
            for table in ("rollups", "daily_rollups", "total_rollups", "tag_rollups")
        ]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(entries, st.none() | bills), min_size=1, max_size=12))
def test_rollups_are_those_of_rows_booked_so_from_the_start(
    plan: list[tuple[Entry, Bill | None]],
) -> None:
    """Whatever changes, sums over the rollups are sums over the rows."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        book(path, [entry for entry, _ in plan])
        changes = [
            (row, bill)
            for row, (_, bill) in zip(rows_of(path), plan, strict=True)
            if bill is not None
        ]
        assert len(changes) == reprice(path, changes)

        with LedgerReader(path) as reader:
            now_there = [call.entry for call in reader.recent(0, 100)]
        afresh = Path(folder) / "afresh.db"
        book(afresh, now_there)
        assert rollups_of(afresh) == rollups_of(path)


def test_a_row_has_its_new_bill_and_the_old_ones_are_kept(tmp_path: Path) -> None:
    """In the order in which they held, each with the moment that ended it."""
    path = tmp_path / "ledger.db"
    entry = make_entry()
    book(path, [entry])
    bills = [Bill(PriceStatus.PRICED, cost, cost, cost, "[]", f"v{cost}", None) for cost in (1, 2)]
    (first,) = rows_of(path)
    reprice(path, [(first, bills[0])])
    (second,) = rows_of(path)
    reprice(path, [(second, bills[1])], LATER + timedelta(hours=1))

    with LedgerReader(path) as reader:
        assert [(LATER, first.bill), (LATER + timedelta(hours=1), bills[0])] == [
            (old.time, old.bill) for old in reader.repricings(entry.id)
        ]
        assert (2, "v2", ()) == (
            reader.find(entry.id).cost,
            reader.find(entry.id).price_version,
            reader.find(entry.id).lines,
        )


def test_a_row_that_changed_since_it_was_staged_is_left_alone(tmp_path: Path) -> None:
    """What is booked meanwhile is newer than what was read."""
    path = tmp_path / "ledger.db"
    book(path, [make_entry(), make_entry()])
    mine, other = rows_of(path)
    bill = Bill(PriceStatus.PRICED, 1, 1, 1, "[]", "mine", None)
    theirs = Bill(PriceStatus.PRICED, 5, 5, 5, "[]", "theirs", None)
    with Repricer(path) as repricer:
        repricer.stage(mine, bill)
        repricer.stage(other, bill)
        reprice(path, [(other, theirs)])
        assert [1] == list(repricer.book(LATER))
    assert ["mine", "theirs"] == [row.bill.price_version for row in rows_of(path)]


KILLED = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from acm_addon.ledger.priceable import Bill
from acm_addon.ledger.reader import LedgerReader
from acm_addon.ledger.repricings import Repricer
from acm_addon.model import PriceStatus

path = Path(sys.argv[1])
bill = Bill(PriceStatus.PRICED, 7, 7, 7, "[]", "new", None)
with LedgerReader(path) as reader, Repricer(path) as repricer:
    all_time = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    for row in reader.priceable(reader.extent(*all_time)):
        repricer.stage(row, bill)
    next(repricer.book(datetime(2026, 12, 1, tzinfo=UTC)))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_between_batches_leaves_whole_batches(tmp_path: Path) -> None:
    """What was booked is booked once, with its rollups; the rest is as it was, and can follow."""
    path = tmp_path / "ledger.db"
    book(path, [make_entry(cost=3, known_cost=3) for _ in range(BATCH + 10)])
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert -9 == killed.returncode

    left = [row for row in rows_of(path) if row.bill.price_version != "new"]
    assert 10 == len(left)
    with LedgerReader(path) as reader:
        assert 7 * BATCH + 3 * 10 == reader.summary(*AT_ALL).cost
    bill = Bill(PriceStatus.PRICED, 7, 7, 7, "[]", "new", None)
    assert 10 == reprice(path, [(row, bill) for row in left])
    with LedgerReader(path) as reader:
        assert 7 * (BATCH + 10) == reader.summary(*AT_ALL).cost
        assert {1} == {len(reader.repricings(row.id)) for row in rows_of(path)[:: BATCH // 4]}


def test_calls_may_be_booked_while_others_are_priced_again(tmp_path: Path) -> None:
    """Between two batches no lock is held, and what is new is not touched."""
    path = tmp_path / "ledger.db"
    book(path, [make_entry(cost=3) for _ in range(BATCH + 1)])
    bill = Bill(PriceStatus.PRICED, 7, 7, 7, "[]", "new", None)
    rows = rows_of(path)
    with Repricer(path) as repricer:
        for row in rows:
            repricer.stage(row, bill)
        for _ in repricer.book(LATER):
            book(path, [make_entry(cost=1)])
    with LedgerReader(path) as reader:
        assert 7 * (BATCH + 1) + 2 == reader.summary(*AT_ALL).cost


def test_a_ledger_that_cannot_be_written_is_an_error_with_a_hint(tmp_path: Path) -> None:
    """Another writer that does not let go is one reason."""
    path = tmp_path / "ledger.db"
    book(path, [make_entry()])
    (row,) = rows_of(path)
    with Repricer(path) as repricer, closing(sqlite3.connect(path)) as other:
        repricer.stage(row, Bill(PriceStatus.PRICED, 7, 7, 7, "[]", "new", None))
        repricer._conn.execute("PRAGMA busy_timeout = 0")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(AcmError, match="cannot write the ledger") as refused:
            list(repricer.book(LATER))
    assert refused.value.hint

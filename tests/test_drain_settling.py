"""Asynchronous work through real journals and the drain, in any order and through any death."""

import random
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acm_addon.drain import Drain
from acm_addon.home import Home
from acm_addon.journal import Journal
from acm_addon.ledger.reader import LedgerReader
from acm_addon.model import Completeness, Entry, new_id
from acm_addon.settlement import Link, Record, Settlement, settled
from acm_addon.spool import spool_paths
from tests.calls import make_begin, make_entry
from tests.drains import DRAIN, by_id, wait_for_a_change
from tests.rollup_sums import assert_rolled_up


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "acm").ensure()


def rows(home: Home) -> list[Entry]:
    with LedgerReader(home.ledger) as reader:
        return [row.entry for row in reader.recent(0, 1_000_000)]


def pending(object_id: str) -> Entry:
    return make_entry(object_id=object_id, completeness=Completeness.PENDING, cost=None)


SETTLER = """
import itertools, os, sys
from pathlib import Path
from acm_addon.journal import Journal
from acm_addon.model import Completeness
from tests.calls import make_begin, make_entry
journal = Journal(Path(sys.argv[1]), rotate_bytes=20_000)
for number in itertools.count():
    name = f"batch_{number}"
    call = make_entry(object_id=name, completeness=Completeness.PENDING, cost=None)
    journal.begin(make_begin(call.id)).end(call)
    journal.settle(make_entry(object_id=name))
    os.write(1, f"{name}\\n".encode())
"""


def work(home: Home, count: int) -> list[tuple[Entry, Entry]]:
    """Batches: the calls that create them in one journal and what settles them in others, through a
    linked file for every second one, and all of it twice."""
    results, calls = Journal(home.journal, rotate_bytes=50_000), Journal(home.journal)
    pairs = []
    for number in range(count):
        batch, file = f"batch_{number}", f"file-{number}"
        call = pending(batch)
        result = make_entry(object_id=file if number % 2 else batch, cost=number, tags={})
        for _ in range(2):
            results.settle(result)
            if number % 2:
                results.link(Link("openai", file, batch))
        calls.begin(make_begin(call.id)).end(call)
        results.settle(replace(result, id=new_id(), object_id=batch))
        pairs.append((call, result))
    results.close()
    calls.close()
    return pairs


def settled_rows(pairs: list[tuple[Entry, Entry]]) -> list[Entry]:
    return by_id(settled(call, result) for call, result in pairs)


def test_work_is_settled_across_journals(home: Home) -> None:
    """A call and its result may be recorded by different processes, and drained in any order."""
    pairs = work(home, 100)
    report = Drain(home).run_once()
    assert 400 == report.booked + report.settled + report.duplicates
    assert settled_rows(pairs) == by_id(rows(home))
    assert_rolled_up(home.ledger, rows(home))
    assert [] == spool_paths(home.journal)


def test_kill_9_of_the_drain_settles_each_work_once(home: Home) -> None:
    """Killed again and again between its batches: the rows and sums of one that was not."""
    pairs = work(home, 600)
    for _ in range(5):
        drain = subprocess.Popen([sys.executable, "-c", DRAIN, str(home.root), "1"])
        wait_for_a_change(home, drain)
        drain.kill()
        drain.wait()
    Drain(home).run_once()
    assert settled_rows(pairs) == by_id(rows(home))
    assert_rolled_up(home.ledger, rows(home))


@pytest.mark.parametrize("round_", range(6))
def test_kill_9_of_who_settles_loses_nothing(home: Home, round_: int) -> None:
    """A settlement that was written counts, and the batch it belongs to is settled by it."""
    writer = subprocess.Popen(
        [sys.executable, "-c", SETTLER, str(home.journal)], stdout=subprocess.PIPE
    )
    assert writer.stdout
    said = [writer.stdout.readline() for _ in range(random.randint(1, 200))]
    if round_ % 2:
        Drain(home).run_once()
    writer.kill()
    said += writer.stdout.readlines()
    writer.wait()
    writer.stdout.close()
    Drain(home).run_once()
    told = {line.decode().strip() for line in said if line.endswith(b"\n")}
    booked = Counter(entry.object_id for entry in rows(home))
    assert {1} == set(booked.values())
    done = {entry.object_id for entry in rows(home) if entry.completeness is Completeness.COMPLETE}
    assert told <= done
    assert len(booked) <= len(told) + 1
    assert_rolled_up(home.ledger, rows(home))


BATCH, PREDICTION = pending("batch_1"), pending("pred_1")
BATCH_RESULT = make_entry(object_id="file-out", cost=11, model="a")
PREDICTION_RESULT = make_entry(object_id="pred_1", cost=22, model="b", tags={})
RECORDS: list[Record] = [
    BATCH,
    PREDICTION,
    Settlement(BATCH_RESULT),
    Settlement(replace(BATCH_RESULT, id=new_id(), object_id="batch_1")),
    Settlement(PREDICTION_RESULT),
    Settlement(replace(PREDICTION_RESULT, id=new_id())),
    Link("openai", "file-out", "batch_1"),
]


def write(journal: Journal, record: Record) -> None:
    match record:
        case Settlement(entry):
            journal.settle(entry)
        case Link():
            journal.link(record)
        case call:
            journal.begin(make_begin(call.id)).end(call)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_order_in_two_journals_gives_the_same_ledger(data: st.DataObject) -> None:
    """Records in either journal, repeated, and drained in between: one row each, and its sums.

    A call that stays open makes every pass read its whole journal again.
    """
    repeated = data.draw(st.lists(st.sampled_from(RECORDS), max_size=5))
    order = data.draw(st.permutations([*RECORDS, *repeated]))
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "acm").ensure()
        journals = (Journal(home.journal), Journal(home.journal))
        lasting = make_entry(object_id=None)
        call = journals[0].begin(make_begin(lasting.id))
        for record in order:
            write(data.draw(st.sampled_from(journals)), record)
            if data.draw(st.booleans()):
                Drain(home).run_once()
        call.end(lasting)
        for journal in journals:
            journal.close()
        Drain(home).run_once()
        found = rows(home)
        expected = [settled(BATCH, BATCH_RESULT), settled(PREDICTION, PREDICTION_RESULT), lasting]
        assert by_id(expected) == by_id(found)
        assert_rolled_up(home.ledger, found)
        assert [] == spool_paths(home.journal)

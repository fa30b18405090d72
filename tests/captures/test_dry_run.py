"""An import without a ledger counts what an import into an empty one would hold."""

import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from acm_addon.captures.dry_run import DryRun
from acm_addon.ledger.reader import LedgerReader
from acm_addon.ledger.sqlite import SqliteLedger
from acm_addon.model import Completeness, Entry, new_id
from acm_addon.settlement import Link, Record, Settlement
from tests.calls import make_entry


def pending(object_id: str) -> Entry:
    return make_entry(
        object_id=object_id, completeness=Completeness.PENDING, cost=None, known_cost=0
    )


def test_lesson_10_a_polled_object_is_counted_once() -> None:
    """litellm#25015, #39980, #37217: each poll was billed again. Created, polled twice, and created
    again by another capture: one call, one cost."""
    run, call, result = DryRun(), pending("pred_1"), make_entry(object_id="pred_1", cost=70)
    assert [call] == run.book([call])
    assert (0, 1) == (run.cost, run.without_cost)
    again = Settlement(replace(result, id=new_id(), cost=99))
    (row,) = run.book([Settlement(result), again, pending("pred_1")])
    assert (call.id, 70, Completeness.COMPLETE) == (row.id, row.cost, row.completeness)
    assert (70, 0) == (run.cost, run.without_cost)


def test_a_call_that_was_complete_is_not_counted_again_when_it_is_retrieved() -> None:
    """Its object is known from the call itself."""
    run = DryRun()
    assert 1 == len(run.book([make_entry(object_id="pred_1", cost=70)]))
    assert [] == run.book([Settlement(make_entry(object_id="pred_1")), pending("pred_1")])
    assert (70, 0) == (run.cost, run.without_cost)


def test_calls_without_an_object_are_all_counted() -> None:
    """Nothing joins them, whether they are finished or not."""
    run = DryRun()
    calls = [make_entry(object_id=None, cost=cost) for cost in (1, 2, None)]
    waiting = replace(pending("x"), object_id=None)
    assert [*calls, waiting] == run.book([*calls, waiting, waiting])
    assert (3, 2) == (run.cost, run.without_cost)


CALLS = [pending("batch_1"), pending("pred_1"), make_entry(object_id="resp_1", cost=5)]
RECORDS: list[Record] = [
    *CALLS,
    Settlement(make_entry(object_id="file-out", cost=11)),
    Settlement(make_entry(object_id="batch_1", cost=11)),
    Settlement(make_entry(object_id="resp_1", cost=5)),
    Settlement(make_entry(object_id="elsewhere", cost=None)),
    Settlement(pending("pred_1")),
    Link("openai", "file-out", "batch_1"),
    make_entry(object_id="batch_2", cost=3),
    Settlement(make_entry(object_id="file-2", cost=3)),
    Link("openai", "file-2", "batch_2"),
    make_entry(object_id=None, cost=2),
]


@settings(max_examples=60, deadline=None)
@given(st.permutations(RECORDS))
def test_a_dry_run_says_what_a_ledger_would(order: list[Record]) -> None:
    """In any order: a row for each that the ledger takes, record by record, and the same sums."""
    run = DryRun()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        with closing(SqliteLedger(path)) as ledger:
            booked = [ledger.book([record], {}) for record in order]
            assert [one.inserted + one.settled for one in booked] == [
                len(run.book([record])) for record in order
            ]
        with LedgerReader(path) as reader:
            costs = [call.entry.cost for call in reader.recent(0, 100)]
    assert (21, 2) == (run.cost, run.without_cost)
    assert (run.cost, run.without_cost) == (
        sum(cost or 0 for cost in costs),
        sum(cost is None for cost in costs),
    )

"""Asynchronous work in a real ledger: one row, whatever comes when, and the sums beside it."""

import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acm_addon.ledger.base import Booked
from acm_addon.ledger.reader import LedgerReader
from acm_addon.ledger.sqlite import SqliteLedger
from acm_addon.model import (
    Completeness,
    CostLine,
    Entrance,
    Entry,
    PriceStatus,
    Reason,
    UsageSource,
    new_id,
)
from acm_addon.settlement import Link, Record, Settlement, settlement_id
from tests.calls import NOON, make_entry
from tests.rollup_sums import assert_rolled_up

LATER = NOON + timedelta(hours=26)
"""Another quarter and another day than those of the creating calls."""


def created(object_id: str | None = "batch_1", **changes: object) -> Entry:
    """The call that creates a batch: whose cost is not known yet."""
    entry = make_entry(
        endpoint="batches",
        object_id=object_id,
        requested_model=None,
        model=None,
        tier=None,
        stream=False,
        project="shop",
        key="key_1",
        tags={"feature": "night", "customer": "42"},
        usage={},
        usage_source=UsageSource.NONE,
        completeness=Completeness.PENDING,
        price_status=PriceStatus.UNPRICED,
        cost=None,
        computed_cost=None,
        known_cost=0,
        lines=(),
        price_version=None,
        reason=Reason.NO_USAGE,
    )
    return replace(entry, **changes)  # type: ignore[arg-type]


def result(object_id: str = "batch_1", **changes: object) -> Entry:
    """The row that a result file makes, seen by somebody else a day later."""
    line = CostLine("openai/gpt-4o:batch", "input_tokens", 9000, Decimal("0.00000125"), 11_250_000)
    entry = make_entry(
        id=settlement_id("openai", object_id, LATER),
        time=LATER,
        latency_ms=9,
        endpoint="batches.results",
        object_id=object_id,
        requested_model=None,
        model="gpt-4o",
        tier="batch",
        request_id="req_9",
        usage={"input_tokens": 9000},
        tags={},
        cost=11_250_000,
        computed_cost=11_250_000,
        known_cost=11_250_000,
        lines=(line,),
        price_version="def",
    )
    return replace(entry, **changes)  # type: ignore[arg-type]


def together(call: Entry, by: Entry) -> Entry:
    """What the row must be."""
    return replace(
        call,
        model=by.model,
        tier=by.tier,
        usage=by.usage,
        usage_source=by.usage_source,
        completeness=by.completeness,
        price_status=by.price_status,
        cost=by.cost,
        computed_cost=by.computed_cost,
        provider_cost=by.provider_cost,
        known_cost=by.known_cost,
        lines=by.lines,
        price_version=by.price_version,
        reason=by.reason,
    )


def booked(path: Path, *batches: list[Record]) -> list[Booked]:
    """Each batch in a transaction of its own."""
    with closing(SqliteLedger(path)) as ledger:
        return [ledger.book(batch, {}) for batch in batches]


def rows(path: Path) -> list[Entry]:
    with LedgerReader(path) as reader:
        return [call.entry for call in reader.recent(0, 1_000_000)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def test_lesson_10_a_pending_row_is_settled_once(path: Path) -> None:
    """litellm#25015, #39980, #37217: each poll was billed again. It keeps who asked, when, and how,
    and takes the usage and the cost of the first result."""
    call, first = created(), result()
    second = result(cost=1, known_cost=1, usage={"input_tokens": 1})
    done = booked(path, [call], [Settlement(first)], [Settlement(second)], [call])
    assert [Booked(1, 0), Booked(0, 0, 1), Booked(0, 1), Booked(0, 1)] == done
    assert [together(call, first)] == rows(path)
    assert_rolled_up(path, rows(path))
    with LedgerReader(path) as reader:
        day = reader.summary(NOON, NOON + timedelta(days=1))
        assert (1, 0, 11_250_000) == (day.requests, day.pending, day.cost)
        assert 0 == reader.summary(LATER, LATER + timedelta(days=1)).requests


def test_a_result_that_names_no_model_keeps_the_one_that_was_asked_for(path: Path) -> None:
    """What the settlement does not know stays as the call knew it."""
    call = created(model="gpt-4o-mini", tier="flex", region="eu")
    booked(path, [call], [Settlement(result(model=None, tier=None, region=None))])
    (row,) = rows(path)
    assert ("gpt-4o-mini", "flex", "eu") == (row.model, row.tier, row.region)


def test_a_result_whose_call_was_not_seen_is_a_row(path: Path) -> None:
    """The work is paid for wherever it was created; and later polls find it."""
    first, second = result(), result(id=new_id(), time=LATER + timedelta(hours=1))
    assert [Booked(1, 0), Booked(0, 1)] == booked(path, [Settlement(first)], [Settlement(second)])
    assert [first] == rows(path)


@pytest.mark.parametrize("apart", [True, False], ids=["apart", "in one batch"])
def test_a_call_that_is_booked_after_its_result_is_the_same_row(path: Path, apart: bool) -> None:
    """The drain may read another worker's journal later: one row, as if it had come in order."""
    call, first = created(), result()
    records: list[Record] = [Settlement(first), call]
    done = booked(path, *([record] for record in records)) if apart else booked(path, records)
    assert (1, 1) == (sum(one.inserted for one in done), sum(one.settled for one in done))
    assert [together(call, first)] == rows(path)
    assert_rolled_up(path, rows(path))
    assert [Booked(0, 2)] == booked(path, records)


@pytest.mark.parametrize("late", [True, False])
def test_a_call_that_was_complete_from_the_beginning_stays(path: Path, late: bool) -> None:
    """Its own count is the one: retrieving its object afterwards adds and changes nothing."""
    call = make_entry(object_id="resp_1")
    records: list[Record] = [call, Settlement(result("resp_1"))]
    booked(path, *([record] for record in (reversed(records) if late else records)))
    assert [call] == rows(path)
    assert_rolled_up(path, rows(path))


def test_a_settlement_that_is_pending_settles_nothing(path: Path) -> None:
    """It says that the work exists: a row where there is none, and nothing more."""
    call, unfinished, first = created(), created(id=new_id(), time=LATER), result()
    done = booked(path, [call], [Settlement(unfinished)])
    assert ([Booked(1, 0), Booked(0, 1)], [call]) == (done, rows(path))
    elsewhere = replace(unfinished, object_id="batch_2")
    other = result("batch_2")
    booked(path, [Settlement(elsewhere)], [Settlement(other)], [Settlement(first)])
    assert [together(call, first), together(elsewhere, other)] == rows(path)
    assert_rolled_up(path, rows(path))


def test_calls_with_the_same_object_are_apart_unless_they_are_pending(path: Path) -> None:
    """Some providers repeat ids on ordinary calls; asynchronous work has one row."""
    calls: list[Record] = [make_entry(object_id="cmpl-1") for _ in range(3)]
    assert [Booked(3, 0)] == booked(path, calls)
    assert [Booked(1, 1)] == booked(path, [created(), created()])
    assert [Booked(3, 0)] == booked(path, [created(object_id=None) for _ in range(3)])
    other = created(provider="anthropic")
    assert [Booked(1, 0)] == booked(path, [other])
    assert 8 == len(rows(path))


def test_what_a_finished_call_counted_is_not_counted_for_a_pending_one(path: Path) -> None:
    """Where both have the object's id, its result is in the ledger already."""
    waiting, finished = created("pred_1"), make_entry(object_id="pred_1")
    done = booked(path, [waiting], [finished], [Settlement(result("pred_1"))])
    assert [Booked(1, 0), Booked(1, 0), Booked(0, 1)] == done
    assert [waiting, finished] == rows(path)


def test_a_result_file_settles_the_batch_it_is_linked_to(path: Path) -> None:
    """Of the files of a batch the first counts."""
    call, first = created(), result("file-out")
    batches: list[list[Record]] = [
        [call, Link("openai", "file-out", "batch_1"), Link("openai", "file-err", "batch_1")],
        [Settlement(first)],
        [Settlement(result("file-err", cost=5)), Settlement(result("batch_1", cost=7))],
    ]
    assert [Booked(1, 0), Booked(0, 0, 1), Booked(0, 2)] == booked(path, *batches)
    assert [together(call, first)] == rows(path)


def test_a_link_that_comes_last_joins_the_rows(path: Path) -> None:
    """Until then the result is a row of its own; after it the sums are as if it had come first.

    The place of the later row stays taken: the next one comes behind it, for those who follow.
    """
    call, first, link = created(), result("file-out"), Link("openai", "file-out", "batch_1")
    booked(path, [call], [Settlement(first)])
    assert [call, first] == rows(path)
    booked(path, [link])
    assert [together(call, first)] == rows(path)
    assert_rolled_up(path, rows(path))
    after = make_entry(object_id=None)
    booked(path, [after])
    with LedgerReader(path) as reader:
        assert [2, 3] == [row.rowid for row in reader.recent(0, 10)]
    assert_rolled_up(path, rows(path))


def test_a_link_without_a_batch_says_what_the_result_is_of(path: Path) -> None:
    """The batch's own call, or its poll, then finds the row."""
    first, link = result("file-out"), Link("openai", "file-out", "batch_1")
    assert [Booked(1, 0), Booked(0, 0)] == booked(path, [Settlement(first)], [link])
    assert [replace(first, object_id="batch_1")] == rows(path)
    call = created()
    assert [Booked(0, 1), Booked(0, 0, 1)] == booked(path, [Settlement(result())], [call])
    assert [together(call, first)] == rows(path)
    assert_rolled_up(path, rows(path))


def test_links_that_lead_nowhere_change_nothing(path: Path) -> None:
    """To itself, twice, in a circle, or from an ordinary call."""
    call = make_entry(object_id="a")
    links: list[Record] = [
        Link("openai", *pair.split(">")) for pair in ("a>a", "a>b", "a>b", "b>a")
    ]
    assert [Booked(1, 0)] == booked(path, [call, *links])
    assert [call] == rows(path)
    assert [Booked(1, 0)] == booked(path, [Settlement(result("a"))])
    assert [call, replace(result("a"), object_id="b")] == rows(path)


def test_ids_that_are_no_text_hold_up_nothing(path: Path) -> None:
    """Half a surrogate pair cannot be bound; the rows are there all the same, and one."""
    odd = "batch_\ud800"
    records: list[Record] = [
        Settlement(result(odd)),
        created(odd),
        Link("open\ud800", odd, odd + "?"),
        Settlement(result(odd, id=odd, provider="\ud800")),
        make_entry(object_id=odd + "x"),
    ]
    booked(path, *([record] for record in records))
    assert 3 == len(rows(path))
    assert_rolled_up(path, rows(path))


def test_a_batch_that_fails_leaves_settled_rows_as_they_were(path: Path) -> None:
    """Row, sums, and links are changed together or not at all."""
    call = created()
    booked(path, [call])
    broken = make_entry(provider=None)  # A NOT NULL column.
    link = Link("openai", "file-out", "batch_1")
    with closing(SqliteLedger(path)) as ledger:
        with pytest.raises(sqlite3.IntegrityError):
            ledger.book([link, Settlement(result("file-out")), Settlement(broken)], {})
        assert [call] == rows(path)
        assert_rolled_up(path, [call])
        assert Booked(0, 0, 1) == ledger.book([Settlement(result())], {})
    assert_rolled_up(path, rows(path))


def test_the_row_of_an_object_is_found_by_the_index(path: Path) -> None:
    """A poll must not read the whole ledger."""
    booked(path, [created()])
    with closing(sqlite3.connect(path)) as conn:
        plan = conn.execute(
            "EXPLAIN QUERY PLAN SELECT seq FROM calls WHERE provider = ? AND object_id = ?",
            ("openai", "batch_1"),
        ).fetchall()
    assert ["SEARCH calls USING COVERING INDEX calls_object (provider=? AND object_id=?)"] == [
        detail for *_, detail in plan
    ]


CALLS = [
    created(),
    created("pred_1", provider="replicate", project="lab", tags={}, key=None),
    created("resp_1", time=NOON + timedelta(minutes=40), entrance=Entrance.FORWARD),
]
RESULTS = [
    result("file-out"),
    result("pred_1", provider="replicate", model="sdxl", tier=None, cost=70, known_cost=70),
    result("resp_1", usage={"input_tokens": 7, "output_tokens": 10**25}, model="gpt-5"),
]
ORDINARY = make_entry(object_id="batch_1", provider="anthropic")
RECORDS: list[Record] = [
    *CALLS,
    *map(Settlement, RESULTS),
    # The same results, seen by others at other times.
    *(Settlement(replace(one, id=new_id(), time=NOON)) for one in RESULTS),
    Settlement(replace(RESULTS[0], id=new_id(), object_id="batch_1")),
    Settlement(replace(CALLS[1], id=new_id(), time=LATER)),
    Link("openai", "file-out", "batch_1"),
    Link("openai", "file-err", "batch_1"),
    ORDINARY,
]
"""Three works with all that is said of them, and a call that shares an id with another provider's
work."""
EXPECTED = [
    together(CALLS[0], RESULTS[0]),
    replace(together(CALLS[1], RESULTS[1]), tier=CALLS[1].tier),
    together(CALLS[2], RESULTS[2]),
    ORDINARY,
]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_order_and_any_repetition_give_the_same_ledger(data: st.DataObject) -> None:
    """However records are mixed, repeated, and cut into transactions: the same rows, each once, and
    rollups that equal the sums over them."""
    repeated = data.draw(st.lists(st.sampled_from(RECORDS), max_size=8))
    order = data.draw(st.permutations([*RECORDS, *repeated]))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(order) - 1), max_size=6)))
    batches = [order[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        for batch, done in zip(batches, booked(path, *batches), strict=True):
            links = sum(isinstance(record, Link) for record in batch)
            assert len(batch) - links == done.inserted + done.settled + done.duplicates
        found = rows(path)
        assert sorted(EXPECTED, key=_id) == sorted(found, key=_id)
        assert_rolled_up(path, found)
        with closing(sqlite3.connect(path)) as conn:
            assert [] == conn.execute("SELECT * FROM unclaimed").fetchall()


def _id(entry: Entry) -> str:
    return entry.id

"""What is used of budgets: counters equal the rows, and holds are never lost or doubled."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acm_addon.budgets import Budget, Claim, Scope, Standing
from acm_addon.hold_store import HoldStore, WindowsClosedError, prepare
from acm_addon.home import Home
from acm_addon.ledger import holds
from acm_addon.ledger.priceable import Bill
from acm_addon.ledger.reader import LedgerReader
from acm_addon.ledger.repricings import Repricer
from acm_addon.ledger.sqlite import SqliteLedger
from acm_addon.model import Completeness, Entry, PriceStatus
from acm_addon.settlement import Settlement
from acm_addon.windows import Period
from tests.calls import NOON, make_entry

SCOPES = [
    Scope(),
    Scope(project="bot"),
    Scope(project="bot", key="ci"),
    Scope(provider="openai", tags={"feature": "search"}),
    Scope(model="gpt-4*"),
    Scope(model="gpt-4o", tags={"feature": "search", "team": 'a"b'}),
]
BUDGETS = [
    Budget(number, scope, period, "Europe/Berlin", 10**9, hard=True)
    for number, (scope, period) in enumerate(
        ((scope, period) for scope in SCOPES for period in Period), start=1
    )
]
ONE = replace(BUDGETS[0], period=Period.TOTAL)

calls = st.builds(
    lambda hours, project, key, provider, model, requested, tags, cost: make_entry(
        time=NOON + timedelta(hours=hours),
        project=project,
        key=key,
        provider=provider,
        model=model,
        requested_model=requested,
        tags=tags,
        cost=cost,
        object_id=None,
    ),
    st.integers(-60, 60),
    st.sampled_from(["bot", "other"]),
    st.sampled_from(["ci", None]),
    st.sampled_from(["openai", "azure"]),
    st.sampled_from(["gpt-4o-2024", None]),
    st.sampled_from(["gpt-4o", "o3", None]),
    st.sampled_from([{}, {"feature": "search"}, {"feature": "search", "team": 'a"b'}]),
    st.integers(0, 1000) | st.none(),
)


def claim_of(budget: Budget, amount: int = 0) -> Claim:
    return Claim(budget, budget.window(NOON), amount)


def matches(budget: Budget, entry: Entry) -> bool:
    """Recomputed from a row in Python, the plain way."""
    scope, window = budget.scope, budget.window(NOON)
    model = entry.requested_model or entry.model
    return (
        window.since <= entry.time < window.until
        and scope.project in (None, entry.project)
        and scope.key in (None, entry.key)
        and scope.provider in (None, entry.provider)
        and (scope.model is None or (model is not None and scope.takes_model(model)))
        and scope.tags.items() <= entry.tags.items()
    )


def assert_counted(home: Home, entries: list[Entry], *, rollups: bool = True) -> None:
    """Every counter, and every sum without one, equals the rows.

    ``rollups`` is false where a test has changed rows behind their back.
    """
    with closing(sqlite3.connect(home.ledger)) as conn:
        for budget in BUDGETS:
            expected = sum(entry.cost or 0 for entry in entries if matches(budget, entry))
            counted = holds.standing(conn, claim_of(budget))
            assert counted is not None
            assert (budget.label, expected) == (budget.label, counted.spent)
            if rollups:
                assert expected == holds.standing_now(conn, budget, budget.window(NOON)).spent


def open_all(home: Home) -> None:
    everyone = {budget.id for budget in BUDGETS}
    prepare(home, [claim_of(budget) for budget in BUDGETS], everyone, 5.0)


@settings(max_examples=25, deadline=None)
@given(st.lists(calls, max_size=8), st.lists(calls, max_size=8))
def test_counters_equal_the_rows(before: list[Entry], after: list[Entry]) -> None:
    """Whether rows came before a counter was opened or after; a row that comes twice counts once;
    a rename takes rows along."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        with closing(SqliteLedger(home.ledger)) as ledger:
            ledger.book(before, {})
            open_all(home)
            ledger.book([*after, *before], {})
            assert_counted(home, [*before, *after])
            ledger.rename_project("bot", "newname")
            renamed = [
                replace(entry, project="newname" if entry.project == "bot" else entry.project)
                for entry in [*before, *after]
            ]
            with closing(sqlite3.connect(home.ledger)) as conn:
                spent = holds.standing(conn, claim_of(BUDGETS[len(Period)]))
        budget = BUDGETS[len(Period)]
        moved = replace(budget, scope=Scope(project="newname"))
        assert spent is not None
        assert sum(entry.cost or 0 for entry in renamed if matches(moved, entry)) == spent.spent


def test_counters_follow_rows_that_change(tmp_path: Path) -> None:
    """A pending batch that is settled, and a row that is priced anew or removed by SQL."""
    home = Home(tmp_path)
    batch = make_entry(
        project="bot", completeness=Completeness.PENDING, cost=None, object_id="batch_1"
    )
    other = make_entry(project="bot", cost=40, object_id=None)
    with closing(SqliteLedger(home.ledger)) as ledger:
        ledger.book([batch, other], {})
        open_all(home)
        assert_counted(home, [other])
        done = replace(batch, completeness=Completeness.COMPLETE, cost=7, model="gpt-4o-late")
        ledger.book([Settlement(done)], {})
        assert_counted(home, [other, replace(batch, cost=7, model="gpt-4o-late")])
    with closing(sqlite3.connect(home.ledger)) as conn, conn:
        conn.execute("UPDATE calls SET cost = 3, time = time - 1 WHERE id = ?", (other.id,))
    moved = replace(other, cost=3, time=other.time - timedelta(microseconds=1))
    assert_counted(home, [moved, replace(batch, cost=7, model="gpt-4o-late")], rollups=False)
    with closing(sqlite3.connect(home.ledger)) as conn, conn:
        conn.execute("DELETE FROM calls WHERE id = ?", (other.id,))
    assert_counted(home, [replace(batch, cost=7, model="gpt-4o-late")], rollups=False)


def test_counters_follow_new_prices(tmp_path: Path) -> None:
    """A row that is priced again counts with its new cost, and releases what it still held."""
    home = Home(tmp_path)
    entries = [
        make_entry(project="bot", cost=cost, object_id=None, time=NOON) for cost in (40, None)
    ]
    open_all(home)
    with closing(HoldStore(home.ledger)) as store:
        store.claim(entries[1].id, [claim_of(BUDGETS[0], 100)], "a.journal")
    with closing(SqliteLedger(home.ledger)) as ledger:
        ledger.book(entries, {})
    with LedgerReader(home.ledger) as reader:
        day = timedelta(days=1)
        rows = list(reader.priceable(reader.extent(NOON - day, NOON + day)))
    with Repricer(home.ledger) as repricer:
        for row, cost in zip(rows, (7, 9), strict=True):
            repricer.stage(row, Bill(PriceStatus.PRICED, cost, cost, cost, "[]", "new", None))
        list(repricer.book(NOON))
    assert_counted(home, [replace(entries[0], cost=7), replace(entries[1], cost=9)])
    with closing(sqlite3.connect(home.ledger)) as conn:
        assert (0,) == conn.execute("SELECT COUNT(*) FROM holds").fetchone()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """With the counter of ``ONE`` open."""
    home = Home(tmp_path).ensure()
    prepare(home, [claim_of(ONE)], {ONE.id}, 5.0)
    return home


@pytest.fixture
def ledger(home: Home) -> Iterator[SqliteLedger]:
    with closing(SqliteLedger(home.ledger)) as opened:
        yield opened


@pytest.fixture
def store(home: Home) -> Iterator[HoldStore]:
    with closing(HoldStore(home.ledger)) as opened:
        yield opened


def standing(home: Home) -> Standing | None:
    with closing(sqlite3.connect(home.ledger)) as conn:
        return holds.standing(conn, claim_of(ONE))


def test_a_hold_from_its_beginning_to_its_row(
    home: Home, ledger: SqliteLedger, store: HoldStore
) -> None:
    """It shrinks to the cost when the call ends, and becomes spent with the row: never a gap, and
    never a double."""
    entry = make_entry(cost=30, object_id=None)
    store.claim(entry.id, [claim_of(ONE, 100)], "a.journal")
    assert Standing(0, 0, 100) == standing(home)
    store.shrink([(entry.id, 30)])
    assert Standing(0, 30, 0) == standing(home)
    ledger.book([entry], {})
    assert Standing(30, 0, 0) == standing(home)
    store.shrink([(entry.id, 30)])
    assert Standing(30, 0, 0) == standing(home)


def test_a_row_without_a_cost_leaves_the_hold(
    home: Home, ledger: SqliteLedger, store: HoldStore
) -> None:
    """What an orphan or a batch cost is not known, and is not nothing; once it is, that counts."""
    entry = make_entry(
        cost=None, completeness=Completeness.PENDING, price_status=PriceStatus.UNPRICED
    )
    store.claim(entry.id, [claim_of(ONE, 100)], "a.journal")
    ledger.book([entry], {})
    assert Standing(0, 100, 0) == standing(home)
    ledger.book([Settlement(replace(entry, cost=5, completeness=Completeness.COMPLETE))], {})
    assert Standing(5, 0, 0) == standing(home)


def test_a_refused_claim_holds_nothing(home: Home, store: HoldStore) -> None:
    """Nor does one that has to wait, of any of its budgets."""
    store.claim("a", [claim_of(ONE, ONE.limit)], "a.journal")
    store.claim("b", [claim_of(ONE, 1)], "a.journal")
    assert Standing(0, 0, ONE.limit) == standing(home)


def test_a_window_is_opened_once(home: Home, store: HoldStore) -> None:
    """A counter that is not there is asked for, and a ledger that was moved away is let go."""
    other = replace(ONE, id=2)
    with pytest.raises(WindowsClosedError) as closed:
        store.claim("a", [claim_of(ONE), claim_of(other)], "a.journal")
    assert (claim_of(other),) == closed.value.claims
    prepare(home, closed.value.claims, {1, 2}, 5.0)
    store.claim("a", [claim_of(ONE), claim_of(other)], "a.journal")
    for file in home.root.glob("ledger.db*"):
        file.rename(file.with_name("old-" + file.name))
    with pytest.raises(WindowsClosedError):
        store.claim("b", [claim_of(ONE)], "a.journal")


def test_holds_of_calls_that_nobody_knows_are_dropped(home: Home, store: HoldStore) -> None:
    """Their journal is gone, and they are in no row. A journal that is there keeps its holds."""
    (home.journal / "there.journal").touch()
    store.claim("lost", [claim_of(ONE, 10)], "gone.journal")
    store.claim("running", [claim_of(ONE, 1)], "there.journal")
    prepare(home, [claim_of(ONE)], {ONE.id}, 5.0)
    assert Standing(0, 0, 1) == standing(home)


def test_a_locked_ledger_is_said_at_once(home: Home, store: HoldStore) -> None:
    """Nothing waits on the event loop."""
    with closing(sqlite3.connect(home.ledger, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError):
            store.claim("a", [claim_of(ONE, 1)], "a.journal")
        other.execute("ROLLBACK")
    store.claim("a", [claim_of(ONE, 1)], "a.journal")

"""The gate's queue, on a real ledger: who goes first, who waits, and what ends a wait."""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from acm_addon.budgets import (
    LOCKED_SECONDS,
    Budget,
    Claim,
    Decision,
    Scope,
    Verdict,
    WhenLocked,
)
from acm_addon.gate import Ask, Gate
from acm_addon.home import Home
from acm_addon.ledger.sqlite import SqliteLedger
from acm_addon.windows import Period
from tests.calls import NOON, make_entry

BUDGET = Budget(1, Scope(), Period.MONTH, "UTC", 100, hard=True, wait_seconds=20)
ONE = (BUDGET,)
PATIENCE = 20


def ask(call: str, amount: int, budget: Budget = BUDGET, *, patient: bool = True) -> Ask:
    return Ask(call, (Claim(budget, budget.window(NOON), amount),), "a.journal", patient)


async def answer(found: Verdict | Awaitable[Verdict]) -> Decision:
    if isinstance(found, Verdict):
        return found.decision
    return (await asyncio.wait_for(found, PATIENCE)).decision


def run(
    folder: Path,
    story: Callable[[Gate, Home], Awaitable[None]],
    budgets: Callable[[], tuple[Budget, ...]] = lambda: ONE,
) -> None:
    async def play() -> None:
        home = Home(folder).ensure()
        (home.journal / "a.journal").touch()
        gate = Gate(home, budgets)
        await story(gate, home)
        gate.close()

    asyncio.run(play())


def test_a_ledger_is_made_where_there_is_none(tmp_path: Path) -> None:
    """The first call of all waits for that, and passes; those after it are answered at once."""

    async def story(gate: Gate, home: Home) -> None:
        assert Decision.PASS is await answer(gate.ask(ask("a", 40)))
        assert home.ledger.exists()
        second = gate.ask(ask("b", 40))
        assert isinstance(second, Verdict)
        assert Decision.PASS is second.decision
        third = gate.ask(ask("c", 101))
        assert isinstance(third, Verdict)
        assert Decision.REFUSE is third.decision

    run(tmp_path, story)


def test_those_who_wait_go_on_in_their_order(tmp_path: Path) -> None:
    """A small call does not pass a large one that came before; what a call leaves goes to the
    next, until nothing is left."""

    async def story(gate: Gate, home: Home) -> None:
        assert Decision.PASS is await answer(gate.ask(ask("first", 100)))
        large, small = gate.ask(ask("large", 90)), gate.ask(ask("small", 15))
        assert not isinstance(large, Verdict)
        assert not isinstance(small, Verdict)
        gate.settle(make_entry(id="first", cost=5))
        assert Decision.PASS is await answer(large)
        assert not small.done()
        gate.settle(make_entry(id="large", cost=80))
        assert Decision.PASS is await answer(small)
        gate.settle(make_entry(id="small", cost=15))
        assert Decision.REFUSE is await answer(gate.ask(ask("late", 1)))

    run(tmp_path, story)


@pytest.mark.parametrize(
    "change",
    [
        (replace(BUDGET, limit=200),),
        (replace(BUDGET, hard=False),),
        (),
        (replace(BUDGET, limit=90), replace(BUDGET, id=2, limit=500)),
    ],
    ids=["raised", "soft", "removed", "lowered"],
)
def test_a_call_that_waits_goes_by_what_is_set_meanwhile(
    tmp_path: Path, change: tuple[Budget, ...]
) -> None:
    """It does not wait for a limit that is there no more, and is refused by a lower one."""
    present = [ONE]

    async def story(gate: Gate, home: Home) -> None:
        assert Decision.PASS is await answer(gate.ask(ask("first", 100)))
        waits = gate.ask(ask("second", 95))
        assert not isinstance(waits, Verdict)
        await asyncio.sleep(0.15)
        assert not waits.done()
        present[0] = change
        lowered = any(budget.limit == 90 for budget in change)
        assert (Decision.REFUSE if lowered else Decision.PASS) is await answer(waits)

    run(tmp_path, story, lambda: present[0])


def test_an_end_that_another_process_books_is_seen(tmp_path: Path) -> None:
    """The drain releases a hold too."""

    async def story(gate: Gate, home: Home) -> None:
        entry = make_entry(cost=1, object_id=None, time=NOON)
        assert Decision.PASS is await answer(gate.ask(ask(entry.id, 100)))
        second = gate.ask(ask("second", 50))
        with closing(SqliteLedger(home.ledger)) as ledger:
            ledger.book([entry], {})
        assert Decision.PASS is await answer(second)

    run(tmp_path, story)


def test_a_cost_that_is_not_known_releases_nothing(tmp_path: Path) -> None:
    """Who waits for it does so in vain; who cannot wait is told at once."""

    async def story(gate: Gate, home: Home) -> None:
        short = replace(BUDGET, wait_seconds=0.05)
        assert Decision.PASS is await answer(gate.ask(ask("first", 100)))
        gate.settle(make_entry(id="first", cost=None))
        assert Decision.WAIT is await answer(gate.ask(ask("second", 50, short)))
        assert Decision.WAIT is await answer(gate.ask(ask("third", 50, patient=False)))

    run(tmp_path, story)


def test_a_locked_ledger_ends_a_wait(tmp_path: Path) -> None:
    """As each budget says; a call that leaves so holds nothing."""

    async def story(gate: Gate, home: Home) -> None:
        allow = replace(BUDGET, when_locked=WhenLocked.ALLOW)
        assert Decision.PASS is await answer(gate.ask(ask("first", 60)))
        with closing(sqlite3.connect(home.ledger, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused, allowed = gate.ask(ask("second", 1)), gate.ask(ask("third", 1, allow))
            assert Decision.LOCKED is await answer(refused)
            assert Decision.PASS is await answer(allowed)
            # An end that cannot be noted now is noted later.
            gate.settle(make_entry(id="first", cost=5))
            await asyncio.sleep(0)
            other.execute("ROLLBACK")
        assert Decision.PASS is await answer(gate.ask(ask("fourth", 95)))

    run(tmp_path, story)


def test_a_pause_of_our_own_is_no_locked_ledger(tmp_path: Path) -> None:
    """A machine that is busy may let us sleep for longer than a ledger may be silent; that another
    process is writing when we wake up does not mean that it was all the time."""

    async def story(gate: Gate, home: Home) -> None:
        assert Decision.PASS is await answer(gate.ask(ask("first", 100)))
        second = gate.ask(ask("second", 50))
        assert not isinstance(second, Verdict)
        await asyncio.sleep(0.15)
        with closing(sqlite3.connect(home.ledger, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(2 * LOCKED_SECONDS)  # noqa: ASYNC251 (nothing else shall run)
            await asyncio.sleep(LOCKED_SECONDS / 5)
            other.execute("ROLLBACK")
        gate.settle(make_entry(id="first", cost=5))
        assert Decision.PASS is await answer(second)

    run(tmp_path, story)


def test_a_ledger_that_cannot_be_made_is_a_locked_one(tmp_path: Path) -> None:
    """Nobody waits for it for longer; once it can be, calls pass."""

    async def story(gate: Gate, home: Home) -> None:
        in_the_way = home.ledger.with_suffix(".lock")
        in_the_way.mkdir()
        assert Decision.LOCKED is await answer(gate.ask(ask("first", 1)))
        in_the_way.rmdir()
        assert Decision.PASS is await answer(gate.ask(ask("second", 1)))

    run(tmp_path, story)


def test_a_gate_that_closes_lets_nobody_wait(tmp_path: Path) -> None:
    """Neither who waits already nor who comes after."""

    async def story(gate: Gate, home: Home) -> None:
        assert Decision.PASS is await answer(gate.ask(ask("first", 100)))
        waiting = gate.ask(ask("second", 1))
        gate.close()
        assert Decision.PASS is not await answer(waiting)
        assert Decision.PASS is not await answer(gate.ask(ask("third", 1)))

    run(tmp_path, story)


def test_a_call_that_is_given_up_holds_nothing(tmp_path: Path) -> None:
    """Who waited for the verdict is gone when it comes."""

    async def story(gate: Gate, home: Home) -> None:
        assert Decision.PASS is await answer(gate.ask(ask("first", 100)))
        waiting = gate.ask(ask("second", 100))
        assert not isinstance(waiting, Verdict)
        waiting.cancel()
        gate.settle(make_entry(id="first", cost=0))
        assert Decision.PASS is await answer(gate.ask(ask("third", 100)))

    run(tmp_path, story)

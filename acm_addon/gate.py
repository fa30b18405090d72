"""The gate: calls under a hard budget hold what they may cost before they leave, or do not leave.

What a call holds is noted in the ledger, in the transaction that looks at what is used; the row
that the drain books releases it there (see ``ledger/holds.py``). When a call ends, its hold shrinks
at once to what it did cost, and calls that wait for that go on, in the order in which they came.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from acm_addon.budgets import (
    LOCKED_SECONDS,
    PASSED,
    Budget,
    Claim,
    Decision,
    Verdict,
    decide_unasked,
)
from acm_addon.errors import AcmError
from acm_addon.hold_store import HoldStore, WindowsClosedError, prepare
from acm_addon.home import Home
from acm_addon.logs import fault, logger
from acm_addon.model import Entry

log = logger("gate")

_RETRY_SECONDS = 0.002
"""Between two tries while another process writes to the ledger."""
_LOOK_SECONDS = 0.1
"""Between two looks for what other processes have released."""
_MAX_ENDED = 10_000
"""Ends that wait to be noted. The drain notes them too, a little later."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A call that wants to leave."""

    call: str
    claims: tuple[Claim, ...]
    journal: str
    patient: bool = True
    """Whether it can wait for others' holds to shrink."""

    @property
    def budgets(self) -> frozenset[int]:
        return frozenset(claim.budget.id for claim in self.claims)

    def under(self, budgets: Iterable[Budget]) -> "Ask":
        """The same call, under its budgets as they are now: one that is gone wants nothing."""
        hard = {budget.id: budget for budget in budgets if budget.hard}
        claims = (
            replace(claim, budget=hard[claim.budget.id])
            for claim in self.claims
            if claim.budget.id in hard
        )
        return replace(self, claims=tuple(claims))


@dataclass(slots=True)
class _Waiter:
    ask: Ask
    since: float
    last: Verdict | None = None
    verdict: "asyncio.Future[Verdict]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def is_out_of_time(self, now: float) -> bool:
        if self.last is None or self.last.claim is None:
            return False
        return not self.ask.patient or now - self.since >= self.last.claim.budget.wait_seconds


class Gate:
    """For the event loop's thread. WAIT is the verdict on a call that has waited in vain."""

    def __init__(self, home: Home, budgets: Callable[[], tuple[Budget, ...]]) -> None:
        """``budgets`` gives all that there are now, the same object while nothing has changed."""
        self._home = home
        self._budgets = budgets
        self._store = HoldStore(home.ledger)
        self._queue: deque[_Waiter] = deque()
        self._followed = budgets()
        """What the calls in the queue go by."""
        self._holding: set[str] = set()
        self._ended: deque[tuple[str, int]] = deque(maxlen=_MAX_ENDED)
        self._timer: asyncio.TimerHandle | None = None
        self._opening: asyncio.Task[None] | None = None
        self._openable = True
        """False where the last attempt to open a window failed."""
        self._silent_since: float | None = None
        """When the ledger was first asked in vain; None where it answers."""
        self._complained = False
        self._closed = False

    def ask(self, ask: Ask) -> "Verdict | asyncio.Future[Verdict]":
        """Whether a call may leave: at once where that can be said."""
        if not any(waiter.ask.budgets & ask.budgets for waiter in self._queue):
            verdict = self._attempt(ask)
            if verdict and (verdict.decision is not Decision.WAIT or not ask.patient):
                return verdict
        waiter = _Waiter(ask, since=asyncio.get_running_loop().time())
        self._queue.append(waiter)
        self._look_in(_RETRY_SECONDS)
        if self._closed:
            self.close()
        return waiter.verdict

    def settle(self, entry: Entry) -> None:
        """A call has ended. Where its cost is not known, it holds on until it is."""
        if entry.id not in self._holding:
            return
        self._holding.discard(entry.id)
        if entry.cost is not None:
            self._ended.append((entry.id, entry.cost))
            self._look_in(0)

    def close(self) -> None:
        """Let no call wait any longer."""
        self._closed = True
        for waiter in self._queue:
            if not waiter.verdict.done():
                claim = waiter.ask.claims[0]
                waiter.verdict.set_result(waiter.last or Verdict(Decision.LOCKED, claim))
        self._queue.clear()

    def _look_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            if self._timer.when() <= loop.time() + seconds:
                return
            self._timer.cancel()
        self._timer = loop.call_later(seconds, self._look)

    def _look(self) -> None:
        """Note what has ended, and ask again for all that wait."""
        self._timer = None
        noted = self._note_ends()
        answering = noted and self._ask_again()
        self._note_answer(answering)
        now = asyncio.get_running_loop().time()
        for waiter in tuple(self._queue):
            if not answering and self._is_locked_for(waiter, now):
                self._complain("does not answer")
                self._resolve(waiter, decide_unasked(waiter.ask.claims))
            elif waiter.is_out_of_time(now):
                assert waiter.last
                self._resolve(waiter, waiter.last)
        if not noted or (self._queue and not answering):
            self._look_in(_RETRY_SECONDS)
        elif self._queue:
            self._look_in(_LOOK_SECONDS)

    def _note_answer(self, answered: bool) -> None:
        if answered:
            self._silent_since = None
        elif self._silent_since is None:
            self._silent_since = asyncio.get_running_loop().time()

    def _is_locked_for(self, waiter: _Waiter, now: float) -> bool:
        """Whether the ledger was silent all the time, as long as a call waits for that."""
        opening = self._opening is not None and self._openable
        silent = now if self._silent_since is None else self._silent_since
        return not opening and now - max(silent, waiter.since) >= LOCKED_SECONDS

    def _note_ends(self) -> bool:
        """Whether all ends are noted."""
        if self._ended:
            try:
                self._store.shrink(self._ended)
            except sqlite3.Error:
                return False
            self._ended.clear()
        return True

    def _ask_again(self) -> bool:
        """In order; nobody passes one who waits for the same budget. Whether the ledger answers."""
        self._follow_budgets()
        taken: dict[int, Verdict] = {}
        for waiter in tuple(self._queue):
            wanted = waiter.ask.budgets
            before = next((taken[number] for number in wanted if number in taken), None)
            verdict = before or self._attempt(waiter.ask)
            if verdict is None:
                return False
            if verdict.decision is Decision.WAIT:
                waiter.last = verdict
                taken |= dict.fromkeys(wanted, verdict)
            else:
                self._resolve(waiter, verdict)
        return True

    def _follow_budgets(self) -> None:
        """A call that waits goes by what is set meanwhile."""
        present = self._budgets()
        if present is self._followed:
            return
        self._followed = present
        for waiter in tuple(self._queue):
            waiter.ask = waiter.ask.under(present)
            if not waiter.ask.claims:
                self._resolve(waiter, PASSED)

    def _attempt(self, ask: Ask) -> Verdict | None:
        """None where the ledger does not answer now."""
        try:
            verdict = self._store.claim(ask.call, ask.claims, ask.journal)
        except WindowsClosedError as closed:
            if self._opening is None:
                self._opening = asyncio.create_task(self._open(closed.claims))
            return None
        except sqlite3.Error:
            return None
        self._complained = False
        if verdict.decision is Decision.PASS:
            self._holding.add(ask.call)
        return verdict

    async def _open(self, claims: tuple[Claim, ...]) -> None:
        """Begin to count windows, away from the event loop."""
        budgets = {budget.id for budget in self._budgets()}
        budgets |= {claim.budget.id for claim in claims}
        try:
            await asyncio.to_thread(prepare, self._home, claims, budgets, LOCKED_SECONDS)
            self._openable = True
            self._note_answer(True)
        except (AcmError, sqlite3.Error, OSError) as error:
            self._openable = False
            self._complain(fault(error))
        finally:
            self._opening = None
            self._look_in(0)

    def _resolve(self, waiter: _Waiter, verdict: Verdict) -> None:
        self._queue.remove(waiter)
        if not waiter.verdict.done():
            waiter.verdict.set_result(verdict)
        elif verdict.decision is Decision.PASS:
            # Nobody waits for it any more: the call is over, and has not left.
            self._holding.discard(waiter.ask.call)
            self._ended.append((waiter.ask.call, 0))
            self._look_in(0)

    def _complain(self, why: str) -> None:
        """Say it once, and not at every call."""
        if not self._complained:
            self._complained = True
            log.error("the ledger cannot be asked about budgets: %s", why)

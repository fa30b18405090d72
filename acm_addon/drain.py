"""The drain: moves what is journalled to the ledger, each call exactly once.

One process is elected by a lock (``Home.drain_lock``) and drains the journals of all. Rows and the
position up to which a journal was read are stored in one transaction, and a row whose id is there
already is ignored, so that a drain may die at any point and another go on. A call without an end is
booked once its file's lock is free, which the kernel sees to however its process ended.
Asynchronous work is settled as ``settlement`` says, whichever journals its records are in.
"""

import time
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from itertools import batched, islice
from typing import Protocol, Self

from acm_addon.file_lock import only_one
from acm_addon.home import Home
from acm_addon.ledger.base import Ledger
from acm_addon.ledger.sqlite import SqliteLedger
from acm_addon.orphans import Booker, orphan_entry
from acm_addon.settlement import Record
from acm_addon.spool import Spool, spool_paths
from acm_addon.sqlite_file import identity

BATCH = 200
"""Rows in a transaction: a few milliseconds, so that no other writer waits long."""
TICK_SECONDS = 0.2
IDLE_SECONDS = 1.0
"""The longest wait between two looks while nothing happens."""
COMPLAIN_SECONDS = 60.0
"""Trouble that lasts is said once in so long."""


@dataclass(frozen=True, slots=True)
class DrainReport:
    """What one pass did."""

    booked: int = 0
    """Rows that are new in the ledger, orphans included."""
    duplicates: int = 0
    """Calls, and settlements, that were there already."""
    settled: int = 0
    """Pending rows that a settlement completed."""
    orphans: int = 0
    """Calls booked without an end because their process is gone."""
    corrupt: int = 0
    """Records or stretches of a journal that could not be read, and were skipped."""
    moved: bool = False
    """Whether anything was read."""
    elsewhere: bool = False
    """Another process is draining; nothing was done here."""


class Bell(Protocol):
    """How a drain learns that there is something to do."""

    @property
    def stopping(self) -> bool:
        """There will be nothing more: one last pass."""

    def wait(self, seconds: float) -> None:
        """Return when it rings, or after ``seconds``."""


class Drain:
    """The drain of one home: for as long as a proxy runs, or one pass at a time."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def run_once(self) -> DrainReport:
        """Book everything that is journalled now, unless another process is at it.

        Raises AcmError, OSError or sqlite3.Error when it cannot; nothing is lost by that.
        """
        if not spool_paths(self._home.journal):
            return DrainReport()
        with only_one(self._home.drain_lock) as elected:
            if not elected:
                return DrainReport(elsewhere=True)
            with _Term(self._home) as term:
                return term.run()

    def work(self, bell: Bell, complain: Callable[[Exception], None]) -> None:
        """Drain until ``bell`` says to stop, whenever this process is the elected one.

        Whatever fails is told to ``complain`` and must not end the drain: the journal keeps all,
        and the next term starts from the stored positions.
        """
        told: dict[type[Exception], float] = {}
        while True:
            last = bell.stopping
            try:
                with only_one(self._home.ensure().drain_lock) as elected:
                    if elected:
                        self._serve(bell)
                        return
            except Exception as error:
                now = time.monotonic()
                if now - told.get(type(error), -COMPLAIN_SECONDS) >= COMPLAIN_SECONDS:
                    told[type(error)] = now
                    complain(error)
            if last:
                return
            bell.wait(IDLE_SECONDS)

    def _serve(self, bell: "Bell") -> None:
        """Drain until stopped, for as long as nothing fails."""
        wait = TICK_SECONDS
        with _Term(self._home) as term:
            while True:
                last = bell.stopping
                moved = term.run().moved
                if last:
                    return
                wait = TICK_SECONDS if moved else min(2 * wait, IDLE_SECONDS)
                bell.wait(wait)


class LedgerReplacedError(Exception):
    """The ledger's file is another one than the one that was opened."""


class _Term:
    """The work of an elected drain, with all that it keeps open. Belongs to one thread.

    After an error what is in memory may be ahead of what is stored: end the term.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._ledger: Ledger = SqliteLedger(home.ledger)
        self._ledger_file = identity(home.ledger)
        self._stored = dict(self._ledger.positions())
        self._spools: dict[str, Spool] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for spool in self._spools.values():
            spool.close()
        self._ledger.close()

    def run(self) -> DrainReport:
        """One pass over all journals.

        Raises LedgerReplacedError when somebody moved the ledger away: what is journalled is for
        the one that is there now, and the next term begins it.
        """
        if identity(self._home.ledger) != self._ledger_file:
            raise LedgerReplacedError
        self._discover()
        report = DrainReport()
        finished = []
        for spool in self._spools.values():
            final = spool.abandoned()
            report = _sum(report, self._move(spool, spool.read(final=final)))
            if final:
                finished.append(spool)
        if finished:
            # After all else, so that trouble with one dead process's calls holds up no living one.
            for spool in finished:
                report = _sum(report, self._book_orphans(spool))
            self._remove(finished)
        return report

    def _discover(self) -> None:
        """Open the files that are new. Positions of files that are gone are dropped."""
        paths = spool_paths(self._home.journal)
        for path in paths:
            if path.name not in self._spools:
                try:
                    self._spools[path.name] = Spool(path, self._stored.get(path.name))
                except FileNotFoundError:
                    continue  # Its writer took another name.
        gone = self._stored.keys() - {path.name for path in paths}
        if gone:
            self._forget(gone)

    def _move(self, spool: Spool, records: Iterator[Record]) -> DrainReport:
        """Book the records of one journal, and its position with them."""
        corrupt, report = spool.corrupt, DrainReport()
        while True:
            batch = list(islice(records, BATCH))
            if batch or spool.position != self._stored.get(spool.name):
                report = _sum(report, self._book(spool, batch))
            if len(batch) < BATCH:
                return _sum(report, DrainReport(corrupt=spool.corrupt - corrupt))

    def _book_orphans(self, spool: Spool) -> DrainReport:
        """Book the calls that a dead process left without an end."""
        report = DrainReport()
        for batch in batched(spool.orphans(), BATCH):
            book = _booker(self._home)
            entries = [orphan_entry(orphan, book) for orphan in batch]
            for orphan in batch:
                spool.give_up(orphan.begin.id)
            booked = self._book(spool, entries)
            report = _sum(report, replace(booked, orphans=booked.booked))
        return report

    def _book(self, spool: Spool, records: Sequence[Record]) -> DrainReport:
        position = spool.position
        done = self._ledger.book(records, {spool.name: position})
        self._stored[spool.name] = position
        return DrainReport(
            booked=done.inserted, duplicates=done.duplicates, settled=done.settled, moved=True
        )

    def _remove(self, spools: list[Spool]) -> None:
        """Delete journals that are in the ledger, once the ledger is safely on disk."""
        self._ledger.sync()
        for spool in spools:
            spool.remove()
            spool.close()
            del self._spools[spool.name]
        self._forget({spool.name for spool in spools})

    def _forget(self, names: Set[str]) -> None:
        self._ledger.forget(names)
        for name in names:
            self._stored.pop(name, None)


def _booker(home: Home) -> Booker:
    """Prices orphans. Price data is slow to load, and most of the time there are none."""
    from acm_addon.booking import book
    from acm_addon.price_store import table_in_use

    table, _ = table_in_use(home)
    return lambda exchange, usage, provider: book(exchange, usage, table, provider)


def _sum(first: DrainReport, second: DrainReport) -> DrainReport:
    return DrainReport(
        booked=first.booked + second.booked,
        duplicates=first.duplicates + second.duplicates,
        settled=first.settled + second.settled,
        orphans=first.orphans + second.orphans,
        corrupt=first.corrupt + second.corrupt,
        moved=first.moved or second.moved,
    )

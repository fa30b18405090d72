"""The gate's connection to the ledger: transactions that never wait.

They run on the event loop. Each is a handful of reads and one small write without an fsync, some
tens of microseconds; where another process is writing they raise at once, and the gate tries again
in a moment. What can take long (creating the ledger, summing up a window) is ``prepare``, for a
thread.
"""

import sqlite3
from collections.abc import Collection, Sequence
from contextlib import closing
from pathlib import Path

from acm_addon.budgets import Claim, Decision, Verdict, decide
from acm_addon.home import Home
from acm_addon.ledger import holds
from acm_addon.ledger.sqlite import SCHEMA, SqliteLedger
from acm_addon.spool import spool_paths
from acm_addon.sqlite_file import identity, transaction, version_of


class WindowsClosedError(Exception):
    """Some of the claims' windows are not counted yet: ``prepare`` them."""

    def __init__(self, claims: tuple[Claim, ...]) -> None:
        super().__init__()
        self.claims = claims


def prepare(
    home: Home, claims: Sequence[Claim], budgets: Collection[int], busy_seconds: float
) -> None:
    """Begin to count these claims' windows. Slow. Raises AcmError or sqlite3.Error."""

    def journals() -> list[str]:
        return [path.name for path in spool_paths(home.journal)]

    with closing(SqliteLedger(home.ledger, busy_seconds)) as ledger:
        ledger.open_windows(claims, budgets, journals)


class HoldStore:
    """What calls hold. Belongs to the thread that made it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._conn: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def claim(self, call: str, claims: Sequence[Claim], journal: str) -> Verdict:
        """Decide, and where the call may leave note what it holds: one transaction.

        Raises sqlite3.Error where the ledger does not answer at once, and WindowsClosedError.
        """
        conn = self._connected()
        if conn is None:
            raise WindowsClosedError(tuple(claims))
        with transaction(conn):
            standings = [(claim, holds.standing(conn, claim)) for claim in claims]
            if closed := tuple(claim for claim, there in standings if there is None):
                raise WindowsClosedError(closed)
            verdict = decide([(claim, there) for claim, there in standings if there is not None])
            if verdict.decision is Decision.PASS:
                holds.hold(conn, call, claims, journal)
        return verdict

    def shrink(self, ended: Collection[tuple[str, int]]) -> None:
        """Calls that have ended hold what they did cost. Raises sqlite3.Error as ``claim`` does."""
        conn = self._connected()
        if conn is not None:
            with transaction(conn):
                holds.shrink(conn, ended)

    def _connected(self) -> sqlite3.Connection | None:
        """None where there is no ledger of this version. One that was moved away is let go."""
        file = identity(self._path)
        if self._conn is None or file != self._file:
            self.close()
            if file is None:
                return None
            conn = sqlite3.connect(self._path, timeout=0, isolation_level=None)
            try:
                version = version_of(conn)
                # Checkpoints, which sync to the disk, are the drain's.
                conn.execute("PRAGMA wal_autocheckpoint = 0")
                conn.execute("PRAGMA synchronous = NORMAL")
            except BaseException:
                conn.close()
                raise
            if version != SCHEMA.version:
                conn.close()
                return None
            self._conn, self._file = conn, file
        return self._conn

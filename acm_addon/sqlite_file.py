"""An SQLite file of acm's: brought to its schema under a lock, and changed in transactions."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from acm_addon.errors import AcmError
from acm_addon.file_lock import in_turn

if TYPE_CHECKING:
    from sqlite_utils import Migrations

BUSY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Schema:
    """What a file must be, and how one that is not there, or older, becomes it."""

    called: str
    """The file, in messages: ``the ledger``."""
    version: int
    """How many migrations there are: what ``PRAGMA user_version`` says of a current file."""
    migrations: Callable[[], "Migrations"]
    """Imports them, and sqlite-utils with them: called only where there is something to do."""
    pragmas: tuple[str, ...]
    """Of every connection."""

    def open(self, path: Path, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
        """A connection to the current file, which is created or upgraded where needed.

        Raises AcmError for a file from the future, and sqlite3.Error or OSError.
        """
        if not path.exists() or self._version(path) != self.version:
            self._migrate(path)
        return self._connect(path, busy_seconds)

    def newer(self, path: Path) -> AcmError:
        """What to say of a file from the future."""
        return AcmError(
            f"a newer version of acm wrote {self.called} {path}",
            "upgrade acm, or choose another folder with ACM_HOME",
        )

    def _migrate(self, path: Path) -> None:
        """Under a lock: two processes may start at once."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with in_turn(path.with_suffix(".lock")):
            # SQLite gives its side files the mode of the database.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            version = self._version(path)
            if version > self.version:
                raise self.newer(path)
            if version < self.version:
                self._apply_migrations(path)

    def _apply_migrations(self, path: Path) -> None:
        from sqlite_utils import Database

        with closing(self._connect(path)) as conn:
            conn.execute("PRAGMA journal_mode = WAL")
            self.migrations().apply(Database(conn))
            conn.execute(f"PRAGMA user_version = {self.version}")

    def _version(self, path: Path) -> int:
        with closing(self._connect(path)) as conn:
            return version_of(conn)

    def _connect(self, path: Path, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
        # No implicit transactions: each begins where the code says so.
        conn = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)
        for pragma in self.pragmas:
            conn.execute(f"PRAGMA {pragma}")
        return conn


def version_of(conn: sqlite3.Connection) -> int:
    """The version of a file's schema; 0 for one that is being created at this moment."""
    (version,) = conn.execute("PRAGMA user_version").fetchone()
    return int(version)


@contextmanager
def transaction(
    conn: sqlite3.Connection, begin: str = "BEGIN IMMEDIATE"
) -> Iterator[sqlite3.Connection]:
    """All of the block, or nothing of it."""
    conn.execute(begin)
    try:
        yield conn
        conn.execute("COMMIT")
    except BaseException:
        if conn.in_transaction:
            conn.execute("ROLLBACK")
        raise


def identity(path: Path) -> tuple[int, int] | None:
    """Which file is at a path, to see whether it was replaced; None where none can be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino

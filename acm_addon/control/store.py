"""The control database as a file: created, upgraded, read, and changed in transactions."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from acm_addon.errors import AcmError
from acm_addon.home import Home

SCHEMA_VERSION = 3
"""How many migrations there are: what ``PRAGMA user_version`` says of a current file."""

BUSY_SECONDS = 5.0


class ControlStore:
    """The control data of a home. Belongs to the thread that opened it.

    What SQLite refuses becomes an AcmError, from every block of ``reading`` and ``writing``.
    """

    def __init__(self, home: Home, busy_seconds: float = BUSY_SECONDS) -> None:
        """Open it; create or upgrade it where needed. Raises AcmError."""
        self.home = home
        with _explained(home.control):
            _migrate(home.control)
            self._conn = _connect(home.control, busy_seconds)

    def __enter__(self) -> "ControlStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._conn.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the data, whatever others write meanwhile."""
        with self._transaction("BEGIN") as conn:
            yield conn

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All of the block, or nothing of it."""
        with self._transaction("BEGIN IMMEDIATE") as conn:
            yield conn

    def data_version(self) -> int:
        """Changes when another connection has changed the data. Raises sqlite3.Error."""
        (version,) = self._conn.execute("PRAGMA data_version").fetchone()
        return int(version)

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with _explained(self.home.control):
            self._conn.execute(begin)
            try:
                yield self._conn
                self._conn.execute("COMMIT")
            except BaseException:
                if self._conn.in_transaction:
                    self._conn.execute("ROLLBACK")
                raise


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise AcmError(
            f"cannot use the control data {path} ({type(error).__name__})",
            "is it yours to read and write? A locked one is free again soon",
        ) from error
    except (sqlite3.Error, OSError) as error:
        raise AcmError(
            f"cannot use the control data {path} ({type(error).__name__})",
            "restore it from a copy; moving it away starts without projects and keys",
        ) from error


def _migrate(path: Path) -> None:
    """Bring the file to the current schema, under a lock: two processes may start at once.

    sqlite-utils is imported only where there is something to do. Raises AcmError for a file from
    the future.
    """
    if path.exists() and _version(path) == SCHEMA_VERSION:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # SQLite gives its side files the mode of the database.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        version = _version(path)
        if version > SCHEMA_VERSION:
            raise AcmError(
                f"the control data {path} were written by a newer version of acm",
                "upgrade acm, or choose another folder with ACM_HOME",
            )
        if version < SCHEMA_VERSION:
            _apply_migrations(path)
    finally:
        os.close(lock)


def _apply_migrations(path: Path) -> None:
    from sqlite_utils import Database

    from acm_addon.control.migrations import migrations

    with closing(_connect(path)) as conn:
        conn.execute("PRAGMA journal_mode = WAL")
        migrations.apply(Database(conn))
        conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _version(path: Path) -> int:
    with closing(_connect(path)) as conn:
        (version,) = conn.execute("PRAGMA user_version").fetchone()
        return int(version)


def _connect(path: Path, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    # No implicit transactions: each begins where the code says so.
    conn = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)
    conn.execute("PRAGMA foreign_keys = ON")
    # What was deleted (a sealed key, a digest) is overwritten, not only unlinked.
    conn.execute("PRAGMA secure_delete = ON")
    return conn

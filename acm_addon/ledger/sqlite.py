"""The embedded store: SQLite in WAL mode, written by the elected drain."""

import fcntl
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import closing, contextmanager
from pathlib import Path

from acm_addon.budgets import Claim
from acm_addon.errors import AcmError
from acm_addon.ledger import holds
from acm_addon.ledger.base import Booked, Position
from acm_addon.ledger.objects import INSERT_CALL, SqliteRows
from acm_addon.ledger.renaming import rename_project, with_present_names
from acm_addon.ledger.rollups import add_changed, add_new
from acm_addon.ledger.rows import row, scalar
from acm_addon.model import Completeness, Entry
from acm_addon.settlement import Effect, Record, take

SCHEMA_VERSION = 8
"""How many migrations there are: what ``PRAGMA user_version`` says of a current ledger."""

BUSY_SECONDS = 5.0

_STORE_POSITION = (
    "INSERT INTO journals (name, resume, drained) VALUES (?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET resume = excluded.resume, drained = excluded.drained"
)


class SqliteLedger:
    """A ``Ledger``. Belongs to the thread that opened it."""

    def __init__(self, path: Path, busy_seconds: float = BUSY_SECONDS) -> None:
        """Open the ledger; create or upgrade it where needed. Raises AcmError."""
        try:
            _migrate(path)
            self._conn = _connect(path, busy_seconds)
        except (sqlite3.Error, OSError) as error:
            raise AcmError(
                f"cannot open the ledger {path} ({type(error).__name__})",
                "check that its folder is writable, the disk has room, and the file is a ledger",
            ) from error

    def positions(self) -> dict[str, Position]:
        rows = self._conn.execute("SELECT name, resume, drained FROM journals")
        return {name: Position(resume, drained) for name, resume, drained in rows}

    def book(self, records: Sequence[Record], positions: Mapping[str, Position]) -> Booked:
        with self._transaction() as conn:
            records = with_present_names(conn, records)
            rows = SqliteRows(conn)
            calls, others = _apart(records, rows.unclaimed(records))
            inserted = conn.executemany(INSERT_CALL, map(row, calls)).rowcount if calls else 0
            # The rules do not depend on the order of records: what needs them may come last.
            effects = Counter(take(record, rows) for record in others)
            effects[Effect.INSERTED] += inserted
            effects[Effect.DUPLICATE] += len(calls) - inserted
            if effects[Effect.INSERTED]:
                add_new(conn, rows.newest)
            if rows.changed:
                add_changed(conn)
            conn.executemany(
                _STORE_POSITION,
                [(name, place.resume, place.drained) for name, place in positions.items()],
            )
            _check_all_there(conn, calls)
        return Booked(effects[Effect.INSERTED], effects[Effect.DUPLICATE], effects[Effect.SETTLED])

    def rename_project(self, old: str, new: str) -> None:
        """Give every row of a project another name, and every row that is still to come.

        Raises AcmError.
        """
        try:
            with self._transaction() as conn:
                rename_project(conn, old, new)
        except sqlite3.Error as error:
            raise AcmError(
                f"the ledger could not be rewritten ({type(error).__name__})",
                "nothing was renamed; try again",
            ) from error

    def open_windows(
        self, claims: Sequence[Claim], budgets: Collection[int], journals: Callable[[], list[str]]
    ) -> None:
        """Begin to count what is spent in these claims' windows, and drop what is left of others.

        ``budgets`` are all that there are; ``journals`` names the files that there are when the
        transaction has begun. Raises sqlite3.Error.
        """
        with self._transaction() as conn:
            holds.open_windows(conn, claims, budgets)
            holds.drop_lost(conn, journals())

    def forget(self, journals: Iterable[str]) -> None:
        with self._transaction() as conn:
            conn.executemany("DELETE FROM journals WHERE name = ?", [(name,) for name in journals])

    def sync(self) -> None:
        # A checkpoint begins with an fsync of the write-ahead log.
        self._conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        self._conn.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._conn.execute("BEGIN IMMEDIATE")
        try:
            yield self._conn
            self._conn.execute("COMMIT")
        except BaseException:
            if self._conn.in_transaction:
                self._conn.execute("ROLLBACK")
            raise


def _apart(
    records: Sequence[Record], unclaimed: Set[tuple[str, str]]
) -> tuple[list[Entry], list[Record]]:
    """The calls that concern no other row, which are nearly all, and the other records."""
    calls: list[Entry] = []
    others: list[Record] = []
    for record in records:
        if (
            isinstance(record, Entry)
            and record.completeness is not Completeness.PENDING
            and (scalar(record.provider), scalar(record.object_id)) not in unclaimed
        ):
            calls.append(record)
        else:
            others.append(record)
    return calls, others


def _check_all_there(conn: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    """Rows in equals rows out, or the transaction is undone."""
    ids = list({entry.id for entry in entries})
    (there,) = conn.execute(
        "SELECT COUNT(*) FROM json_each(?) AS given JOIN calls ON calls.id = given.value",
        (json.dumps(ids),),
    ).fetchone()
    if there != len(ids):
        raise AssertionError(f"{len(ids)} calls were booked, {there} are in the ledger")


def _migrate(path: Path) -> None:
    """Bring the ledger to the current schema, under a lock: two processes may start at once.

    sqlite-utils is imported only where there is something to do. Raises AcmError for a ledger from
    the future.
    """
    if path.exists() and _version(path) == SCHEMA_VERSION:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # SQLite gives its side files the mode of the database.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        version = _version(path)
        if version > SCHEMA_VERSION:
            raise newer_ledger(path)
        if version < SCHEMA_VERSION:
            _apply_migrations(path)
    finally:
        os.close(lock)


def _apply_migrations(path: Path) -> None:
    from sqlite_utils import Database

    from acm_addon.ledger.migrations import migrations

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
    # In WAL mode a kill loses nothing with this, and a power loss at most the last commits; those
    # are still in the journal (see Drain, which syncs before it removes a file).
    conn.execute("PRAGMA synchronous = NORMAL")
    return conn


def newer_ledger(path: Path) -> AcmError:
    return AcmError(
        f"the ledger {path} was written by a newer version of acm",
        "upgrade acm, or choose another folder with ACM_HOME",
    )

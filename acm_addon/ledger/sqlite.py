"""The embedded store: SQLite in WAL mode, written by the elected drain."""

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING

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
from acm_addon.sqlite_file import BUSY_SECONDS, Schema, transaction

if TYPE_CHECKING:
    from sqlite_utils import Migrations

SCHEMA_VERSION = 8
"""How many migrations there are: what ``PRAGMA user_version`` says of a current ledger."""


def _migrations() -> "Migrations":
    from acm_addon.ledger.migrations import migrations

    return migrations


# In WAL mode a kill loses nothing with this, and a power loss at most the last commits; those
# are still in the journal (see Drain, which syncs before it removes a file).
SCHEMA = Schema("the ledger", SCHEMA_VERSION, _migrations, ("synchronous = NORMAL",))

_STORE_POSITION = (
    "INSERT INTO journals (name, resume, drained) VALUES (?, ?, ?)"
    " ON CONFLICT (name) DO UPDATE SET resume = excluded.resume, drained = excluded.drained"
)


class SqliteLedger:
    """A ``Ledger``. Belongs to the thread that opened it."""

    def __init__(self, path: Path, busy_seconds: float = BUSY_SECONDS) -> None:
        """Open the ledger; create or upgrade it where needed. Raises AcmError."""
        try:
            self._conn = SCHEMA.open(path, busy_seconds)
        except (sqlite3.Error, OSError) as error:
            raise AcmError(
                f"cannot open the ledger {path} ({type(error).__name__})",
                "check that its folder is writable, the disk has room, and the file is a ledger",
            ) from error

    def positions(self) -> dict[str, Position]:
        rows = self._conn.execute("SELECT name, resume, drained FROM journals")
        return {name: Position(resume, drained) for name, resume, drained in rows}

    def book(self, records: Sequence[Record], positions: Mapping[str, Position]) -> Booked:
        with transaction(self._conn) as conn:
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
            with transaction(self._conn) as conn:
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
        with transaction(self._conn) as conn:
            holds.open_windows(conn, claims, budgets)
            holds.drop_lost(conn, journals())

    def forget(self, journals: Iterable[str]) -> None:
        with transaction(self._conn) as conn:
            conn.executemany("DELETE FROM journals WHERE name = ?", [(name,) for name in journals])

    def sync(self) -> None:
        # A checkpoint begins with an fsync of the write-ahead log.
        self._conn.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def close(self) -> None:
        self._conn.close()


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

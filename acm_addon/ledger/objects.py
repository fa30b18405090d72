"""The rows of asynchronous work in the embedded store: ``settlement.Rows``, and what it changed."""

# Only names of our own are written into SQL; values are bound.
# ruff: noqa: S608

import json
import sqlite3
from collections.abc import Iterable
from typing import Any

from acm_addon.ledger.rollups import BEFORE
from acm_addon.ledger.rows import COLUMNS, entry, row, scalar
from acm_addon.model import Completeness, Entry
from acm_addon.settlement import Held, Link, Record

INSERT_CALL = (
    f"INSERT INTO calls ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
    # Not OR IGNORE: that would swallow a violated NOT NULL as well, and the row with it.
    " ON CONFLICT (id) DO NOTHING"
)
_CHANGE_CALL = f"UPDATE calls SET {', '.join(f'{name} = ?' for name in COLUMNS)} WHERE seq = ?"
_HOLDER = (
    "SELECT seq, seq IN (SELECT seq FROM unclaimed)"
    f", {', '.join(COLUMNS)} FROM calls WHERE provider = ? AND object_id = ?"
    f" ORDER BY completeness = '{Completeness.PENDING.value}', seq LIMIT 1"
)
_KEEP = (
    f"INSERT OR IGNORE INTO {BEFORE} (seq, {', '.join(COLUMNS)})"
    f" SELECT seq, {', '.join(COLUMNS)} FROM calls WHERE seq = ?"
)


class SqliteRows:
    """``settlement.Rows`` for one transaction, which the caller has begun."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self._conn = conn
        (self.newest,) = conn.execute("SELECT IFNULL(MAX(seq), 0) FROM calls").fetchone()
        """The last place that was taken before the transaction."""
        self.changed = False
        """Whether ``BEFORE`` has rows of this transaction."""

    def has(self, call_id: str) -> bool:
        return self._one("SELECT 1 FROM calls WHERE id = ?", call_id) is not None

    def holder(self, provider: str, object_id: str) -> Held | None:
        found = self._one(_HOLDER, provider, object_id)
        if found is None:
            return None
        place, unclaimed, *values = found
        return Held(place, entry(values), bool(unclaimed))

    def linked(self, provider: str, object_id: str) -> str | None:
        sql = "SELECT target FROM links WHERE provider = ? AND object_id = ?"
        found = self._one(sql, provider, object_id)
        return found[0] if found else None

    def add(self, entry: Entry, *, unclaimed: bool) -> None:
        place = self._exactly_one(INSERT_CALL, row(entry)).lastrowid
        assert place is not None
        self._claim(Held(place, entry, unclaimed))

    def change(self, held: Held) -> None:
        self._keep(held.place)
        self._exactly_one(_CHANGE_CALL, (*row(held.entry), held.place))
        self._claim(held)

    def drop(self, held: Held) -> None:
        self._keep(held.place)
        self._exactly_one("DELETE FROM calls WHERE seq = ?", (held.place,))
        self._conn.execute("DELETE FROM unclaimed WHERE seq = ?", (held.place,))

    def add_link(self, link: Link) -> bool:
        added = self._conn.execute(
            "INSERT INTO links (provider, object_id, target) VALUES (?, ?, ?)"
            " ON CONFLICT (provider, object_id) DO NOTHING",
            [scalar(name) for name in (link.provider, link.object_id, link.to)],
        )
        return added.rowcount == 1

    def unclaimed(self, records: Iterable[Record]) -> set[tuple[str, str]]:
        """Provider and object id of the unclaimed rows that a call of ``records`` may claim."""
        objects = {scalar(record.object_id) for record in records if isinstance(record, Entry)}
        return set(
            self._conn.execute(
                "SELECT provider, object_id FROM unclaimed"
                " WHERE object_id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(objects)),),
            )
        )

    def _claim(self, held: Held) -> None:
        """Note whether the row is unclaimed."""
        self._conn.execute("DELETE FROM unclaimed WHERE seq = ?", (held.place,))
        if held.unclaimed:
            self._conn.execute(
                "INSERT INTO unclaimed (object_id, provider, seq) VALUES (?, ?, ?)",
                (scalar(held.entry.object_id), scalar(held.entry.provider), held.place),
            )

    def _keep(self, place: int) -> None:
        """Keep the row as it was before the transaction, unless the transaction made it."""
        if place > self.newest:
            return
        if not self.changed:
            self._conn.execute(
                f"CREATE TEMP TABLE IF NOT EXISTS {BEFORE}"
                f" (seq INTEGER PRIMARY KEY, {', '.join(COLUMNS)})"
            )
            self._conn.execute(f"DELETE FROM {BEFORE}")
            self.changed = True
        self._conn.execute(_KEEP, (place,))

    def _exactly_one(self, sql: str, values: Iterable[object]) -> sqlite3.Cursor:
        done = self._conn.execute(sql, tuple(values))
        if done.rowcount != 1:
            raise AssertionError(f"{done.rowcount} rows were written where it must be one")
        return done

    def _one(self, sql: str, *names: str) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = self._conn.execute(
            sql, [scalar(name) for name in names]
        ).fetchone()
        return found

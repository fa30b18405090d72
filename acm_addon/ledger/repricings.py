"""New bills for rows of the embedded ledger: staged first, then booked in batches.

A batch is one transaction: the old bill goes to ``repricings``, the new one into the row, and the
rollups change by the difference. What is staged lies in SQLite's temporary database and dies with
the process. After a kill the same repricing does the rest: a row that has its new bill by then is
not staged again.
"""

# Only names of our own are written into SQL; values are bound.
# ruff: noqa: S608

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self

from acm_addon.errors import AcmError
from acm_addon.ledger.measures import DAY, DIMENSIONS, QUARTER
from acm_addon.ledger.priceable import BILL, Bill, Priceable
from acm_addon.ledger.rows import to_micros
from acm_addon.ledger.sqlite import SCHEMA, SqliteLedger
from acm_addon.sqlite_file import transaction

BATCH = 2_000
"""Rows in a transaction: some tens of milliseconds, so that no other writer waits long."""

_CHANGED = {
    "partly_priced": "({0}.price_status = 'partly_priced')",
    "unpriced": "({0}.price_status = 'unpriced')",
    "without_cost": "({0}.cost IS NULL)",
    "cost": "IFNULL({0}.cost, 0)",
    "known_cost": "{0}.known_cost",
}
"""The measures that a bill has a part in, as ``MEASURES`` has them: what one row adds to each."""

_KEYS = {"bucket": f"time - time % {QUARTER}"} | DIMENSIONS
_TAG_KEYS = {"bucket": f"time - time % {QUARTER}", "tag": "tag.key", "value": "tag.value"}
_ROLLUPS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "rollups": ("moved", {name: name for name in _KEYS}),
    "daily_rollups": (
        "moved",
        {name: name for name in _KEYS} | {"bucket": f"bucket - bucket % {DAY}"},
    ),
    "total_rollups": ("moved", {"bucket": "bucket"}),
    "tag_rollups": ("moved_tags", {name: name for name in _TAG_KEYS}),
}
"""Table of rollups to the differences for it, and their keys."""

_OF_BATCH = "call > :after AND call <= :last"
_CHANGED_SINCE = (
    f"DELETE FROM staged WHERE {_OF_BATCH} AND NOT EXISTS"
    " (SELECT 1 FROM calls WHERE calls.seq = staged.call"
    " AND calls.price_version IS staged.was_version)"
)
_KEEP_OLD = (
    f"INSERT INTO repricings (call, time, {', '.join(BILL)})"
    f" SELECT calls.seq, :now, {', '.join(f'calls.{name}' for name in BILL)}"
    f" FROM staged JOIN calls ON calls.seq = staged.call WHERE {_OF_BATCH}"
)
_BOOK_NEW = (
    f"UPDATE calls SET ({', '.join(BILL)}) ="
    f" (SELECT {', '.join(BILL)} FROM staged WHERE call = calls.seq)"
    f" WHERE seq IN (SELECT call FROM staged WHERE {_OF_BATCH})"
)


class Repricer:
    """Writes new bills. Belongs to the thread that opened it; one at a time for a ledger."""

    def __init__(self, path: Path) -> None:
        """Open the ledger, upgraded where needed. Raises AcmError."""
        SqliteLedger(path).close()
        self._conn = SCHEMA.open(path)
        self._waiting: list[tuple[object, ...]] = []
        for name, columns in {
            "staged": ("call INTEGER PRIMARY KEY", "was_version", *BILL),
            "moved": (*_KEYS, *_CHANGED),
            "moved_tags": (*_TAG_KEYS, *_CHANGED),
        }.items():
            self._conn.execute(f"CREATE TEMP TABLE {name} ({', '.join(columns)})")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._conn.close()

    def stage(self, row: Priceable, bill: Bill) -> None:
        """Remember a new bill. The ledger is as it was."""
        self._waiting.append(
            (
                row.seq,
                row.bill.price_version,
                bill.price_status.value,
                bill.cost,
                bill.computed_cost,
                bill.known_cost,
                bill.lines,
                bill.price_version,
                bill.reason.value if bill.reason else None,
            )
        )
        if len(self._waiting) >= BATCH:
            self._flush()

    def book(self, now: datetime) -> Iterator[int]:
        """Book what is staged, batch by batch: how many rows have their new bill so far.

        A row whose bill changed since it was staged is left alone. Raises AcmError where the ledger
        cannot be written; the batches before stay booked.
        """
        self._flush()
        after, booked = -1, 0
        while (last := self._end_of_batch(after)) is not None:
            booked += self._book(after, last, to_micros(now))
            after = last
            yield booked

    def _flush(self) -> None:
        with self._transaction():
            self._conn.executemany(
                f"INSERT INTO staged VALUES ({', '.join('?' * (2 + len(BILL)))})", self._waiting
            )
        self._waiting.clear()

    def _end_of_batch(self, after: int) -> int | None:
        (last,) = self._conn.execute(
            "SELECT MAX(call) FROM (SELECT call FROM staged WHERE call > ? ORDER BY call LIMIT ?)",
            (after, BATCH),
        ).fetchone()
        return None if last is None else int(last)

    def _book(self, after: int, last: int, now: int) -> int:
        batch = {"after": after, "last": last}
        with self._transaction() as conn:
            conn.execute(_CHANGED_SINCE, batch)
            conn.execute(_KEEP_OLD, batch | {"now": now})
            for statement in _moves():
                conn.execute(statement, batch)
            booked = conn.execute(_BOOK_NEW, batch).rowcount
            for table, (moved, keys) in _ROLLUPS.items():
                conn.execute(_add(table, moved, keys))
            conn.execute("DELETE FROM moved")
            conn.execute("DELETE FROM moved_tags")
        return booked

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with transaction(self._conn) as conn:
                yield conn
        except sqlite3.Error as error:
            raise AcmError(
                f"cannot write the ledger ({type(error).__name__})",
                "somebody else may be writing, or the disk be full: the same command does the rest",
            ) from error


def _moves() -> Iterator[str]:
    """SQL that adds up by how much the batch's rows will change the rollups."""
    sums = ", ".join(
        f"SUM({value.format('staged')} - {value.format('calls')})" for value in _CHANGED.values()
    )
    for moved, keys, tags in (
        ("moved", _KEYS, ""),
        ("moved_tags", _TAG_KEYS, ", json_each(calls.tags) AS tag"),
    ):
        places = ", ".join(str(place + 1) for place in range(len(keys)))
        yield (
            f"INSERT INTO {moved} SELECT {', '.join(keys.values())}, {sums}"
            f" FROM staged JOIN calls ON calls.seq = staged.call{tags}"
            f" WHERE {_OF_BATCH} GROUP BY {places}"
        )


def _add(table: str, moved: str, keys: Mapping[str, str]) -> str:
    """SQL that changes rollups by what has moved. Their rows exist: the calls are in them."""
    sums = ", ".join(f"SUM({name}) AS {name}" for name in _CHANGED)
    named = ", ".join(f"{expression} AS {name}" for name, expression in keys.items())
    changes = ", ".join(f"{name} = {table}.{name} + d.{name}" for name in _CHANGED)
    return (
        f"UPDATE {table} SET {changes}"
        f" FROM (SELECT {named}, {sums} FROM {moved} GROUP BY {', '.join(keys.values())}) AS d"
        f" WHERE {' AND '.join(f'{table}.{name} = d.{name}' for name in keys)}"
    )

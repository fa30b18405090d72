"""The read side of the embedded ledger, for the command line: standard library only, read-only.

A ledger of an older version is upgraded first, since it lacks what is asked for. No ledger file
means no calls: every answer is then empty. Amounts are integer nano-dollars; a call without a cost
adds nothing to a sum and is counted beside it (``Totals.without_cost``). Ranges are
``since <= time < until``, aware datetimes, exact to the microsecond. What SQLite refuses becomes an
AcmError.
"""

# Only names of our own are written into SQL; values are bound.
# ruff: noqa: S608

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from acm_addon.alerts import Errors, NoPrice
from acm_addon.budgets import Budget, Standing
from acm_addon.errors import AcmError
from acm_addon.ledger import holds, troubles
from acm_addon.ledger.base import Position
from acm_addon.ledger.crosstab import (
    CrossRow,
    GroupKey,
    Name,
    Period,
    Query,
    add_up,
    cross_rows,
    queries,
)
from acm_addon.ledger.measures import HISTOGRAM, MEASURES
from acm_addon.ledger.priceable import Extent, Priceable, Repricing, extent, priceable, repricings
from acm_addon.ledger.rows import COLUMNS, entry, to_micros
from acm_addon.ledger.spans import Source, Span, spans
from acm_addon.ledger.sqlite import SCHEMA, SqliteLedger
from acm_addon.ledger.totals import GroupRow, Totals, percentile
from acm_addon.model import Entry
from acm_addon.sqlite_file import BUSY_SECONDS, version_of
from acm_addon.windows import Window

_RECENT = 5000
"""Calls that are looked at for how much a model writes: some milliseconds."""
_SANE_OUTPUT = 10**7

_ROW = ", ".join(COLUMNS)


@dataclass(frozen=True, slots=True)
class BookedCall:
    rowid: int
    """Its place in the order of booking."""
    entry: Entry


class LedgerReader:
    """Reads one ledger file, which need not exist yet. Belongs to the thread that made it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._conn: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._conn:
            self._conn.close()
            self._conn = None

    def summary(self, since: datetime, until: datetime) -> Totals:
        """Sums over the calls that started in the range."""
        return add_up(self._sums(MEASURES, since, until))

    def grouped(
        self, by: Name | Period, since: datetime, until: datetime, tz: ZoneInfo
    ) -> list[GroupRow]:
        """Sums by a name, the dearest first, or by the days or hours of a zone's calendar, in
        order: ``crossed`` by one key."""
        return [GroupRow(row.names[0], row.totals) for row in self.crossed([by], since, until, tz)]

    def crossed(
        self, keys: Sequence[GroupKey], since: datetime, until: datetime, tz: ZoneInfo
    ) -> list[CrossRow]:
        """Sums by the keys at once, each call in one row; see ``crosstab``.

        Days and hours without a call are left out. The rows sum to ``summary(since, until)``.
        """
        asked = queries(keys, to_micros(since), to_micros(until))
        return cross_rows(self._answers(asked), keys, tz)

    def latency_percentiles(
        self, since: datetime, until: datetime, shares: Sequence[float] = (0.5, 0.95, 0.99)
    ) -> list[float | None]:
        """Milliseconds, one for each share; None where no latency is known."""
        counts = self._sums(HISTOGRAM, since, until)
        histogram = [sum(bucket) for bucket in zip(*counts, strict=True)]
        return [percentile(histogram, share) for share in shares]

    def newest_rowid(self) -> int:
        """The place of the last booked call; 0 where there is none."""
        rows = self._rows("SELECT MAX(seq) FROM calls")
        return (rows and rows[0][0]) or 0

    def recent(self, after_rowid: int, limit: int) -> list[BookedCall]:
        """The first ``limit`` calls booked after a place, in the order of booking."""
        rows = self._rows(
            f"SELECT seq, {_ROW} FROM calls WHERE seq > ? ORDER BY seq LIMIT ?",
            (after_rowid, limit),
        )
        return [BookedCall(seq, entry(values)) for seq, *values in rows]

    def find(self, id_or_prefix: str) -> Entry:
        """The call of an id, or of the start of one. AcmError where none or several match."""
        start = id_or_prefix.strip().lower()
        # A range and not LIKE, whose wildcards a user could type. ~ sorts after every id's letters.
        rows = self._rows(
            f"SELECT {_ROW} FROM calls WHERE id >= ? AND id < ? ORDER BY id LIMIT 2",
            (start, start + "~"),
        )
        if not start or not rows:
            raise AcmError(
                f"no call {id_or_prefix!r} in the ledger",
                "`acm tail` and `acm report` show what is there; `acm explain last` the newest",
            )
        if len(rows) > 1:
            raise AcmError(f"several calls start with {start!r}", "give more of the id")
        return entry(rows[0])

    def most_output(self, project: str, provider: str, model: str) -> int | None:
        """Output tokens of the longest answer among the recent calls, for a model as requested."""
        rows = self._rows(
            "SELECT MAX(json_extract(usage, '$.output_tokens')) FROM"
            f" (SELECT * FROM calls ORDER BY seq DESC LIMIT {_RECENT})"
            " WHERE project = ? AND provider = ? AND requested_model = ?"
            f" AND json_extract(usage, '$.output_tokens') BETWEEN 0 AND {_SANE_OUTPUT}",
            (project, provider, model),
        )
        return rows[0][0] if rows else None

    def standing(self, budget: Budget, window: Window) -> Standing:
        """What is used of a budget in one of its windows."""
        with self._reading() as conn:
            return holds.standing_now(conn, budget, window) if conn else Standing()

    def extent(self, since: datetime, until: datetime) -> Extent:
        """Where the calls of a range lie, and how many there are."""
        return extent(self._rows, since, until)

    def priceable(self, of: Extent) -> Iterator[Priceable]:
        """What of the calls decides their prices. Other calls may be booked meanwhile."""
        return priceable(self._rows, of)

    def repricings(self, call_id: str) -> list[Repricing]:
        """The bills that a call had before the present one, the oldest first."""
        return repricings(self._rows, call_id)

    def no_price(self, since: datetime) -> list[NoPrice]:
        """Calls from ``since`` on without a whole price, by provider and model."""
        return troubles.no_price(self._rows, since)

    def errors(self, since: datetime) -> list[Errors]:
        """Errors that came from ``since`` on, by provider."""
        return troubles.errors(self._rows, since)

    def data_version(self) -> int:
        """Changes when another connection has changed the ledger; 0 while there is no ledger."""
        rows = self._rows("PRAGMA data_version")
        return rows[0][0] if rows else 0

    def journal_positions(self) -> dict[str, Position]:
        """How far the drain is, by the journal file's name."""
        rows = self._rows("SELECT name, resume, drained FROM journals")
        return {name: Position(resume, drained) for name, resume, drained in rows}

    def _sums(
        self, columns: Mapping[str, str], since: datetime, until: datetime
    ) -> list[tuple[Any, ...]]:
        """Sums over a range, which belong together: one row a span that has calls."""
        parts = spans(to_micros(since), to_micros(until), daily=True)
        return self._answers(
            Query(_sum_sql(part, columns), (part.since, part.until)) for part in parts
        )

    def _answers(self, asked: Iterable[Query]) -> list[tuple[Any, ...]]:
        """Of all of them, from one state of the ledger."""
        with self._reading() as conn:
            if conn is None:
                return []
            return [row for one in asked for row in conn.execute(one.sql, one.values)]

    def _rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self._reading() as conn:
            return conn.execute(sql, values).fetchall() if conn else []

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """One state of the ledger, whatever is booked meanwhile. None where there is no ledger."""
        try:
            conn = self._connected()
            if conn is None:
                yield None
                return
            conn.execute("BEGIN")
            try:
                yield conn
            finally:
                conn.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise AcmError(
                f"cannot read the ledger {self._path} ({type(error).__name__})", _hint(error)
            ) from error

    def _connected(self) -> sqlite3.Connection | None:
        if self._conn is None and self._path.exists():
            try:
                self._conn = self._open("mode=ro")
            except sqlite3.OperationalError as error:
                if not _is_unwritable(error) or self._has_wal():
                    raise
                # WAL wants a -shm file even of its readers, and here none can be made.
                self._conn = self._open("mode=ro&immutable=1")
        return self._conn

    def _open(self, how: str) -> sqlite3.Connection | None:
        """None for a ledger of version 0: it is being created at this moment."""
        conn = sqlite3.connect(
            f"{self._path.absolute().as_uri()}?{how}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
        )
        try:
            version = version_of(conn)
            if version > SCHEMA.version:
                raise SCHEMA.newer(self._path)
        except BaseException:
            conn.close()
            raise
        if version == SCHEMA.version:
            return conn
        conn.close()
        if version == 0:
            return None
        SqliteLedger(self._path).close()
        return self._open(how)

    def _has_wal(self) -> bool:
        """Whether there are calls beside the file, which reading it alone would leave out."""
        wal = self._path.with_name(self._path.name + "-wal")
        try:
            return wal.stat().st_size > 0
        except FileNotFoundError:
            return False


def _is_unwritable(error: sqlite3.OperationalError) -> bool:
    """Whether SQLite could not make a file. Not a lock, which somebody holds who may be writing."""
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


def _hint(error: sqlite3.Error) -> str:
    """An operational error is about access: the ledger itself may be whole, and is not given up."""
    if isinstance(error, sqlite3.OperationalError):
        return "is it yours to read, and its folder yours to write? A locked one is free again soon"
    return "is it a ledger of acm, and yours to read? Moving it away starts a new one"


def _sum_sql(span: Span, columns: Mapping[str, str]) -> str:
    if span.source is Source.CALLS:
        sums, time = list(columns.values()), "time"
    else:
        sums, time = [f"SUM({name})" for name in columns], "bucket"
    return (
        f"SELECT {', '.join(sums)} FROM {span.source.value}"
        # Of no call there is no row, rather than one of NULLs.
        f" WHERE {time} >= ? AND {time} < ? GROUP BY NULL"
    )

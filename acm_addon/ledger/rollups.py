"""The rollups of the embedded store: what changed among the calls, added to every sum."""

# Only names of our own are written into SQL; values are bound.
# ruff: noqa: S608

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from acm_addon.ledger.measures import DAY, DIMENSIONS, HISTOGRAM, MEASURES, QUARTER

BEFORE = "before"
"""A temporary table: the rows as they were that a transaction has changed or removed."""


@dataclass(frozen=True, slots=True)
class _Rollup:
    table: str
    width: int
    """Microseconds of a bucket."""
    names: Mapping[str, str]
    """Column to expression, beside the bucket."""
    beside: str = ""
    """What the calls are joined with."""

    def add(self, calls: str, where: str, sign: str = "") -> str:
        """SQL that adds some calls, or takes them away (``sign`` ``-``)."""
        keys = {"bucket": f"time - time % {self.width}", **self.names}
        sums = MEASURES | HISTOGRAM
        return (
            f"INSERT INTO {self.table} ({', '.join((*keys, *sums))})"
            f" SELECT {', '.join((*keys.values(), *(sign + one for one in sums.values())))}"
            f" FROM {calls}{self.beside} WHERE {where}"
            f" GROUP BY {', '.join(str(place + 1) for place in range(len(keys)))}"
            f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET "
            + ", ".join(f"{name} = {name} + excluded.{name}" for name in sums)
        )

    def without_empty(self) -> str:
        """SQL that removes the sums over nothing that taking calls away has left."""
        return (
            f"DELETE FROM {self.table} WHERE requests = 0"
            f" AND bucket IN (SELECT time - time % {self.width} FROM {BEFORE})"
        )


_ROLLUPS = (
    _Rollup("rollups", QUARTER, DIMENSIONS),
    _Rollup("daily_rollups", DAY, DIMENSIONS),
    # A year by day is otherwise a sum over every name of every quarter.
    _Rollup("total_rollups", QUARTER, {}),
    _Rollup(
        "tag_rollups",
        QUARTER,
        {"tag": "tag.key", "value": "tag.value"},
        ", json_each(calls.tags) AS tag",
    ),
)
_NEW = [rollup.add("calls", "seq > :newest") for rollup in _ROLLUPS]
_CHANGED = [
    statement
    for rollup in _ROLLUPS
    for statement in (
        rollup.add(f"{BEFORE} AS calls", "TRUE", sign="-"),
        rollup.add("calls", f"seq IN (SELECT seq FROM {BEFORE})"),
        rollup.without_empty(),
    )
]


def add_new(conn: sqlite3.Connection, newest: int) -> None:
    """Add the calls booked after the place ``newest``."""
    for statement in _NEW:
        conn.execute(statement, {"newest": newest})


def add_changed(conn: sqlite3.Connection) -> None:
    """Add the difference between the rows in ``BEFORE`` and what is at their places now."""
    for statement in _CHANGED:
        conn.execute(statement)

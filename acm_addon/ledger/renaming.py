"""A project's new name, in every row and every rollup of the ledger.

Rows name their project in words, so that any reader of the ledger, SQL included, sees the names of
today without a second table. A rename is rare, and pays for that by rewriting the rows.
"""

# Only names of our own are written into SQL; values are bound.
# ruff: noqa: S608

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import replace

from acm_addon.ledger.measures import DIMENSIONS, HISTOGRAM, MEASURES
from acm_addon.model import Entry
from acm_addon.settlement import Record, Settlement

_SUMS = (*MEASURES, *HISTOGRAM)


def rename_project(conn: sqlite3.Connection, old: str, new: str) -> None:
    """Within a transaction. To do it twice changes nothing more."""
    conn.execute("UPDATE calls SET project = ? WHERE project = ?", (new, old))
    for table in ("rollups", "daily_rollups"):
        conn.execute(_merge_sql(table), {"old": old, "new": new})
        conn.execute(f"DELETE FROM {table} WHERE project = ?", (old,))
    # Names that led to the old name lead to the new one; the new one itself leads nowhere.
    conn.execute("UPDATE project_names SET new = ? WHERE new = ?", (new, old))
    conn.execute("DELETE FROM project_names WHERE old = ?", (new,))
    conn.execute("INSERT OR REPLACE INTO project_names (old, new) VALUES (?, ?)", (old, new))


def with_present_names(conn: sqlite3.Connection, records: Iterable[Record]) -> list[Record]:
    """Records whose call began under an old name, under the new one."""
    names = dict(conn.execute("SELECT old, new FROM project_names"))
    return [_renamed(record, names) for record in records] if names else list(records)


def _renamed(record: Record, names: Mapping[str, str]) -> Record:
    match record:
        case Entry() if record.project in names:
            return replace(record, project=names[record.project])
        case Settlement() if record.entry.project in names:
            return Settlement(replace(record.entry, project=names[record.entry.project]))
    return record


def _merge_sql(table: str) -> str:
    """SQL that adds the sums of ``:old`` to those of ``:new``."""
    keys = ("bucket", *DIMENSIONS)
    moved = [":new" if key == "project" else key for key in keys]
    return (
        f"INSERT INTO {table} ({', '.join((*keys, *_SUMS))})"
        f" SELECT {', '.join((*moved, *_SUMS))} FROM {table} WHERE project = :old"
        f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET "
        + ", ".join(f"{name} = {name} + excluded.{name}" for name in _SUMS)
    )

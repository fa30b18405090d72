"""Budgets as the control data keep them. There is one of a scope and a period."""

import json
import re
import sqlite3
from dataclasses import replace
from typing import Any

from acm_addon.budgets import Budget, Scope, Unknown, WhenLocked
from acm_addon.control import projects
from acm_addon.control.store import ControlStore
from acm_addon.errors import AcmError
from acm_addon.windows import Period

SELECT_BUDGETS = (
    "SELECT budgets.id, projects.name, key, budgets.provider, model, tags, period, zone"
    ', "limit", hard, thresholds, unknown, unknown_hold, when_locked, wait_ms'
    " FROM budgets LEFT JOIN projects ON projects.id = budgets.project ORDER BY budgets.id"
)
_COLUMNS = (
    *("project", "key", "provider", "model", "tags", "period", "zone", '"limit"', "hard"),
    *("thresholds", "unknown", "unknown_hold", "when_locked", "wait_ms"),
)
_PATTERN = re.compile(r"[\w.:@/+*?-]{1,200}")


def put(store: ControlStore, wanted: Budget) -> Budget:
    """Set a budget, in place of the one of the same scope and period. ``wanted.id`` is ignored.

    Raises AcmError for a project or a key that there is not, and for a model that is none.
    """
    with store.writing() as conn:
        scope = _checked(conn, wanted.scope)
        wanted = replace(wanted, scope=scope)
        there = next((one for one in _all(conn) if one.label == wanted.label), None)
        project = None if scope.project is None else projects.named(conn, scope.project).id
        values = _values(wanted, project)
        if there is None:
            marks = ", ".join("?" * len(_COLUMNS))
            number = conn.execute(
                f"INSERT INTO budgets ({', '.join(_COLUMNS)}) VALUES ({marks})",  # noqa: S608
                values,
            ).lastrowid
        else:
            number = there.id
            changes = ", ".join(f"{name} = ?" for name in _COLUMNS)
            conn.execute(f"UPDATE budgets SET {changes} WHERE id = ?", (*values, number))  # noqa: S608
        assert number is not None
        return replace(wanted, id=number)


def everything(store: ControlStore) -> list[Budget]:
    """In the order in which they were first set."""
    with store.reading() as conn:
        return _all(conn)


def get(store: ControlStore, which: str) -> Budget:
    """The budget of a number or a label. Raises AcmError."""
    with store.reading() as conn:
        return _find(conn, which)


def remove(store: ControlStore, which: str) -> Budget:
    """Raises AcmError."""
    with store.writing() as conn:
        found = _find(conn, which)
        conn.execute("DELETE FROM budgets WHERE id = ?", (found.id,))
        return found


def budget_of(row: Any) -> Budget:
    """The budget of a row of ``SELECT_BUDGETS``."""
    number, project, key, provider, model, tags, period, zone, limit, hard, *rest = row
    thresholds, unknown, unknown_hold, when_locked, wait_ms = rest
    return Budget(
        id=number,
        scope=Scope(project, key, provider, model, json.loads(tags)),
        period=Period(period),
        zone=zone,
        limit=limit,
        hard=bool(hard),
        thresholds=tuple(json.loads(thresholds)),
        unknown=Unknown(unknown),
        unknown_hold=unknown_hold,
        when_locked=WhenLocked(when_locked),
        wait_seconds=wait_ms / 1000,
    )


def _all(conn: sqlite3.Connection) -> list[Budget]:
    return list(map(budget_of, conn.execute(SELECT_BUDGETS)))


def _find(conn: sqlite3.Connection, which: str) -> Budget:
    for budget in _all(conn):
        if which in (str(budget.id), budget.label):
            return budget
    raise AcmError(f"there is no budget {which!r}", "`acm budget list` shows them")


def _checked(conn: sqlite3.Connection, scope: Scope) -> Scope:
    """The scope under the project's present name. Raises AcmError."""
    if scope.model is not None and not _PATTERN.fullmatch(scope.model):
        raise AcmError(
            f"{scope.model!r} is no model", "a name, or a pattern with * and ?, such as gpt-4o*"
        )
    if scope.key is not None:
        known = conn.execute("SELECT 1 FROM proxy_keys WHERE name = ?", (scope.key,)).fetchone()
        if known is None:
            raise AcmError(f"there is no proxy key {scope.key!r}", "`acm key list` shows them")
    if scope.project is None:
        return scope
    return replace(scope, project=projects.named(conn, scope.project).name)


def _values(budget: Budget, project: int | None) -> tuple[object, ...]:
    scope = budget.scope
    return (
        project,
        scope.key,
        scope.provider,
        scope.model,
        json.dumps(dict(sorted(scope.tags.items()))),
        budget.period.value,
        budget.zone,
        budget.limit,
        int(budget.hard),
        json.dumps(budget.thresholds),
        budget.unknown.value,
        budget.unknown_hold,
        budget.when_locked.value,
        round(budget.wait_seconds * 1000),
    )

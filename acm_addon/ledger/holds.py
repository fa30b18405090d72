"""What is used of hard budgets, in the embedded store: SQL for ``acm_addon.gate`` and reports.

``budget_windows`` has a counter for each present window of a hard budget. It is opened with the sum
of the rows when the first call of the window comes, and from then on triggers on the calls keep it:
one row is read for a call, however long the window and however large the ledger. ``holds`` has what
each call holds of each budget.
"""

# Only names of our own are written into SQL; values are bound.
# ruff: noqa: S608

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence

from acm_addon.budgets import Budget, Claim, Scope, Standing
from acm_addon.ledger.measures import DAY
from acm_addon.ledger.rows import from_micros, to_micros
from acm_addon.ledger.spans import Source, spans
from acm_addon.windows import Window

RUNNING, ENDED = "running", "ended"

_HELD = "SELECT state, SUM(amount) FROM holds WHERE budget = ? AND since = ? GROUP BY state"
_HOLD = (
    "INSERT INTO holds (call, budget, since, amount, state, journal)"
    f" VALUES (?, ?, ?, ?, '{RUNNING}', ?)"
)
_OPEN = (
    "INSERT OR REPLACE INTO budget_windows"
    " (budget, since, until, project, key, provider, model, tags, spent)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def standing(conn: sqlite3.Connection, claim: Claim) -> Standing | None:
    """What is used of a claim's budget. None where the window's counter is not open."""
    at = claim.budget.id, to_micros(claim.window.since)
    counted = conn.execute(
        "SELECT spent FROM budget_windows WHERE budget = ? AND since = ?", at
    ).fetchone()
    if counted is None:
        return None
    held = _held(conn, *at)
    return Standing(counted[0], sum(held.values()) - held.get(RUNNING, 0), held.get(RUNNING, 0))


def hold(conn: sqlite3.Connection, call: str, claims: Sequence[Claim], journal: str) -> None:
    """Note what a call holds. ``journal`` names the file that its records are in."""
    conn.executemany(
        _HOLD,
        [
            (call, claim.budget.id, to_micros(claim.window.since), claim.amount, journal)
            for claim in claims
        ],
    )


def shrink(conn: sqlite3.Connection, ended: Collection[tuple[str, int]]) -> None:
    """Calls, and what they did cost. Of one that is booked already nothing is changed."""
    conn.executemany(
        f"UPDATE holds SET amount = ?, state = '{ENDED}' WHERE call = ? AND state = '{RUNNING}'",
        [(cost, call) for call, cost in ended],
    )


def open_windows(
    conn: sqlite3.Connection, claims: Sequence[Claim], budgets: Collection[int]
) -> None:
    """Open the counters of these claims' windows, from the rows, within a transaction.

    Those of windows that ended more than a day before are dropped, and of budgets that are not
    among ``budgets``, which are all that there are; and with them what is held of them.
    """
    for claim in claims:
        window, scope = claim.window, claim.budget.scope
        since = to_micros(window.since)
        names = scope.project, scope.key, scope.provider, scope.model, json.dumps(dict(scope.tags))
        spent = spent_in(conn, scope, window)
        conn.execute(_OPEN, (claim.budget.id, since, to_micros(window.until), *names, spent))
        conn.execute(
            "DELETE FROM budget_windows WHERE budget = ? AND until < ?",
            (claim.budget.id, since - DAY),
        )
    conn.execute(
        "DELETE FROM budget_windows WHERE budget NOT IN (SELECT value FROM json_each(?))",
        (json.dumps(list(budgets)),),
    )
    conn.execute(
        "DELETE FROM holds WHERE (budget, since) NOT IN (SELECT budget, since FROM budget_windows)"
    )


def follow_rename(conn: sqlite3.Connection, old: str, new: str) -> None:
    """After a project's rows have another name: its counters, from the rows as they are now."""
    conn.execute("UPDATE budget_windows SET project = ? WHERE project = ?", (new, old))
    counters = conn.execute(
        "SELECT budget, since, until, key, provider, model, tags FROM budget_windows"
        " WHERE project = ?",
        (new,),
    ).fetchall()
    for budget, since, until, key, provider, model, tags in counters:
        scope = Scope(new, key, provider, model, json.loads(tags))
        spent = spent_in(conn, scope, Window(from_micros(since), from_micros(until)))
        conn.execute(
            "UPDATE budget_windows SET spent = ? WHERE budget = ? AND since = ?",
            (spent, budget, since),
        )


def drop_lost(conn: sqlite3.Connection, journals: Collection[str]) -> None:
    """Drop what is held for calls whose journal is gone and which were never booked.

    A journal goes when all of its calls are in the ledger; of these nothing was left in it.
    ``journals`` are the files that there are.
    """
    conn.execute(
        "DELETE FROM holds WHERE state <> 'booked'"
        " AND journal NOT IN (SELECT value FROM json_each(?))",
        (json.dumps(list(journals)),),
    )


def standing_now(conn: sqlite3.Connection, budget: Budget, window: Window) -> Standing:
    """What is used of any budget, hard or soft, without a counter."""
    held = _held(conn, budget.id, to_micros(window.since))
    running = held.get(RUNNING, 0)
    return Standing(spent_in(conn, budget.scope, window), sum(held.values()) - running, running)


def spent_in(conn: sqlite3.Connection, scope: Scope, window: Window) -> int:
    """Nano-dollars booked for the calls of a scope that started in a window.

    From the rollups, unless the scope names what they do not have: tags, or a model as requested.
    """
    since, until = to_micros(window.since), to_micros(window.until)
    if scope.model is not None or scope.tags:
        return _spent_by_rows(conn, scope, since, until)
    names = {"project": scope.project, "key": scope.key, "provider": scope.provider}
    total = 0
    for span in spans(since, until, daily=True):
        time = "time" if span.source is Source.CALLS else "bucket"
        where, values = _named(names)
        found = conn.execute(
            f"SELECT IFNULL(SUM(cost), 0) FROM {span.source.value}"
            f" WHERE {time} >= ? AND {time} < ?{where}",
            (span.since, span.until, *values),
        )
        total += found.fetchone()[0]
    return total


def _spent_by_rows(conn: sqlite3.Connection, scope: Scope, since: int, until: int) -> int:
    where, values = _named({"project": scope.project, "key": scope.key, "provider": scope.provider})
    if scope.model is not None:
        where += " AND IFNULL(requested_model, model) GLOB ?"
        values.append(scope.model)
    for name, value in scope.tags.items():
        where += (
            " AND EXISTS (SELECT 1 FROM json_each(calls.tags) AS tag"
            " WHERE tag.key = ? AND tag.value = ?)"
        )
        values += [name, value]
    found = conn.execute(
        f"SELECT IFNULL(SUM(cost), 0) FROM calls WHERE time >= ? AND time < ?{where}",
        (since, until, *values),
    )
    return int(found.fetchone()[0])


def _named(names: Mapping[str, str | None]) -> tuple[str, list[str]]:
    chosen = {name: value for name, value in names.items() if value is not None}
    return "".join(f" AND {name} = ?" for name in chosen), list(chosen.values())


def _held(conn: sqlite3.Connection, budget: int, since: int) -> dict[str, int]:
    return dict(conn.execute(_HELD, (budget, since)))

"""Tokens of projects: shown once, stored as a keyed hash, revocable at once."""

import sqlite3
from datetime import datetime
from typing import Any

from acm_addon import token_key, vault
from acm_addon.control import projects
from acm_addon.control.records import ProjectToken
from acm_addon.control.store import ControlStore
from acm_addon.control.times import from_micros, maybe_from_micros, maybe_to_micros, to_micros
from acm_addon.errors import AcmError

_COLUMNS = "id, project, digest, shown, created, expires, revoked"


def issue(
    store: ControlStore, project: str, expires: datetime | None, now: datetime
) -> tuple[str, ProjectToken]:
    """A new token of a project, in clear for this once, and what is stored of it.

    Tokens that it has already stay good: hand out the new one, then revoke the old.
    Raises AcmError.
    """
    secret = vault.new_token()
    digest = vault.digest(token_key.ensure(store.home), secret)
    with store.writing() as conn:
        owner = projects.require_open(projects.named(conn, project))
        (number,) = conn.execute(
            "INSERT INTO project_tokens (project, digest, shown, created, expires)"
            " VALUES (?, ?, ?, ?, ?) RETURNING id",
            (owner.id, digest, vault.shown(secret), to_micros(now), maybe_to_micros(expires)),
        ).fetchone()
        return secret, _numbered(conn, number)


def of_project(store: ControlStore, project: str) -> list[ProjectToken]:
    """The oldest first, revoked ones too. Raises AcmError."""
    with store.reading() as conn:
        owner = projects.named(conn, project)
        rows = conn.execute(
            f"SELECT {_COLUMNS} FROM project_tokens WHERE project = ? ORDER BY id",  # noqa: S608
            (owner.id,),
        )
        return [token_of(row) for row in rows]


def revoke(store: ControlStore, project: str, which: str, now: datetime) -> ProjectToken:
    """Revoke a token of a project by its number or its last characters. Raises AcmError.

    To revoke it twice changes nothing.
    """
    with store.writing() as conn:
        owner = projects.named(conn, project)
        found = conn.execute(
            "SELECT id FROM project_tokens WHERE project = ?"
            " AND (CAST(id AS TEXT) = ? OR shown = ? OR substr(shown, -4) = ?)",
            (owner.id, which, which, which),
        ).fetchall()
        if len(found) != 1:
            how_many = "several tokens" if found else "no token"
            raise AcmError(
                f"project {owner.name!r} has {how_many} {which!r}",
                f"`acm project token list {owner.name}` shows their numbers",
            )
        ((number,),) = found
        conn.execute(
            "UPDATE project_tokens SET revoked = ? WHERE id = ? AND revoked IS NULL",
            (to_micros(now), number),
        )
        return _numbered(conn, number)


def forget(store: ControlStore, number: int) -> None:
    """Remove a token that only one program ever had."""
    with store.writing() as conn:
        conn.execute("DELETE FROM project_tokens WHERE id = ?", (number,))


def token_of(row: Any) -> ProjectToken:
    """The token of a row of ``id, project, digest, shown, created, expires, revoked``."""
    number, project, digest, shown, created, expires, revoked = row
    return ProjectToken(
        number,
        project,
        digest,
        shown,
        from_micros(created),
        maybe_from_micros(expires),
        maybe_from_micros(revoked),
    )


def _numbered(conn: sqlite3.Connection, number: int) -> ProjectToken:
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM project_tokens WHERE id = ?",  # noqa: S608
        (number,),
    ).fetchone()
    return token_of(row)

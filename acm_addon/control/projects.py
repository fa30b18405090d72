"""Projects: who pays. A row of the ledger names its project, and a rename rewrites the rows."""

import re
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any

from acm_addon.control.records import DEFAULT_PROJECT, Project, Switch
from acm_addon.control.store import ControlStore
from acm_addon.control.times import from_micros, maybe_from_micros, to_micros
from acm_addon.errors import AcmError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""Fit for the user part and the path of a URL as it is."""
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_.-]+")

_COLUMNS = "id, name, provider, created, archived"


def check_name(name: str, what: str = "project") -> str:
    """The name, where it is one. Raises AcmError."""
    if not _NAME.fullmatch(name) or name.startswith("acm_"):
        raise AcmError(
            f"{name!r} cannot name a {what}",
            "up to 64 letters, digits, dots, dashes and underscores, the first a letter or digit; "
            "names that start with acm_ are taken",
        )
    return name


def name_from(text: str) -> str | None:
    """The nearest name to any text (a folder's name), or None where nothing is left of it."""
    name = _NOT_IN_A_NAME.sub("-", text).strip("-._")[:64]
    return name if _NAME.fullmatch(name) and not name.startswith("acm_") else None


def create(store: ControlStore, name: str, provider: str | None, now: datetime) -> Project:
    """A new project. Raises AcmError where the name is taken, or was a project's."""
    check_name(name)
    with store.writing() as conn:
        _require_free(conn, name)
        conn.execute(
            "INSERT INTO projects (name, provider, created) VALUES (?, ?, ?)",
            (name, provider, to_micros(now)),
        )
        return named(conn, name)


def ensure(store: ControlStore, name: str, now: datetime) -> Project:
    """The project of a name, or of a former name; made where there is none. Raises AcmError."""
    check_name(name)
    with store.writing() as conn:
        found = _find(conn, name)
        if found is None:
            conn.execute(
                "INSERT INTO projects (name, created) VALUES (?, ?)", (name, to_micros(now))
            )
            found = named(conn, name)
        return found


def everything(store: ControlStore) -> list[Project]:
    """The default project first, then by name."""
    with store.reading() as conn:
        rows = conn.execute(f"SELECT {_COLUMNS} FROM projects ORDER BY id <> 1, name")  # noqa: S608
        return [project_of(row) for row in rows]


def get(store: ControlStore, name: str) -> Project:
    """Raises AcmError where there is none of this name, now or formerly."""
    with store.reading() as conn:
        return named(conn, name)


def rename(
    store: ControlStore, name: str, new: str, rewrite: Callable[[str, str], None]
) -> Project:
    """Give a project another name; ``rewrite(old, new)`` does the same to its rows in the ledger.

    The old name goes on leading to the project, for programs that carry it. If ``rewrite`` raises,
    nothing has changed; if we die between the two, the same rename completes it.
    Raises AcmError.
    """
    check_name(new)
    with store.writing() as conn:
        project = named(conn, name)
        if project.name == DEFAULT_PROJECT:
            raise AcmError(
                "the default project keeps its name", "`acm project create` makes others"
            )
        if project.name == new:
            return project
        _require_free(conn, new, but_of=project.id)
        conn.execute("UPDATE projects SET name = ? WHERE id = ?", (new, project.id))
        conn.execute("DELETE FROM former_names WHERE name = ?", (new,))
        conn.execute("INSERT INTO former_names VALUES (?, ?)", (project.name, project.id))
        rewrite(project.name, new)
        return named(conn, new)


def archive(store: ControlStore, name: str, now: datetime | None) -> Project:
    """Close a project, so that nothing is attributed to it any more; with None, open it again.

    Its history stays. Raises AcmError.
    """
    with store.writing() as conn:
        project = named(conn, name)
        if project.name == DEFAULT_PROJECT:
            raise AcmError("the default project cannot be archived", None)
        closed = None if now is None else to_micros(now)
        conn.execute("UPDATE projects SET archived = ? WHERE id = ?", (closed, project.id))
        return named(conn, project.name)


def switch(store: ControlStore, name: str, what: Switch, *, on: bool) -> Project:
    """Turn something on or off for a project. Raises AcmError."""
    with store.writing() as conn:
        project = named(conn, name)
        values = (project.id, what.value)
        if on:
            conn.execute("INSERT OR IGNORE INTO project_switches VALUES (?, ?)", values)
        else:
            conn.execute("DELETE FROM project_switches WHERE project = ? AND name = ?", values)
        return project


def switched(conn: sqlite3.Connection) -> dict[Switch, frozenset[str]]:
    """The names of the projects for which each thing is on."""
    rows = conn.execute(
        "SELECT project_switches.name, projects.name FROM project_switches"
        " JOIN projects ON projects.id = project_switches.project"
    ).fetchall()
    return {
        what: frozenset(project for name, project in rows if name == what.value) for what in Switch
    }


def named(conn: sqlite3.Connection, name: str) -> Project:
    """The project of a name, or of a former one. Raises AcmError."""
    found = _find(conn, name)
    if found is None:
        raise AcmError(
            f"there is no project {name!r}",
            "`acm project list` shows them; `acm project create NAME` makes one",
        )
    return found


def require_open(project: Project) -> Project:
    """The project, where it is not archived. Raises AcmError."""
    if project.archived:
        raise AcmError(
            f"project {project.name!r} is archived", f"`acm project archive --undo {project.name}`"
        )
    return project


def project_of(row: Any) -> Project:
    """The project of a row of ``id, name, provider, created, archived``."""
    number, name, provider, created, archived = row
    return Project(number, name, provider, from_micros(created), maybe_from_micros(archived))


def _find(conn: sqlite3.Connection, name: str) -> Project | None:
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM projects WHERE name = ?"  # noqa: S608
        " OR id = (SELECT project FROM former_names WHERE name = ?)",
        (name, name),
    ).fetchone()
    return project_of(row) if row else None


def _require_free(conn: sqlite3.Connection, name: str, but_of: int | None = None) -> None:
    found = _find(conn, name)
    if found is None or found.id == but_of:
        return
    if found.name == name:
        state = " (archived)" if found.archived else ""
        raise AcmError(f"there is a project {name!r} already{state}", "`acm project list`")
    raise AcmError(
        f"{name!r} was the name of project {found.name!r}, whose programs may still carry it",
        "choose another name",
    )

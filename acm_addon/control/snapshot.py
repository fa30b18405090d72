"""The control data as a running proxy sees them: read anew whenever another process changed them.

At each request one ``PRAGMA data_version`` says whether that is needed: some microseconds.
"""

import sqlite3

from acm_addon.control.budgets import SELECT_BUDGETS, budget_of
from acm_addon.control.key_rows import KEY_COLUMNS, PROXY_KEY_COLUMNS, key_of, proxy_key_of
from acm_addon.control.project_tokens import token_of
from acm_addon.control.projects import project_of, switched
from acm_addon.control.records import Snapshot
from acm_addon.control.settings import REQUIRE_TOKEN
from acm_addon.control.store import ControlStore
from acm_addon.control.vault_access import VaultDoor, door
from acm_addon.errors import AcmError


class ControlView:
    """Follows the control data of a home. Belongs to the thread that made it."""

    def __init__(self, store: ControlStore) -> None:
        """Raises AcmError where the data cannot be read."""
        self._store = store
        self._version = store.data_version()
        self.snapshot, self.door = _read(store)

    def refresh(self) -> bool:
        """Bring ``snapshot`` up to date; whether anything had changed. Raises AcmError.

        The last good state stays where it raises.
        """
        try:
            version = self._store.data_version()
        except sqlite3.Error as error:
            raise AcmError(f"cannot read the control data ({type(error).__name__})") from None
        if version == self._version:
            return False
        self.snapshot, self.door = _read(self._store)
        self._version = version
        return True


def _read(store: ControlStore) -> tuple[Snapshot, VaultDoor | None]:
    with store.reading() as conn:
        return snapshot(conn), door(conn)


def snapshot(conn: sqlite3.Connection) -> Snapshot:
    """One state of the control data, all of it."""
    projects = {
        project.id: project
        for project in map(
            project_of, conn.execute("SELECT id, name, provider, created, archived FROM projects")
        )
    }
    former = conn.execute("SELECT name, project FROM former_names").fetchall()
    tokens = conn.execute(
        "SELECT id, project, digest, shown, created, expires, revoked FROM project_tokens"
    )
    proxy_keys = conn.execute(f"SELECT {PROXY_KEY_COLUMNS} FROM proxy_keys")  # noqa: S608
    provider_keys = conn.execute(
        f"SELECT {KEY_COLUMNS} FROM provider_keys WHERE revoked IS NULL ORDER BY id DESC"  # noqa: S608
    )
    required = conn.execute("SELECT value FROM settings WHERE name = ?", (REQUIRE_TOKEN,))
    return Snapshot(
        require_token=required.fetchone() == ("on",),
        projects=projects,
        by_name={name: projects[number] for name, number in former}
        | {project.name: project for project in projects.values()},
        tokens={token.digest: token for token in map(token_of, tokens)},
        proxy_keys={key.digest: key for key in map(proxy_key_of, proxy_keys)},
        provider_keys=tuple(map(key_of, provider_keys)),
        budgets=tuple(map(budget_of, conn.execute(SELECT_BUDGETS))),
        switched=switched(conn),
    )

"""The schema's history. Append a function; never change one that was released.

Times are integer microseconds UTC, as in the ledger. A secret is a digest or sealed, never clear.
The project of id 1 is ``default``: what nobody else pays for is its.
"""

from sqlite_utils import Migrations
from sqlite_utils.db import Database

migrations = Migrations("control")


@migrations()
def m001_projects_and_keys(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE projects (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            provider TEXT,
            created INTEGER NOT NULL,
            archived INTEGER
        ) STRICT
        """
    )
    db.execute("INSERT INTO projects (id, name, created) VALUES (1, 'default', 0)")
    db.execute(
        """
        CREATE TABLE former_names (
            name TEXT PRIMARY KEY,
            project INTEGER NOT NULL REFERENCES projects (id)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE project_tokens (
            id INTEGER PRIMARY KEY,
            project INTEGER NOT NULL REFERENCES projects (id),
            digest BLOB NOT NULL UNIQUE,
            shown TEXT NOT NULL,
            created INTEGER NOT NULL,
            expires INTEGER,
            revoked INTEGER
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE provider_keys (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            provider TEXT NOT NULL,
            shown TEXT NOT NULL,
            sealed BLOB NOT NULL,
            created INTEGER NOT NULL,
            rotated INTEGER,
            revoked INTEGER
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE proxy_keys (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            digest BLOB NOT NULL UNIQUE,
            shown TEXT NOT NULL,
            project INTEGER REFERENCES projects (id),
            providers TEXT,
            models TEXT,
            provider_key INTEGER REFERENCES provider_keys (id),
            created INTEGER NOT NULL,
            rotated INTEGER,
            expires INTEGER,
            revoked INTEGER
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE settings (
            name TEXT PRIMARY KEY,
            value TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE vault (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            source TEXT NOT NULL,
            proof BLOB NOT NULL
        ) STRICT
        """
    )


@migrations()
def m002_budgets(db: Database) -> None:
    """Limits are integer nano-dollars. AUTOINCREMENT: the ledger knows a budget by its id, which
    must not come to mean another one."""
    db.execute(
        """
        CREATE TABLE budgets (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            project INTEGER REFERENCES projects (id),
            key TEXT,
            provider TEXT,
            model TEXT,
            tags TEXT NOT NULL,
            period TEXT NOT NULL,
            zone TEXT NOT NULL,
            "limit" INTEGER NOT NULL,
            hard INTEGER NOT NULL,
            thresholds TEXT NOT NULL,
            unknown TEXT NOT NULL,
            unknown_hold INTEGER NOT NULL,
            when_locked TEXT NOT NULL,
            wait_ms INTEGER NOT NULL
        ) STRICT
        """
    )


@migrations()
def m003_alerts(db: Database) -> None:
    """Where alerts go, which there were, and how their sending went; and what is on for a project.

    One alert of a key: what it is about, and the window or the day.
    """
    db.execute(
        """
        CREATE TABLE alert_channels (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            service TEXT NOT NULL,
            sealed BLOB NOT NULL,
            kinds TEXT,
            created INTEGER NOT NULL
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE alerts (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            message TEXT NOT NULL,
            time INTEGER NOT NULL
        ) STRICT
        """
    )
    db.execute(
        """
        CREATE TABLE alert_deliveries (
            alert INTEGER NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
            channel INTEGER NOT NULL REFERENCES alert_channels (id) ON DELETE CASCADE,
            state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
            attempts INTEGER NOT NULL,
            due INTEGER NOT NULL,
            outcome TEXT,
            PRIMARY KEY (alert, channel)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX alert_deliveries_due ON alert_deliveries (state, due)")
    db.execute(
        """
        CREATE TABLE project_switches (
            project INTEGER NOT NULL REFERENCES projects (id),
            name TEXT NOT NULL,
            PRIMARY KEY (project, name)
        ) STRICT, WITHOUT ROWID
        """
    )

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

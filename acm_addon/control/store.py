"""The control database as a file: created, upgraded, read, and changed in transactions."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.sqlite_file import BUSY_SECONDS, Schema, transaction

if TYPE_CHECKING:
    from sqlite_utils import Migrations

SCHEMA_VERSION = 3
"""How many migrations there are: what ``PRAGMA user_version`` says of a current file."""


def _migrations() -> "Migrations":
    from acm_addon.control.migrations import migrations

    return migrations


_SCHEMA = Schema(
    "the control data",
    SCHEMA_VERSION,
    _migrations,
    # What was deleted (a sealed key, a digest) is overwritten, not only unlinked.
    ("foreign_keys = ON", "secure_delete = ON"),
)


class ControlStore:
    """The control data of a home. Belongs to the thread that opened it.

    What SQLite refuses becomes an AcmError, from every block of ``reading`` and ``writing``.
    """

    def __init__(self, home: Home, busy_seconds: float = BUSY_SECONDS) -> None:
        """Open it; create or upgrade it where needed. Raises AcmError."""
        self.home = home
        with _explained(home.control):
            self._conn = _SCHEMA.open(home.control, busy_seconds)

    def __enter__(self) -> "ControlStore":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._conn.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One state of the data, whatever others write meanwhile."""
        with self._transaction("BEGIN") as conn:
            yield conn

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """All of the block, or nothing of it."""
        with self._transaction("BEGIN IMMEDIATE") as conn:
            yield conn

    def data_version(self) -> int:
        """Changes when another connection has changed the data. Raises sqlite3.Error."""
        (version,) = self._conn.execute("PRAGMA data_version").fetchone()
        return int(version)

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with _explained(self.home.control), transaction(self._conn, begin) as conn:
            yield conn


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise AcmError(
            f"cannot use the control data {path} ({type(error).__name__})",
            "is it yours to read and write? A locked one is free again soon",
        ) from error
    except (sqlite3.Error, OSError) as error:
        raise AcmError(
            f"cannot use the control data {path} ({type(error).__name__})",
            "restore it from a copy; moving it away starts without projects and keys",
        ) from error

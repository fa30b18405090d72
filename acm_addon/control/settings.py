"""Settings that a running proxy follows at once. Each is on or off."""

from collections.abc import Mapping
from types import MappingProxyType

from acm_addon.control.store import ControlStore

REQUIRE_TOKEN = "require-token"  # noqa: S105 (a name)

SETTINGS: Mapping[str, str] = MappingProxyType(
    {REQUIRE_TOKEN: "refuse calls that carry no project token and no proxy key"}
)
"""What there is, and what it does when it is on. All are off until they are set."""


def get(store: ControlStore, name: str) -> bool:
    with store.reading() as conn:
        row = conn.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return bool(row == ("on",))


def put(store: ControlStore, name: str, *, on: bool) -> None:
    with store.writing() as conn:
        conn.execute(
            "INSERT INTO settings VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, "on" if on else "off"),
        )

"""Where alerts go: URLs with tokens in them, sealed in the vault like providers' keys."""

import json
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from acm_addon import vault
from acm_addon.alerts import Kind
from acm_addon.control import vault_access
from acm_addon.control.projects import check_name
from acm_addon.control.store import ControlStore
from acm_addon.control.times import from_micros, to_micros
from acm_addon.errors import AcmError

_COLUMNS = "id, name, service, sealed, kinds, created"
_MOST = 4096
"""Characters of a URL."""


@dataclass(frozen=True, slots=True)
class Channel:
    """One place that alerts are sent to."""

    id: int
    name: str
    service: str
    """What takes them, as apprise calls it: ``slack``, ``mailto``, ``json``."""
    sealed: bytes = field(repr=False)
    kinds: frozenset[Kind] | None
    """None: all of them, also those that are still to come."""
    created: datetime

    @property
    def binding(self) -> str:
        """What its sealed URL is bound to."""
        return vault_access.channel_binding(self.id, self.name)

    def takes(self, kind: Kind) -> bool:
        return self.kinds is None or kind in self.kinds


def check_url(text: str) -> str:
    """A URL as it was typed or piped, without the white space around it. Raises AcmError.

    The text itself is never part of an error.
    """
    url = text.strip()
    if not url:
        raise AcmError("no URL was given", "paste it at the prompt, or pipe it in")
    if len(url) > _MOST or not url.isprintable() or " " in url or "://" not in url:
        raise AcmError(
            "what was given is no URL of an alert channel",
            "one on one line, such as slack://…, mailto://…, ntfy://…, json://…",
        )
    return url


def add(
    store: ControlStore,
    name: str,
    url: str,
    *,
    service: str,
    kinds: Collection[Kind] | None,
    now: datetime,
) -> Channel:
    """Store a channel under a name that is not taken. Raises AcmError."""
    check_name(name, "channel")
    url = check_url(url)
    with store.writing() as conn:
        if _find(conn, name):
            raise AcmError(
                f"there is an alert channel {name!r} already",
                f"choose another --name, or `acm alert rm {name}` first",
            )
        master = vault_access.opened_or_made(conn, store.home)
        # The row's number is part of what the sealed value is bound to.
        (number,) = conn.execute(
            "INSERT INTO alert_channels (name, service, sealed, kinds, created)"
            " VALUES (?, ?, x'', ?, ?) RETURNING id",
            (name, service, None if kinds is None else json.dumps(sorted(kinds)), to_micros(now)),
        ).fetchone()
        sealed = vault.seal(master, url, vault_access.channel_binding(number, name))
        conn.execute("UPDATE alert_channels SET sealed = ? WHERE id = ?", (sealed, number))
        return named(conn, name)


def everything(store: ControlStore) -> list[Channel]:
    """In the order in which they were added."""
    with store.reading() as conn:
        return of(conn)


def remove(store: ControlStore, name: str) -> Channel:
    """Drop a channel, its URL, and what waits for it. Needs no master key. Raises AcmError."""
    with store.writing() as conn:
        found = named(conn, name)
        conn.execute("DELETE FROM alert_channels WHERE id = ?", (found.id,))
        vault_access.forget_if_empty(conn)
        return found


def url_of(store: ControlStore, channel: Channel) -> str:
    """A channel's URL in clear. May wait for the keyring. Raises AcmError."""
    with store.reading() as conn:
        there = vault_access.door(conn)
    broken = AcmError(
        f"the vault is damaged: the URL of alert channel {channel.name!r} does not open",
        f"`acm alert rm {channel.name}`, and add it anew",
    )
    if there is None:
        raise broken
    try:
        return vault.unseal(
            vault_access.master_of(store.home, there), channel.sealed, channel.binding
        )
    except vault.Unsealable:
        raise broken from None


def damaged(store: ControlStore) -> list[str]:
    """Names of the channels whose URL the right master key does not open. Raises AcmError without
    that key."""
    found = everything(store)
    with store.reading() as conn:
        there = vault_access.door(conn) if found else None
    if there is None:
        return [channel.name for channel in found]
    master = vault_access.master_of(store.home, there)
    return [
        channel.name
        for channel in found
        if not vault.opens(master, channel.sealed, channel.binding)
    ]


def of(conn: sqlite3.Connection) -> list[Channel]:
    rows = conn.execute(f"SELECT {_COLUMNS} FROM alert_channels ORDER BY id")  # noqa: S608
    return [_channel(row) for row in rows]


def named(conn: sqlite3.Connection, name: str) -> Channel:
    """Raises AcmError."""
    found = _find(conn, name)
    if found is None:
        raise AcmError(f"there is no alert channel {name!r}", "`acm alert list` shows them")
    return found


def _find(conn: sqlite3.Connection, name: str) -> Channel | None:
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM alert_channels WHERE name = ?",  # noqa: S608
        (name,),
    ).fetchone()
    return _channel(row) if row else None


def _channel(row: Any) -> Channel:
    number, name, service, sealed, kinds, created = row
    return Channel(
        id=number,
        name=name,
        service=service,
        sealed=sealed,
        kinds=None if kinds is None else frozenset(map(Kind, json.loads(kinds))),
        created=from_micros(created),
    )

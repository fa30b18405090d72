"""Provider keys in the vault: sealed as they come, and never shown again."""

import sqlite3
from datetime import datetime

from acm_addon import vault
from acm_addon.control.key_rows import KEY_COLUMNS, key_of
from acm_addon.control.projects import check_name
from acm_addon.control.records import ProviderKey
from acm_addon.control.store import ControlStore
from acm_addon.control.times import to_micros
from acm_addon.control.vault_access import forget_if_empty, opened_or_made
from acm_addon.errors import AcmError

_MOST = 4096
"""Characters. The longest keys in use (service accounts aside) have about 200."""


def check_secret(text: str) -> str:
    """A key as it was typed or piped, without the white space around it. Raises AcmError.

    The text itself is never part of an error.
    """
    secret = text.strip()
    if not secret:
        raise AcmError("no key was given", "paste it at the prompt, or pipe it in")
    if len(secret) > _MOST or not secret.isascii() or not secret.isprintable() or " " in secret:
        raise AcmError(
            "what was given is no API key: it is too long, or has spaces or other characters "
            "that no header takes",
            "give the key alone, on one line",
        )
    if secret.startswith(("acm_key_", "acm_proj_")):
        raise AcmError(
            "what was given is a key of acm's own, not a provider's",
            "give the key that the provider issued",
        )
    return secret


def add(store: ControlStore, name: str, provider: str, secret: str, now: datetime) -> ProviderKey:
    """Store a key under a name that is not taken. Raises AcmError."""
    check_name(name, "key")
    secret = check_secret(secret)
    with store.writing() as conn:
        require_free(conn, name)
        master = opened_or_made(conn, store.home)
        # The row's number is part of what the sealed value is bound to.
        (number,) = conn.execute(
            "INSERT INTO provider_keys (name, provider, shown, sealed, created)"
            " VALUES (?, ?, ?, x'', ?) RETURNING id",
            (name, provider, vault.shown(secret), to_micros(now)),
        ).fetchone()
        return _seal(conn, master, number, secret)


def rotate(store: ControlStore, name: str, secret: str, now: datetime) -> ProviderKey:
    """Put another secret in the place of a key's; what refers to the key goes on to work.

    Raises AcmError.
    """
    secret = check_secret(secret)
    with store.writing() as conn:
        key = named(conn, name)
        if key.revoked:
            raise AcmError(f"key {name!r} is revoked", "`acm key add` stores a new one")
        master = opened_or_made(conn, store.home)
        conn.execute(
            "UPDATE provider_keys SET shown = ?, rotated = ? WHERE id = ?",
            (vault.shown(secret), to_micros(now), key.id),
        )
        return _seal(conn, master, key.id, secret)


def revoke(store: ControlStore, name: str, now: datetime) -> ProviderKey:
    """Stop using a key, and drop its secret. Its name stays, for the rows that name it.

    Needs no master key: the way out of a vault that does not open. Raises AcmError.
    """
    with store.writing() as conn:
        key = named(conn, name)
        conn.execute(
            "UPDATE provider_keys SET revoked = IFNULL(revoked, ?), sealed = x'' WHERE id = ?",
            (to_micros(now), key.id),
        )
        forget_if_empty(conn)
        return named(conn, name)


def everything(store: ControlStore) -> list[ProviderKey]:
    """By name, revoked ones too."""
    with store.reading() as conn:
        rows = conn.execute(f"SELECT {KEY_COLUMNS} FROM provider_keys ORDER BY name")  # noqa: S608
        return [key_of(row) for row in rows]


def named(conn: sqlite3.Connection, name: str) -> ProviderKey:
    """Raises AcmError."""
    row = conn.execute(
        f"SELECT {KEY_COLUMNS} FROM provider_keys WHERE name = ?",  # noqa: S608
        (name,),
    ).fetchone()
    if row is None:
        raise AcmError(f"there is no provider key {name!r}", "`acm key list` shows them")
    return key_of(row)


def require_free(conn: sqlite3.Connection, name: str) -> None:
    """Provider keys and proxy keys share their names: a command line can mean only one."""
    taken = conn.execute(
        "SELECT 1 FROM provider_keys WHERE name = ? UNION SELECT 1 FROM proxy_keys WHERE name = ?",
        (name, name),
    ).fetchone()
    if taken:
        raise AcmError(
            f"there is a key {name!r} already",
            f"`acm key rotate {name}` replaces its secret; choose another name for another key",
        )


def _seal(conn: sqlite3.Connection, master: bytes, number: int, secret: str) -> ProviderKey:
    row = conn.execute(
        f"SELECT {KEY_COLUMNS} FROM provider_keys WHERE id = ?",  # noqa: S608
        (number,),
    ).fetchone()
    sealed = vault.seal(master, secret, key_of(row).binding)
    conn.execute("UPDATE provider_keys SET sealed = ? WHERE id = ?", (sealed, number))
    return key_of((*row[:4], sealed, *row[5:]))

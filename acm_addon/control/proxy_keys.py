"""Proxy keys: what programs are given in place of a provider's key. Limited, and revocable."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime

from acm_addon import token_key, vault
from acm_addon.control import projects, provider_keys
from acm_addon.control.key_rows import PROXY_KEY_COLUMNS, names_text, proxy_key_of
from acm_addon.control.records import ProxyKey
from acm_addon.control.store import ControlStore
from acm_addon.control.times import maybe_to_micros, to_micros
from acm_addon.errors import AcmError


@dataclass(frozen=True, slots=True)
class Limits:
    """What a proxy key may be used for. None sets no limit."""

    project: str | None = None
    providers: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    provider_key: str | None = None
    """The vault's key that it stands for, by name."""
    expires: datetime | None = None


def issue(store: ControlStore, name: str, limits: Limits, now: datetime) -> tuple[str, ProxyKey]:
    """A new proxy key, in clear for this once, and what is stored of it. Raises AcmError."""
    projects.check_name(name, "key")
    secret = vault.new_proxy_key()
    digest = vault.digest(token_key.ensure(store.home), secret)
    with store.writing() as conn:
        provider_keys.require_free(conn, name)
        owner = None
        if limits.project:
            owner = projects.require_open(projects.named(conn, limits.project))
        stands_for = _provider_key(conn, limits)
        conn.execute(
            "INSERT INTO proxy_keys (name, digest, shown, project, providers, models,"
            " provider_key, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                name,
                digest,
                vault.shown(secret),
                owner.id if owner else None,
                names_text(limits.providers),
                names_text(limits.models),
                stands_for,
                to_micros(now),
                maybe_to_micros(limits.expires),
            ),
        )
        return secret, named(conn, name)


def rotate(store: ControlStore, name: str, now: datetime) -> tuple[str, ProxyKey]:
    """Another secret for a proxy key; the old one is refused from now on. Raises AcmError."""
    secret = vault.new_proxy_key()
    digest = vault.digest(token_key.ensure(store.home), secret)
    with store.writing() as conn:
        key = named(conn, name)
        if key.revoked:
            raise AcmError(f"key {name!r} is revoked", "`acm key issue` makes a new one")
        conn.execute(
            "UPDATE proxy_keys SET digest = ?, shown = ?, rotated = ? WHERE id = ?",
            (digest, vault.shown(secret), to_micros(now), key.id),
        )
        return secret, named(conn, name)


def revoke(store: ControlStore, name: str, now: datetime) -> ProxyKey:
    """Refuse a proxy key from now on. The provider's key is untouched. Raises AcmError."""
    with store.writing() as conn:
        key = named(conn, name)
        conn.execute(
            "UPDATE proxy_keys SET revoked = ? WHERE id = ? AND revoked IS NULL",
            (to_micros(now), key.id),
        )
        return named(conn, name)


def everything(store: ControlStore) -> list[ProxyKey]:
    """By name, revoked ones too."""
    with store.reading() as conn:
        rows = conn.execute(f"SELECT {PROXY_KEY_COLUMNS} FROM proxy_keys ORDER BY name")  # noqa: S608
        return [proxy_key_of(row) for row in rows]


def exists(store: ControlStore, name: str) -> bool:
    with store.reading() as conn:
        found = conn.execute("SELECT 1 FROM proxy_keys WHERE name = ?", (name,)).fetchone()
        return found is not None


def named(conn: sqlite3.Connection, name: str) -> ProxyKey:
    """Raises AcmError."""
    row = conn.execute(
        f"SELECT {PROXY_KEY_COLUMNS} FROM proxy_keys WHERE name = ?",  # noqa: S608
        (name,),
    ).fetchone()
    if row is None:
        raise AcmError(f"there is no proxy key {name!r}", "`acm key list` shows them")
    return proxy_key_of(row)


def _provider_key(conn: sqlite3.Connection, limits: Limits) -> int | None:
    if limits.provider_key is None:
        return None
    key = provider_keys.named(conn, limits.provider_key)
    if key.revoked:
        raise AcmError(f"key {key.name!r} is revoked", "`acm key list` shows the others")
    if limits.providers and key.provider not in limits.providers:
        raise AcmError(
            f"key {key.name!r} is of {key.provider}, which --provider leaves out",
            f"leave --provider out, or add --provider {key.provider}",
        )
    return key.id

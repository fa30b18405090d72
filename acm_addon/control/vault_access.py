"""The vault of the control data: made, opened, and put under another master key.

The ``vault`` row says where the master key is kept, and holds a proof: a known text sealed under
it. A wrong key is therefore told from a damaged row, before any row is touched.
"""

import sqlite3
from dataclasses import dataclass

from acm_addon import master_key, vault
from acm_addon.control.key_rows import KEY_COLUMNS, key_of
from acm_addon.control.store import ControlStore
from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.master_key import VARIABLE, KeySource

_PROVEN = "acm"
_PROOF_BINDING = "acm/vault/proof"


def channel_binding(number: int, name: str) -> str:
    """What the URL of an alert channel is bound to."""
    return f"acm/alert-channel/{number}/{name}"


@dataclass(frozen=True, slots=True)
class VaultDoor:
    """What is needed to open the vault, besides the master key."""

    source: KeySource
    proof: bytes


def door(conn: sqlite3.Connection) -> VaultDoor | None:
    """None where no vault was made yet. Raises AcmError for a damaged one."""
    row = conn.execute("SELECT source, proof FROM vault").fetchone()
    if row is None:
        return None
    try:
        return VaultDoor(KeySource(row[0]), row[1])
    except ValueError:
        raise AcmError(
            "the vault is damaged: it does not say where its master key is",
            "restore control.db from a copy",
        ) from None


def master_of(home: Home, there: VaultDoor) -> bytes:
    """The master key that opens this vault. May wait for the keyring. Raises AcmError."""
    given = master_key.from_environment()
    candidates = [given] if given else master_key.stored(home, there.source)
    for key in candidates:
        if opens(key, there):
            return key
    place = VARIABLE if given else f"the master key in the {there.source.value}"
    raise AcmError(
        f"{place} is not the one that the vault was made with",
        "restore the right one; without it, revoke the provider keys and add them anew",
    )


def opens(key: bytes, there: VaultDoor) -> bool:
    return vault.opens(key, there.proof, _PROOF_BINDING)


def opened_or_made(conn: sqlite3.Connection, home: Home) -> bytes:
    """The master key, within a transaction; the first call makes the vault. Raises AcmError."""
    there = door(conn)
    if there is not None:
        return master_of(home, there)
    given = master_key.from_environment()
    key = given or vault.new_key()
    source = KeySource.ENVIRONMENT if given else master_key.store(home, key)
    conn.execute("INSERT INTO vault VALUES (1, ?, ?)", (source.value, _proof(key)))
    return key


def rotate_master(store: ControlStore, given: bytes | None) -> KeySource:
    """Seal everything under a new master key: ``given``, or a random one. Says where it is kept.

    One transaction. The new key is stored beside the old one before it, and takes its place after
    it, so that a crash at any point leaves a key that opens the vault.
    Raises AcmError; nothing has changed then.
    """
    with store.writing() as conn:
        there = door(conn)
        if there is None:
            raise AcmError("there is no vault yet", "`acm key add` makes one")
        old = master_of(store.home, there)
        source = KeySource.ENVIRONMENT if given else there.source
        if source is KeySource.ENVIRONMENT and given is None:
            raise AcmError(
                f"the master key comes from {VARIABLE}, so the new one must be given",
                "`openssl rand -base64 32 | tee new.key | acm key rotate-master`",
            )
        new = given or vault.new_key()
        if not given:
            master_key.store_next(store.home, source, old, new)
        _seal_anew(conn, old, new)
        conn.execute("UPDATE vault SET source = ?, proof = ?", (source.value, _proof(new)))
    if not given:
        master_key.promote(store.home, source, new)
    return source


def forget_if_empty(conn: sqlite3.Connection) -> None:
    """Where nothing is sealed any more, the next secret may come under another master key."""
    conn.execute(
        "DELETE FROM vault WHERE NOT EXISTS (SELECT 1 FROM provider_keys WHERE revoked IS NULL)"
        " AND NOT EXISTS (SELECT 1 FROM alert_channels)"
    )


def damaged(store: ControlStore) -> list[str]:
    """Names of the keys that the right master key does not open. Raises AcmError without it."""
    with store.reading() as conn:
        there = door(conn)
        rows = conn.execute(
            f"SELECT {KEY_COLUMNS} FROM provider_keys WHERE revoked IS NULL"  # noqa: S608
        ).fetchall()
    if there is None:
        return [key.name for key in map(key_of, rows)]
    master = master_of(store.home, there)
    return [
        key.name for key in map(key_of, rows) if not vault.opens(master, key.sealed, key.binding)
    ]


def _seal_anew(conn: sqlite3.Connection, old: bytes, new: bytes) -> None:
    rows = conn.execute(f"SELECT {KEY_COLUMNS} FROM provider_keys WHERE revoked IS NULL").fetchall()  # noqa: S608
    for key in map(key_of, rows):
        try:
            secret = vault.unseal(old, key.sealed, key.binding)
        except vault.Unsealable:
            raise AcmError(
                f"the vault is damaged: key {key.name!r} does not open",
                f"`acm key rotate {key.name}` stores it anew, `acm key revoke {key.name}` drops it",
            ) from None
        conn.execute(
            "UPDATE provider_keys SET sealed = ? WHERE id = ?",
            (vault.seal(new, secret, key.binding), key.id),
        )
    channels = conn.execute("SELECT id, name, sealed FROM alert_channels").fetchall()
    for number, name, sealed in channels:
        binding = channel_binding(number, name)
        try:
            url = vault.unseal(old, sealed, binding)
        except vault.Unsealable:
            raise AcmError(
                f"the vault is damaged: the URL of alert channel {name!r} does not open",
                f"`acm alert rm {name}` drops it",
            ) from None
        conn.execute(
            "UPDATE alert_channels SET sealed = ? WHERE id = ?",
            (vault.seal(new, url, binding), number),
        )


def _proof(key: bytes) -> bytes:
    return vault.seal(key, _PROVEN, _PROOF_BINDING)

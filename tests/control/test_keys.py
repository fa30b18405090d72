"""The vault: provider keys sealed under a master key, and proxy keys that stand for them."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from acm_addon import master_key, vault
from acm_addon.control import projects, provider_keys, proxy_keys, vault_access
from acm_addon.control.proxy_keys import Limits
from acm_addon.control.snapshot import ControlView
from acm_addon.control.store import ControlStore
from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.master_key import KeySource
from tests.control.conftest import MemoryKeyring

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = "sk-proj-abcdefghijklmnopqrstuvwxyz"


def secrets_of(store: ControlStore) -> list[str]:
    """Every provider key in clear, as the proxy would open them."""
    view = ControlView(store)
    if view.door is None:
        return []
    master = vault_access.master_of(store.home, view.door)
    return [vault.unseal(master, key.sealed, key.binding) for key in view.snapshot.provider_keys]


def test_a_provider_key_is_sealed_and_shown_by_its_end(
    home: Home, store: ControlStore, ring: MemoryKeyring
) -> None:
    """The keyring has the master key; no file has it, or the key, in clear."""
    key = provider_keys.add(store, "openai", "openai", SECRET + "\n", NOW)
    assert "sk-proj-…wxyz" == key.shown
    assert [SECRET] == secrets_of(store)
    (master,) = ring.kept.values()
    for path in home.root.iterdir():
        content = path.read_bytes()
        assert SECRET[8:].encode() not in content, path
        assert master.encode() not in content
    assert not home.master_key.exists()
    with pytest.raises(AcmError, match="already") as raised:
        provider_keys.add(store, "openai", "openai", SECRET, NOW)
    assert SECRET not in f"{raised.value.message}{raised.value.hint}"


@pytest.mark.parametrize("text", ["", " \n", "two words", "é", "a\x00b", "x" * 5000, "acm_key_x"])
def test_what_is_no_key_is_refused_without_being_repeated(store: ControlStore, text: str) -> None:
    """Whatever was pasted may be a secret all the same."""
    with pytest.raises(AcmError) as raised:
        provider_keys.add(store, "openai", "openai", text, NOW)
    assert not text.strip() or text not in raised.value.message


def test_without_a_keyring_a_file_of_the_home_has_the_master_key(
    home: Home, store: ControlStore, no_ring: None
) -> None:
    """For the owner alone."""
    provider_keys.add(store, "openai", "openai", SECRET, NOW)
    assert 0o600 == home.master_key.stat().st_mode & 0o777
    assert [SECRET] == secrets_of(store)


def test_the_environment_goes_before_both(
    home: Home, store: ControlStore, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then nothing is stored; without it the vault says what is missing."""
    monkeypatch.setenv(master_key.VARIABLE, vault.key_to_text(bytes(range(32))))
    provider_keys.add(store, "openai", "openai", SECRET, NOW)
    assert ({}, False) == (ring.kept, home.master_key.exists())
    assert [SECRET] == secrets_of(store)
    monkeypatch.setenv(master_key.VARIABLE, vault.key_to_text(bytes(32)))
    with pytest.raises(AcmError, match="ACM_MASTER_KEY is not the one"):
        secrets_of(store)
    monkeypatch.setenv(master_key.VARIABLE, "not a key")
    with pytest.raises(AcmError, match="not a key of 32 bytes") as raised:
        secrets_of(store)
    assert "openssl" in (raised.value.hint or "")
    monkeypatch.delenv(master_key.VARIABLE)
    with pytest.raises(AcmError, match="ACM_MASTER_KEY is missing"):
        secrets_of(store)


def test_a_locked_or_forgetful_keyring_is_one_clear_line(
    store: ControlStore, ring: MemoryKeyring
) -> None:
    """Without the library's text. A locked one does not become a file, which would be less."""
    ring.locked = True
    with pytest.raises(AcmError, match="keyring is locked"):
        provider_keys.add(store, "openai", "openai", SECRET, NOW)
    ring.locked = False
    provider_keys.add(store, "openai", "openai", SECRET, NOW)
    ring.locked = True
    with pytest.raises(AcmError, match=r"does not give .* \(KeyringLocked\)") as raised:
        secrets_of(store)
    assert "unlock it" in (raised.value.hint or "")
    ring.locked = False
    ring.kept.clear()
    with pytest.raises(AcmError, match="is not in the keyring"):
        secrets_of(store)


def test_another_rows_sealed_value_does_not_open(
    home: Home, store: ControlStore, no_ring: None
) -> None:
    """Somebody who can write the file cannot hand one project's key to another name."""
    provider_keys.add(store, "one", "openai", SECRET, NOW)
    provider_keys.add(store, "two", "openai", SECRET + "2", NOW)
    assert [] == vault_access.damaged(store)
    with closing(sqlite3.connect(home.control)) as conn, conn:
        conn.execute(
            "UPDATE provider_keys SET sealed ="
            " (SELECT sealed FROM provider_keys WHERE name = 'two') WHERE name = 'one'"
        )
    assert ["one"] == vault_access.damaged(store)
    with pytest.raises(AcmError, match="'one' does not open") as raised:
        vault_access.rotate_master(store, None)
    assert "acm key rotate one" in (raised.value.hint or "")
    provider_keys.rotate(store, "one", SECRET, NOW)
    assert [] == vault_access.damaged(store)


def test_the_master_key_is_rotated(home: Home, store: ControlStore, ring: MemoryKeyring) -> None:
    """Every key opens under the new one, and the old one opens nothing."""
    for name in ("one", "two"):
        provider_keys.add(store, name, "openai", SECRET + name, NOW)
    (old,) = ring.kept.values()
    assert KeySource.KEYRING is vault_access.rotate_master(store, None)
    (new,) = ring.kept.values()
    assert old != new
    assert [SECRET + "two", SECRET + "one"] == secrets_of(store)
    door = ControlView(store).door
    assert door is not None
    assert not vault_access.opens(vault.key_from_text(old) or b"", door)


@pytest.mark.parametrize("committed", [False, True])
def test_a_rotation_that_is_cut_short_leaves_a_vault_that_opens(
    home: Home,
    store: ControlStore,
    no_ring: None,
    monkeypatch: pytest.MonkeyPatch,
    committed: bool,
) -> None:
    """Before the database has changed, and after it: the right key is there in both cases."""
    provider_keys.add(store, "one", "openai", SECRET, NOW)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        if committed:
            dying.setattr(master_key, "promote", die)
        else:
            dying.setattr(vault_access, "_seal_anew", die)
        with pytest.raises(KeyboardInterrupt):
            vault_access.rotate_master(store, None)
    assert home.master_key.with_name("master.key.next").exists()
    assert [SECRET] == secrets_of(store)
    with monkeypatch.context() as dying:
        dying.setattr(vault_access, "_seal_anew", die)
        with pytest.raises(KeyboardInterrupt):
            vault_access.rotate_master(store, None)
    assert [SECRET] == secrets_of(store)
    vault_access.rotate_master(store, None)
    assert [SECRET] == secrets_of(store)
    assert not home.master_key.with_name("master.key.next").exists()


def test_a_given_master_key_replaces_that_of_the_environment(
    store: ControlStore, ring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be made up: nobody would know it."""
    monkeypatch.setenv(master_key.VARIABLE, vault.key_to_text(bytes(range(32))))
    provider_keys.add(store, "one", "openai", SECRET, NOW)
    with pytest.raises(AcmError, match="the new one must be given"):
        vault_access.rotate_master(store, None)
    assert KeySource.ENVIRONMENT is vault_access.rotate_master(store, bytes(32))
    monkeypatch.setenv(master_key.VARIABLE, vault.key_to_text(bytes(32)))
    assert [SECRET] == secrets_of(store)


def test_revoking_drops_the_secret_and_needs_no_master_key(
    home: Home, store: ControlStore, no_ring: None
) -> None:
    """The way out of a lost master key: revoke, and add anew."""
    provider_keys.add(store, "one", "openai", SECRET, NOW)
    home.master_key.write_text("lost")
    with pytest.raises(AcmError, match="is not in"):
        secrets_of(store)
    assert b"" == provider_keys.revoke(store, "one", NOW).sealed
    with pytest.raises(AcmError, match="revoked"):
        provider_keys.rotate(store, "one", SECRET, NOW)
    provider_keys.add(store, "two", "openai", SECRET, NOW)
    assert [SECRET] == secrets_of(store)


def test_proxy_keys_are_issued_rotated_and_revoked(store: ControlStore, no_ring: None) -> None:
    """Under one name, that no provider key has; the secret is there once."""
    projects.create(store, "a", None, NOW)
    provider_keys.add(store, "main", "openai", SECRET, NOW)
    limits = Limits("a", ("openai",), ("gpt-*",), "main", NOW + timedelta(days=1))
    secret, key = proxy_keys.issue(store, "bot", limits, NOW)
    assert ("a", ("openai",), ("gpt-*",)) == (key.project_name, key.providers, key.models)
    assert limits.expires == key.expires
    for name in ("bot", "main"):
        with pytest.raises(AcmError, match="already"):
            proxy_keys.issue(store, name, Limits(), NOW)
    with pytest.raises(AcmError, match="leaves out"):
        proxy_keys.issue(store, "x", Limits(None, ("anthropic",), None, "main"), NOW)
    other, rotated = proxy_keys.rotate(store, "bot", NOW)
    assert secret != other
    assert (key.id, NOW) == (rotated.id, rotated.rotated)
    assert NOW == proxy_keys.revoke(store, "bot", NOW).revoked
    with pytest.raises(AcmError, match="revoked"):
        proxy_keys.rotate(store, "bot", NOW)
    assert [True, False] == [proxy_keys.exists(store, name) for name in ("bot", "main")]

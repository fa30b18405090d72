"""The master key in a running proxy: whatever the keyring does, traffic waits a bounded time."""

import threading
from datetime import UTC, datetime

import keyring
import pytest

from acm_addon import master_keeper, vault
from acm_addon.control import provider_keys, vault_access
from acm_addon.control.snapshot import ControlView
from acm_addon.control.store import ControlStore
from acm_addon.control.vault_access import VaultDoor
from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.master_keeper import MasterKeeper
from tests.control.conftest import MemoryKeyring

SECRET = "sk-proj-abcdefghijklmnopqrstuvwxyz"


class SlowKeyring(MemoryKeyring):
    """Answers when it is told to, as one that asks its user; counts how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = threading.Event()
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        assert self.may_answer.wait(20)
        return super().get_password(service, username)


@pytest.fixture
def slow(ring: MemoryKeyring) -> SlowKeyring:
    made = SlowKeyring()
    made.may_answer.set()
    keyring.set_keyring(made)
    return made


@pytest.fixture
def door(store: ControlStore, slow: SlowKeyring) -> VaultDoor:
    provider_keys.add(store, "openai", "openai", SECRET, datetime.now(UTC))
    return present_door(store)


def present_door(store: ControlStore) -> VaultDoor:
    found = ControlView(store).door
    assert found is not None
    return found


def opens(key: bytes, store: ControlStore) -> bool:
    (sealed,) = ControlView(store).snapshot.provider_keys
    return SECRET == vault.unseal(key, sealed.sealed, sealed.binding)


def test_the_key_is_fetched_once(
    home: Home, store: ControlStore, slow: SlowKeyring, door: VaultDoor
) -> None:
    """And kept, until the vault is under another one."""
    keeper = MasterKeeper(home)
    slow.asked = 0
    assert opens(keeper.key(door), store)
    asked = slow.asked
    assert keeper.key(door) == keeper.key(door)
    assert asked == slow.asked
    vault_access.rotate_master(store, None)
    assert opens(keeper.key(present_door(store)), store)


def test_a_keyring_that_does_not_answer_is_not_waited_for(
    home: Home,
    store: ControlStore,
    slow: SlowKeyring,
    door: VaultDoor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only the first call waits at all; once the answer is there, it counts."""
    monkeypatch.setattr(master_keeper, "WAIT_SECONDS", 0.05)
    slow.may_answer.clear()
    keeper = MasterKeeper(home)
    before = slow.asked
    for _ in range(3):
        with pytest.raises(AcmError, match="has not given"):
            keeper.key(door)
    assert before + 1 >= slow.asked
    slow.may_answer.set()
    assert keeper._fetching is not None
    assert opens(keeper._fetching.result(20), store)
    assert opens(keeper.key(door), store)


def test_a_locked_keyring_is_asked_again_later(
    home: Home,
    store: ControlStore,
    slow: SlowKeyring,
    door: VaultDoor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not at every call; an unlocked one is noticed without a restart."""
    slow.locked = True
    slow.asked = 0
    keeper = MasterKeeper(home)
    for _ in range(3):
        with pytest.raises(AcmError, match="does not give"):
            keeper.key(door)
    assert 1 == slow.asked
    slow.locked = False
    with pytest.raises(AcmError, match="does not give"):
        keeper.key(door)
    monkeypatch.setattr(master_keeper, "RETRY_SECONDS", 0.0)
    assert opens(keeper.key(door), store)

"""A home of its own, and a keyring of its own, for each test of the control data."""

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked

from acm_addon import master_key
from acm_addon.control.store import ControlStore
from acm_addon.home import Home


class MemoryKeyring(KeyringBackend):
    """A keyring that keeps its passwords in this process, and can be locked."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._require_unlocked()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._require_unlocked()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._require_unlocked()
        del self.kept[service, username]

    def _require_unlocked(self) -> None:
        if self.locked:
            raise KeyringLocked("the secret text of a library")


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    """A keyring in place of the user's."""
    monkeypatch.delenv(master_key.VARIABLE, raising=False)
    before = keyring.get_keyring()
    made = MemoryKeyring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.fixture
def no_ring(ring: MemoryKeyring) -> None:
    """A machine without a keyring."""
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "acm")


@pytest.fixture
def store(home: Home) -> Iterator[ControlStore]:
    with ControlStore(home) as opened:
        yield opened

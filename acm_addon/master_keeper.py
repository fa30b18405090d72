"""The vault's master key in a running proxy: fetched once, away from the event loop, and kept.

A keyring may ask its user before it answers. A call that needs the key waits for it a bounded time
(and all traffic with it, at most once in ``RETRY_SECONDS``); a call that does not never waits.
"""

import threading
import time
from concurrent.futures import Future

from acm_addon.control.vault_access import VaultDoor, master_of, opens
from acm_addon.errors import AcmError
from acm_addon.home import Home

WAIT_SECONDS = 1.0
RETRY_SECONDS = 10.0
"""After a failure. A keyring that was unlocked is noticed then, without a restart."""


class MasterKeeper:
    """Belongs to the event loop's thread."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._door: VaultDoor | None = None
        self._fetching: Future[bytes] | None = None
        self._began = 0.0

    def prepare(self, door: VaultDoor) -> None:
        """Begin to fetch the key of this vault, where it is not here already."""
        if self._fetching is None or not self._still_good(self._fetching, door):
            self._fetching = _in_thread(self._home, door)
            self._began = time.monotonic()
        self._door = door

    def key(self, door: VaultDoor) -> bytes:
        """Raises AcmError where it is not to be had."""
        self.prepare(door)
        assert self._fetching is not None
        late = time.monotonic() - self._began > WAIT_SECONDS
        try:
            return self._fetching.result(0 if late else WAIT_SECONDS)
        except TimeoutError:
            raise AcmError("the keyring has not given the vault's master key yet", None) from None

    def _still_good(self, fetching: "Future[bytes]", door: VaultDoor) -> bool:
        if not fetching.done():
            return door == self._door
        if fetching.exception() is None:
            return door == self._door or opens(fetching.result(), door)
        return door == self._door and time.monotonic() - self._began < RETRY_SECONDS


def _in_thread(home: Home, door: VaultDoor) -> "Future[bytes]":
    fetched: Future[bytes] = Future()

    def fetch() -> None:
        try:
            fetched.set_result(master_of(home, door))
        except AcmError as error:
            fetched.set_exception(error)
        except Exception as error:
            # A keyring backend may raise anything; its text may quote what it holds.
            fetched.set_exception(AcmError(f"the keyring failed ({type(error).__name__})"))

    # A daemon: a keyring that never answers must not keep the proxy from ending.
    threading.Thread(target=fetch, name="master-key", daemon=True).start()
    return fetched

"""Which proxy of a home is alive: a lock that the kernel frees, and a file that says whose it is.

The proxy holds an exclusive ``flock`` on ``run/proxy.lock`` for its life. The kernel frees it
however the process ends, so the lock alone says whether a proxy runs; ``run/proxy.json`` says which
one, and counts only while the lock is held. A pid is never trusted by itself: by now it may be
another process's.

Used by the proxy and by the command line, so standard library only. POSIX (``fcntl``).
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.whole_file import replace_file

LOOK_SECONDS = 0.02
"""Between two looks at a lock, where the kernel offers no event for it."""


class StartError(AcmError):
    """The proxy could not be started."""


@dataclass(frozen=True, slots=True)
class ProxyState:
    """What a running proxy says about itself."""

    pid: int
    host: str
    port: int
    started: str
    """UTC, ISO 8601."""
    version: str
    test_upstream: str | None
    """``HOST:PORT`` that plays every provider host, in tests and the demo."""
    test_upstream_ca: str | None = None
    """The PEM file of its root, so that a restart can keep the switch."""


def read_state(home: Home) -> ProxyState | None:
    """What the state file says, be its proxy alive or not. None where it is absent or malformed."""
    try:
        fields = json.loads(_state_file(home).read_text())
        return state_of(fields)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def running(home: Home) -> ProxyState | None:
    """The proxy of this home, or None when there is none, or none that is ready yet."""
    return read_state(home) if is_locked(home) else None


def is_locked(home: Home) -> bool:
    """Whether a proxy of this home lives.

    Raises AcmError where the home cannot be read.
    """
    try:
        fd = os.open(_lock_file(home), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise AcmError(*_unusable(home, error)) from None
    try:
        return not _try_lock(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)


@contextlib.contextmanager
def hold_lock(home: Home) -> Iterator[None]:
    """Be the proxy of this home, until the block ends. The state of the last one is gone by then.

    Raises AcmError when another proxy of this home lives, StartError when the home cannot be used.
    """
    prepare(home)
    try:
        fd = os.open(_lock_file(home), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(*_unusable(home, error)) from None
    try:
        # While the shared lock is held no proxy holds the exclusive one, so any state is a dead
        # proxy's. It goes first: nobody may find it beside our lock and take it for ours.
        if _try_lock(fd, fcntl.LOCK_SH):
            remove_state(home)
        if not _lock_in_time(fd):
            raise AcmError(
                f"another proxy of {home.root} is running",
                "`acm status` shows it; `acm stop` ends it",
            )
        try:
            yield
        finally:
            remove_state(home)
    finally:
        os.close(fd)


def write_state(home: Home, state: ProxyState) -> None:
    """Say that this proxy is ready. Each file is replaced as a whole, readable by the owner alone.

    Raises StartError.
    """
    try:
        replace_file(_pid_file(home), f"{state.pid}\n".encode())
        replace_file(_state_file(home), f"{json.dumps(asdict(state))}\n".encode())
    except OSError as error:
        raise StartError(*_unusable(home, error)) from None


def remove_state(home: Home) -> None:
    for path in (_state_file(home), _pid_file(home)):
        with contextlib.suppress(OSError):
            path.unlink()


def prepare(home: Home) -> None:
    """Create the home's folders. Raises StartError where that cannot be."""
    try:
        home.ensure()
    except OSError as error:
        raise StartError(*_unusable(home, error)) from None


@contextlib.contextmanager
def start_lock(home: Home) -> Iterator[None]:
    """One start at a time. The wait is bounded by the timeouts of those who hold it."""
    try:
        fd = os.open(home.run / "start.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(*_unusable(home, error)) from None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _try_lock(fd: int, kind: int) -> bool:
    try:
        fcntl.flock(fd, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_in_time(fd: int, seconds: float = 0.5) -> bool:
    """The exclusive lock. A look of ``is_locked`` may hold the shared one for an instant."""
    deadline = time.monotonic() + seconds
    while not _try_lock(fd, fcntl.LOCK_EX):
        if time.monotonic() >= deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def state_of(fields: dict[str, Any]) -> ProxyState:
    """Raises TypeError, ValueError or KeyError for what is no state."""

    def optional(name: str) -> str | None:
        value = fields.get(name)
        return None if value is None else str(value)

    return ProxyState(
        pid=int(fields["pid"]),
        host=str(fields["host"]),
        port=int(fields["port"]),
        started=str(fields["started"]),
        version=str(fields["version"]),
        test_upstream=optional("test_upstream"),
        test_upstream_ca=optional("test_upstream_ca"),
    )


def _unusable(home: Home, error: OSError) -> tuple[str, str]:
    """Message and hint."""
    return (
        f"acm's home {home.root} cannot be used: {os.strerror(error.errno or 0)}",
        "set ACM_HOME to a folder that you can write to",
    )


def _state_file(home: Home) -> Path:
    return home.run / "proxy.json"


def _pid_file(home: Home) -> Path:
    return home.run / "proxy.pid"


def _lock_file(home: Home) -> Path:
    return home.run / "proxy.lock"

"""The key under which tokens and proxy keys are hashed: 32 bytes in a file of the home.

It is apart from the vault's master key: a locked keyring keeps no token from being checked. A copy
of the database without this file confirms no guess.

Where it is lost, no token and no proxy key can be told any more. Another one is not made unseen: it
would look as if all of them were wrong.
"""

import os

from acm_addon import vault
from acm_addon.control.store import ControlStore
from acm_addon.errors import AcmError
from acm_addon.home import Home

_WITHOUT_IT = (
    "restore it from a copy; without one, revoke every token and proxy key, and issue new ones"
)


def ensure(home: Home) -> bytes:
    """The key; made where there is none yet. Raises AcmError, also where it is lost."""
    try:
        return load(home) or _create(home)
    except OSError as error:
        raise _unusable(home, os.strerror(error.errno or 0)) from None


def load(home: Home) -> bytes | None:
    """The key, or None where none was made. Raises OSError, and AcmError for a damaged one."""
    try:
        key = home.token_key.read_bytes()
    except FileNotFoundError:
        return None
    if len(key) != vault.KEY_BYTES:
        raise _unusable(home, f"it has {len(key)} bytes, not {vault.KEY_BYTES}")
    return key


def fault(home: Home) -> AcmError | None:
    """Why no token or proxy key can be told; None where they can, or where there is none."""
    try:
        # The key is made before what is hashed under it: looked at in this order it is not missed.
        return lost(home) if _in_use(home) and load(home) is None else None
    except OSError as error:
        return _unusable(home, os.strerror(error.errno or 0))
    except AcmError as error:
        return error


def lost(home: Home) -> AcmError:
    return AcmError(
        f"{home.token_key} is gone, under which tokens and proxy keys are hashed", _WITHOUT_IT
    )


def _in_use(home: Home) -> bool:
    """Whether there is a token or a proxy key that was not revoked. Raises AcmError."""
    if not home.control.exists():
        return False
    with ControlStore(home) as store, store.reading() as conn:
        (found,) = conn.execute(
            "SELECT EXISTS (SELECT 1 FROM project_tokens WHERE revoked IS NULL)"
            " OR EXISTS (SELECT 1 FROM proxy_keys WHERE revoked IS NULL)"
        ).fetchone()
    return bool(found)


def _create(home: Home) -> bytes:
    """Whole or not at all, and never over another's: two commands may be the first at once."""
    if why := fault(home):
        raise why
    home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_once(home.token_key, vault.new_key())
    return home.token_key.read_bytes()


def write_once(path: os.PathLike[str], data: bytes) -> None:
    """Create a file with this content, readable by the owner alone; one that is there stays.

    It is never seen in part. Raises OSError.
    """
    draft = f"{os.fspath(path)}.{os.getpid()}"
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        os.unlink(draft)  # noqa: PTH108


def _unusable(home: Home, why: str) -> AcmError:
    return AcmError(
        f"cannot use {home.token_key}, under which tokens are hashed: {why}",
        f"{_WITHOUT_IT} once it is moved away",
    )

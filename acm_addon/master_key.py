"""Where the vault's master key is kept: ``ACM_MASTER_KEY``, the OS keyring, or a file of the home.

The place is chosen when the vault is made and stored with it, so that a keyring that appears later
(or is absent today) cannot be mistaken for an empty vault. ``ACM_MASTER_KEY`` goes before both.
A new key is kept beside the old one until everything is sealed under it: see ``stored``.
"""

import contextlib
import hashlib
import os
from enum import StrEnum
from pathlib import Path

from acm_addon import vault
from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.token_key import write_once

VARIABLE = "ACM_MASTER_KEY"
_SERVICE = "api-cost-monitor"
_NEXT = ".next"


class KeySource(StrEnum):
    ENVIRONMENT = "environment"
    KEYRING = "keyring"
    FILE = "file"


def from_environment() -> bytes | None:
    """The key of ``ACM_MASTER_KEY``, or None where it is not set. Raises AcmError."""
    text = os.environ.get(VARIABLE)
    return parse(text, VARIABLE) if text else None


def parse(text: str, what: str) -> bytes:
    """Raises AcmError for what is no key. It does not repeat it."""
    key = vault.key_from_text(text)
    if key is None:
        raise AcmError(f"{what} is not a key of 32 bytes", "`openssl rand -base64 32` makes one")
    return key


def store(home: Home, key: bytes) -> KeySource:
    """Keep a first key: in the keyring, in a file of the home where there is none.

    Raises AcmError, also for a keyring that is there and locked: a file would be less than what
    the user has.
    """
    if _to_keyring(_account(home), key):
        return KeySource.KEYRING
    _to_file(home, key, "")
    return KeySource.FILE


def stored(home: Home, source: KeySource) -> list[bytes]:
    """The key that is kept, and the one that was to follow it where a rotation was cut short.

    Raises AcmError where the place cannot be read, or holds no key.
    """
    if source is KeySource.ENVIRONMENT:
        raise AcmError(
            f"the vault's master key is not set: {VARIABLE} is missing",
            f"set {VARIABLE} to the key that the vault was made with, and restart the proxy",
        )
    texts = [_read(home, source, suffix) for suffix in ("", _NEXT)]
    keys = [key for text in texts if text and (key := vault.key_from_text(text))]
    if not keys:
        place = "the keyring" if source is KeySource.KEYRING else f"{home.master_key}"
        raise AcmError(
            f"the vault's master key is not in {place}",
            f"restore it, or set {VARIABLE}; without it, revoke the keys and add them anew",
        )
    return keys


def store_next(home: Home, source: KeySource, present: bytes, key: bytes) -> None:
    """Keep a key beside the present one. Raises AcmError.

    Where a rotation was cut short, the present one is still the next one of that time: it takes its
    place first, so that it is not overwritten.
    """
    if vault.key_from_text(_read(home, source, "") or "") != present:
        promote(home, source, present)
    if source is KeySource.FILE:
        _to_file(home, key, _NEXT)
    elif not _to_keyring(_account(home) + _NEXT, key):
        raise AcmError("the keyring did not keep the new master key", "unlock it, and try again")


def promote(home: Home, source: KeySource, key: bytes) -> None:
    """Put the next key in the present one's place. Raises AcmError."""
    if source is KeySource.FILE:
        _path(home, _NEXT).replace(home.master_key)
    elif _to_keyring(_account(home), key):
        _forget(_account(home) + _NEXT)


def _read(home: Home, source: KeySource, suffix: str) -> str | None:
    if source is KeySource.FILE:
        return _from_file(home, suffix)
    return _from_keyring(_account(home) + suffix)


def _account(home: Home) -> str:
    """One key a home; the folder's name itself stays out of the keyring."""
    return "master-" + hashlib.sha256(os.fsencode(home.root.absolute())).hexdigest()[:16]


def _path(home: Home, suffix: str) -> Path:
    return home.master_key.with_name(home.master_key.name + suffix)


def _to_file(home: Home, key: bytes, suffix: str) -> None:
    path = _path(home, suffix)
    try:
        home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # Of a vault that is no more, or a rotation cut short.
        write_once(path, vault.key_to_text(key).encode() + b"\n")
    except OSError as error:
        raise AcmError(
            f"cannot write {path}: {os.strerror(error.errno or 0)}", "is the folder yours to write?"
        ) from None


def _from_file(home: Home, suffix: str) -> str | None:
    path = _path(home, suffix)
    try:
        return path.read_text("ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise AcmError(
            f"cannot read the vault's master key {path} ({type(error).__name__})",
            "is it yours to read?",
        ) from None


def _to_keyring(account: str, key: bytes) -> bool:
    """Whether the keyring has it now. One that takes it and does not give it back has not.

    Raises AcmError where there is one and it is locked.
    """
    import keyring
    from keyring.errors import KeyringError, KeyringLocked

    text = vault.key_to_text(key)
    try:
        keyring.set_password(_SERVICE, account, text)
        return keyring.get_password(_SERVICE, account) == text
    except KeyringLocked:
        raise AcmError(
            "the keyring is locked, and the vault's master key goes there",
            f"unlock it and try again, or set {VARIABLE}",
        ) from None
    except (KeyringError, RuntimeError, OSError):
        return False


def _from_keyring(account: str) -> str | None:
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(_SERVICE, account)
    except (KeyringError, RuntimeError, OSError) as error:
        raise AcmError(
            f"the keyring does not give the vault's master key ({type(error).__name__})",
            f"unlock it and try again, or set {VARIABLE}",
        ) from None


def _forget(account: str) -> None:
    import keyring
    from keyring.errors import KeyringError

    with contextlib.suppress(KeyringError, RuntimeError, OSError):
        keyring.delete_password(_SERVICE, account)

"""A lock on a file, which the kernel frees however the process that holds it ends. POSIX."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def only_one(path: Path) -> Iterator[bool]:
    """Whether no other process is in such a block, for as long as the block lasts.

    Raises OSError where the file cannot be opened or made.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        alone = True
    except BlockingIOError:
        alone = False
    try:
        yield alone
    finally:
        os.close(lock)


@contextmanager
def in_turn(path: Path) -> Iterator[None]:
    """Wait until no other process is in such a block. Raises OSError, as ``only_one`` does."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)

"""The end of a log file, and what is added to it, through rotation and truncation."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

LOOK_SECONDS = 0.2

_BLOCK = 64 * 1024


def last_lines(path: Path, count: int) -> str:
    """The last ``count`` lines, each with its newline. Raises OSError."""
    with path.open("rb") as file:
        return _tail(file, count)


def follow(path: Path, count: int) -> Iterator[str]:
    """The last ``count`` lines, then what is added. Never ends by itself.

    A file that takes the path's place is shown from its start, after the rest of the old one; one
    that became shorter is shown from its new start.
    """
    file = path.open("rb")
    try:
        yield _tail(file, count)
        while True:
            if text := file.read():
                yield text.decode(errors="replace")
                continue
            if _replaced(file, path):
                # Read once more: the old file may have grown before it was replaced.
                yield file.read().decode(errors="replace")
                file.close()
                file = path.open("rb")
            elif os.fstat(file.fileno()).st_size < file.tell():
                file.seek(0)
            else:
                time.sleep(LOOK_SECONDS)
    finally:
        file.close()


def _replaced(file: BinaryIO, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False  # Between the two steps of a rotation.
    return not os.path.samestat(there, os.fstat(file.fileno()))


def _tail(file: BinaryIO, count: int) -> str:
    """The last lines of a file, which is then at its end."""
    position = file.seek(0, os.SEEK_END)
    end, text = position, b""
    while position and text.count(b"\n") <= count:
        start = max(0, position - _BLOCK)
        file.seek(start)
        text = file.read(position - start) + text
        position = start
    file.seek(end)
    lines = text.splitlines(keepends=True)
    return b"".join(lines[-count:] if count else []).decode(errors="replace")

"""Reading one journal file as it grows, and knowing when its process is gone."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from acm_addon.entry_json import entry_from_json
from acm_addon.frames import scan
from acm_addon.journal import SUFFIX, Begin, Progress, Sent
from acm_addon.ledger.base import Position
from acm_addon.orphans import Orphan
from acm_addon.settlement import Link, Record, Settlement

CHUNK = 256 * 1024
"""Bytes read at once; a frame larger than this is read whole all the same."""


class Spool:
    """One journal file, its unfinished calls, and the place up to which it was read.

    Holds a descriptor until ``close``. Not for use by two threads.
    """

    def __init__(self, path: Path, position: Position | None) -> None:
        """``position`` is the stored one. Raises OSError, such as for a file that has gone."""
        self.name = path.name
        self.corrupt = 0
        """Stretches of bytes, and records, that could not be read. A call whose end is among them
        stays open, and becomes an orphan."""
        self._path = path
        self._fd = os.open(path, os.O_RDONLY)
        # After a power loss the file can be shorter than what was read of it.
        self._read_to = min(position.resume, self.size) if position else 0
        self._open: dict[str, tuple[int, Orphan]] = {}
        """Calls without an end by id, with the offset of their begin; the earliest is first."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Also gives the lock back, if ``abandoned`` took it."""
        os.close(self._fd)

    @property
    def size(self) -> int:
        return os.fstat(self._fd).st_size

    @property
    def position(self) -> Position:
        first = next((offset for offset, _ in self._open.values()), self._read_to)
        return Position(resume=first, drained=self._read_to)

    def abandoned(self) -> bool:
        """Whether the process that wrote this file is gone; then it keeps the lock.

        The lock is a shared one, so that two that ask do not see each other. A process that has
        created its file and not locked it yet looks gone as well; it notices when its file is
        removed, and takes another.
        """
        try:
            fcntl.flock(self._fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def read(self, *, final: bool) -> Iterator[Record]:
        """The calls that ended, settlements, and links, up to the end of the file as it is.

        ``position`` moves along as they are taken. ``final`` as in ``frames.scan``.
        """
        chunk = CHUNK
        while data := os.pread(self._fd, chunk, self._read_to):
            last = len(data) < chunk
            found = scan(data, final=final and last)
            start = self._read_to
            for frame in found.frames:
                self._read_to = start + frame.end
                if record := self._take(start + frame.offset, frame.payload):
                    yield record
            self._read_to = start + found.consumed
            self.corrupt += found.corrupt
            if last:
                return
            if not found.consumed:
                chunk *= 2

    def orphans(self) -> list[Orphan]:
        """The calls without an end. They are final once the file is abandoned and read."""
        return [orphan for _, orphan in self._open.values()]

    def give_up(self, call_id: str) -> None:
        """The call will not be heard of again."""
        self._open.pop(call_id, None)

    def remove(self) -> None:
        """Delete the file. Only for an abandoned one whose position is its end."""
        self._path.unlink(missing_ok=True)

    def _take(self, offset: int, payload: bytes) -> Record | None:
        try:
            return self._apply(offset, json.loads(payload.decode()))
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
            self.corrupt += 1
            return None

    def _apply(self, offset: int, record: dict[str, Any]) -> Record | None:
        match record["record"]:
            case "end":
                entry = entry_from_json(record)
                self._open.pop(entry.id, None)
                return entry
            case "begin":
                begin = Begin.from_json(record)
                self._open[begin.id] = (offset, Orphan(begin))
            case "sent":
                sent = Sent.from_json(record)
                self._update(record["id"], lambda call: replace(call, sent=sent))
            case "progress":
                progress = Progress.from_json(record)
                self._update(record["id"], lambda call: replace(call, progress=progress))
            case "settle":
                return Settlement(entry_from_json(record))
            case "link":
                return Link.from_json(record)
            case unknown:
                raise ValueError(unknown)
        return None

    def _update(self, call_id: str, change: Callable[[Orphan], Orphan]) -> None:
        """News of a call, which is nothing to us where its begin was lost."""
        if call_id in self._open:
            offset, orphan = self._open[call_id]
            self._open[call_id] = (offset, change(orphan))


def spool_paths(folder: Path) -> list[Path]:
    """The journal files of a folder, the oldest first; none where there is no folder."""
    return sorted(folder.glob(f"*{SUFFIX}"))

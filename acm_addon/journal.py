"""The journal: an append-only spool that survives the death of the process that writes it.

One file per worker process, exclusively locked (``flock``) while the process lives; the kernel
frees the lock however the process ends, so a free lock is proof that nothing more will be written.
Each record is one framed JSON object, written with one ``write`` to an ``O_APPEND`` descriptor.
There is no fsync: kill -9 loses nothing, because what was written belongs to the kernel; a power
loss may lose the last seconds.

Disk full: the failed write raises its OSError to the caller, and the bytes of it that did arrive
are truncated away. Should even that fail, the reader skips them (see ``acm_addon.frames``).
"""

import errno
import fcntl
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from acm_addon.entry_json import entry_to_json, quantities_from_json, quantities_to_json
from acm_addon.frames import frame
from acm_addon.model import Attribution, Entrance, Entry, Quantities, new_id
from acm_addon.settlement import Link

SUFFIX = ".journal"
ROTATE_BYTES = 64 * 1024 * 1024

_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Begin:
    """Written before anything leaves for the provider."""

    id: str
    time: datetime
    """UTC."""
    entrance: Entrance
    provider: str
    price_provider: str
    """The provider's id in the price table."""
    endpoint: str
    upstream: str
    """Host only."""
    attribution: Attribution = field(default_factory=Attribution)

    def to_json(self) -> dict[str, object]:
        return {
            "record": "begin",
            "id": self.id,
            "time": self.time.isoformat(),
            "entrance": self.entrance.value,
            "provider": self.provider,
            "price_provider": self.price_provider,
            "endpoint": self.endpoint,
            "upstream": self.upstream,
            "project": self.attribution.project,
            "key": self.attribution.key,
            "tags": dict(self.attribution.tags),
        }

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> "Begin":
        """Raises KeyError, TypeError or ValueError where ``record`` is not a begin."""
        return Begin(
            id=record["id"],
            time=datetime.fromisoformat(record["time"]),
            entrance=Entrance(record["entrance"]),
            provider=record["provider"],
            price_provider=record["price_provider"],
            endpoint=record["endpoint"],
            upstream=record["upstream"],
            attribution=Attribution(record["project"], record["key"], record["tags"]),
        )


@dataclass(frozen=True, slots=True)
class Sent:
    """Written when the request is known."""

    model: str | None = None
    stream: bool = False
    input_tokens_estimate: int | None = None
    max_output_tokens: int | None = None
    """The most that the whole call can generate, where the request sets a ceiling."""
    price_context: Mapping[str, str] = field(default_factory=dict)

    def to_json(self, call_id: str) -> dict[str, object]:
        return {
            "record": "sent",
            "id": call_id,
            "model": self.model,
            "stream": self.stream,
            "input_tokens_estimate": self.input_tokens_estimate,
            "max_output_tokens": self.max_output_tokens,
            "price_context": dict(self.price_context),
        }

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> "Sent":
        """Raises KeyError where ``record`` is not a sent."""
        return Sent(
            model=record["model"],
            stream=record["stream"],
            input_tokens_estimate=record["input_tokens_estimate"],
            max_output_tokens=record["max_output_tokens"],
            price_context=record["price_context"],
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """Written now and then on a long stream: counts since its start, no content."""

    output_tokens: int
    """Roughly."""
    received_bytes: int
    usage: Quantities = field(default_factory=dict)
    """What the provider has reported so far (websockets)."""
    model: str | None = None
    """Whose usage that is."""

    def to_json(self, call_id: str) -> dict[str, object]:
        return {
            "record": "progress",
            "id": call_id,
            "output_tokens": self.output_tokens,
            "received_bytes": self.received_bytes,
            "usage": quantities_to_json(self.usage),
            "model": self.model,
        }

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> "Progress":
        """Raises KeyError, TypeError or ValueError where ``record`` is not a progress."""
        # Journals of earlier versions lack the usage and its model.
        usage = quantities_from_json(record.get("usage") or {})
        return Progress(
            record["output_tokens"], record["received_bytes"], usage, record.get("model")
        )


class _File:
    """One locked journal file and the calls that began in it."""

    def __init__(self, folder: Path) -> None:
        self.path, self._fd = _create_locked(folder)
        self.size = 0
        self.open_calls = 0

    @property
    def closed(self) -> bool:
        return self._fd < 0

    def append(self, record: dict[str, object]) -> None:
        """Raises OSError; the file then ends as it did before."""
        if self.closed:
            # Not a ValueError as of Python's files: the caller has one way to handle "not written".
            raise OSError(errno.EBADF, "the journal is closed")
        rest = memoryview(frame(_encode(record).encode()))
        length = len(rest)
        try:
            # One write in practice. A short one means a full disk; the next write says which error.
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            if len(rest) < length:
                os.ftruncate(self._fd, self.size)
            raise
        self.size += length

    def close(self) -> None:
        """Release the lock."""
        if not self.closed:
            os.close(self._fd)
            self._fd = -1


def _create_locked(folder: Path) -> tuple[Path, int]:
    """A new, empty, locked journal file.

    A drain may find the file between its creation and its lock, take it for a dead process's, and
    remove it: hence the look whether the name still leads to the file that was locked.
    """
    while True:
        path = folder / f"{new_id()}{SUFFIX}"
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if os.fstat(fd).st_nlink:
                return path, fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)


class OpenCall:
    """The records of one call, all in the file where it began. Safe to use from any thread."""

    def __init__(self, journal: "Journal", file: _File, call_id: str) -> None:
        self.id = call_id
        self._journal = journal
        self._file = file
        self._ended = False

    @property
    def journal(self) -> str:
        """The name of the file that its records are in."""
        return self._file.path.name

    def sent(self, sent: Sent) -> None:
        """Raises OSError."""
        self._append(sent.to_json(self.id))

    def progress(self, progress: Progress) -> None:
        """Raises OSError."""
        self._append(progress.to_json(self.id))

    def end(self, entry: Entry) -> None:
        """The whole row: it is enough to book the call. A second end is ignored.

        Raises OSError; the call is then still open, and ``end`` may be tried again.
        """
        if entry.id != self.id:
            raise ValueError("an entry must end the call that it belongs to")
        record = {"record": "end", **entry_to_json(entry)}
        with self._journal.lock:
            if self._ended:
                return
            self._file.append(record)
            self._ended = True
            self._journal.ended(self._file)

    def _append(self, record: dict[str, object]) -> None:
        with self._journal.lock:
            if not self._ended:
                self._file.append(record)


class Journal:
    """The journal of this process. Its first file is created with the first call."""

    def __init__(self, folder: Path, rotate_bytes: int = ROTATE_BYTES) -> None:
        self.lock = threading.Lock()
        self._folder = folder
        self._rotate_bytes = rotate_bytes
        self._current: _File | None = None
        self._retired: set[_File] = set()
        self._closed = False

    def begin(self, begin: Begin) -> OpenCall:
        """Raises OSError."""
        record = begin.to_json()
        with self.lock:
            file = self._file()
            file.append(record)
            file.open_calls += 1
            return OpenCall(self, file, begin.id)

    def settle(self, entry: Entry) -> None:
        """What asynchronous work consumed: a record by itself, without a begin.

        Raises OSError, and ValueError for a row without an object id.
        """
        if not entry.object_id:
            raise ValueError("a settlement must name its object")
        record = {"record": "settle", **entry_to_json(entry)}
        with self.lock:
            self._file().append(record)

    def link(self, link: Link) -> None:
        """Raises OSError."""
        with self.lock:
            self._file().append(link.to_json())

    def close(self) -> None:
        """Release every file. Calls that have not ended are orphans from now on."""
        with self.lock:
            self._closed = True
            for file in (self._current, *self._retired):
                if file is not None:
                    file.close()
            self._current = None
            self._retired.clear()

    def ended(self, file: _File) -> None:
        """A call of ``file`` has ended; the caller holds the lock."""
        file.open_calls -= 1
        if file in self._retired and not file.open_calls:
            self._retired.discard(file)
            file.close()

    def _file(self) -> _File:
        if self._closed:
            raise OSError(errno.EBADF, "the journal is closed")
        current = self._current
        if current is not None and current.size >= self._rotate_bytes:
            self._current = None
            if current.open_calls:
                self._retired.add(current)
            else:
                current.close()
        if self._current is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._current = _File(self._folder)
        return self._current

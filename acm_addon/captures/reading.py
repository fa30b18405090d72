"""A capture file as rows, with a count of everything in it: nothing is dropped in silence."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from acm_addon.captures import flows, har, recordings
from acm_addon.captures.base import Captured, Format, NotACallError, aware
from acm_addon.captures.files import Raw, format_of, raw_entries
from acm_addon.captures.old_flows import Conversion
from acm_addon.captures.replay import Importing, Kind, entry_of
from acm_addon.model import Attribution, Source, utc_now
from acm_addon.pricing import PriceTable
from acm_addon.routing import BUILT_IN, Directory
from acm_addon.settlement import Record

_TEXTS: Mapping[Format, Callable[[Mapping[str, Any]], Captured]] = {
    Format.HAR: har.captured,
    Format.LINES: recordings.captured,
}
UNREADABLE = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    OSError,
    RecursionError,
)
"""What comes of taking a value apart that has another shape."""
_SHOWN_PLACES = 20


@dataclass(slots=True)
class Tally:
    """What was found. Every entry is in exactly one of the first five."""

    billable: int = 0
    """Calls that make a row."""
    free: int = 0
    """Calls of a provider that never cost anything."""
    results: int = 0
    """Looks at what earlier work came to, which is what that work costs."""
    not_provider: int = 0
    unreadable: int = 0
    errors: int = 0
    """Of the billable calls, those that were answered with an error."""
    undated: int = 0
    """Of the billable calls, those whose time the capture does not have."""
    unreadable_places: list[int] = field(default_factory=list)
    """The first of them: lines or indexes."""

    @property
    def readable(self) -> int:
        return self.billable + self.free + self.results + self.not_provider


class Reading:
    """One capture file. Reads it once, front to back, and holds one entry of it at a time."""

    def __init__(
        self,
        path: Path,
        table: PriceTable,
        attribution: Attribution,
        directory: Directory = BUILT_IN,
    ) -> None:
        """Raises OSError."""
        self.tally = Tally()
        self.format = format_of(path)
        self.read_bytes = 0
        self._path = path
        self._conversion = Conversion()
        self._importing = Importing(table, attribution, _date_of(path), directory)
        self._chain = hashlib.sha256()
        """Of all the entries so far. A row's id is derived from it: the same file gives the same
        ids, and so does one that has grown since."""

    def records(self, progress: Callable[[], None] | None = None) -> Iterator[Record]:
        """What is to be booked, in the file's order: the rows of billable calls, and what is said
        of the results of earlier work. Raises OSError.

        ``progress`` is called after every entry, whatever it is.
        """
        with closing(self._conversion):
            for raw in raw_entries(self._path, self.format):
                self.read_bytes = raw.end
                records = self._records(raw)
                if progress is not None:
                    progress()
                yield from records

    def _records(self, raw: Raw) -> list[Record]:
        try:
            captured = self._captured(raw)
        except NotACallError:
            self.tally.not_provider += 1
            return []
        except UNREADABLE:
            self._unreadable(raw)
            return []
        digest = self._chain.digest()
        found = entry_of(captured, digest, self._source(raw.number), self._importing)
        if isinstance(found, Kind):
            self.tally.free += found is Kind.FREE
            self.tally.not_provider += found is Kind.NOT_PROVIDER
            return []
        if isinstance(found, list):
            self.tally.results += 1
            return found
        self.tally.billable += 1
        self.tally.errors += captured.status is not None and captured.status >= 400
        self.tally.undated += captured.time is None
        return [found]

    def _captured(self, raw: Raw) -> Captured:
        """Raises NotACallError, or one of ``UNREADABLE``.

        Every flow is a link of the chain, and every text that is JSON.
        """
        if self.format is Format.FLOWS:
            self._chain.update(hashlib.sha256(raw.data or b"").digest())
        if raw.data is None:
            raise ValueError("the entry is cut off or too long")
        if self.format is Format.FLOWS:
            return flows.captured(raw.data, self._conversion.convert, self._importing.directory)
        value = _parsed(raw.data)
        self._chain.update(hashlib.sha256(raw.data.rstrip(b"\r")).digest())
        return _TEXTS[self.format](value)

    def _unreadable(self, raw: Raw) -> None:
        self.tally.unreadable += 1
        if len(self.tally.unreadable_places) < _SHOWN_PLACES:
            self.tally.unreadable_places.append(raw.number)

    def _source(self, number: int) -> Source:
        if self.format is Format.LINES:
            return Source(str(self._path), line=number)
        return Source(str(self._path), index=number)


def _date_of(path: Path) -> datetime:
    """When a file was written last; today where its date is out of this world. Raises OSError."""
    modified = path.stat().st_mtime
    try:
        return aware(datetime.fromtimestamp(modified, UTC)) or utc_now()
    except (ValueError, OverflowError):
        return utc_now()


def _parsed(data: bytes) -> Mapping[str, Any]:
    """Raises ValueError where the entry is no JSON object, and RecursionError for a deep one."""
    value = json.loads(data.decode("utf-8", "replace"))
    if not isinstance(value, dict):
        raise ValueError("the entry is no object")
    return value

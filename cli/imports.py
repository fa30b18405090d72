"""``acm import``: captured traffic, priced as if it had passed through the proxy."""

import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acm_addon.errors import AcmError
from acm_addon.home import acm_home
from acm_addon.model import Attribution, Entry
from cli import price_table
from cli.entries import entry_json
from cli.exits import UsageError
from cli.known import known_project, typed_tags
from cli.money import dollars
from cli.output import print_json_line
from cli.render import clean

if TYPE_CHECKING:
    from acm_addon.captures.reading import Reading, Tally
    from acm_addon.ledger.base import Ledger
    from acm_addon.settlement import Record

BATCH = 500
"""Rows in a transaction: some 25 milliseconds, so that no other writer waits long."""
PROGRESS_EVERY_SECONDS = 0.2
_GZIP = b"\x1f\x8b"


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="HAR, mitmproxy flows, or JSON lines.",
            metavar="FILE",
            show_default=False,
        ),
    ],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Price everything, and write nothing.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each billable call as a line of JSON.")
    ] = False,
    project: Annotated[str, typer.Option(help="The project that pays.")] = "default",
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="NAME=VALUE", help="May be repeated.")
    ] = None,
) -> None:
    """Price captured traffic and add it to the ledger, each call once however often it is read."""
    if not project.strip():
        raise UsageError("--project is empty", "name a project, or leave it out")
    tags = typed_tags(tag or [])
    for path in files:
        _check(path)
    attribution = Attribution(known_project(project.strip()), None, tags)
    from acm_addon.captures.reading import Reading
    from acm_addon.user_providers import directory

    table = price_table.current(acm_home())
    known = directory(acm_home())
    readable = 0
    with closing(_Writer(None if dry_run else _ledger(table))) as writer:
        for path in files:
            reading = Reading(path, table, attribution, known)
            writer.begin()
            for records in batched(_watched(reading, path), BATCH):
                for row in writer.write(records):
                    if as_json:
                        print_json_line(entry_json(row))
            for line in _summary(path, reading, writer):
                typer.echo(line, err=True)
            readable += reading.tally.readable
    if not readable:
        raise AcmError(
            "nothing could be read",
            "acm import takes HAR files, mitmproxy flow files, and JSON lines (docs/ledger.md)",
        )


class _Writer:
    """Books rows, or only counts them, and knows how many of a file were new."""

    def __init__(self, ledger: "Ledger | None") -> None:
        from acm_addon.captures.dry_run import DryRun

        self._ledger = ledger
        self._all = DryRun()
        self.begin()

    @property
    def dry(self) -> bool:
        return self._ledger is None

    def begin(self) -> None:
        """The rows that follow are another file's."""
        self.inserted = self.duplicates = self.settled = 0
        self._cost, self._without_cost = self._all.cost, self._all.without_cost

    @property
    def cost(self) -> int:
        """Nano-dollars."""
        return self._all.cost - self._cost

    @property
    def without_cost(self) -> int:
        return max(self._all.without_cost - self._without_cost, 0)

    def write(self, records: "tuple[Record, ...]") -> list[Entry]:
        """The rows that are new in this import, or other than they were."""
        if self._ledger is not None:
            try:
                booked = self._ledger.book(records, {})
            except sqlite3.Error as error:
                raise AcmError(
                    f"cannot write to the ledger ({type(error).__name__})",
                    "is there room on the disk? Then import again: what is booked is not repeated",
                ) from error
            self.inserted += booked.inserted
            self.duplicates += booked.duplicates
            self.settled += booked.settled
        return self._all.book(records)

    def close(self) -> None:
        if self._ledger is not None:
            self._ledger.sync()
            self._ledger.close()


def _ledger(table: object) -> "Ledger":
    from acm_addon.ledger.sqlite import SqliteLedger
    from acm_addon.pricing import PriceTable

    assert isinstance(table, PriceTable)
    home = acm_home().ensure()
    table.freeze(home.prices)
    return SqliteLedger(home.ledger)


def _check(path: Path) -> None:
    """Raises UsageError for what cannot be read from its start to its end, twice."""
    if not path.exists():
        raise UsageError(f"there is no file {path}", "name files that exist")
    if not path.is_file():
        raise UsageError(f"{path} is no regular file", "save what it gives to a file first")
    try:
        with path.open("rb") as file:
            start = file.read(len(_GZIP))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}", "is it yours to read?"
        ) from None
    if start == _GZIP:
        raise UsageError(f"{path} is compressed with gzip", "unpack it first: gunzip --keep FILE")


def _watched(reading: "Reading", path: Path) -> "Iterator[Record]":
    """The records, with a line on standard error that moves while they come, on a terminal."""
    if not sys.stderr.isatty():
        yield from reading.records()
        return
    size, shown = path.stat().st_size or 1, 0.0

    def show() -> None:
        nonlocal shown
        if (now := time.monotonic()) - shown > PROGRESS_EVERY_SECONDS:
            shown = now
            share = min(100 * reading.read_bytes // size, 100)
            numbers = f"{share}%, {reading.tally.billable:,} calls"
            text = progress_line(path.name, numbers, shutil.get_terminal_size().columns)
            typer.echo(f"\r\033[K{text}", err=True, nl=False)

    yield from reading.records(show)
    typer.echo("\r\033[K", err=True, nl=False)


def progress_line(name: str, numbers: str, columns: int) -> str:
    """One line that fits: one that wraps cannot be written over, and would fill the screen."""
    whole = f"acm: {clean(name)}: {numbers}"
    return whole if len(whole) < columns else numbers[: max(columns - 1, 0)]


def _summary(path: Path, reading: "Reading", writer: _Writer) -> list[str]:
    """What was in a file, in words."""
    tally = reading.tally
    total = tally.readable + tally.unreadable
    lines = [
        f"acm: {clean(str(path))} ({reading.format.value}): {total:,} entries",
        f"  {tally.billable:,} billable calls{_booked(tally, writer)}",
        f"    {tally.errors:,} of them answered with an error",
        f"  {tally.free:,} free calls",
        f"  {tally.not_provider:,} not calls of a provider",
        f"  {tally.unreadable:,} unreadable{_places(reading)}",
    ]
    if tally.results:
        lines.insert(4, f"  {tally.results:,} results of earlier work{_settled(writer)}")
    if tally.undated:
        lines.append(
            f"  {tally.undated:,} calls have no time of their own: they take the file's date, and"
            " its prices"
        )
    return lines


def _booked(tally: "Tally", writer: _Writer) -> str:
    cost = f"{dollars(writer.cost)}"
    if writer.without_cost:
        cost += f" and {writer.without_cost:,} calls whose cost is not known"
    if not tally.billable:
        return ""
    if writer.dry:
        return f": {cost}; nothing was written"
    return f": {cost}; {writer.inserted:,} booked, {writer.duplicates:,} in the ledger already"


def _settled(writer: _Writer) -> str:
    return "" if writer.dry else f": {writer.settled:,} settled a call that was pending"


def _places(reading: "Reading") -> str:
    places = reading.tally.unreadable_places
    if not places:
        return ""
    name = "line" if reading.format.value == "JSON lines" else "index"
    more = ", …" if reading.tally.unreadable > len(places) else ""
    return f": {name} {', '.join(map(str, places))}{more}"

"""``acm tail``: one line a call, the newest as they are booked."""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from acm_addon.ledger.reader import LedgerReader
from acm_addon.model import Entry, utc_now
from cli import ledger
from cli.entries import entry_json, marks
from cli.money import dollars
from cli.output import print_json_line
from cli.render import DIM, UNKNOWN, YELLOW, clean, milliseconds, paint
from cli.zones import chosen_zone

POLL_SECONDS = 0.2
ID_SHOWN = 18
"""How much of an id is shown: its millisecond and twelve random bits, enough for `acm explain`."""
BATCH = 500
"""Rows read at once while catching up."""


def tail(
    lines: Annotated[
        int, typer.Option("-n", "--lines", min=0, help="How many earlier calls to show first.")
    ] = 10,
    tz: Annotated[
        str | None, typer.Option("--tz", help="Time zone, such as Europe/Berlin.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each call as a line of JSON.")
    ] = False,
) -> None:
    """Watch calls as they are booked, until Ctrl-C."""
    zone = chosen_zone(tz)
    with ledger.opened() as reader:
        start = max(reader.newest_rowid() - lines, 0)
        typer.echo("acm: waiting for calls (Ctrl-C ends)", err=True)
        try:
            for entry in booked_after(reader, start):
                if as_json:
                    print_json_line(entry_json(entry))
                else:
                    typer.echo(line_of(entry, zone, utc_now()))
        except KeyboardInterrupt:
            return  # The way a tail ends.


def booked_after(reader: LedgerReader, rowid: int) -> Iterator[Entry]:
    """The rows after a place in the order of booking, and each new one. Never ends by itself."""
    while True:
        version = reader.data_version()  # Before the rows, so that no commit falls between.
        calls = reader.recent(rowid, BATCH)
        for call in calls:
            yield call.entry
            rowid = call.rowid
        while not calls and reader.data_version() == version:
            time.sleep(POLL_SECONDS)


def line_of(entry: Entry, zone: ZoneInfo, now: datetime) -> str:
    """``14:03:22  openai  gpt-4o  1,234 in  56 out  $0.0031  342 ms  ID  partial``."""
    when = entry.time.astimezone(zone)
    clock = f"{when:%H:%M:%S}"
    if when.date() != now.astimezone(zone).date():
        clock = f"{when:%Y-%m-%d} {clock}"
    told = ", ".join(marks(entry))
    parts = (
        paint(clock, DIM),
        f"{clean(entry.provider):<9}",
        f"{clean(entry.model):<24}",
        f"{_tokens(entry, 'input_tokens'):>9} in",
        f"{_tokens(entry, 'output_tokens'):>8} out",
        f"{dollars(entry.cost):>11}",
        f"{milliseconds(entry.latency_ms):>9}",
        paint(entry.id[:ID_SHOWN], DIM),
        paint(told, YELLOW),
    )
    return "  ".join(parts).rstrip()


def _tokens(entry: Entry, unit: str) -> str:
    value = entry.usage.get(unit)
    return UNKNOWN if value is None else f"{value:,}"

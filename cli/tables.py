"""Rows of a report as a table and as CSV. Imported only by commands that print one."""

import csv
import io
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import typer
from rich.box import ASCII, SIMPLE_HEAD
from rich.console import Console, ConsoleDimensions
from rich.table import Column, Table
from rich.text import Text

from acm_addon.ledger.crosstab import CrossRow, GroupKey, Tag
from acm_addon.ledger.totals import Totals
from cli import grouping, sums
from cli.render import clean, coloured, count, milliseconds, point_aligned, speaks_unicode

PIPE_WIDTH = 1000
"""Columns where no terminal limits them: nothing is cut in a file or a pipe."""

NAME_LEAST = 16
GUTTER = 3
"""Between columns: padding and rule of the boxes that are used."""

GIVE_WAY = ("Avg latency", "Output", "Input")
"""What is left out, in this order, where a terminal is too narrow. Never a cost or a doubt."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A column: its heading, its cell, and whether it shows where no call has anything to say."""

    heading: str
    cell: Callable[[Totals], str]
    always: bool = True
    amount: bool = False
    """Its decimal points stand below each other."""

    def cells(self, rows: list[Totals]) -> list[str]:
        """The column's cells, as wide as its heading at least."""
        cells = [self.cell(totals) for totals in rows]
        if self.amount:
            cells = point_aligned(cells)
        width = max(len(cell) for cell in [self.heading, *cells])
        return [cell.rjust(width) for cell in cells]


def _counts(name: str, heading: str, *, always: bool = False) -> Measure:
    return Measure(heading, lambda totals: count(getattr(totals, name)), always)


MEASURES = (
    _counts("requests", "Requests", always=True),
    _counts("errors", "Errors"),
    _counts("input_tokens", "Input", always=True),
    _counts("output_tokens", "Output", always=True),
    Measure("Cost", sums.cost_of, amount=True),
    _counts("unpriced", "Unpriced", always=True),
    _counts("partly_priced", "Partly priced"),
    _counts("partial", "Partial"),
    _counts("sent_unknown", "Outcome unknown"),
    _counts("pending", "Pending"),
    _counts("refused", "Refused"),
    _counts("estimated", "Estimated"),
    Measure("Avg latency", lambda totals: milliseconds(totals.average_latency_ms)),
)


def print_table(
    title: str, keys: Sequence[GroupKey], rows: Sequence[CrossRow], totals: Totals
) -> None:
    """The rows, and what they sum to. No number is ever cut: columns give way, names fold."""
    console = Console(no_color=not coloured(), highlight=False)
    columns = _columns([*(row.totals for row in rows), totals], console, len(keys))
    bold = "bold" if coloured() else "none"
    table = Table(
        *(
            Column(_heading(key), overflow="fold", footer="" if place else "Total")
            for place, key in enumerate(keys)
        ),
        *(
            # Flush right by our own padding: rich's would strip the decimals' alignment.
            Column(heading.rjust(len(cells[0])), footer=cells[-1], no_wrap=True)
            for heading, cells in columns.items()
        ),
        box=SIMPLE_HEAD if speaks_unicode() else ASCII,
        show_footer=True,
        pad_edge=False,
        header_style=bold,
        footer_style=bold,
    )
    for row, *values in zip(rows, *(cells[:-1] for cells in columns.values()), strict=True):
        # Text, not str: a name from the wire must not be read as markup.
        names = zip(keys, row.names, strict=True)
        table.add_row(*(Text(label(key, name)) for key, name in names), *values)
    console.print(Text(title, style=bold))
    console.print(table)


def _columns(sums_in_order: list[Totals], console: Console, keys: int) -> dict[str, list[str]]:
    """Cells by heading, the last of which is the total's. Widens the console where they need it."""
    total = sums_in_order[-1]
    columns = {
        measure.heading: measure.cells(sums_in_order)
        for measure in MEASURES
        if measure.always or measure.cell(total) != "0"
    }
    if not console.is_terminal:
        _set_width(console, PIPE_WIDTH)
        return columns
    terminal = shutil.get_terminal_size().columns
    for heading in GIVE_WAY:
        if _least_width(columns, keys) > terminal:
            del columns[heading]
    _set_width(console, max(terminal, _least_width(columns, keys)))
    return columns


def _set_width(console: Console, width: int) -> None:
    """Both sides at once: rich takes a TERM=dumb for 80 columns wherever one of them is open."""
    console.size = ConsoleDimensions(width, console.height)


def _least_width(columns: Mapping[str, list[str]], keys: int) -> int:
    """The width of a table in which every number is whole, and names have room to fold."""
    numbers = sum(len(cells[0]) + GUTTER for cells in columns.values())
    return NAME_LEAST * keys + GUTTER * (keys - 1) + numbers


def print_csv(words: Sequence[str], rows: Sequence[CrossRow]) -> None:
    """A header and a line for each row, in the names of the JSON. Lines end as Unix lines do."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([*words, *sums.totals_json(Totals())])
    for row in rows:
        writer.writerow([*row.names, *sums.totals_json(row.totals).values()])
    typer.echo(buffer.getvalue(), nl=False)


def label(key: GroupKey, name: str | None) -> str:
    """A name for people. A call without a tag or a key is no mystery; one without a model is."""
    if name is None:
        return "(none)" if isinstance(key, Tag) or key == "key" else "(unknown)"
    return clean(name)


def _heading(key: GroupKey) -> str:
    return grouping.word(key) if isinstance(key, Tag) else key.capitalize()

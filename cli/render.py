"""Small pieces of text that several commands show. No rich here: it is loaded only for tables.

Colour is decoration: what it says is also said in words. It is off where standard output is not a
terminal, where ``NO_COLOR`` is set (no-color.org), and on ``TERM=dumb``.
"""

import os
import sys
from collections.abc import Iterable, Mapping
from decimal import Decimal

BOLD = "1"
DIM = "2"
RED = "31"
YELLOW = "33"
CYAN = "36"

UNKNOWN = "-"
"""Stands where a value is not known. Never a zero."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"


def coloured() -> bool:
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout is not None and sys.stdout.isatty()


def paint(text: str, style: str) -> str:
    """The text in an ANSI style, where colour is welcome."""
    return f"\033[{style}m{text}\033[0m" if text and coloured() else text


def speaks_unicode() -> bool:
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    return encoding.lower().replace("-", "").startswith("utf")


def clean(text: str | None) -> str:
    """A name that came over the wire, fit for a terminal: control characters cannot act there."""
    if text is None:
        return UNKNOWN
    return "".join(char if char.isprintable() else "�" for char in text)


def bar(share: float, width: int) -> str:
    """A horizontal bar for a share between 0 and 1, to an eighth of a cell; never empty above 0."""
    share = min(max(share, 0.0), 1.0)
    if not speaks_unicode():
        return "#" * max(round(share * width), 1 if share else 0)
    eighths = max(round(share * width * 8), 1 if share else 0)
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def percent(part: int, whole: int) -> str:
    """A share in whole percent. A small one is ``<1%``, and an almost whole one ``>99%``."""
    value = 100 * part / whole
    if 0 < value < 0.5:
        return "<1%"
    if 99.5 <= value < 100:
        return ">99%"
    return f"{value:.0f}%"


def change(now: int, before: int) -> str:
    """By how much a number grew or shrank: ``+12%``, ``-3%``, ``+0%``. ``before`` is above zero."""
    return f"{100 * (now - before) / before:+,.0f}%".replace("-0%", "+0%")


def count(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"


def milliseconds(value: float | None) -> str:
    """``342 ms``, ``12.3 s`` from ten seconds on."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f} ms" if value < 10_000 else f"{value / 1000:,.1f} s"


def plain_decimal(value: Decimal) -> str:
    """A decimal without an exponent and without zeros at its end: ``0.0000025``, ``12``."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def remarks(counts: Mapping[str, int]) -> str:
    """What is missing behind a sum, in words: ``3 unpriced, 1 partial``."""
    return ", ".join(f"{number:,} {name}" for name, number in counts.items())


def columns(
    rows: Iterable[tuple[str, ...]], right: frozenset[int] = frozenset(), gap: str = "  "
) -> list[str]:
    """Rows as lines with aligned columns, ``gap`` between them; those in ``right`` flush right."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        gap.join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def point_aligned(amounts: list[str]) -> list[str]:
    """Amounts as cells of one width, their decimal points below each other; a dash flush right."""
    parts = [amount.partition(".") for amount in amounts]
    left = max((len(whole) for whole, _, _ in parts), default=0)
    right = max((len(point + decimals) for _, point, decimals in parts), default=0)
    return [
        f"{whole.rjust(left)}{(point + decimals).ljust(right)}"
        if point
        else whole.rjust(left + right)
        for whole, point, decimals in parts
    ]

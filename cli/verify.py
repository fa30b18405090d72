"""``acm prices verify``: every row computed again from the table that priced it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from acm_addon.home import acm_home
from acm_addon.ledger.priceable import EVER, Bill, Priceable
from acm_addon.model import NANO, PriceContext
from cli import ledger, price_table
from cli.output import print_json
from cli.progress import uncollected, watched
from cli.render import count

if TYPE_CHECKING:
    from acm_addon.pricing import PriceTable

_SHOWN = 20
"""Calls that are named; the rest are counted."""


@dataclass(slots=True)
class Verification:
    """What was proved, by number of calls."""

    same: int = 0
    """Computed again from their table: the same lines, to the nano-dollar."""
    nothing_due: int = 0
    """No price had a part in them, so far at least."""
    arithmetic_only: int = 0
    """Of an earlier version, which did not keep what selected their price: their lines add up."""
    different: int = 0
    without_table: int = 0
    """Their table is not in acm's home, or is damaged."""
    ids: list[str] = field(default_factory=list)
    """Of the first calls that differ."""
    missing: set[str] = field(default_factory=set)
    """The tables that are not there, by hash."""

    @property
    def sound(self) -> bool:
        return not (self.different or self.without_table)


def verify(
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Compute every recorded cost again by the table that priced it; exit code 1 if one differs."""
    from acm_addon.repricing import is_proved

    found = Verification()
    kept = price_table.kept(acm_home())
    with ledger.opened() as reader:
        extent = reader.extent(*EVER)
        rows = uncollected(reader.priceable(extent))
        for row in watched(rows, extent.calls, "verifying calls"):
            _check(row, kept, is_proved, found)
    if as_json:
        print_json(verification_json(found))
    else:
        typer.echo("\n".join(lines_of(found)))
    if not found.sound:
        raise typer.Exit(1)


def _check(
    row: Priceable,
    kept: Callable[[str], "PriceTable | None"],
    is_proved: Callable[[Priceable, PriceContext, "PriceTable"], bool],
    found: Verification,
) -> None:
    if row.bill.price_version is None:
        found.nothing_due += 1
        return
    if row.context is None:
        _count(row, found, "arithmetic_only", adds_up(row.bill))
        return
    table = kept(row.bill.price_version)
    if table is None:
        found.without_table += 1
        found.missing.add(row.bill.price_version)
        return
    _count(row, found, "same", is_proved(row, row.context, table))


def _count(row: Priceable, found: Verification, name: str, proved: bool) -> None:
    if proved:
        setattr(found, name, getattr(found, name) + 1)
        return
    found.different += 1
    if len(found.ids) < _SHOWN:
        found.ids.append(row.id)


def adds_up(bill: Bill) -> bool:
    """Whether each line is quantity times price, rounded once, and their sum what is known."""
    lines = json.loads(bill.lines)
    amounts = [
        int(
            (Decimal(line["quantity"]) * Decimal(line["unit_price"]) * NANO).to_integral_value(
                ROUND_HALF_EVEN
            )
        )
        for line in lines
    ]
    return amounts == [line["amount"] for line in lines] and sum(amounts) == bill.known_cost


def verification_json(found: Verification) -> dict[str, object]:
    return {
        "sound": found.sound,
        "same": found.same,
        "nothing_due": found.nothing_due,
        "arithmetic_only": found.arithmetic_only,
        "different": found.different,
        "different_ids": found.ids,
        "without_table": found.without_table,
        "missing_tables": sorted(found.missing),
    }


def lines_of(found: Verification) -> list[str]:
    same = count(found.same)
    lines = [f"{same} calls: the same to the nano-dollar by the table that priced them"]
    if found.nothing_due:
        lines.append(f"{count(found.nothing_due)} calls: no price had a part in them")
    if found.arithmetic_only:
        lines.append(
            f"{count(found.arithmetic_only)} calls of an earlier version: their lines add up, and"
            " what selected their prices was not kept"
        )
    if found.different:
        lines.append(f"{count(found.different)} calls DIFFER: {', '.join(found.ids)}")
    if found.without_table:
        tables = ", ".join(sorted(found.missing))
        lines.append(f"{count(found.without_table)} calls cannot be proved: no table {tables}")
    return lines

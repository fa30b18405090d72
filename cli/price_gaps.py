"""What the prices lack: models and units of the ledger without one, and how old they are."""

import json
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from acm_addon.home import acm_home
from acm_addon.ledger.priceable import EVER, Priceable
from acm_addon.model import PriceStatus, Reason, utc_now
from cli import ledger, price_table
from cli.output import print_json
from cli.progress import watched
from cli.render import clean, columns, count

if TYPE_CHECKING:
    from acm_addon.pricing import PriceTable

_GAPS = (Reason.UNKNOWN_MODEL, Reason.NO_PRICE_FOR_UNIT)


def missing(as_json: bool) -> None:
    """Counted by provider, model, and unit; a model that nobody knows has no unit."""
    gaps: Counter[tuple[str, str, str]] = Counter()
    kept = price_table.kept(acm_home())
    with ledger.opened() as reader:
        extent = reader.extent(*EVER)
        for row in watched(reader.priceable(extent), extent.calls, "looking for gaps"):
            if row.bill.price_status is not PriceStatus.PRICED and row.bill.reason in _GAPS:
                gaps.update((row.provider, *gap) for gap in _gaps(row, kept))
    rows = sorted(gaps.items(), key=lambda item: (-item[1], item[0]))
    if as_json:
        print_json(
            [
                {
                    "provider": provider,
                    "model": model or None,
                    "unit": unit or None,
                    "calls": calls,
                }
                for (provider, model, unit), calls in rows
            ]
        )
        return
    if not rows:
        typer.echo("acm: every model and unit in the ledger has a price", err=True)
        return
    lines = [
        (clean(provider), clean(model or None), clean(unit) or "all of it", count(calls))
        for (provider, model, unit), calls in rows
    ]
    heading = ("Provider", "Model", "Unit", "Calls")
    typer.echo("\n".join(columns([heading, *lines], right=frozenset({3}))))
    typer.echo(
        "acm: `acm prices set` or `map`, then `acm reprice --unpriced`, prices them", err=True
    )


def stale(as_json: bool) -> None:
    """Exit code 1 where the base data is old, or its age is not known."""
    from acm_addon.price_store import base_release
    from pricing_data.dates import last_checked

    home = acm_home()
    table = price_table.current(home)
    _, day = base_release(home)
    age = price_table.age_days(day, utc_now())
    old = age is None or age > price_table.OLD_DAYS
    if as_json:
        print_json(
            {
                "base": table.base_name,
                "base_as_of": day.isoformat() if day else None,
                "age_days": age,
                "stale": old,
                "last_checked": last_checked().isoformat(),
            }
        )
    else:
        known = f"of {day}, {count(age)} days ago" if day else "of a day that is not known"
        typer.echo(f"{table.base_name} is {known}{': OLD' if old else ''}")
        typer.echo(f"our own entries were last checked on {last_checked()}")
    if old:
        typer.echo("hint: `acm prices update` fetches newer data", err=True)
        raise typer.Exit(1)


def _gaps(row: Priceable, kept: Callable[[str], "PriceTable | None"]) -> set[tuple[str, str]]:
    """Model and unit, by the table that found them; no unit stands for the whole call."""
    from acm_addon.repricing import gaps

    table = kept(row.bill.price_version) if row.bill.price_version else None
    if table is not None and row.context is not None:
        return gaps(row, row.context, table)
    model = row.model or ""
    if row.bill.reason is Reason.UNKNOWN_MODEL:
        return {(model, "")}
    # What is left is the row's own word: each unit of which it has no line.
    lines = {line["unit"] for line in json.loads(row.bill.lines)}
    return {(model, unit) for unit, used in row.usage.items() if used and unit not in lines}

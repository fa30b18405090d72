"""What the prices lack: models and units of the ledger without one, and how old they are."""

from collections import Counter

import typer

from acm_addon.home import acm_home
from acm_addon.ledger.priceable import EVER, Priceable
from acm_addon.model import PriceStatus, Reason, utc_now
from cli import ledger, price_table
from cli.output import print_json
from cli.progress import watched
from cli.render import clean, columns, count

_GAPS = (Reason.UNKNOWN_MODEL, Reason.NO_PRICE_FOR_UNIT)


def missing(as_json: bool) -> None:
    """Counted by provider, model, and unit; a model that nobody knows has no unit."""
    gaps: Counter[tuple[str, str, str]] = Counter()
    with ledger.opened() as reader:
        extent = reader.extent(*EVER)
        for row in watched(reader.priceable(extent), extent.calls, "looking for gaps"):
            gaps.update((row.provider, row.model or "", unit) for unit in _lacking(row))
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
    age = None if day is None else max(0, (utc_now().date() - day).days)
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


def _lacking(row: Priceable) -> set[str]:
    """The units of a row without a price; the empty name stands for the whole call."""
    if row.bill.price_status is PriceStatus.PRICED or row.bill.reason not in _GAPS:
        return set()
    if row.bill.reason is Reason.UNKNOWN_MODEL:
        return {""}
    return {
        unit
        for unit, used in row.usage.items()
        if used and f'"unit":"{unit}"' not in row.bill.lines
    }

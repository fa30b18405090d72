"""``acm cost``: what a call would cost, with the arithmetic of ``acm explain``."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import typer

from acm_addon.errors import AcmError
from acm_addon.home import acm_home
from acm_addon.model import (
    Attribution,
    Entrance,
    Entry,
    Exchange,
    Quantity,
    Usage,
    UsageSource,
    new_id,
    utc_now,
)
from cli import entries, explain, price_table
from cli.exits import UsageError
from cli.output import print_json
from cli.pairs import pairs
from cli.times import span_of
from cli.zones import chosen_zone

if TYPE_CHECKING:
    from acm_addon.pricing import PriceTable

_MOST = 10**15
"""What the engine takes for a quantity at most."""
_JSON = (
    "provider",
    "model",
    "time",
    "usage",
    "price_status",
    "cost_usd",
    "known_cost_usd",
    "lines",
    "price_version",
    "reason",
)


def cost(
    *,
    model: Annotated[str, typer.Option(help="As a request would name it.")],
    provider: Annotated[
        str | None, typer.Option(help="Who serves it; else the first that has a price for it.")
    ] = None,
    input_: Annotated[
        int | None,
        typer.Option(
            "--input", min=0, max=_MOST, help="Input tokens, all of them: the cached ones included."
        ),
    ] = None,
    output: Annotated[
        int | None, typer.Option(min=0, max=_MOST, help="Output tokens, the reasoning included.")
    ] = None,
    cache_read: Annotated[
        int | None, typer.Option(min=0, max=_MOST, help="Input tokens that were read from a cache.")
    ] = None,
    cache_write: Annotated[
        int | None,
        typer.Option(min=0, max=_MOST, help="Input tokens that were written to a cache."),
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(metavar="UNIT=N", help="Of any other unit, such as images=1. Repeatable."),
    ] = None,
    tier: Annotated[str | None, typer.Option(help="batch, flex, priority, …")] = None,
    choice: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE",
            help="Else what selects a price, such as size=1024x1024. Repeatable.",
        ),
    ] = None,
    at: Annotated[str | None, typer.Option(help="At the prices of then; by default now.")] = None,
    project: Annotated[str, typer.Option(help="Whose prices.")] = "default",
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Work out what a call would cost."""
    home, now, zone = acm_home(), utc_now(), chosen_zone(None)
    time = now if at is None else span_of("--at", at, now, zone).since
    totals = {
        "input_tokens": input_,
        "output_tokens": output,
        "cache_read_tokens": cache_read,
        "cache_write_tokens": cache_write,
    }
    usage: dict[str, Quantity] = {
        name: value for name, value in totals.items() if value is not None
    }
    usage |= {name: _quantity(name, text) for name, text in pairs("--unit", unit or []).items()}
    if not usage:
        raise UsageError("nothing to price", "say how much: --input 1000 --output 200")
    choices = pairs("--choice", choice or []) | ({"service_tier": tier} if tier else {})
    table = price_table.current(home)
    found = _provider(table, provider, model, time)
    entry = _entry(table, usage, choices, provider=found, model=model, time=time, project=project)
    if as_json:
        row = entries.entry_json(entry)
        print_json({name: row[name] for name in _JSON})
    else:
        when = f"{time.astimezone(zone):%Y-%m-%d %H:%M %Z}"
        typer.echo(f"{model} of {found}, at the prices of {when}\n")
        typer.echo("\n".join(f"  {line}" if line else "" for line in explain.arithmetic(entry)))
    if entry.cost is None:
        reason = entries.REASONS[entry.reason] if entry.reason else "it is not known in full"
        raise AcmError(f"no cost: {reason}", f"`acm prices show {model}` lists what has a price")


def _entry(
    table: "PriceTable",
    usage: Mapping[str, Quantity],
    choices: Mapping[str, str],
    *,
    provider: str,
    model: str,
    time: datetime,
    project: str,
) -> Entry:
    """The row that such a call would be; it goes nowhere."""
    from acm_addon.booking import book

    exchange = Exchange(
        id=new_id(),
        time=time,
        entrance=Entrance.IMPORT,
        provider=provider,
        endpoint="cost",
        attribution=Attribution(project),
        upstream="",
        model=model,
        status=200,
        price_context=choices,
    )
    return book(exchange, Usage(usage, UsageSource.REPORTED), table, provider)


def _provider(table: "PriceTable", wanted: str | None, model: str, at: datetime) -> str:
    """The price table's id of who serves a model. Raises AcmError where nobody has a price."""
    if wanted is not None:
        return price_table.priced_by(wanted.lower())
    known = price_table.serving(table, model, at)
    if not known:
        raise price_table.unknown(model)
    price_table.say_others(known)
    return known[0]


def _quantity(name: str, text: str) -> Quantity:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value <= _MOST:
        raise UsageError(
            f"--unit {name}={text} is no quantity", f"write a number from zero to {_MOST}"
        )
    return int(value) if value == value.to_integral_value() else value

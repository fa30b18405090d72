"""``acm prices``: the table itself. What is typed; the work is done beside."""

from pathlib import Path
from typing import Annotated

import typer

from cli.verify import verify

prices = typer.Typer(
    name="prices",
    help="Look at the prices, add your own, and update them.",
    invoke_without_command=True,
)

Accept = Annotated[bool, typer.Option("--accept", help="Take over what looks wrong as well.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Provider = Annotated[str | None, typer.Option("--provider", help="Of this provider alone.")]


@prices.callback()
def table(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@prices.command("list")
def list_(provider: Provider = None, as_json: Json = False) -> None:
    """List every model that has a price, with its standard rates."""
    from cli import price_lists

    price_lists.models(provider, as_json)


@prices.command()
def show(
    model: str,
    provider: Provider = None,
    at: Annotated[str | None, typer.Option(help="As of then; by default now.")] = None,
    as_json: Json = False,
) -> None:
    """Show what a model's calls are billed at: each price with its conditions and its source."""
    from cli import price_lists

    price_lists.show(model, provider, at, as_json)


@prices.command()
def history(model: str, provider: Provider = None, as_json: Json = False) -> None:
    """Show every price that a model had, has, or will have."""
    from cli import price_lists

    price_lists.history(model, provider, as_json)


@prices.command()
def diff(
    before: Annotated[str, typer.Argument(help="A table's hash, `shipped`, or `current`.")],
    after: Annotated[str, typer.Argument(help="Another one.")] = "current",
    as_json: Json = False,
) -> None:
    """Show what differs between two tables, at today's prices."""
    from cli import price_lists

    price_lists.diff(before, after, as_json)


@prices.command()
def missing(as_json: Json = False) -> None:
    """List models and units in the ledger that have no price, with their calls."""
    from cli import price_gaps

    price_gaps.missing(as_json)


@prices.command()
def stale(as_json: Json = False) -> None:
    """Say how old the prices are; exit code 1 above 45 days."""
    from cli import price_gaps

    price_gaps.stale(as_json)


prices.command()(verify)


@prices.command("set")
def set_(
    *,
    discount: Annotated[
        str | None, typer.Option(metavar="PERCENT", help="Off the list prices.")
    ] = None,
    rate: Annotated[
        list[str] | None,
        typer.Option(
            metavar="UNIT=USD",
            help="A rate of your own, such as input_tokens=2.50: for a million tokens or "
            "characters, or for one of anything else. Repeatable.",
        ),
    ] = None,
    provider: Annotated[str | None, typer.Option(help="Whose prices.")] = None,
    model: Annotated[str | None, typer.Option(help="By default every model.")] = None,
    project: Annotated[str | None, typer.Option(help="By default every project.")] = None,
    begin: Annotated[str | None, typer.Option("--from", help="From this day on (UTC).")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Until this day, without it.")] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Only for such calls: size=1024x1024. Repeatable."),
    ] = None,
) -> None:
    """Add a negotiated discount, or rates of your own."""
    from cli import own_prices

    scope = own_prices.Scope(provider, model, project, begin, end)
    own_prices.add(discount, rate or [], scope, condition or [])


@prices.command("map")
def map_(
    name: Annotated[str, typer.Argument(help="A deployment, a profile, a fine-tune, …")],
    model: Annotated[str, typer.Argument(help="The model that it is billed as.")],
    provider: Annotated[str, typer.Option(help="Who serves it under this name.")],
    priced_by: Annotated[
        str | None, typer.Option(help="Whose model that is, if another provider's.")
    ] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="What the name says of its calls. Repeatable."),
    ] = None,
) -> None:
    """Say which model a name of your own is billed as."""
    from cli import own_prices

    own_prices.map_name(name, model, provider, priced_by, condition or [])


@prices.command()
def own(as_json: Json = False) -> None:
    """List your own prices, discounts, and maps by number."""
    from cli import own_prices

    own_prices.show(as_json)


@prices.command()
def remove(number: Annotated[int, typer.Argument(help="As `acm prices own` lists it.")]) -> None:
    """Remove one of your own prices, discounts, or maps."""
    from cli import own_prices

    own_prices.remove(number)


@prices.command()
def update(*, accept: Accept = False, dry_run: DryRun = False, as_json: Json = False) -> None:
    """Fetch the base data that genai-prices publishes, show what changes, and take it over."""
    from cli import price_updates

    price_updates.update(accept=accept, dry_run=dry_run, as_json=as_json)


@prices.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The published data.json.", show_default=False)],
    *,
    sha256: Annotated[str, typer.Option(help="What the file must be.")],
    accept: Accept = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Take over base data from a file, on a machine without internet."""
    from cli import price_updates

    price_updates.import_file(file, sha256, accept=accept, dry_run=dry_run, as_json=as_json)


@prices.command()
def auto(
    when: Annotated[
        str | None, typer.Argument(help="daily or off; without it, what it is.")
    ] = None,
) -> None:
    """Let a running proxy update the prices once a day, in a process of its own. Off by default."""
    from cli import price_updates

    price_updates.auto(when)

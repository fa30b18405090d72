"""``acm providers``: what is metered of whom, and what cannot be seen."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from acm_addon.home import acm_home
from cli.output import print_json
from cli.render import columns

if TYPE_CHECKING:
    from acm_addon.providers.base import Provider


def providers(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One of them, with all its endpoints.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """List the providers that are metered, your own ones among them, and what cannot be seen."""
    from acm_addon.user_providers import directory
    from cli.exits import UsageError

    known: Sequence[Provider] = directory(acm_home()).providers
    if name is not None:
        known = [each for each in known if each.name == name]
        if not known:
            raise UsageError(f"no provider is named {name}", "`acm providers` lists them")
    if as_json:
        print_json({"providers": [described(each) for each in known]})
        return
    rows = [("PROVIDER", "HOSTS", "PRICES", "METERED")]
    rows += [
        (
            each.name,
            _shortened(each.hosts) or "this machine",
            each.price_provider,
            str(len(metered(each))),
        )
        for each in known
    ]
    typer.echo("\n".join(columns(rows)))
    if name is not None:
        typer.echo("\nendpoints: " + ", ".join(metered(known[0])))
        typer.echo(f"credential: {known[0].access.credential}")
        if notes := known[0].access.notes:
            typer.echo(f"note: {notes}")


def readme_table() -> str:
    """The providers that acm knows, in Markdown: those that read alike in one row."""
    from acm_addon.providers import PROVIDERS

    alike: dict[tuple[str, ...], list[str]] = {}
    for each in PROVIDERS:
        alike.setdefault(tuple(metered(each)), []).append(each.name)
    rows = [f"| {', '.join(names)} | {', '.join(read)} |" for read, names in alike.items()]
    return "\n".join(["", "| Providers | What is read |", "|---|---|", *rows, ""])


def described(provider: "Provider") -> Mapping[str, object]:
    """A provider for ``--json``."""
    return {
        "name": provider.name,
        "hosts": list(provider.hosts),
        "upstream": provider.origin.url if provider.origin else None,
        "priced_as": provider.price_provider,
        "metered": metered(provider),
        "credential": provider.access.credential,
        "notes": provider.access.notes,
    }


def metered(provider: "Provider") -> list[str]:
    """The names of the endpoints whose usage is read."""
    return sorted(set(provider.access.endpoints))


def _shortened(hosts: Sequence[str]) -> str:
    more = f" and {len(hosts) - 1} more" if len(hosts) > 1 else ""
    return f"{hosts[0]}{more}" if hosts else ""

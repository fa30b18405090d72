"""``acm routes``: which paths of the gateway lead where, and whose TLS the proxy opens."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from acm_addon import process
from acm_addon.home import acm_home
from acm_addon.process import DEFAULT_HOST, DEFAULT_PORT
from cli.output import print_json
from cli.render import columns

if TYPE_CHECKING:
    from acm_addon.providers.base import Provider


def routes(
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """List the providers: their gateway path, where it leads, and their hosts."""
    from acm_addon.routing import gateway_path, leads_to
    from acm_addon.user_providers import directory
    from cli.clients import BASE_URLS, origin

    known = directory(acm_home()).providers
    state = process.running(acm_home())
    base = origin(state.port, state.host) if state else origin(DEFAULT_PORT, DEFAULT_HOST)
    if as_json:
        print_json(_document(base, known))
        return
    rows = [("PROVIDER", "GATEWAY", "LEADS TO", "HOSTS OPENED BY THE PROXY")]
    rows += [
        (
            provider.name,
            base + gateway_path(provider),
            leads_to(provider),
            ", ".join(provider.hosts),
        )
        for provider in known
    ]
    rows.append(
        (
            "(by credential)",
            f"{base}/v1/…",
            "anthropic with x-api-key, else the project's provider or openai",
            "",
        )
    )
    typer.echo("\n".join(columns(rows)))
    typer.echo("\nBase URLs for SDKs (`acm run --gateway` and `acm env --gateway` set them):")
    for url in BASE_URLS:
        typer.echo(f"  {url.name}={base}/{url.provider}{url.path}")


def _document(base: str, known: Sequence["Provider"]) -> dict[str, object]:
    from acm_addon.routing import leads_to
    from cli.clients import BASE_URLS

    return {
        "gateway": base,
        "providers": [
            {
                "name": provider.name,
                "gateway": f"{base}/{provider.name}",
                "upstream": leads_to(provider),
                "credential": provider.access.credential,
                "notes": provider.access.notes,
                "hosts": list(provider.hosts),
                "base_urls": {
                    url.name: f"{base}/{url.provider}{url.path}"
                    for url in BASE_URLS
                    if url.provider == provider.name
                },
            }
            for provider in known
        ],
        "plain_v1": {
            "gateway": f"{base}/v1",
            "with_x_api_key_or_anthropic_version": "anthropic",
            "otherwise": "the project's provider, else openai",
        },
    }

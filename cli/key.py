"""``acm key …``: providers' keys in the vault, and proxy keys that programs use in their place.

A secret is read from a prompt or from standard input, never from the command line, where every
process of the machine could read it.
"""

import sys
from datetime import datetime
from typing import Annotated

import typer

from acm_addon import master_key
from acm_addon.control import alert_channels, provider_keys, proxy_keys, vault_access
from acm_addon.control.proxy_keys import Limits
from acm_addon.control.records import ProviderKey, ProxyKey, ended
from acm_addon.control.store import ControlStore
from acm_addon.errors import AcmError
from acm_addon.home import acm_home
from acm_addon.master_key import KeySource
from acm_addon.model import utc_now
from cli.exits import UsageError
from cli.expiry import Expires, parse_expiry, shown_expiry
from cli.known import known_provider, listed
from cli.output import print_json, time_text
from cli.render import UNKNOWN, columns
from cli.zones import chosen_zone

app = typer.Typer(
    name="key",
    help="Providers' keys, encrypted, and proxy keys that programs use in their place.",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The key.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]

_PLACES = {
    KeySource.ENVIRONMENT: f"in {master_key.VARIABLE}",
    KeySource.KEYRING: "in the keyring",
    KeySource.FILE: "in a file of acm's home, readable by you alone, for there is no keyring",
}


@app.command()
def add(
    name: Name,
    provider: Annotated[
        str | None, typer.Option("--provider", help="Whose key it is.", show_default="NAME")
    ] = None,
) -> None:
    """Store a provider's key, encrypted. It is read from a prompt, or from standard input."""
    owner = known_provider(provider or name)
    assert owner is not None
    with ControlStore(acm_home()) as store:
        key = provider_keys.add(store, name, owner, _read_secret(f"API key of {owner}"), utc_now())
        with store.reading() as conn:
            door = vault_access.door(conn)
    where = f"; the master key is {_PLACES[door.source]}" if door else ""
    typer.echo(f"Key {key.name} ({key.shown}) of {key.provider} is in the vault{where}")


@app.command()
def issue(
    name: Name,
    *,
    project: Annotated[
        str | None, typer.Option("--project", help="Who pays for its calls.")
    ] = None,
    provider: Annotated[
        list[str] | None, typer.Option("--provider", help="Only this provider. Repeatable.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="Only this model; * and ? match any. Repeatable."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", help="The key it stands for.", show_default="the provider's newest"),
    ] = None,
    expires: Expires = None,
    as_json: Json = False,
) -> None:
    """Make a proxy key and print it, this once. Programs use it as their API key."""
    now = utc_now()
    limits = Limits(
        project=project,
        providers=listed(provider),
        models=listed(model),
        provider_key=key,
        expires=parse_expiry(expires, now, chosen_zone(None)),
    )
    for each in limits.providers or ():
        known_provider(each)
    with ControlStore(acm_home()) as store:
        secret, made = proxy_keys.issue(store, name, limits, now)
    _hand_over(secret, made, as_json)


@app.command("list")
def list_(
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Open the vault, and say which keys, and URLs of alerts, do not open."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """List the keys, without what is secret of them. Exit code 1 where --check finds a fault."""
    now = utc_now()
    with ControlStore(acm_home()) as store:
        stored, proxies = provider_keys.everything(store), proxy_keys.everything(store)
        damaged = vault_access.damaged(store) if check else []
        channels = alert_channels.damaged(store) if check else []
    if as_json:
        print_json(
            {
                "provider_keys": [_key_json(key, check, damaged) for key in stored],
                "proxy_keys": [_proxy_json(key, now) for key in proxies],
            }
        )
    else:
        rows = [("KEY", "KIND", "SHOWN", "STATUS", "LIMITED TO")]
        rows += [
            (key.name, key.provider, key.shown, _key_status(key, damaged), UNKNOWN)
            for key in stored
        ]
        rows += [
            (key.name, "proxy key", key.shown, ended(key, now) or "active", _limits(key))
            for key in proxies
        ]
        typer.echo("\n".join(columns(rows)))
    if damaged:
        raise AcmError(
            f"the vault is damaged: {', '.join(damaged)} cannot be opened",
            f"`acm key rotate {damaged[0]}` stores it anew",
        )
    if channels:
        raise AcmError(
            f"the vault is damaged: the URL of alert channel {', '.join(channels)} does not open",
            f"`acm alert rm {channels[0]}`, and add it anew",
        )


@app.command()
def rotate(name: Name, as_json: Json = False) -> None:
    """Replace a key's secret: a provider's by one that is read, a proxy key's by a new one."""
    with ControlStore(acm_home()) as store:
        if proxy_keys.exists(store, name):
            secret, made = proxy_keys.rotate(store, name, utc_now())
            _hand_over(secret, made, as_json)
            return
        with store.reading() as conn:
            owner = provider_keys.named(conn, name).provider
        key = provider_keys.rotate(store, name, _read_secret(f"New API key of {owner}"), utc_now())
    if as_json:
        print_json(_key_json(key, False, []))
    else:
        typer.echo(f"Key {key.name} is now {key.shown}")


@app.command()
def revoke(name: Name) -> None:
    """Stop using a key from now on. A provider's key goes from the vault."""
    with ControlStore(acm_home()) as store:
        if proxy_keys.exists(store, name):
            shown = proxy_keys.revoke(store, name, utc_now()).shown
        else:
            shown = provider_keys.revoke(store, name, utc_now()).shown
    typer.echo(f"Key {name} ({shown}) is revoked")


@app.command("rotate-master")
def rotate_master() -> None:
    """Encrypt the vault under a new master key. One from ACM_MASTER_KEY is read, as keys are."""
    given = None
    if master_key.from_environment():
        text = _read_secret(f"New {master_key.VARIABLE} (openssl rand -base64 32)")
        given = master_key.parse(text, "what was given")
    with ControlStore(acm_home()) as store:
        source = vault_access.rotate_master(store, given)
    typer.echo(f"The vault is encrypted under a new master key, {_PLACES[source]}")
    if given:
        typer.echo(
            f"acm: set {master_key.VARIABLE} to the new key, and restart the proxy with it",
            err=True,
        )


def _read_secret(what: str) -> str:
    """One line from a prompt that shows nothing, or all of standard input where it is piped."""
    if sys.stdin is None:
        raise UsageError("there is nothing to read the key from", "pipe it in")
    if sys.stdin.isatty():
        return str(typer.prompt(what, hide_input=True, err=True))
    return sys.stdin.read(65536)


def _hand_over(secret: str, key: ProxyKey, as_json: bool) -> None:
    if as_json:
        print_json({"key": secret, **_proxy_json(key, utc_now())})
        return
    typer.echo(secret)
    typer.echo(
        f"acm: this is proxy key {key.name}, shown once. A program uses it as its API key, "
        "through acm",
        err=True,
    )


def _key_json(key: ProviderKey, checked: bool, damaged: list[str]) -> dict[str, object]:
    return {
        "name": key.name,
        "provider": key.provider,
        "shown": key.shown,
        "status": _key_status(key, damaged),
        "opens": (key.name not in damaged) if checked and not key.revoked else None,
        "created": time_text(key.created),
        "rotated": time_text(key.rotated),
        "revoked": time_text(key.revoked),
    }


def _proxy_json(key: ProxyKey, now: datetime) -> dict[str, object]:
    return {
        "name": key.name,
        "shown": key.shown,
        "status": ended(key, now) or "active",
        "project": key.project_name,
        "providers": key.providers,
        "models": key.models,
        "stands_for": key.provider_key_name,
        "created": time_text(key.created),
        "rotated": time_text(key.rotated),
        "expires": time_text(key.expires),
        "revoked": time_text(key.revoked),
    }


def _key_status(key: ProviderKey, damaged: list[str]) -> str:
    if key.revoked:
        return "revoked"
    return "damaged" if key.name in damaged else "active"


def _limits(key: ProxyKey) -> str:
    parts = [f"project {key.project_name}"] if key.project_name else []
    parts += list(key.providers or ()) + list(key.models or ())
    parts += [f"for key {key.provider_key_name}"] if key.provider_key_name else []
    if key.expires:
        parts.append(f"until {shown_expiry(key.expires, chosen_zone(None))}")
    return ", ".join(parts) or UNKNOWN

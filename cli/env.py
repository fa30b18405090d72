"""``acm env``: the environment of ``acm run``, for a shell to take over."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Annotated

import typer

from acm_addon import process
from acm_addon.errors import AcmError
from acm_addon.home import Home, acm_home
from acm_addon.process import ProxyState
from cli.output import print_json
from cli.proxy import warn_of_test_upstream


class Shell(StrEnum):
    SH = "sh"
    FISH = "fish"
    POWERSHELL = "powershell"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What to set for a program, and what its user should know."""

    variables: dict[str, str]
    warnings: list[str]


def env(
    gateway: Annotated[
        bool, typer.Option("--gateway", help="The SDKs' base URLs in place of a proxy.")
    ] = False,
    shell: Annotated[
        Shell | None,
        typer.Option("--shell", help="Whose syntax to print.", show_default="from $SHELL, else sh"),
    ] = None,
    unset: Annotated[
        bool, typer.Option("--unset", help="Take back what an earlier `acm env` set.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the variables as JSON.")] = False,
) -> None:
    """Print the variables that lead a shell's programs through acm: eval "$(acm env)"."""
    home = acm_home()
    syntax = shell or _users_shell(os.environ.get("SHELL", ""))
    variables: Mapping[str, str | None]
    if unset:
        variables = taken_back(home, os.environ)
    else:
        state = process.running(home)
        if state is None:
            raise AcmError(
                "the proxy is not running, so there is nothing to lead to",
                "`acm start` first; `acm run -- CMD…` does both for one program",
            )
        chosen = environment_for(home, state, gateway=gateway)
        variables = chosen.variables
        warn_of_test_upstream(state)
        for warning in chosen.warnings:
            typer.echo(f"# {warning}", err=True)
    if as_json:
        print_json(variables)
        return
    for line in lines_for(syntax, variables):
        typer.echo(line)
    if sys.stdout is not None and sys.stdout.isatty():
        typer.echo(f"# To use it in this shell: {_usage(syntax, gateway, unset)}", err=True)


def environment_for(
    home: Home, state: ProxyState, *, gateway: bool, who: str | None = None, tags: str = ""
) -> Chosen:
    """What a program needs to go through a running proxy, given what this process inherited.

    ``who`` pays: a project's name or token.
    """
    from acm_addon import trust
    from cli import clients

    inherited = os.environ
    no_proxy = inherited.get("no_proxy") or inherited.get("NO_PROXY")
    warnings = []
    if other := clients.other_proxy(inherited, state.port, state.host):
        warnings.append(
            f"warning: {other} names another proxy; acm does not go through it "
            "but connects to the providers directly"
        )
    if not gateway:
        bundle = trust.write_ca_bundle(home)
        variables = clients.forward_environment(
            state.port, bundle, no_proxy, state.host, who=who, tags=tags
        )
    else:
        variables = clients.gateway_environment(
            state.port, no_proxy, state.host, who=who, tags=tags
        )
    own = clients.own_base_urls(inherited, state.port, state.host)
    for name in (each for each in own if each in variables):
        del variables[name]
        warnings.append(
            f"warning: {name} names a server of your own and is left alone; "
            "calls to it are not recorded"
        )
    return Chosen(variables, warnings)


def taken_back(home: Home, inherited: Mapping[str, str]) -> dict[str, str | None]:
    """What to set (a value) and to unset (None) so that nothing of ours is left.

    Only what is recognisably ours is touched. What it replaced is not known any more.
    """
    from acm_addon.trust import TRUST_VARIABLES
    from cli import clients

    changes: dict[str, str | None] = {}
    for name, value in inherited.items():
        if name in TRUST_VARIABLES and value == str(home.ca_bundle):
            changes[name] = None
        elif name in clients.NO_PROXY_VARIABLES:
            changes[name] = clients.without_loopback(value)
        elif clients.leads_to_this_machine(name, value):
            changes[name] = None
    if any(name in changes for name in clients.PROXY_VARIABLES):
        changes["NODE_USE_ENV_PROXY"] = None
    return changes


def lines_for(shell: Shell, variables: Mapping[str, str | None]) -> list[str]:
    """One command a line that sets a variable, or unsets it where its value is None."""
    return [_line(shell, name, value) for name, value in variables.items()]


def _line(shell: Shell, name: str, value: str | None) -> str:
    match shell:
        case Shell.FISH:
            if value is None:
                return f"set -e {name};"
            quoted = value.replace("\\", "\\\\").replace("'", "\\'")
            return f"set -gx {name} '{quoted}';"
        case Shell.POWERSHELL:
            if value is None:
                return f"Remove-Item Env:{name} -ErrorAction SilentlyContinue;"
            quoted = value.replace("'", "''")
            return f"$Env:{name} = '{quoted}';"
        case Shell.SH:
            return f"unset {name};" if value is None else f"export {name}={shlex.quote(value)};"


def _users_shell(path: str) -> Shell:
    return Shell.FISH if PurePath(path).name == "fish" else Shell.SH


def _usage(shell: Shell, gateway: bool, unset: bool) -> str:
    options: Sequence[str] = [
        "acm env",
        *(["--gateway"] if gateway and not unset else []),
        *(["--unset"] if unset else []),
    ]
    command = " ".join(options)
    match shell:
        case Shell.FISH:
            return f"{command} | source"
        case Shell.POWERSHELL:
            return f"{command} --shell powershell | Out-String | Invoke-Expression"
        case Shell.SH:
            return f'eval "$({command})"'

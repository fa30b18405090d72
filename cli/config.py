"""``acm config …``: settings that a running proxy follows at once."""

from enum import StrEnum
from typing import Annotated

import typer

from acm_addon import listening, process
from acm_addon.control import settings
from acm_addon.control.store import ControlStore
from acm_addon.home import acm_home
from cli.exits import UsageError
from cli.output import print_json
from cli.render import columns

app = typer.Typer(name="config", help="Settings that a running proxy follows at once.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The setting.", show_default=False)]


class OnOff(StrEnum):
    ON = "on"
    OFF = "off"


@app.command("set")
def set_(
    name: Name,
    value: Annotated[OnOff, typer.Argument(metavar="VALUE", help="on or off.", show_default=False)],
) -> None:
    """Turn a setting on or off."""
    home = acm_home()
    _require_known(name)
    with ControlStore(home) as store:
        settings.put(store, name, on=value is OnOff.ON)
    typer.echo(f"{name} is {value.value}")
    state = process.running(home)
    if value is OnOff.OFF and state and not listening.is_loopback(state.host):
        typer.echo(
            f"acm: the proxy listens on {state.host} and goes on to require tokens", err=True
        )


@app.command()
def get(name: Name) -> None:
    """Print a setting: on or off."""
    _require_known(name)
    with ControlStore(acm_home()) as store:
        typer.echo(_word(settings.get(store, name)))


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """List the settings, and what they do."""
    with ControlStore(acm_home()) as store:
        values = {name: _word(settings.get(store, name)) for name in settings.SETTINGS}
    if as_json:
        print_json(values)
        return
    rows = [("SETTING", "VALUE", "WHEN IT IS ON")]
    rows += [(name, value, settings.SETTINGS[name]) for name, value in values.items()]
    typer.echo("\n".join(columns(rows)))


def _require_known(name: str) -> None:
    if name not in settings.SETTINGS:
        raise UsageError(
            f"there is no setting {name!r}", f"there is {', '.join(settings.SETTINGS)}"
        )


def _word(on: bool) -> str:
    return "on" if on else "off"

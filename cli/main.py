"""The ``acm`` command: every command is registered here, and nowhere else."""

import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated

import typer
from typer.main import get_command

from acm_addon import __version__
from cli import exits

COMMANDS: dict[str, dict[str, str]] = {
    "What it costs": {
        "today": "cli.today:today",
        "report": "cli.report:report",
        "tail": "cli.tail:tail",
        "explain": "cli.explain:explain",
        "import": "cli.imports:import_",
    },
    "What it should cost": {
        "cost": "cli.cost:cost",
        "reprice": "cli.reprice:reprice",
        "prices": "cli.prices:prices",
    },
    "Programs to watch": {
        "run": "cli.run:run",
        "env": "cli.env:env",
        "routes": "cli.routes:routes",
        "providers": "cli.providers:providers",
        "demo": "cli.main:demo",
    },
    "The proxy": {
        "start": "cli.proxy:start",
        "stop": "cli.proxy:stop",
        "restart": "cli.proxy:restart",
        "status": "cli.proxy:status",
        "logs": "cli.proxy:logs",
        "doctor": "cli.doctor:doctor",
        "limits": "cli.limits:limits",
    },
    "Who pays": {
        "project": "cli.project:app",
        "budget": "cli.budget:app",
        "key": "cli.key:app",
        "alert": "cli.alert:app",
        "config": "cli.config:app",
    },
}
"""Where each command or group of commands is, by the heading under which ``acm --help`` has it."""


def show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"acm {__version__}")
        raise typer.Exit


def acm(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def demo() -> None:
    """Show acm at work on a local stand-in provider. No key is needed, and nothing is spent."""
    from cli.demo import demo as demonstrate  # It brings a server along.

    demonstrate()


def program(typed: str | None = None) -> typer.Typer:
    """The whole program; or, where a command was typed, that one alone.

    To know all of them takes longer than most of them run: each is imported with what it needs.
    """
    app = typer.Typer(
        name="acm",
        help="See what your AI API calls cost, exactly, as they happen.",
        epilog="Start with `acm run -- CMD…`, then `acm today`.",
        context_settings={"help_option_names": ["-h", "--help"]},
        invoke_without_command=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(acm)
    known = any(typed in places for places in COMMANDS.values())
    for panel, places in COMMANDS.items():
        for name, place in places.items():
            if typed == name or not known:
                _register(app, panel, name, place)
    return app


def _register(app: typer.Typer, panel: str, name: str, place: str) -> None:
    path, _, attribute = place.partition(":")
    module = import_module(path)
    found = getattr(module, attribute)
    if isinstance(found, typer.Typer):
        app.add_typer(found, rich_help_panel=panel)
    else:
        settings = getattr(module, "CONTEXT_SETTINGS", None)
        app.command(name, rich_help_panel=panel, context_settings=settings)(found)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``acm`` with these arguments (by default the process's own) and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # A name that a terminal lacks is no failure.
    arguments = list(sys.argv[1:] if argv is None else argv)
    typed = arguments[0] if arguments else None
    return exits.exit_code_of(
        lambda: get_command(program(typed)).main(arguments, "acm", standalone_mode=False)
    )

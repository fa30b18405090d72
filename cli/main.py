"""The ``acm`` command: every command is registered here, and nowhere else."""

import sys
from collections.abc import Callable, Sequence
from io import TextIOWrapper
from typing import Annotated

import typer
from typer.main import get_command

from acm_addon import __version__
from cli import alert, budget, config, exits, key, project
from cli.cost import cost
from cli.doctor import doctor
from cli.env import env
from cli.explain import explain
from cli.imports import import_
from cli.limits import limits
from cli.prices import prices
from cli.providers import providers
from cli.proxy import logs, restart, start, status, stop
from cli.report import report
from cli.reprice import reprice
from cli.routes import routes
from cli.run import CONTEXT_SETTINGS, run
from cli.tail import tail
from cli.today import today

app = typer.Typer(
    name="acm",
    help="See what your AI API calls cost, exactly, as they happen.",
    epilog="Start with `acm run -- CMD…`, then `acm today`.",
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)


def show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"acm {__version__}")
        raise typer.Exit


@app.callback()
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


COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    "What it costs": (today, report, tail, explain, import_),
    "What it should cost": (cost, reprice),
    "Programs to watch": (run, env, routes, providers, demo),
    "The proxy": (start, stop, restart, status, logs, doctor, limits),
}
"""By the heading under which ``acm --help`` lists them."""

GROUPS: dict[str, tuple[typer.Typer, ...]] = {
    "What it should cost": (prices,),
    "Who pays": (project.app, budget.app, key.app, alert.app, config.app),
}
"""Groups of commands, likewise."""

for panel, commands in COMMANDS.items():
    for command in commands:
        settings = CONTEXT_SETTINGS if command is run else None
        app.command(rich_help_panel=panel, context_settings=settings)(command)

for panel, groups in GROUPS.items():
    for group in groups:
        app.add_typer(group, rich_help_panel=panel)


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``acm`` with these arguments (by default the process's own) and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # A name that a terminal lacks is no failure.
    arguments = list(sys.argv[1:] if argv is None else argv)
    program = get_command(app)
    return exits.exit_code_of(lambda: program.main(arguments, "acm", standalone_mode=False))

"""``acm run -- CMD…``: run a program with its AI calls led through acm, and say what they cost."""

import errno
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from acm_addon import process
from acm_addon.errors import AcmError
from acm_addon.home import Home, acm_home
from acm_addon.master_key import VARIABLE
from acm_addon.process import ProxyOptions, ProxyState
from cli.env import environment_for
from cli.exits import UsageError, complain
from cli.money import dollars
from cli.payer import paying
from cli.proxy import Port, warn_of_test_upstream

if TYPE_CHECKING:
    from acm_addon.ledger.reader import LedgerReader

CONTEXT_SETTINGS = {"allow_interspersed_args": False}
"""For the registration: ``acm run python x.py --port 3`` is python's option, without ``--`` too."""

NOT_EXECUTABLE = 126
NOT_FOUND = 127
"""As shells answer."""

SETTLE_SECONDS = 3.0
"""How long the last rows may take from the journal to the ledger. Tokenizing takes the most."""

BATCH = 500

_WAYS_AROUND = {
    False: "ignore HTTPS_PROXY (try --gateway), set its own base URL, or exclude the provider in "
    "NO_PROXY; `acm routes` lists what acm knows",
    True: "name the provider's own URL: give it one that `acm routes` lists, or try --forward",
}
"""Why calls of a program may not have passed, by whether it was led to the gateway."""


@dataclass(frozen=True, slots=True)
class Spent:
    calls: int = 0
    cost: int = 0
    """Nano-dollars, over the calls whose cost is known."""
    without_cost: int = 0


def run(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="-- CMD…", help="The program and its arguments.", show_default=False
        ),
    ] = None,
    gateway: Annotated[
        bool | None,
        typer.Option(
            "--gateway/--forward",
            help="Set the SDKs' base URLs, or a proxy and its certificate.",
            show_default="--gateway for Node, else --forward",
        ),
    ] = None,
    project: Annotated[
        str | None,
        typer.Option("--project", help="Who pays.", show_default="the git repository's name"),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="NAME=VALUE", help="A tag of its calls. Repeatable."),
    ] = None,
    port: Port = None,
) -> None:
    """Run a program with its AI calls recorded. Nothing outside of it is changed."""
    from acm_addon.ledger.reader import LedgerReader
    from cli import child, clients

    if not command:
        raise UsageError("there is no command to run", "`acm run -- python your_program.py`")
    file = _executable(command[0])
    home = acm_home()
    state = process.start_background(home, ProxyOptions(port=port))
    warn_of_test_upstream(state)
    if gateway is None:
        gateway = clients.needs_gateway(command[0], file.resolve(), _first_line(file))
        if gateway:
            say(
                f"{file.name} does not follow HTTPS_PROXY, so its SDKs get the gateway as base URL "
                "(--forward chooses the proxy)"
            )
    with (
        paying(home, state, project, tag or ()) as payer,
        LedgerReader(home.ledger) as reader,
    ):
        chosen = environment_for(home, state, gateway=gateway, who=payer.who, tags=payer.tags)
        for warning in chosen.warnings:
            say(warning)
        before = _newest(reader)
        inherited = {name: value for name, value in os.environ.items() if name != VARIABLE}
        try:
            status = child.run(command, {**inherited, **chosen.variables})
        except OSError as error:
            raise _refused(command[0], error) from None
        if before is not None:
            _report_since(before, home, state, reader, gateway=gateway)
    raise typer.Exit(status)


def _newest(reader: "LedgerReader") -> int | None:
    """The place of the last booked call; None, and a warning, where the ledger is unreadable.

    Traffic first: a program runs whether or not its cost can be told.
    """
    try:
        return reader.newest_rowid()
    except AcmError as error:
        _warn_of_ledger(error)
        return None


def _report_since(
    before: int, home: Home, state: ProxyState, reader: "LedgerReader", *, gateway: bool
) -> None:
    """Wait for the last rows, and report. The program has ended: this changes no status."""
    from cli import backlog, ledger

    try:
        if process.running(home) != state:
            ledger.settle(home)  # The proxy is gone: what it left is ours to book.
        settled = backlog.wait_until_booked(home, reader, SETTLE_SECONDS)
        spent = _spent(reader, before)
    except AcmError as error:
        _warn_of_ledger(error)
    else:
        report(home, state, spent, gateway=gateway, settled=settled)


def _warn_of_ledger(error: AcmError) -> None:
    say(f"warning: what the program costs cannot be told: {error.message}")
    if error.hint:
        say(f"hint: {error.hint}")


def report(home: Home, state: ProxyState, spent: Spent, *, gateway: bool, settled: bool) -> None:
    """Say on standard error what was recorded while the program ran, or why nothing may have been.

    Calls that other programs made through acm in that time are in it.
    """
    if spent.calls:
        calls = f"{spent.calls:,} call{'s' if spent.calls > 1 else ''}"
        cost = "cost unknown"
        if spent.without_cost < spent.calls:
            unknown = f", {spent.without_cost:,} of unknown cost" if spent.without_cost else ""
            cost = f"{dollars(spent.cost)}{unknown}"
        rest = "" if settled else " (more are still being recorded)"
        say(f"{calls}, {cost}{rest}")
    elif process.running(home) != state:
        say("warning: the proxy ended while the program ran; `acm logs` shows its last words")
    elif not settled:
        say("no call is recorded yet; `acm tail` shows calls as they are booked")
    else:
        say("warning: not one AI call was recorded while it ran")
        say(f"hint: if it made calls, it may {_WAYS_AROUND[gateway]}")


def say(text: str) -> None:
    typer.echo(f"acm: {text}", err=True)


def _spent(reader: "LedgerReader", after: int) -> Spent:
    """Sums over the rows booked after a place."""
    calls = cost = without_cost = 0
    while batch := reader.recent(after, BATCH):
        calls += len(batch)
        cost += sum(booked.entry.cost or 0 for booked in batch)
        without_cost += sum(booked.entry.cost is None for booked in batch)
        after = batch[-1].rowid
    return Spent(calls, cost, without_cost)


def _executable(name: str) -> Path:
    """The file that ``name`` would run; ends the command as a shell would where there is none."""
    if found := shutil.which(name):
        return Path(found)
    if os.sep in name and Path(name).exists():
        raise _refused(name, PermissionError(errno.EACCES, ""))
    raise _refused(name, FileNotFoundError(errno.ENOENT, ""))


def _refused(name: str, error: OSError) -> typer.Exit:
    """Say why a program cannot be run, as an exit with a shell's code for it."""
    match error.errno:
        case errno.ENOENT:
            complain(
                f"{name}: command not found",
                "is it installed, and on PATH? Aliases and shell functions need `sh -c '…'`",
            )
            return typer.Exit(NOT_FOUND)
        case errno.ENOEXEC:
            complain(
                f"{name} is no program that the system can start",
                "a script needs a first line such as `#!/bin/sh`",
            )
        case _:
            complain(f"{name} cannot be run: {os.strerror(error.errno or 0)}", "check its mode")
    return typer.Exit(NOT_EXECUTABLE)


def _first_line(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.readline(256).decode(errors="replace")
    except OSError:
        return ""  # It may be executable and not readable.

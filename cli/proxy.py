"""``acm start``, ``stop``, ``restart``, ``status`` and ``logs``: the proxy as a process."""

import os
import sys
from typing import Annotated

import typer

from acm_addon import listening, process
from acm_addon.errors import AcmError
from acm_addon.home import Home, acm_home
from acm_addon.presence import StartError
from acm_addon.process import ProxyOptions, ProxyState, Stopped
from cli.exits import ExitCode
from cli.output import print_json

Port = Annotated[
    int | None,
    typer.Option(
        "--port",
        min=0,
        max=65535,
        help="Port to listen on; 0 takes a free one.",
        show_default=str(process.DEFAULT_PORT),
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


def start(
    *,
    port: Port = None,
    host: Annotated[
        str | None,
        typer.Option(
            "--host", help="Address of this machine to listen on.", show_default="127.0.0.1"
        ),
    ] = None,
    foreground: Annotated[
        bool, typer.Option("--foreground", "-f", help="Stay in this terminal; log to it.")
    ] = False,
    as_json: Json = False,
    test_upstream: Annotated[
        str | None,
        typer.Option(
            "--test-upstream",
            metavar="HOST:PORT",
            hidden=True,
            help="For tests and the demo: a local server that plays every provider.",
        ),
    ] = None,
    test_upstream_ca: Annotated[
        str | None,
        typer.Option(
            "--test-upstream-ca",
            metavar="FILE",
            hidden=True,
            help="Root certificate (PEM) of the test upstream.",
        ),
    ] = None,
) -> None:
    """Start the proxy in the background, and wait until it is ready."""
    home = acm_home()
    if host is not None:
        listening.check(home, host)
    options = ProxyOptions(host, port, test_upstream, test_upstream_ca)
    before = process.running(home)
    if foreground:
        if before:
            raise AcmError(
                f"the proxy is already running on port {before.port} (pid {before.pid})",
                "`acm stop` first; `acm logs -f` shows what the running one does",
            )
        run_here(home, options)
    state = process.start_background(home, options)
    if as_json:
        print_json({"already_running": before == state, **state_json(state)})
    else:
        typer.echo(_already(state) if before == state else _welcome(state))
        warn_of_test_upstream(state)


def stop() -> None:
    """Stop the proxy; calls in flight get a moment to finish."""
    home = acm_home()
    match process.stop(home):
        case Stopped.NOT_RUNNING:
            typer.echo("acm was not running")
        case Stopped.ENDED:
            typer.echo("acm has stopped")
        case Stopped.KILLED:
            typer.echo(
                f"acm did not stop within {process.STOP_SECONDS:g} s and was killed; "
                "calls in flight were cut, and the next `acm start` books them as partial"
            )


def restart(as_json: Json = False) -> None:
    """Stop the proxy and start it again on the same port."""
    home = acm_home()
    options = ProxyOptions()
    if state := process.read_state(home):  # Of one that runs, or that was killed.
        options = ProxyOptions(state.host, state.port, state.test_upstream, state.test_upstream_ca)
    _check_start(home, options)
    process.stop(home)
    state = process.start_background(home, options)
    if as_json:
        print_json({"already_running": False, **state_json(state)})
    else:
        typer.echo(_listening(state))
        warn_of_test_upstream(state)


def _check_start(home: Home, options: ProxyOptions) -> None:
    """Raises StartError for what the new proxy would refuse to start with.

    Programs go on using the one that runs.
    """
    from acm_addon.user_providers import directory

    if options.host is not None:
        listening.check(home, options.host)
    try:
        directory(home)
    except AcmError as error:
        raise StartError(error.message, error.hint) from None


def status(as_json: Json = False) -> None:
    """Say whether the proxy runs, and how it is doing. Exit code 1 when it does not run."""
    from cli import health

    found = health.look(acm_home())
    if as_json:
        print_json(health.as_json(found))
    else:
        typer.echo("\n".join(health.as_lines(found)))
        if found.state:
            warn_of_test_upstream(found.state)
    if not found.state:
        raise typer.Exit(ExitCode.FAILED)


def logs(
    lines: Annotated[
        int, typer.Option("-n", "--lines", min=0, help="How many of the last lines to show.")
    ] = 50,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on showing what is logged, until Ctrl-C.")
    ] = False,
) -> None:
    """Show the proxy's log. It holds messages of acm's own, and nothing of the traffic."""
    from cli import logtail

    path = acm_home().log
    if not path.exists():
        raise AcmError("there is no log yet", "`acm start` writes one")
    try:
        for text in logtail.follow(path, lines) if follow else [logtail.last_lines(path, lines)]:
            typer.echo(text, nl=False)
    except KeyboardInterrupt:
        return  # The way a follow ends.


def run_here(home: Home, options: ProxyOptions) -> None:
    """Become the proxy. Does not return."""
    command = [*process.proxy_command(), *options.arguments()]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, process.proxy_environment(home))  # noqa: S606


def warn_of_test_upstream(state: ProxyState) -> None:
    if state.test_upstream:
        typer.echo(
            f"acm: TEST UPSTREAM: {state.test_upstream} plays every provider; "
            "no real provider is reached and no cost is real",
            err=True,
        )


def state_json(state: ProxyState) -> dict[str, object]:
    return {
        "pid": state.pid,
        "host": state.host,
        "port": state.port,
        "started": state.started,
        "version": state.version,
        "test_upstream": state.test_upstream,
    }


def _listening(state: ProxyState) -> str:
    from cli.clients import origin

    return f"acm is listening on {origin(state.port, state.host)} (pid {state.pid})"


def _already(state: ProxyState) -> str:
    return f"acm is already running on port {state.port} (pid {state.pid})"


def _welcome(state: ProxyState) -> str:
    from cli.clients import origin

    return f"""\
{_listening(state)}

Run a program through it, unchanged (HTTPS_PROXY and trust are set for it alone):
  acm run -- python your_program.py
Or give a program the gateway as its base URL, such as:
  OPENAI_BASE_URL={origin(state.port, state.host)}/openai/v1

Then `acm today` shows what it cost."""

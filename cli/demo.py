"""``acm demo``: the whole of acm in a few seconds, against a provider that is not one."""

import contextlib
import os
import re
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import typer

from acm_addon import process
from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.ledger.reader import LedgerReader
from acm_addon.model import Entrance, Entry, utc_now
from acm_addon.process import ProxyOptions
from acm_addon.trust import write_ca_bundle
from cli import clients
from cli.demo_calls import CALLS, DemoCall, Program, choose_program
from cli.explain import explain
from cli.render import BOLD, paint
from cli.report import report
from cli.standin import StandIn
from cli.tail import line_of
from cli.today import today
from cli.zones import chosen_zone

FIRST_BYTE_SECONDS = 0.12
BETWEEN_SECONDS = 0.01
"""The stand-in takes this long, so that there is something to watch."""

BOOKED_SECONDS = 15.0
"""How long the last call may take to show in the ledger."""

LOOK_SECONDS = 0.05

_PERSONAL = re.compile(
    r"""(?ix) .*_(api_key|auth_token|api_token|proxy|base_url|api_base)
    | (acm|openai|anthropic|azure_openai|google|gemini)_.*
    | ssl_cert_(file|dir) | .*_ca_bundle | node_extra_ca_certs"""
)
"""Names of the user's settings and secrets that could find their way into a demonstration."""


def demo() -> None:
    """Show acm at work on a local stand-in provider. No key is needed, and nothing is spent."""
    program, how = choose_program()
    typer.echo(paint("This is a demonstration.", BOLD))
    typer.echo(
        "A local stand-in plays OpenAI, Anthropic and Gemini: no provider is asked, no key is\n"
        "used, and no money is spent. The ledger is temporary, and is removed at the end.\n"
    )
    with _ending_on_signals(), contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(_temporary_folder()))
        home = Home(folder / "home")
        stack.enter_context(_environment(_impersonal(os.environ) | {"ACM_HOME": str(home.root)}))
        standin = stack.enter_context(_standin(folder))
        calls = _Calls(home, program)
        stack.callback(calls.join)
        stack.callback(process.stop, home)
        options = ProxyOptions(
            port=0,
            test_upstream=f"127.0.0.1:{standin.tls_port}",
            test_upstream_ca=str(standin.ca_file),
        )
        state = process.start_background(home, options)
        typer.echo(f"proxy     {clients.origin(state.port)}, both entrances")
        typer.echo(f"upstream  the stand-in, {state.test_upstream}")
        typer.echo(f"program   {how}")
        calls.start(state.port)
        _show_calls(home, calls)
        _show_reports(home)
    typer.echo(paint("That was a stand-in: no provider was asked, and no money was spent.", BOLD))
    typer.echo("To watch a program of yours: acm run -- python your_program.py")


class _Calls:
    """Makes every call, one after the other, in a thread of its own."""

    def __init__(self, home: Home, program: Program) -> None:
        self._home, self._program = home, program
        self._thread: threading.Thread | None = None
        self.failure: str | None = None

    def start(self, port: int) -> None:
        self._thread = threading.Thread(target=self._run, args=(port,), daemon=True)
        self._thread.start()

    def join(self) -> None:
        if self._thread:
            self._thread.join()

    @property
    def running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _run(self, port: int) -> None:
        for call in CALLS:
            with _environment({**os.environ, **self._way(call.entrance, port)}):
                self.failure = self._make(call)
            if self.failure:
                return

    def _way(self, entrance: Entrance, port: int) -> dict[str, str]:
        """What leads a program to the proxy, as ``acm run`` sets it."""
        if entrance is Entrance.GATEWAY:
            return clients.gateway_environment(port)
        return clients.forward_environment(port, write_ca_bundle(self._home), None)

    def _make(self, call: DemoCall) -> str | None:
        where = f"{call.base}{call.path.partition('?')[0]} by the {call.entrance} entrance"
        try:
            status = self._program(call)
        except Exception as error:
            return f"the call to {where} failed: {type(error).__name__}"
        return None if status == call.expected_status else f"{where} answered {status}"


def _show_calls(home: Home, calls: _Calls) -> None:
    """Print each call's line as it is booked. Raises AcmError where a call fails."""
    _title(f"{len(CALLS)} calls, as they are booked", "acm tail")
    zone = chosen_zone(None)
    shown, deadline = 0, float("inf")
    with LedgerReader(home.ledger) as reader:
        while shown < len(CALLS):
            for row in reader.recent(shown, len(CALLS)):
                typer.echo("  " + line_of(row.entry, zone, utc_now()))
                shown = row.rowid
            if calls.failure:
                raise AcmError(
                    calls.failure,
                    "is something else using this machine's loopback? run it again, or report it",
                )
            if not calls.running:
                deadline = min(deadline, time.monotonic() + BOOKED_SECONDS)
            if time.monotonic() > deadline:
                raise AcmError("not every call of the demonstration reached the ledger")
            time.sleep(LOOK_SECONDS)


def _show_reports(home: Home) -> None:
    _title("What they cost", "acm today")
    today(tz=None, as_json=False)
    _title("The same, by provider", "acm report --by provider")
    report(by=["provider"])
    entry = _most_detailed(home)
    _title("And why one of them cost what it cost", f"acm explain {entry.id}")
    explain(id=entry.id, tz=None, as_json=False)
    typer.echo()


def _most_detailed(home: Home) -> Entry:
    with LedgerReader(home.ledger) as reader:
        rows = reader.recent(0, len(CALLS))
    return max((row.entry for row in rows), key=lambda entry: len(entry.lines))


def _title(text: str, command: str) -> None:
    typer.echo(f"\n{paint(text, BOLD)} ({command}):\n")


def _standin(folder: Path) -> StandIn:
    """Raises AcmError when there is no port for it."""
    try:
        return StandIn(folder, first_byte=FIRST_BYTE_SECONDS, between=BETWEEN_SECONDS)
    except OSError as error:
        raise AcmError(f"the stand-in cannot be set up: {os.strerror(error.errno or 0)}") from None


def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """Raises AcmError."""
    try:
        return tempfile.TemporaryDirectory(prefix="acm-demo-", ignore_cleanup_errors=True)
    except OSError as error:
        raise AcmError(
            f"no temporary folder can be made: {os.strerror(error.errno or 0)}",
            "set TMPDIR to a folder that you can write to",
        ) from None


def _impersonal(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without the user's keys, endpoints, proxies, and certificates."""
    return {name: value for name, value in environment.items() if not _PERSONAL.fullmatch(name)}


@contextlib.contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    """This process's environment for as long as the block runs."""
    before = dict(os.environ)
    _set_environment(wanted)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(wanted: Mapping[str, str]) -> None:
    for name in os.environ.keys() - wanted.keys():
        del os.environ[name]
    os.environ.update(wanted)


@contextlib.contextmanager
def _ending_on_signals() -> Iterator[None]:
    """A request to end, or a closed terminal, cleans up as Ctrl-C does."""

    def end(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

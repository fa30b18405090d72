"""The proxy's drain, in a process of its own: moving rows to the ledger costs the traffic nothing.

The two are joined by a pipe. A byte in it means that there is something to book; its end means that
the proxy is gone, however it went, and the drain books what is left and follows.
"""

import asyncio
import contextlib
import os
import select
import signal
import sys
from functools import partial
from pathlib import Path

from acm_addon.alert_watch import AlertWatch
from acm_addon.drain import Drain
from acm_addon.home import acm_home
from acm_addon.logs import logger

log = logger("drain")

GATHER_SECONDS = 0.1
"""How long calls that end together are gathered before the drain is woken."""
RESTART_SECONDS = 1.0
STOP_SECONDS = 15.0
"""How long a last pass may take. What it leaves stays in the journal."""

_TROUBLES = {
    "drain": "could not move calls to the ledger",
    "alerts": "could not look after the alerts",
}
"""What fails in the process, by the word before the class of the error."""

_PACKAGES = Path(__file__).parent.parent
"""Where this very code lies, for the process to find the same."""


class DrainProcess:
    """The proxy's side. Started again whenever it ends before it should."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._woken = False
        self._stopping = False

    def start(self) -> None:
        self._keeper = asyncio.create_task(self._keep())

    def wake(self) -> None:
        """There is something to book. Cheap; for the event loop's thread."""
        if not self._woken:
            self._woken = True
            asyncio.get_running_loop().call_later(GATHER_SECONDS, self._ring)

    async def stop(self) -> None:
        """Let it book what is there, and wait until it has ended."""
        self._stopping = True
        if self._process and self._process.stdin:
            self._process.stdin.close()
        if self._keeper:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._keeper, STOP_SECONDS)

    def _ring(self) -> None:
        self._woken = False
        if self._process and self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(b".")

    async def _keep(self) -> None:
        while not self._stopping:
            try:
                await self._run()
            except OSError as error:
                log.error("could not start the drain: %s", os.strerror(error.errno or 0))
            if not self._stopping:
                await asyncio.sleep(RESTART_SECONDS)

    async def _run(self) -> None:
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "acm_addon.drain_process"),
            cwd=_PACKAGES,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert process.stdout
        while complaint := await process.stdout.readline():
            what, _, kind = complaint.decode().strip().partition(" ")
            log.error("%s: %s", _TROUBLES.get(what, "trouble"), kind)
        code = await process.wait()
        if not self._stopping:
            log.warning("the drain ended with code %d and is started again", code)


class PipeBell:
    """The drain's side of the pipe."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.stopping = False

    def wait(self, seconds: float) -> None:
        if self.stopping:
            return
        readable, _, _ = select.select([self._descriptor], [], [], seconds)
        if readable and not os.read(self._descriptor, 65536):
            self.stopping = True


def main() -> None:
    # Ctrl-C in a terminal reaches the whole group; the proxy decides when the drain ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    home = acm_home()
    alerts = AlertWatch(home, partial(_complain, "alerts"))
    alerts.start()
    Drain(home).work(PipeBell(sys.stdin.fileno()), partial(_complain, "drain"))
    alerts.stop()


def _complain(what: str, error: Exception) -> None:
    """The class alone: an exception's text may quote what it choked on."""
    with contextlib.suppress(OSError):
        os.write(1, f"{what} {type(error).__name__}\n".encode())


if __name__ == "__main__":
    main()

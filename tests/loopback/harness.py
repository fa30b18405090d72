"""The real proxy as a process, and what tests need around it."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from acm_addon.home import Home
from acm_addon.ledger.reader import LedgerReader
from acm_addon.model import Entry
from acm_addon.process import proxy_command
from cli.backlog import wait_until_booked
from cli.standin import Seen

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0
"""Seconds after which something that should have happened did not."""


def clean_environment(home: Home, **more: str) -> dict[str, str]:
    """This process's environment without the user's proxies, keys, and certificates."""
    dropped = ("_PROXY", "_API_KEY", "_BASE_URL", "_CERT_FILE", "_CA_BUNDLE")
    kept = {name: value for name, value in os.environ.items() if not name.upper().endswith(dropped)}
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return kept | {"ACM_HOME": str(home.root), "PYTHONPATH": paths} | more


class LiveProxy:
    """``python -m acm_addon`` on a free port, with provider hosts played by ``upstream``."""

    def __init__(
        self, home: Home, upstream: tuple[int, Path], log: str = "info", host: str = "127.0.0.1"
    ) -> None:
        self.home = home
        self._host = host
        self.port = 0
        self._upstream = upstream
        self.environment = clean_environment(home, ACM_LOG=log)
        self._process: subprocess.Popen[bytes] | None = None
        self.output = home.root.parent / f"{home.root.name}.output"
        """Everything that the process prints."""

    def start(self) -> Self:
        """Returns when connections are accepted."""
        port, root = self._upstream
        readable, writable = os.pipe()
        command = [*proxy_command(), "--port", str(self.port), "--host", self._host]
        command += ["--test-upstream", f"127.0.0.1:{port}", "--test-upstream-ca", str(root)]
        command += ["--ready-fd", str(writable)]
        with self.output.open("ab") as output, os.fdopen(readable, "rb") as ready:
            self._process = subprocess.Popen(
                command,
                env=self.environment,
                pass_fds=[writable],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            os.close(writable)
            answer = json.loads(ready.readline() or b"{}")
        assert "ready" in answer, f"the proxy did not start: {answer} {self.output.read_text()}"
        self.port = answer["ready"]["port"]
        return self

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """An orderly end: everything is in the ledger afterwards."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.output.read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()

    def rows(self) -> list[Entry]:
        """Every row of the ledger, oldest first."""
        if not self.home.ledger.exists():
            return []
        with LedgerReader(self.home.ledger) as reader:
            return [row.entry for row in reader.recent(0, 1_000_000)]

    def settled_rows(self) -> list[Entry]:
        """Every row, once all calls that have begun by now are over and booked."""
        with LedgerReader(self.home.ledger) as reader:
            assert wait_until_booked(self.home, reader, PATIENCE), "a call is still running"
        return self.rows()

    def wait_for(self, wanted: Callable[[Entry], Any]) -> Entry:
        """The newest row that ``wanted`` accepts, once it is there."""
        deadline = time.monotonic() + PATIENCE
        while True:
            if row := next((row for row in reversed(self.rows()) if wanted(row)), None):
                return row
            assert time.monotonic() < deadline, f"no such row among {self.rows()}"
            time.sleep(0.02)

    def row_of_call(self, seen: Seen) -> Entry:
        """The row of a call that the stand-in has answered."""
        request_id = f"req_standin{seen.number:08d}"
        return self.wait_for(lambda row: row.request_id == request_id)

    def row_of(self, model: str) -> Entry:
        """The row of a call that asked for ``model``: tests give each call a model of its own."""
        return self.wait_for(lambda row: row.requested_model == model)

"""The processes that are measured: the upstream, acm, and stock mitmdump."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from acm_addon.home import Home

_EMPTY_ADDON = """
class Empty:
    pass

addons = [Empty()]
"""


@contextlib.contextmanager
def upstream() -> Iterator[int]:
    """The instant upstream. Yields its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.upstream"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def acm(upstream_port: int, prepare: Callable[[Home], None] | None = None) -> Iterator[int]:
    """acm with accounting on, whose OpenAI is the upstream. Yields its port.

    ``prepare`` is called with its home before it starts.
    """
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="acm-bench-") as home:
        if prepare:
            prepare(Home(Path(home)).ensure())
        process = subprocess.Popen(
            [sys.executable, "-O", "-m", "bench.proxy", str(port), str(upstream_port)],
            env={**os.environ, "ACM_HOME": home},
            stdout=subprocess.DEVNULL,
        )
        try:
            _await_port(port, process)
            yield port
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def mitmdump(upstream_port: int) -> Iterator[int]:
    """Stock mitmdump with an empty addon, told to print nothing. Yields its port."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="acm-bench-") as folder:
        addon = Path(folder) / "empty.py"
        addon.write_text(_EMPTY_ADDON)
        process = subprocess.Popen(
            [
                Path(sys.executable).with_name("mitmdump"),
                *("--quiet", "--set", f"confdir={folder}", "--scripts", addon),
                *("--listen-host", "127.0.0.1", "--listen-port", str(port)),
                *("--mode", f"reverse:http://127.0.0.1:{upstream_port}"),
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            _await_port(port, process)
            yield port
        finally:
            process.terminate()
            process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError("the server did not start")

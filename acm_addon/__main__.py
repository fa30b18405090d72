"""``python -m acm_addon``: the proxy as a process."""

import argparse
import asyncio
import contextlib
import gc
import os
import resource
import sys
from typing import Any

from acm_addon import __version__, listening, logs, process
from acm_addon.errors import AcmError
from acm_addon.home import Home, acm_home
from acm_addon.model import utc_now
from acm_addon.process import ProxyState

CANNOT_START = 3

_GC_THRESHOLDS = (10_000, 20, 20)
"""A call makes thousands of short-lived objects, nearly all of them free of cycles."""


def main() -> int:
    arguments = _arguments()
    try:
        home = acm_home().ensure()
    except AcmError as error:
        return _fail(arguments, error)
    except OSError as error:
        return _fail(arguments, AcmError(f"cannot use acm's home: {os.strerror(error.errno or 0)}"))
    logs.set_up(home.log if arguments.background else None)
    try:
        _serve(arguments, home)
    except AcmError as error:
        return _fail(arguments, error)
    return 0


def _serve(arguments: argparse.Namespace, home: Home) -> None:
    listening.check(home, arguments.host)
    with process.hold_lock(home):
        # A core dump would hold the bodies in flight.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_run(arguments, home))


async def _run(arguments: argparse.Namespace, home: Home) -> None:
    # Imported here: a second proxy is refused by the lock before it pays for mitmproxy.
    from acm_addon.proxy import Proxy
    from acm_addon.test_upstream import TestUpstream

    switch = None
    if arguments.test_upstream:
        switch = TestUpstream.parse(arguments.test_upstream, arguments.test_upstream_ca)
        logs.logger("proxy").warning(
            "TEST UPSTREAM: provider hosts are played by %s; no provider is reached",
            arguments.test_upstream,
        )
    ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    proxy = Proxy(home, arguments.host, arguments.port, switch)
    running = asyncio.create_task(proxy.run(ready))
    either: list[asyncio.Future[Any]] = [running, ready]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        state = ProxyState(
            pid=os.getpid(),
            host=arguments.host,
            port=ready.result(),
            started=utc_now().isoformat(),
            version=__version__,
            test_upstream=arguments.test_upstream,
            test_upstream_ca=arguments.test_upstream_ca,
        )
        process.write_state(home, state)
        if arguments.ready_fd is not None:
            process.announce_ready(arguments.ready_fd, state)
        # What exists now lives as long as the process does: never walk it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_GC_THRESHOLDS)
    await running


def _fail(arguments: argparse.Namespace, error: AcmError) -> int:
    if arguments.ready_fd is not None:
        process.announce_failure(arguments.ready_fd, error.message, error.hint)
    else:
        sys.stderr.write(f"error: {error.message}\n")
        if error.hint:
            sys.stderr.write(f"hint: {error.hint}\n")
    return CANNOT_START


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m acm_addon", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=4141)
    parser.add_argument("--background", action="store_true", help="log to acm's home")
    parser.add_argument("--ready-fd", type=int, help="where to say that the proxy is ready")
    parser.add_argument("--test-upstream", metavar="HOST:PORT", help="for tests and the demo only")
    parser.add_argument("--test-upstream-ca", metavar="FILE", help="root of the test upstream")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

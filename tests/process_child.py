"""A stand-in for the proxy that keeps the same contract with its parent, and holds no port.

``ACM_TEST_CHILD`` chooses how it behaves. Every life adds a line to ``lives`` in its home.
"""

import argparse
import os
import signal
import sys
import threading

from acm_addon import process
from acm_addon.errors import AcmError
from acm_addon.home import acm_home
from acm_addon.model import utc_now
from acm_addon.process import ProxyState


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--ready-fd", type=int)
    parser.add_argument("--background", action="store_true")
    parser.add_argument("--test-upstream")
    parser.add_argument("--test-upstream-ca")
    arguments = parser.parse_args()
    behaviour = os.environ.get("ACM_TEST_CHILD", "")
    if behaviour == "dies":
        return 7
    if behaviour == "mute":
        signal.pause()
    stop = threading.Event()
    if behaviour == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
    home = acm_home()
    try:
        with process.hold_lock(home):
            if behaviour == "fails":
                raise AcmError("port 4141 cannot be used: it is taken", "choose another one")
            with (home.root / "lives").open("a") as lives:
                lives.write(f"{os.getpid()}\n")
            state = ProxyState(
                pid=os.getpid(),
                host=arguments.host,
                port=arguments.port or 4999,
                started=utc_now().isoformat(),
                version="0",
                test_upstream=arguments.test_upstream,
                test_upstream_ca=arguments.test_upstream_ca,
            )
            process.write_state(home, state)
            if arguments.ready_fd is not None:
                process.announce_ready(arguments.ready_fd, state)
            while not stop.wait(60):
                pass
    except AcmError as error:
        process.announce_failure(arguments.ready_fd, error.message, error.hint)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())

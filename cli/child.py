"""A program in our place: it has the terminal, gets our signals, and its end becomes ours."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from types import FrameType

FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT)
"""What a terminal sends to every process in its foreground: the child has got it already."""

PASSED_ON = (
    *FROM_TERMINAL,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
)


class _Relay:
    """Passes signals on to a child, each once. Those that came before it was there wait for it."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []

    def receive(self, number: int, _frame: FrameType | None) -> None:
        if self._child is None:
            self._early.append(number)
        elif number not in FROM_TERMINAL or not _in_foreground():
            self._child.send_signal(number)

    def attach(self, child: subprocess.Popen[bytes]) -> None:
        self._child = child
        for number in self._early:
            child.send_signal(number)


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a program to its end, and return its exit status, 128+n where signal n ended it.

    Raises OSError where it cannot be started.
    """
    relay = _Relay()
    # Functions, not SIG_IGN: a child inherits what is ignored. What we were told to ignore (nohup)
    # stays so for both.
    handled = [number for number in PASSED_ON if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, relay.receive) for number in handled}
    try:
        child = subprocess.Popen(command, env=environment)
        relay.attach(child)
        status = child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 128 - status if status < 0 else status


def _in_foreground() -> bool:
    """Whether the terminal talks to our process group, which is the child's too."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)

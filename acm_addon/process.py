"""The proxy as a process: started once however many ask, awaited until it is ready, and stopped.

A new proxy says down a pipe that it is ready, or why it will not be; the pipe's end says that it
died. Who is alive is ``acm_addon.presence``'s to know; its names are offered here too, so that this
module is the whole of process control.

Used by the proxy and by the command line, so standard library only.
"""

import contextlib
import json
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.presence import (
    LOOK_SECONDS,
    ProxyState,
    StartError,
    hold_lock,
    is_locked,
    prepare,
    read_state,
    remove_state,
    running,
    start_lock,
    state_of,
    write_state,
)

if TYPE_CHECKING:
    import subprocess

__all__ = [
    "DEFAULT_HOST",
    "DEFAULT_PORT",
    "ProxyOptions",
    "ProxyState",
    "StartError",
    "Stopped",
    "announce_failure",
    "announce_ready",
    "hold_lock",
    "is_locked",
    "proxy_command",
    "proxy_environment",
    "read_state",
    "running",
    "start_background",
    "stop",
    "write_state",
]

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 4141

START_SECONDS = 30.0
"""How long a proxy may take to accept connections: a first start makes a certificate authority."""

STOP_SECONDS = 15.0
"""How long a proxy may take to finish its calls in flight and drain its journal."""


@dataclass(frozen=True, slots=True)
class ProxyOptions:
    """What is asked of a proxy. None leaves the choice: to the running one, else to the default."""

    host: str | None = None
    port: int | None = None
    test_upstream: str | None = None
    test_upstream_ca: str | None = None

    def arguments(self) -> list[str]:
        """Options of ``python -m acm_addon``."""
        arguments = [
            f"--host={self.host or DEFAULT_HOST}",
            f"--port={DEFAULT_PORT if self.port is None else self.port}",
        ]
        if self.test_upstream is not None:
            arguments.append(f"--test-upstream={self.test_upstream}")
        if self.test_upstream_ca is not None:
            arguments.append(f"--test-upstream-ca={Path(self.test_upstream_ca).absolute()}")
        return arguments

    def disagreement(self, state: ProxyState) -> str | None:
        """What a running proxy does that was not asked for, in words; None where it fits."""
        if self.port not in (None, 0, state.port):
            return f"on port {state.port}, not {self.port}"
        if self.host not in (None, state.host):
            return f"on {state.host}, not {self.host}"
        if self.test_upstream not in (None, state.test_upstream):
            playing = state.test_upstream or "the real providers"
            return f"with {playing} as upstream, not {self.test_upstream}"
        return None


class Stopped(Enum):
    """How a proxy was stopped."""

    NOT_RUNNING = "not_running"
    ENDED = "ended"
    """By itself, as asked."""
    KILLED = "killed"
    """It did not end in time. What it had journalled is booked by the next proxy."""


def announce_ready(fd: int, state: ProxyState) -> None:
    """Tell the waiting parent, and close the pipe."""
    _announce(fd, {"ready": asdict(state)})


def announce_failure(fd: int, message: str, hint: str | None) -> None:
    """Tell the waiting parent why there will be no proxy, and close the pipe."""
    _announce(fd, {"error": message, "hint": hint})


def proxy_command() -> list[str]:
    """How the proxy is started.

    ``-P`` keeps files in its working folder from posing as modules. ``-O`` leaves out mitmproxy's
    checks of its own types and states at every step, a third of its time; none of them decides
    anything.
    """
    return [sys.executable, "-O", "-P", "-m", "acm_addon"]


def proxy_environment(home: Home) -> dict[str, str]:
    """The proxy's environment: ours, the same home, and a source checkout where we run from one."""
    environment = {**os.environ, "ACM_HOME": str(home.root.absolute())}
    root = Path(__file__).resolve().parents[1]
    if root.name not in ("site-packages", "dist-packages"):
        paths = [str(root), *filter(None, [environment.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
    return environment


def start_background(
    home: Home,
    options: ProxyOptions,
    timeout: float = START_SECONDS,
    command: Sequence[str] | None = None,
) -> ProxyState:
    """The proxy of this home: the running one if it fits, else a new one that accepts connections.

    However many ask at once, one proxy starts and all of them get it. ``command`` starts the
    proxy, by default ``proxy_command()``.

    Raises StartError when it cannot start, AcmError when the running one is another than asked for.
    """
    prepare(home)
    with start_lock(home):
        state = running(home) or _wait_for_unready(home, timeout)
        if state is None:
            return _spawn(home, options, timeout, command or proxy_command())
    if wrong := options.disagreement(state):
        raise AcmError(
            f"the proxy is already running {wrong}",
            "`acm stop` first, or leave the option out to use the running one",
        )
    return state


def stop(home: Home, timeout: float = STOP_SECONDS) -> Stopped:
    """Ask the proxy of this home to end, and see to it that it does.

    Raises AcmError when it may not be signalled, or lives and cannot be found.
    """
    state = running(home)
    if state is None:
        if is_locked(home) and (home.run / "proxy.json").exists() and not read_state(home):
            raise AcmError(
                "the proxy lives, but the file that says where is damaged",
                f"end the process that {home.run / 'proxy.pid'} names",
            )
        return Stopped.NOT_RUNNING
    try:
        with _Process(state.pid) as process:
            # Whoever holds the lock wrote the state: the same answer after the process was
            # pinned means that it is the holder, and no later owner of its pid.
            if running(home) != state:
                return Stopped.NOT_RUNNING
            process.signal(signal.SIGTERM)
            if process.wait(home, timeout):
                return Stopped.ENDED
            process.signal(signal.SIGKILL)
            process.wait(home, timeout)
    except ProcessLookupError:
        return Stopped.ENDED
    except PermissionError:
        raise AcmError(
            f"the proxy (pid {state.pid}) belongs to another user", "stop it as that user"
        ) from None
    remove_state(home)
    return Stopped.KILLED


class _Process:
    """A process that is not our child, pinned by a pidfd where the kernel has them (Linux)."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._fd = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None

    def __enter__(self) -> "_Process":
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd is not None:
            os.close(self._fd)

    def signal(self, number: signal.Signals) -> None:
        if self._fd is not None:
            signal.pidfd_send_signal(self._fd, number)
        else:
            os.kill(self._pid, number)

    def wait(self, home: Home, timeout: float) -> bool:
        """Whether its lock was released in time."""
        deadline = time.monotonic() + timeout
        if self._fd is not None and not _readable(self._fd, timeout):
            return False
        while is_locked(home):
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOOK_SECONDS)
        return True


def _spawn(home: Home, options: ProxyOptions, timeout: float, command: Sequence[str]) -> ProxyState:
    """Start a proxy away from this terminal, and wait until it is ready. Raises StartError."""
    import subprocess  # Slow to import, and most commands start nothing.

    reader, writer = os.pipe()
    try:
        child = subprocess.Popen(
            [*command, *options.arguments(), f"--ready-fd={writer}", "--background"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=home.root,
            env=proxy_environment(home),
            pass_fds=(writer,),
            start_new_session=True,
        )
    except OSError as error:
        os.close(reader)
        raise StartError(f"the proxy could not be started: {error.strerror}") from None
    finally:
        os.close(writer)
    try:
        state = _outcome(_first_line(reader, timeout), child, timeout)
    except BaseException:
        child.kill()
        child.wait()
        raise
    finally:
        os.close(reader)
    # It outlives us on purpose: without this, Python would complain of an abandoned child.
    child.returncode = 0
    return state


def _outcome(line: bytes | None, child: "subprocess.Popen[bytes]", timeout: float) -> ProxyState:
    """The state that a new proxy announced; StartError for every other beginning."""
    if line is None:
        raise StartError(
            f"the proxy was not ready after {timeout:g} s",
            "`acm start --foreground` shows what it is doing",
        )
    try:
        answer = json.loads(line)
        if "error" in answer:
            raise StartError(str(answer["error"]), answer.get("hint"))
        return state_of(answer["ready"])
    except (ValueError, TypeError, KeyError):
        raise StartError(
            f"the proxy ended before it was ready ({_ending(child.wait())})",
            "`acm start --foreground` shows why",
        ) from None


def _ending(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit status {code}"


def _first_line(fd: int, timeout: float) -> bytes | None:
    """What is said up to a newline, or up to the end of a pipe that nobody can write to any more.

    None after ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    said = b""
    while not said.endswith(b"\n"):
        if not _readable(fd, deadline - time.monotonic()):
            return None
        more = os.read(fd, 65536)
        if not more:
            break
        said += more
    return said


def _announce(fd: int, answer: dict[str, Any]) -> None:
    # A parent that gave up closed its end; the proxy's life does not hang on it.
    with contextlib.suppress(OSError):
        os.write(fd, json.dumps(answer).encode() + b"\n")
    with contextlib.suppress(OSError):
        os.close(fd)


def _wait_for_unready(home: Home, timeout: float) -> ProxyState | None:
    """A proxy that lives without a state is starting in a terminal, or ending: see which it was."""
    deadline = time.monotonic() + timeout
    while is_locked(home):
        if state := running(home):
            return state
        if time.monotonic() >= deadline:
            raise StartError(
                f"another proxy of {home.root} is neither ready nor gone after {timeout:g} s",
                "look for `python -m acm_addon` among the processes of this machine",
            )
        time.sleep(LOOK_SECONDS)
    return None


def _readable(fd: int, timeout: float) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(max(0.0, timeout) * 1000))

"""Sends one notification, in a process of its own: ``python -m acm_addon.alert_sender``.

Apprise speaks to a hundred services through as many modules. Here none of them can hold anybody up,
write a URL with a token into a log, or stay in memory. The URL comes through the pipe of standard
input: a command line, and an environment, could be read by others.
"""

import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from acm_addon import master_key
from acm_addon.alerts import Attempt

SEND_SECONDS = 15
"""The whole of an attempt; the kernel ends it then."""

TITLE = "API Cost Monitor"

_NOT_TAKEN, _BAD_URL = 1, 2
_OUTCOMES = {
    0: Attempt.SENT,
    _BAD_URL: Attempt.BAD_URL,
    -signal.SIGALRM: Attempt.TIMED_OUT,
}
"""By exit code, and for a signal its negative number. Any other way to end is that of a failure."""
_PACKAGES = Path(__file__).parent.parent
"""Where this very code lies, for the process to find the same."""


@dataclass(frozen=True, slots=True)
class Message:
    url: str = field(repr=False)
    title: str = ""
    body: str = ""
    """Without one nothing is sent: the URL alone is judged."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of it."""

    outcome: Attempt
    service: str = ""
    """What apprise calls the service; empty where it knows none."""


class Sender:
    """Starts the process, one at a time, and can end it from another thread."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._closed = False

    def send(self, message: Message) -> Reply:
        """Returns when it is over. Never raises."""
        try:
            with subprocess.Popen(
                [sys.executable, "-m", "acm_addon.alert_sender"],
                cwd=_PACKAGES,
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            ) as process:
                self._process = process
                if self._closed:
                    process.kill()
                service, _ = process.communicate(json.dumps(asdict(message)))
                outcome = _OUTCOMES.get(process.returncode, Attempt.NOT_TAKEN)
                return Reply(outcome, service.strip())
        except OSError:
            return Reply(Attempt.NOT_STARTED)
        finally:
            self._process = None

    def close(self) -> None:
        """End what is being sent, and send nothing more."""
        self._closed = True
        if (process := self._process) is not None:
            process.kill()


def _environment() -> dict[str, str]:
    """Ours, with proxies and trust for the network, and without what opens the vault."""
    return {name: value for name, value in os.environ.items() if name != master_key.VARIABLE}


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.alarm(SEND_SECONDS)
    message = Message(**json.loads(sys.stdin.read()))
    # Ours alone speaks on standard output, and nobody anywhere else.
    answer = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    logging.disable(logging.CRITICAL)
    try:
        from apprise import Apprise, NotifyFormat

        service = Apprise.instantiate(message.url, suppress_exceptions=True)
        if service is None:
            return _BAD_URL
        os.write(answer, str(service.schema).encode())
        if not message.body:
            return 0
        apprise = Apprise()
        apprise.add(service)
        taken = apprise.notify(message.body, message.title, body_format=NotifyFormat.TEXT)
    except Exception:
        # Whatever a service's module trips over. Its text may quote the URL.
        return _NOT_TAKEN
    return 0 if taken else _NOT_TAKEN


if __name__ == "__main__":
    sys.exit(main())

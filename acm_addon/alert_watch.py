"""Raises alerts and delivers them, in a thread of the drain's process: off the traffic path.

An alert is stored, in one transaction with what is to be sent of it, before anything is sent; what
was not sent when the process ends is sent by the next one. So each alert reaches a channel at least
once; twice only where we die between a service's answer and our note of it.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from acm_addon import alert_facts
from acm_addon.alert_sender import TITLE, Message, Sender
from acm_addon.alerts import Attempt
from acm_addon.control import alert_channels, alert_log
from acm_addon.control.alert_log import Due
from acm_addon.control.store import ControlStore
from acm_addon.errors import AcmError
from acm_addon.file_lock import only_one
from acm_addon.home import Home
from acm_addon.model import utc_now

TICK_SECONDS = 2.0
MOST_SHARE = 20
"""A look at a large ledger takes no more than this part of the time: one in so many seconds."""
STOP_SECONDS = 2.0
"""How long a message that is being sent may take when we are asked to stop."""


class AlertWatch:
    """The alerts of one home, for as long as a proxy runs."""

    def __init__(self, home: Home, complain: Callable[[Exception], None]) -> None:
        self._home = home
        self._complain = complain
        self._told: set[type[Exception]] = set()
        self._next_due: datetime | None = None
        self._stopping = threading.Event()
        self._sender = Sender()
        # A daemon: whatever a keyring waits for must not keep the drain from ending.
        self._thread = threading.Thread(target=self._work, name="alerts", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End sending, and look a last time: calls may have been booked since the last look."""
        self._stopping.set()
        self._thread.join(STOP_SECONDS)
        self._sender.close()
        self._thread.join(STOP_SECONDS)
        if not self._thread.is_alive():
            self._guarded(self._look)

    def _work(self) -> None:
        seen: object = None
        pause = TICK_SECONDS
        while not self._stopping.wait(pause):
            found = _state_of_files(self._home)
            began = time.thread_time()
            if found != seen and self._guarded(self._look):
                seen = found
            pause = max(TICK_SECONDS, MOST_SHARE * (time.thread_time() - began))
            if self._next_due is not None and self._next_due <= utc_now():
                self._guarded(self._deliver)

    def _guarded(self, step: Callable[[], None]) -> bool:
        """Whether it went well. A failure ends neither the alerts nor the drain.

        Each kind is said once, and not every few seconds.
        """
        try:
            step()
        except Exception as error:
            if type(error) not in self._told:
                self._told.add(type(error))
                self._complain(error)
            return False
        return True

    def _look(self) -> None:
        now = utc_now()
        with ControlStore(self._home) as store:
            alert_log.record(store, alert_facts.due_alerts(self._home, store, now), now)
            self._next_due = alert_log.next_due(store)

    def _deliver(self) -> None:
        with (
            ControlStore(self._home) as store,
            only_one(self._home.run / "alerts.lock") as alone,
        ):
            for due in alert_log.due(store, utc_now()) if alone else ():
                attempt = self._attempt(store, due)
                if self._stopping.is_set() and attempt is not Attempt.SENT:
                    return  # It was cut short by us, which is no failure.
                alert_log.note(store, due, attempt, utc_now())
            self._next_due = alert_log.next_due(store)

    def _attempt(self, store: ControlStore, due: Due) -> Attempt:
        try:
            url = alert_channels.url_of(store, due.channel)
        except AcmError:
            return Attempt.VAULT
        return self._sender.send(Message(url, TITLE, due.alert.message)).outcome


def _state_of_files(home: Home) -> list[tuple[int, int, int] | None]:
    """Changes when anything was booked, a budget was set, or the proxy counted something."""
    return [
        _stamp(path)
        for path in (
            home.ledger,
            home.ledger.with_name(home.ledger.name + "-wal"),
            home.control,
            home.control.with_name(home.control.name + "-wal"),
            home.run / "counters.json",
        )
    ]


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns

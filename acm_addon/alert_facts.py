"""Looks at budgets, the ledger, and the proxy's counters, and says which alerts are due."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from acm_addon import alerts
from acm_addon.alerts import Alert, BudgetState, Passed
from acm_addon.budgets import Budget
from acm_addon.control import budgets
from acm_addon.control.store import ControlStore
from acm_addon.home import Home
from acm_addon.ledger.reader import LedgerReader
from acm_addon.presence import read_state

LATE = timedelta(minutes=10)
"""For so long a window is looked at after its end: the calls of its last minutes end after it."""


def due_alerts(home: Home, store: ControlStore, now: datetime) -> list[Alert]:
    """All that deserves an alert now, whether or not there was one. Raises AcmError."""
    there = budgets.everything(store)
    with LedgerReader(home.ledger) as reader:
        found = list(of_budgets(reader, there, now))
        found += alerts.of_no_price(reader.no_price(_day(now)), now)
        since = now - timedelta(minutes=alerts.BURST_MINUTES)
        found += alerts.of_errors(reader.errors(since), now)
    if (passed := passed_of(home)) is not None:
        found += alerts.of_passed(passed)
    return found


def of_budgets(reader: LedgerReader, there: Iterable[Budget], now: datetime) -> Iterator[Alert]:
    for state in states(reader, there, now):
        if alert := alerts.of_threshold(state):
            yield alert
        if state.window.until > now and (alert := alerts.of_forecast(state, now)):
            yield alert


def states(reader: LedgerReader, there: Iterable[Budget], now: datetime) -> Iterator[BudgetState]:
    """Each budget in its present window, and in one that has only just ended."""
    for budget in there:
        for window in dict.fromkeys((budget.window(now - LATE), budget.window(now))):
            yield BudgetState(budget, window, reader.standing(budget, window).spent)


def passed_of(home: Home) -> Passed | None:
    """What the running proxy counted. None where it is not running, or has not said so yet."""
    state, path = read_state(home), home.run / "counters.json"
    if state is None:
        return None
    try:
        began = datetime.fromisoformat(state.started).timestamp()
        # Of the run before, whose numbers are no news.
        if path.stat().st_mtime < began:
            return None
        counters = json.loads(path.read_text())
        return Passed(state.started, int(counters["unmetered"]), sorted(counters["passed_unread"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _day(now: datetime) -> datetime:
    """The beginning of the day, in UTC: that of the alerts' keys."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)

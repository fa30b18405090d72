"""What stands at this moment and deserves attention, for the screens that show more than that."""

from datetime import datetime
from zoneinfo import ZoneInfo

from acm_addon import alert_facts, alerts
from acm_addon.alerts import Kind
from acm_addon.control import alert_log, budgets
from acm_addon.control.store import ControlStore
from acm_addon.home import Home
from acm_addon.ledger.reader import LedgerReader
from cli import times

_OF_BUDGETS = (Kind.BUDGET, Kind.FORECAST)


def standing_alerts(home: Home, reader: LedgerReader, now: datetime, zone: ZoneInfo) -> list[str]:
    """Budgets as they stand now, and what else was raised today. Raises AcmError.

    Budgets are looked at and not remembered: a limit that was raised since is at ease again.
    """
    if not home.control.exists():
        return []
    with ControlStore(home) as store:
        there = budgets.everything(store)
        today = times.today(now, zone).since
        raised = [one.alert for one in alert_log.since(store, today)]
    found = [
        alert.message
        for state in alert_facts.states(reader, there, now)
        if state.window.until > now
        for alert in (alerts.of_threshold(state), alerts.of_forecast(state, now))
        if alert is not None
    ]
    return found + [alert.message for alert in raised if alert.kind not in _OF_BUDGETS]

"""How the proxy is doing: what ``acm status`` shows."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from acm_addon import process
from acm_addon.home import Home
from acm_addon.ledger.reader import LedgerReader
from acm_addon.model import utc_now
from acm_addon.process import ProxyState
from cli import backlog, times
from cli.money import dollars
from cli.zones import chosen_zone


@dataclass(frozen=True, slots=True)
class Health:
    state: ProxyState | None
    """None when no proxy is ready."""
    locked: bool
    """Whether a proxy lives, ready or not."""
    uptime: timedelta | None
    backlog_bytes: int
    """Of the journal: written, and not yet in the ledger."""
    calls_today: int
    cost_today: int
    """Nano-dollars."""
    counters: dict[str, int]
    """What the proxy counted since it started; empty where it has not said."""


def look(home: Home) -> Health:
    """Everything about one home. Raises AcmError where its ledger cannot be read."""
    now = utc_now()
    state = process.running(home)
    span = times.today(now, chosen_zone(None))
    with LedgerReader(home.ledger) as reader:
        totals = reader.summary(span.since, span.until)
        waiting = backlog.waiting_bytes(home, reader)
    return Health(
        state=state,
        locked=process.is_locked(home),
        uptime=_uptime(state, now) if state else None,
        backlog_bytes=waiting,
        calls_today=totals.requests,
        cost_today=totals.cost,
        counters=_counters(home) if state else {},
    )


def as_json(health: Health) -> dict[str, object]:
    state = health.state
    return {
        "running": state is not None,
        "pid": state.pid if state else None,
        "host": state.host if state else None,
        "port": state.port if state else None,
        "version": state.version if state else None,
        "started": state.started if state else None,
        "uptime_seconds": int(health.uptime.total_seconds()) if health.uptime else None,
        "test_upstream": state.test_upstream if state else None,
        "journal_backlog_bytes": health.backlog_bytes,
        "calls_today": health.calls_today,
        "counters": health.counters,
    }


def as_lines(health: Health) -> list[str]:
    """For people: the proxy, what waits, and what went wrong, loudest last."""
    lines = _proxy_lines(health)
    lines.append(f"Calls today:  {health.calls_today:,} ({dollars(health.cost_today)})")
    if health.backlog_bytes:
        lines.append(f"Journal:      {health.backlog_bytes:,} bytes wait for the ledger")
    else:
        lines.append("Journal:      all in the ledger")
    told = {"tunnelled": "Other hosts", "unrouted": "Unknown paths"}
    for name, label in told.items():
        if number := health.counters.get(name):
            lines.append(f"{label + ':':<13} {number:,} ({name} since the start)")
    if number := health.counters.get("unmetered"):
        lines.append(
            f"UNMETERED:    {number:,} calls passed and could not be recorded; `acm logs` says why"
        )
    return lines


def _proxy_lines(health: Health) -> list[str]:
    state = health.state
    if state is None:
        if health.locked:
            return ["acm is starting or stopping"]
        return ["acm is not running (`acm start` starts it)"]
    lines = [
        f"acm {state.version} is running",
        f"Listening:    {state.host} port {state.port} (pid {state.pid})",
    ]
    if health.uptime is not None:
        lines.append(f"Up:           {_duration(health.uptime)}")
    return lines


def _uptime(state: ProxyState, now: datetime) -> timedelta | None:
    """None where the proxy's own words are no time. Never negative: clocks are set back."""
    try:
        started = datetime.fromisoformat(state.started)
    except ValueError:
        return None
    return max(timedelta(0), now - (started if started.tzinfo else started.replace(tzinfo=UTC)))


def _duration(span: timedelta) -> str:
    """The two largest units: ``3 d 4 h``, ``12 min 5 s``, ``7 s``."""
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    while len(parts) > 1 and not parts[0][0]:
        del parts[0]
    return " ".join(f"{number} {unit}" for number, unit in parts[:2])


def _counters(home: Home) -> dict[str, int]:
    """The proxy's counters, which it writes about every second; empty where they cannot be read."""
    try:
        found = json.loads((home.run / "counters.json").read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, int)}

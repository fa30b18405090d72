"""How the proxy is doing: what ``acm status`` shows."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from acm_addon import process
from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.ledger.reader import LedgerReader
from acm_addon.ledger.totals import Totals
from acm_addon.model import utc_now
from acm_addon.process import ProxyState
from cli import backlog, sums, times
from cli.render import remarks
from cli.zones import chosen_zone


@dataclass(frozen=True, slots=True)
class Health:
    proxy: ProxyState | None
    """None when no proxy is ready."""
    locked: bool
    """Whether a proxy lives, ready or not."""
    uptime: timedelta | None
    backlog_bytes: int
    """Of the journal: written, and not yet in the ledger. All of it where the ledger is unread."""
    today: Totals | None
    """None where the ledger cannot be read."""
    ledger_error: AcmError | None
    """Why it cannot."""
    counters: dict[str, int]
    """What the proxy counted since it started; empty where it has not said."""

    @property
    def state(self) -> ProxyState | None:
        """The proxy's, where its ledger can be read as well; without, `acm status` fails."""
        return None if self.ledger_error else self.proxy


def look(home: Home) -> Health:
    """Everything about one home, whether or not its ledger can be read."""
    now = utc_now()
    state = process.running(home)
    span = times.today(now, chosen_zone(None))
    unread = None
    try:
        with LedgerReader(home.ledger) as reader:
            today = reader.summary(span.since, span.until)
            waiting = backlog.waiting_bytes(home, reader)
    except AcmError as error:
        today, unread = None, error
        waiting = sum(backlog.journal_sizes(home).values())
    return Health(
        proxy=state,
        locked=process.is_locked(home),
        uptime=_uptime(state, now) if state else None,
        backlog_bytes=waiting,
        today=today,
        ledger_error=unread,
        counters=counters(home) if state else {},
    )


def as_json(health: Health) -> dict[str, object]:
    state, today = health.proxy, health.today
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
        "calls_today": today.requests if today else None,
        "cost_today_usd": sums.totals_json(today)["cost_usd"] if today else None,
        "without_cost_today": today.without_cost if today else None,
        "ledger_error": health.ledger_error.message if health.ledger_error else None,
        "counters": health.counters,
    }


def as_lines(health: Health) -> list[str]:
    """For people: the proxy, what waits, and what went wrong, loudest last."""
    lines = _proxy_lines(health)
    if health.today:
        doubts = remarks(sums.remarks_of(health.today))
        cost = sums.cost_of(health.today) + (f", {doubts}" if doubts else "")
        lines.append(f"Calls today:  {health.today.requests:,} ({cost})")
    if health.ledger_error:
        lines.append(f"Journal:      {health.backlog_bytes:,} bytes, booked or not")
    elif health.backlog_bytes:
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
    if error := health.ledger_error:
        if health.proxy and health.proxy.test_upstream:  # Unsaid else, for `state` is None.
            lines.append(f"TEST UPSTREAM: {health.proxy.test_upstream} plays every provider")
        why = error.message.removeprefix("cannot read ")
        hint = f"; {error.hint}" if error.hint else ""
        lines.append(f"Ledger:       cannot be read ({why}){hint}")
    return lines


def _proxy_lines(health: Health) -> list[str]:
    state = health.proxy
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


def counters(home: Home) -> dict[str, int]:
    """The proxy's plain counters, which it writes about every second; empty where there is none."""
    return {name: value for name, value in _published(home).items() if isinstance(value, int)}


def tables(home: Home) -> dict[str, dict[str, int]]:
    """What the proxy counts by name."""
    return {
        name: {key: number for key, number in value.items() if isinstance(number, int)}
        for name, value in _published(home).items()
        if isinstance(value, dict)
    }


def _published(home: Home) -> dict[str, object]:
    try:
        found = json.loads((home.run / "counters.json").read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}

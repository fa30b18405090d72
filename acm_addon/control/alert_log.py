"""The alerts that there were, one of each key, and how far each channel has got with them."""

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby

from acm_addon.alerts import Alert, Attempt, Kind
from acm_addon.control import alert_channels
from acm_addon.control.store import ControlStore
from acm_addon.control.times import from_micros, maybe_from_micros, to_micros

FIRST_RETRY = timedelta(seconds=30)
"""After an attempt that failed; twice as long after each further one..."""
LONGEST_RETRY = timedelta(hours=1)
"""...but never longer."""
GIVE_UP_AFTER = timedelta(days=1)
"""An alert that could not be delivered for so long is delivered no more."""

_ALERTS = (
    "SELECT alerts.id, alerts.key, alerts.kind, message, time,"
    " alert_channels.name, state, attempts, outcome FROM alerts"
    " LEFT JOIN alert_deliveries ON alert = alerts.id"
    " LEFT JOIN alert_channels ON alert_channels.id = channel"
)


class State(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    """Given up."""


@dataclass(frozen=True, slots=True)
class Delivery:
    channel: str
    state: State
    attempts: int
    outcome: Attempt | None
    """Of the last attempt; None before the first."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert, when it was raised, and its way to each channel."""

    id: int
    alert: Alert
    time: datetime
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """What a channel is to be sent now."""

    alert_id: int
    alert: Alert
    raised: datetime
    channel: alert_channels.Channel
    attempts: int


def record(store: ControlStore, alerts: Iterable[Alert], now: datetime) -> list[Alert]:
    """Keep the alerts whose key is new, for every channel that takes their kind; gives those.

    All in one transaction: an alert is never kept without what is to be sent of it.
    """
    given = {alert.key: alert for alert in alerts}
    # Nearly always all of them are known: then nobody waits for a write.
    with store.reading() as conn:
        fresh = _unknown(conn, given.keys())
    if not fresh:
        return []
    with store.writing() as conn:
        channels = alert_channels.of(conn)
        kept = [given[key] for key in _unknown(conn, fresh)]
        for alert in kept:
            (number,) = conn.execute(
                "INSERT INTO alerts (key, kind, message, time) VALUES (?, ?, ?, ?) RETURNING id",
                (alert.key, alert.kind, alert.message, to_micros(now)),
            ).fetchone()
            conn.executemany(
                "INSERT INTO alert_deliveries VALUES (?, ?, 'waiting', 0, ?, NULL)",
                [
                    (number, channel.id, to_micros(now))
                    for channel in channels
                    if channel.takes(alert.kind)
                ],
            )
    return kept


def due(store: ControlStore, now: datetime) -> list[Due]:
    """What is to be sent now, the oldest first."""
    with store.reading() as conn:
        rows = conn.execute(
            "SELECT alerts.id, alerts.key, alerts.kind, message, time, channel, attempts"
            " FROM alert_deliveries JOIN alerts ON alerts.id = alert"
            " WHERE state = 'waiting' AND due <= ? ORDER BY alerts.id",
            (to_micros(now),),
        ).fetchall()
        channels = {channel.id: channel for channel in alert_channels.of(conn)} if rows else {}
    return [
        Due(number, Alert(key, Kind(kind), message), from_micros(time), channels[channel], attempts)
        for number, key, kind, message, time, channel, attempts in rows
    ]


def next_due(store: ControlStore) -> datetime | None:
    """When there will be something to send; None where nothing waits."""
    with store.reading() as conn:
        (micros,) = conn.execute(
            "SELECT MIN(due) FROM alert_deliveries WHERE state = 'waiting'"
        ).fetchone()
    return maybe_from_micros(micros)


def note(store: ControlStore, sent: Due, attempt: Attempt, now: datetime) -> None:
    """Remember how an attempt went, and when the next one is."""
    attempts = sent.attempts + 1
    state = State.SENT if attempt is Attempt.SENT else State.WAITING
    if state is State.WAITING and now - sent.raised >= GIVE_UP_AFTER:
        state = State.FAILED
    with store.writing() as conn:
        conn.execute(
            "UPDATE alert_deliveries SET state = ?, attempts = ?, due = ?, outcome = ?"
            " WHERE alert = ? AND channel = ?",
            (
                state,
                attempts,
                to_micros(now + pause_after(attempts)),
                attempt,
                sent.alert_id,
                sent.channel.id,
            ),
        )


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts that failed."""
    # Ten doublings are more than the longest already.
    doublings = max(0, min(attempts - 1, 10))
    return min(FIRST_RETRY * (1 << doublings), LONGEST_RETRY)


def since(store: ControlStore, start: datetime) -> list[Raised]:
    """The alerts that were raised from ``start`` on, the oldest first."""
    with store.reading() as conn:
        rows = conn.execute(
            f"{_ALERTS} WHERE time >= ? ORDER BY alerts.id, alert_channels.id", (to_micros(start),)
        ).fetchall()
    raised = []
    for _, group in groupby(rows, key=lambda row: row[0]):
        same = list(group)
        number, key, kind, message, time, *_ = same[0]
        raised.append(
            Raised(
                number,
                Alert(key, Kind(kind), message),
                from_micros(time),
                tuple(
                    Delivery(channel, State(state), attempts, Attempt(how) if how else None)
                    for *_, channel, state, attempts, how in same
                    if channel is not None
                ),
            )
        )
    return raised


def undelivered(store: ControlStore, now: datetime) -> Counter[str]:
    """How many of the last two days' alerts each channel was sent, and has not taken."""
    return Counter(
        delivery.channel
        for raised in since(store, now - 2 * GIVE_UP_AFTER)
        for delivery in raised.deliveries
        if delivery.attempts and delivery.state is not State.SENT
    )


def _unknown(conn: sqlite3.Connection, keys: Collection[str]) -> list[str]:
    """The keys of which there is no alert, in their order."""
    return [
        key
        for key in keys
        if conn.execute("SELECT 1 FROM alerts WHERE key = ?", (key,)).fetchone() is None
    ]

"""What deserves an alert: over amounts, counts and times, without a clock or a disk. Pure.

An alert has a key: what it is about, and when. Whoever keeps alerts keeps one of each key, so that
looking at the same state twice raises nothing twice. Nothing here remembers anything: what was
missed by a crash is found by the next look.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from acm_addon.amounts import cents
from acm_addon.budgets import Budget, Standing, reached
from acm_addon.windows import Period, Window

BURST = 10
"""Errors of one provider that are a burst..."""
BURST_MINUTES = 5
"""...where they come within so many minutes."""
LEAST_SHARE = 10
"""Percent of a window that must have passed before its pace says anything."""
MOST_MODELS = 20
"""Models without a price that are told of in a day. A program may ask for any number of names."""
_LONGEST_NAME = 100
_MICROSECOND = timedelta(microseconds=1)


class Kind(StrEnum):
    BUDGET = "budget"
    """A threshold of a budget is reached."""
    FORECAST = "forecast"
    """A budget will be exceeded before its window ends, at the pace so far."""
    UNPRICED = "unpriced"
    """Calls have no price, or not for all of what they consumed."""
    UNMETERED = "unmetered"
    """Calls passed that are in no ledger."""
    ERRORS = "errors"
    """A provider answers with errors."""


class Attempt(StrEnum):
    """How the last attempt went. Ours alone: no text of a service or a library."""

    SENT = "sent"
    NOT_TAKEN = "not_taken"
    """The service could not be reached, or refused it."""
    TIMED_OUT = "timed_out"
    BAD_URL = "bad_url"
    """What is stored is the URL of no service that apprise knows (any more)."""
    VAULT = "vault_unavailable"
    """The URL could not be read: locked keyring, or a damaged vault."""
    NOT_STARTED = "not_started"
    """The process that sends could not be started."""


KINDS: Mapping[Kind, str] = {
    Kind.BUDGET: "a budget reaches one of its thresholds",
    Kind.FORECAST: "a budget will be exceeded at the present pace",
    Kind.UNPRICED: "calls have no price",
    Kind.UNMETERED: "calls pass unrecorded, or AI hosts unread",
    Kind.ERRORS: f"a provider gives {BURST} errors within {BURST_MINUTES} minutes",
}


@dataclass(frozen=True, slots=True)
class Alert:
    key: str
    """There is one alert of a key."""
    kind: Kind
    message: str
    """One line, of our words, names, and numbers."""


@dataclass(frozen=True, slots=True)
class BudgetState:
    """How a budget stands in one of its windows."""

    budget: Budget
    window: Window
    spent: int
    """Nano-dollars."""


@dataclass(frozen=True, slots=True)
class NoPrice:
    """Calls of a day whose cost is not known, or not all of it."""

    provider: str
    model: str | None
    calls: int


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors of a provider that came within ``BURST_MINUTES``."""

    provider: str
    by_status: Mapping[int | None, int]
    """None: no answer came, or it broke off."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What a running proxy counted of calls that no row tells of, since its start."""

    started: str
    """Tells one run from the next."""
    unmetered: int
    unread_hosts: Sequence[str] = ()
    """AI hosts whose connections were passed through."""


def of_threshold(state: BudgetState) -> Alert | None:
    """The highest threshold that is reached. A budget of which nothing is spent reaches none.

    A limit that was changed is another limit, whose thresholds are reached anew.
    """
    percent = reached(state.budget, Standing(state.spent))
    if percent is None or state.spent <= 0:
        return None
    return Alert(f"{_key_of(Kind.BUDGET, state)}/{percent}", Kind.BUDGET, standing_line(state))


def standing_line(state: BudgetState) -> str:
    """``Project bot at 85% of budget: $425.00 of $500.00 this month``."""
    budget = state.budget
    # Rounded down: 99.9% is not yet all of it.
    share = f"{100 * state.spent // budget.limit}%" if budget.limit else "more than 100%"
    amounts = f"{cents(state.spent)} of {cents(budget.limit)}"
    return f"{subject(budget)} at {share} of budget: {amounts} {_span(budget.period)}"


def of_forecast(state: BudgetState, now: datetime) -> Alert | None:
    """Whether the pace of the window so far exceeds the limit before the window ends."""
    budget, window = state.budget, state.window
    passed, whole = now - window.since, window.until - window.since
    if (
        budget.period is Period.TOTAL
        or not 0 < state.spent < budget.limit
        or 100 * passed < LEAST_SHARE * whole
    ):
        return None
    # In integers, for neither floats nor timedeltas hold microseconds times nano-dollars.
    after = passed // _MICROSECOND * budget.limit // state.spent
    if after >= whole // _MICROSECOND:
        return None
    exceeded = window.since + after * _MICROSECOND
    local = exceeded.astimezone(ZoneInfo(budget.zone))
    return Alert(
        _key_of(Kind.FORECAST, state),
        Kind.FORECAST,
        f"{subject(budget)}: at this pace, the budget of {cents(budget.limit)}"
        f" {_span(budget.period)} is exceeded {_when(budget.period, local)}"
        f" ({cents(state.spent)} spent so far)",
    )


def of_no_price(found: Iterable[NoPrice], day: datetime) -> list[Alert]:
    """Once for a model and a day (UTC), the most called first."""
    most = sorted(found, key=lambda one: (-one.calls, one.provider, one.model or ""))[:MOST_MODELS]
    return [
        Alert(
            f"{Kind.UNPRICED}/{day:%Y-%m-%d}/{one.provider}/{one.model or ''}",
            Kind.UNPRICED,
            f"{_calls(one.calls)} of {one.provider} {_name(one.model)} today without a known cost:"
            " `acm report --by model` shows them",
        )
        for one in most
    ]


def of_errors(found: Iterable[Errors], now: datetime) -> list[Alert]:
    """Once for a provider and an hour."""
    alerts = []
    for one in found:
        total = sum(one.by_status.values())
        if total < BURST:
            continue
        most = sorted(one.by_status.items(), key=lambda item: (-item[1], item[0] or 0))
        parts = ", ".join(f"{number} x {status or 'no answer'}" for status, number in most)
        alerts.append(
            Alert(
                f"{Kind.ERRORS}/{one.provider}/{now:%Y-%m-%dT%H}",
                Kind.ERRORS,
                f"{total} errors of {one.provider} within {BURST_MINUTES} minutes: {parts}",
            )
        )
    return alerts


def of_passed(found: Passed) -> list[Alert]:
    """Once for a host and a run of the proxy; unrecorded calls at the 1st, 10th, 100th, ..."""
    alerts = [
        Alert(
            f"{Kind.UNMETERED}/{found.started}/host/{host}",
            Kind.UNMETERED,
            f"connections to {host} pass unread: what they cost is in no report;"
            " `acm doctor` says what to do",
        )
        for host in found.unread_hosts
    ]
    if found.unmetered > 0:
        magnitude = len(str(found.unmetered)) - 1
        alerts.append(
            Alert(
                f"{Kind.UNMETERED}/{found.started}/calls/{magnitude}",
                Kind.UNMETERED,
                f"{_calls(found.unmetered)} passed and could not be recorded; `acm logs` says why",
            )
        )
    return alerts


def subject(budget: Budget) -> str:
    """``Project bot``, ``Everything``; a scope of several parts as its label."""
    label = budget.scope.label
    name, _, value = label.partition("=")
    if "," in label or not value or name.startswith("tag:"):
        return f"Budget {label}" if value else "Everything"
    return f"{name.capitalize()} {value}"


def _key_of(kind: Kind, state: BudgetState) -> str:
    budget, since = state.budget, f"{state.window.since:%Y-%m-%dT%H:%MZ}"
    return f"{kind}/{budget.id}/{since}/{budget.limit}"


def _span(period: Period) -> str:
    return {Period.TOTAL: "in all", Period.DAY: "today"}.get(period, f"this {period.value}")


def _when(period: Period, local: datetime) -> str:
    if period in (Period.HOUR, Period.DAY):
        return f"at {local:%H:%M}"
    return f"on {local.day} {local:%B}"


def _calls(number: int) -> str:
    return f"{number:,} {'call' if number == 1 else 'calls'}"


def _name(model: str | None) -> str:
    """A model's name came over the wire: it is shortened, and controls nothing."""
    if not model:
        return "(unknown model)"
    return "".join(char if char.isprintable() else "?" for char in model[:_LONGEST_NAME])

"""Rows against the second opinion: which recordings agree, and why the others do not."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum

from acm_addon.model import Completeness, Entry, UsageSource
from acm_addon.pricing import PriceTable
from acm_addon.providers.base import Billing, Endpoint
from acm_addon.tap import Outcome
from tests.accuracy.expected import covered, expected_cost, expected_quantities, with_others
from tests.accuracy.recordings import Recording, is_comparable
from tests.accuracy.stations import booked, classify, outcome, provider_of, result


class Agreement(Enum):
    EQUAL = "equal"
    """Every quantity, and the provider's own cost where it states one."""
    DIFFERENT = "different"
    """We read something else. There must be none."""
    NOT_READ = "not read"
    """The provider reports usage, and we read none of it."""
    NOTHING_REPORTED = "nothing reported"
    """An error, a stream without usage, or an API that states none."""


@dataclass(frozen=True, slots=True)
class Verdict:
    record: Recording
    provider: str
    endpoint: str
    agreement: Agreement
    reason: str | None = None
    """Of a recording that is not read. A key of ``REASONS``."""
    differences: tuple[str, ...] = ()
    """``unit: expected, ours``, of a recording that differs."""


REASONS = {
    "websocket": "Websockets pass through and are recorded, not metered.",
    "counting": "Counting tokens creates nothing, and is free.",
    "asynchronous": "A batch that was not finished when it was looked at: it is pending.",
    "copy": "A response retrieved again: it was billed when it was created.",
    "managing": "Managing what exists: storage is billed by the hour, which no response says.",
    "unread": "What it costs no response says. The call is recorded as unpriced.",
    "cut": "The recording holds only a part of the response.",
    "host": "A server on somebody's own machine, which acm cannot know: name it in providers.toml.",
}
"""Why usage that was reported is not read."""

type _Rule = Callable[[Recording, Endpoint | None], bool]

_RULES: tuple[tuple[str, _Rule], ...] = (
    ("host", lambda record, endpoint: provider_of(record) is None),
    ("websocket", lambda record, endpoint: record["transport"] == "websocket"),
    ("unread", lambda record, endpoint: _bills(endpoint, Billing.UNKNOWN)),
    ("cut", lambda record, endpoint: _bills(endpoint, Billing.METERED)),
    ("counting", lambda record, endpoint: _ends(record, "count_tokens", "Tokens", "input_tokens")),
    ("asynchronous", lambda record, endpoint: _names(record, "batches", "videos", "content")),
    ("copy", lambda record, endpoint: record["method"] == "GET"),
    ("managing", lambda record, endpoint: True),
)
"""The first that fits."""


def judge(record: Recording, table: PriceTable) -> Verdict:
    """Compare the row of a recording with what its provider reported."""
    provider, endpoint = _names_of(record)
    known = classify(record)
    if not record["usage_reported"]:
        return Verdict(record, provider, endpoint, Agreement.NOTHING_REPORTED)
    ended = _ended(record, known[1]) if known and is_comparable(record) else None
    if ended is None:
        reason = _why_not_read(record, known[1] if known else None)
        return Verdict(record, provider, endpoint, Agreement.NOT_READ, reason)
    differences = _differences(record, booked(ended, table))
    agreement = Agreement.DIFFERENT if differences else Agreement.EQUAL
    return Verdict(record, provider, endpoint, agreement, differences=differences)


def judge_all(records: Iterable[Recording]) -> list[Verdict]:
    table = PriceTable.current()
    return [judge(record, table) for record in records]


def _ended(record: Recording, endpoint: Endpoint) -> Outcome | None:
    """The call, or the earlier work that it shows; None where there is nothing to book."""
    if endpoint.billing is Billing.RESULT:
        shown = result(record)
        return shown.settles if shown else None
    if endpoint.billing is not Billing.METERED:
        return None
    call = outcome(record)
    return None if call.exchange.completeness is Completeness.PENDING else call


def _differences(record: Recording, row: Entry) -> tuple[str, ...]:
    # Where a cost alone is reported (pictures, for one), quantities have nothing to equal.
    if expected := covered(record, expected_quantities(record)):
        ours = {"usage_source": row.usage_source, **covered(record, _consumed(row))}
        expected |= {"usage_source": UsageSource.REPORTED}
    else:
        ours = {}
    if (cost := expected_cost(record)) is not None:
        expected["provider_cost"] = cost
        ours["provider_cost"] = row.provider_cost
    return tuple(
        f"{unit}: {expected.get(unit)}, ours {ours.get(unit)}"
        for unit in sorted(expected.keys() | ours.keys())
        if expected.get(unit) != ours.get(unit)
    )


def _consumed(row: Entry) -> Mapping[str, object]:
    return with_others(row.usage, row.other_usage)


def _why_not_read(record: Recording, endpoint: Endpoint | None) -> str:
    return next(reason for reason, applies in _RULES if applies(record, endpoint))


def _names_of(record: Recording) -> tuple[str, str]:
    known = classify(record)
    if known and known[1].billing is not Billing.FREE:
        return known[0].name, known[1].name
    provider = provider_of(record)
    return provider.name if provider else record["provider"], record["path_pattern"]


def _bills(endpoint: Endpoint | None, billing: Billing) -> bool:
    return endpoint is not None and endpoint.billing is billing


def _ends(record: Recording, *ends: str) -> bool:
    return str(record["path_pattern"]).endswith(ends)


def _names(record: Recording, *parts: str) -> bool:
    return not set(parts).isdisjoint(record["path_pattern"].split("/"))

"""Our effective prices against theirs, model by model. Pure but for reading the list."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from acm_addon.pricing import PriceTable
from pricing_data import Finding
from tests.crosscheck.theirs import Theirs

LIST = Path(__file__).parent / "popular.tsv"
"""Provider and model as in our table, their name of it or ``-``, and maybe a price context."""

_UNITS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
    "cache_write_1h": "cache_write_1h_tokens",
    "input_audio": "input_audio_tokens",
    "output_audio": "output_audio_tokens",
}


class Outcome(StrEnum):
    AGREE = "agree"
    AGREE_UNTIL_RETIRED = "agree until retired"
    """They list a model that has ended, at what it cost on its last day; so did we."""
    CONFLICT = "conflict"
    ONLY_OURS = "only ours"
    ONLY_THEIRS = "only theirs"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Popular:
    provider: str
    model: str
    their_name: str | None
    context: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Compared:
    popular: Popular
    outcome: Outcome
    differences: Mapping[str, tuple[Decimal, Decimal]]
    """By field: ours, theirs. USD for a million tokens."""
    finding: Finding | None
    """Our verdict on a conflict."""


def popular(text: str) -> list[Popular]:
    rows = (line.split("\t") for line in text.splitlines())
    return [
        Popular(provider, model, None if their == "-" else their, _context(rest))
        for provider, model, their, *rest in rows
    ]


def peak(day: date) -> datetime:
    """An hour of a working day at which every provider's full price holds.

    DeepSeek's peak is from 01:00 to 04:00 UTC on weekdays, and others list the price of it.
    """
    while day.weekday() >= 5:
        day -= timedelta(days=1)
    return datetime.combine(day, time(2), UTC)


def compare_all(
    table: PriceTable,
    models: Iterable[Popular],
    theirs: Mapping[str, Theirs],
    findings: Mapping[str, Iterable[Finding]],
    at: datetime,
) -> list[Compared]:
    return [
        compare(table, each, theirs.get(each.their_name or ""), findings.get(each.provider, ()), at)
        for each in models
    ]


def compare(
    table: PriceTable,
    model: Popular,
    theirs: Theirs | None,
    findings: Iterable[Finding],
    at: datetime,
) -> Compared:
    """Fields that both have; a field of one alone is no conflict."""
    ours = our_prices(table, model, at)
    if not ours or theirs is None:
        outcome = {
            (False, False): Outcome.NEITHER,
            (True, False): Outcome.ONLY_OURS,
            (False, True): Outcome.ONLY_THEIRS,
        }[bool(ours), theirs is not None]
        return Compared(model, outcome, {}, None)
    differences = _differences(ours, theirs.prices)
    if not differences:
        return Compared(model, Outcome.AGREE, {}, None)
    if theirs.retired and theirs.retired <= at.date():
        last = our_prices(table, model, peak(theirs.retired - timedelta(days=1)))
        if last and not _differences(last, theirs.prices):
            return Compared(model, Outcome.AGREE_UNTIL_RETIRED, {}, None)
    finding = next((each for each in findings if model.model.lower().endswith(each.model)), None)
    return Compared(model, Outcome.CONFLICT, differences, finding)


def our_prices(table: PriceTable, model: Popular, at: datetime) -> dict[str, Decimal]:
    """USD for a million tokens by field, as a small standard call is billed."""
    card = table.card(model.provider, model.model, model.context, at)
    if card is None:
        return {}
    ladders = {field: card.ladders.get(unit) for field, unit in _UNITS.items()}
    return {
        field: ladder[-1][1].unit_price * 1_000_000 for field, ladder in ladders.items() if ladder
    }


def _differences(
    ours: Mapping[str, Decimal], theirs: Mapping[str, Decimal]
) -> dict[str, tuple[Decimal, Decimal]]:
    return {
        field: (ours[field], theirs[field])
        for field in _UNITS
        if field in ours and field in theirs and ours[field] != theirs[field]
    }


def _context(rest: list[str]) -> dict[str, str]:
    return dict(part.split("=", 1) for each in rest for part in each.split(","))

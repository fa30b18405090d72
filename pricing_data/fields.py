"""The fields of one raw entry, and how each refuses what is malformed: file, line, and a hint."""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from itertools import pairwise
from typing import Any

from pricing_data.entries import Confidence, Origin, Period

_ORIGIN_FIELDS = frozenset({"source", "checked", "confidence", "note"})
PERIOD_FIELDS = ("effective_from", "effective_to")
_DAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
_LARGEST_EXPONENT = 12
"""No price is a trillion dollars, nor a trillionth of one."""


class PriceDataError(ValueError):
    """An entry that cannot be used. The message names file, line and entry; ``hint`` the remedy."""

    def __init__(self, place: str, problem: str, hint: str) -> None:
        super().__init__(f"{place}: {problem}")
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Source:
    """A file's name and the line on which each of its entries begins."""

    name: str
    lines: Mapping[tuple[str, int], int] = field(default_factory=dict)

    def place(self, kind: str, index: int) -> str:
        line = self.lines.get((kind, index))
        at = f" (line {line})" if line else ""
        return f"{self.name}: {kind} {index + 1}{at}"


@dataclass(frozen=True, slots=True)
class Entry:
    """The raw fields of one entry, and accessors that refuse what is malformed."""

    place: str
    values: Mapping[str, Any]

    def refuse(self, problem: str, hint: str) -> PriceDataError:
        return PriceDataError(self.place, problem, hint)

    def only(self, *names: str) -> None:
        if unknown := self.values.keys() - _ORIGIN_FIELDS - set(names):
            fields = ", ".join(sorted({*names, *_ORIGIN_FIELDS}))
            raise self.refuse(f"unknown field {min(unknown)!r}", f"fields: {fields}")

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str) or not value.strip():
            raise self.refuse(f"{name} is missing or no text", f'write {name} = "…"')
        return value

    def choice[E: StrEnum](self, name: str, kind: type[E]) -> E:
        try:
            return kind(self.text(name))
        except ValueError:
            raise self.refuse(f"{name} is not known", f"one of: {', '.join(kind)}") from None

    def texts(self, name: str) -> dict[str, str]:
        value = self.values.get(name, {})
        if isinstance(value, dict) and all(isinstance(text, str) for text in value.values()):
            return value
        raise self.refuse(f"{name} must be texts by name", f'write {name} = {{ size = "…" }}')

    def optional_text(self, name: str) -> str | None:
        return self.text(name) if self.values.get(name) is not None else None

    def flag(self, name: str) -> bool:
        value = self.values.get(name, False)
        if not isinstance(value, bool):
            raise self.refuse(f"{name} is neither true nor false", f"write {name} = true")
        return value

    def names(self, name: str) -> list[str]:
        value = self.values.get(name, [])
        if isinstance(value, list) and all(isinstance(text, str) for text in value):
            return value
        raise self.refuse(f"{name} must be a list of texts", f'write {name} = ["…"]')

    def unit(self, known: Collection[str]) -> str:
        return self._known_unit(self.text("unit"), known)

    def units(self, known: Collection[str]) -> frozenset[str]:
        return frozenset(self._known_unit(name, known) for name in self.names("units"))

    def usd(self) -> Decimal:
        return self.number("usd", "0.04")

    def tiers(self) -> tuple[tuple[int, Decimal], ...]:
        """``[[272000, "5"]]``: thresholds that rise, in input tokens, and amounts."""
        raw = self.values.get("tiers", [])
        hint = 'write tiers = [[272000, "5"]], thresholds in input tokens, rising'
        if not isinstance(raw, list) or not all(isinstance(e, list) and len(e) == 2 for e in raw):
            raise self.refuse("tiers must be pairs", hint)
        starts = [start for start, _ in raw]
        if not all(type(start) is int and start > 0 for start in starts):
            raise self.refuse("tiers must begin at whole numbers of tokens", hint)
        if any(start >= following for start, following in pairwise(starts)):
            raise self.refuse("tiers must rise", hint)
        return tuple((start, self._amount("tiers", usd, hint)) for start, usd in raw)

    def number(self, name: str, example: str) -> Decimal:
        """At least zero, and of a size that a price can have."""
        hint = f'write an amount of at least zero in quotes: {name} = "{example}"'
        return self._amount(name, self.text(name), hint)

    def _amount(self, name: str, text: object, hint: str) -> Decimal:
        try:
            value = Decimal(text if isinstance(text, str) else "none")
        except InvalidOperation:
            raise self.refuse(f"{name} is not a number", hint) from None
        if not value.is_finite() or value < 0:
            raise self.refuse(f"{name} is {value}", hint)
        if value and not -_LARGEST_EXPONENT < value.adjusted() < _LARGEST_EXPONENT:
            raise self.refuse(f"{name} is no amount of money", hint)
        return value

    def positive(self, name: str) -> Decimal:
        value = self.number(name, "1.1")
        if not value:
            raise self.refuse(f"{name} is zero", f'write {name} = "1.1"')
        return value

    def per(self) -> int:
        value = self.values.get("per")
        if type(value) is not int or value < 1:
            raise self.refuse("per must be a whole number of units", "write per = 1000000")
        return value

    def weekdays(self) -> frozenset[int]:
        names = self.values.get("beijing_weekdays", [])
        if not isinstance(names, list) or not all(day in _DAYS for day in map(str, names)):
            raise self.refuse("beijing_weekdays has an unknown day", f"days: {', '.join(_DAYS)}")
        return frozenset(_DAYS[str(name)] for name in names)

    def period(self) -> Period:
        period = Period(self.instant("effective_from"), self.instant("effective_to"))
        if period.start and period.end and period.start >= period.end:
            raise self.refuse("effective_from is not before effective_to", "swap or remove one")
        return period

    def origin(self) -> Origin:
        note = self.optional_text("note")
        confidence = self.choice("confidence", Confidence)
        return Origin(self.text("source"), self._checked(), confidence, note)

    def _checked(self) -> dt.date | None:
        """A day. None only where None is what the entry says, which no file can."""
        if self.values.get("checked", "") is None:
            return None
        try:
            return dt.date.fromisoformat(self.text("checked"))
        except ValueError as error:
            if isinstance(error, PriceDataError):
                raise
            raise self.refuse("checked is not a day", "write checked = 2026-11-22") from None

    def instant(self, name: str) -> dt.datetime | None:
        """A day (its UTC midnight) or a time with its offset, to the minute."""
        if self.values.get(name) is None:
            return None
        hint = f"write a day, {name} = 2026-05-15, or a time in UTC, 2026-05-15T08:30:00Z"
        try:
            value = dt.datetime.fromisoformat(self.text(name))
        except ValueError as error:
            if isinstance(error, PriceDataError):
                raise
            raise self.refuse(f"{name} is not a date", hint) from None
        if value.tzinfo is None:
            if value.time() != dt.time():
                raise self.refuse(f"{name} has a time without an offset", hint)
            value = value.replace(tzinfo=dt.UTC)
        if value.second or value.microsecond:
            raise self.refuse(f"{name} is not on a whole minute", hint)
        return value.astimezone(dt.UTC)

    def _known_unit(self, name: str, known: Collection[str]) -> str:
        if name not in known:
            raise self.refuse(
                f"unknown unit {name!r}", "docs/prices.md lists the units, units.toml declares ours"
            )
        return name


def entry_of(place: str, values: Any) -> Entry:
    """Raises PriceDataError where the entry is no table of fields."""
    if not isinstance(values, dict):
        raise PriceDataError(place, "no table of fields", "write its fields below [[price]]")
    return Entry(place, values)

"""Reads the price files, and refuses what is wrong with file, line, entry and hint.

``read_files`` gives what the files say as plain JSON values, which is what a frozen table keeps;
``parse_provider`` turns one provider's part of that into values. So a table that was frozen years
ago goes through the same checks as the files of today.
"""

import datetime as dt
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Any

from pricing_data.entries import (
    Alias,
    Confidence,
    Finding,
    Origin,
    Period,
    Price,
    ProviderPrices,
    StandardRate,
    Verdict,
)

FOLDER = Path(__file__).parent / "prices"
UNITS_FILE = Path(__file__).parent / "units.toml"

type RawProvider = Mapping[str, Any]
"""Kind of entry (``price``, ``alias``, …) to a list of entries."""

_HEADER = re.compile(r"^\s*\[\[\s*(\w+)\s*\]\]", re.MULTILINE)
_ORIGIN_FIELDS = frozenset({"source", "checked", "confidence", "note"})
_PERIOD_FIELDS = frozenset({"effective_from", "effective_to"})
_DAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}


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


def own_units() -> frozenset[str]:
    """Units that the base dataset lacks and that our price files may use."""
    return frozenset(_read(UNITS_FILE))


def read_files(folder: Path = FOLDER) -> dict[str, RawProvider]:
    """What each ``<provider>.toml`` says, as JSON values. Raises PriceDataError for syntax."""
    return {path.stem: _read(path) for path in sorted(folder.glob("*.toml"))}


def load_files(known_units: Collection[str], folder: Path = FOLDER) -> dict[str, ProviderPrices]:
    """Every provider's entries, parsed and checked. Raises PriceDataError."""
    return {
        path.stem: parse_provider(_read(path), known_units, _source(path))
        for path in sorted(folder.glob("*.toml"))
    }


def parse_provider(
    raw: RawProvider, known_units: Collection[str], source: Source
) -> ProviderPrices:
    """One provider's entries, checked one by one and against each other. Raises PriceDataError."""
    parsers: dict[str, Callable[[_Entry], Any]] = {
        "price": lambda entry: _price(entry, known_units),
        "alias": _alias,
        "standard_rate": _standard_rate,
        "finding": _finding,
    }
    parsed: dict[str, tuple[Any, ...]] = dict.fromkeys(parsers, ())
    for kind, entries in raw.items():
        if kind not in parsers or not isinstance(entries, list):
            raise PriceDataError(
                source.name, f"unknown kind of entry {kind!r}", f"kinds: {', '.join(parsers)}"
            )
        parsed[kind] = tuple(
            parsers[kind](_Entry(source.place(kind, index), values))
            for index, values in enumerate(entries)
        )
    _refuse_clashes(parsed["price"], "price", source, Price.clashes)
    _refuse_clashes(parsed["alias"], "alias", source, _aliases_clash)
    return ProviderPrices(
        parsed["price"], parsed["alias"], parsed["standard_rate"], parsed["finding"]
    )


@dataclass(frozen=True, slots=True)
class _Entry:
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

    def usd(self) -> Decimal:
        hint = 'write an amount of at least zero in quotes: usd = "0.04"'
        try:
            value = Decimal(self.text("usd"))
        except InvalidOperation:
            raise self.refuse("usd is not a number", hint) from None
        if not value.is_finite() or value < 0:
            raise self.refuse(f"usd is {value}", hint)
        return value

    def per(self) -> int:
        value = self.values.get("per")
        if type(value) is not int or value < 1:
            raise self.refuse("per must be a whole number of units", "write per = 1000000")
        return value

    def weekdays(self) -> frozenset[int]:
        names = self.values.get("beijing_weekdays", [])
        if not isinstance(names, list) or not set(names) <= _DAYS.keys():
            raise self.refuse("beijing_weekdays has an unknown day", f"days: {', '.join(_DAYS)}")
        return frozenset(_DAYS[name] for name in names)

    def period(self) -> Period:
        period = Period(self._instant("effective_from"), self._instant("effective_to"))
        if period.start and period.end and period.start >= period.end:
            raise self.refuse("effective_from is not before effective_to", "swap or remove one")
        return period

    def origin(self) -> Origin:
        try:
            checked = dt.date.fromisoformat(self.text("checked"))
        except ValueError as error:
            if isinstance(error, PriceDataError):
                raise
            raise self.refuse("checked is not a day", "write checked = 2026-11-22") from None
        note = self.text("note") if "note" in self.values else None
        return Origin(self.text("source"), checked, self.choice("confidence", Confidence), note)

    def _instant(self, name: str) -> dt.datetime | None:
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


def _price(entry: _Entry, known_units: Collection[str]) -> Price:
    entry.only("model", "unit", "usd", "per", "conditions", "beijing_weekdays", *_PERIOD_FIELDS)
    unit = entry.text("unit")
    if unit not in known_units:
        raise entry.refuse(f"unknown unit {unit!r}", f"declare it in {UNITS_FILE.name}")
    return Price(
        model=entry.text("model").lower(),
        unit=unit,
        usd=entry.usd(),
        per=entry.per(),
        conditions=entry.texts("conditions"),
        beijing_weekdays=entry.weekdays(),
        period=entry.period(),
        origin=entry.origin(),
    )


def _alias(entry: _Entry) -> Alias:
    entry.only("model", "priced_as", *_PERIOD_FIELDS)
    model, target = entry.text("model").lower(), entry.text("priced_as").lower()
    if model == target:
        raise entry.refuse("an alias of itself", "name the model that it is billed as")
    return Alias(model, target, entry.period(), entry.origin())


def _standard_rate(entry: _Entry) -> StandardRate:
    entry.only("conditions")
    conditions = entry.texts("conditions")
    if not conditions:
        raise entry.refuse("no conditions", 'write conditions = { service_tier = "flex" }')
    return StandardRate(conditions, entry.origin())


def _finding(entry: _Entry) -> Finding:
    entry.only("model", "verdict", "values")
    return Finding(
        entry.text("model").lower(),
        entry.choice("verdict", Verdict),
        entry.texts("values"),
        entry.origin(),
    )


def _aliases_clash(one: Alias, other: Alias) -> bool:
    return one.model == other.model and one.period.overlaps(other.period)


def _refuse_clashes[T](
    entries: tuple[T, ...], kind: str, source: Source, clash: Callable[[T, T], bool]
) -> None:
    for index, entry in enumerate(entries):
        for earlier in range(index):
            if clash(entries[earlier], entry):
                raise PriceDataError(
                    source.place(kind, index),
                    f"as likely as {source.place(kind, earlier)}, for the same model and time",
                    "end the older one with effective_to, or add a condition",
                )


def _source(path: Path) -> Source:
    counts: dict[str, int] = {}
    lines: dict[tuple[str, int], int] = {}
    text = path.read_text(encoding="utf-8")
    for match in _HEADER.finditer(text):
        kind = match[1]
        index = counts.get(kind, 0)
        counts[kind] = index + 1
        lines[kind, index] = text.count("\n", 0, match.start(1)) + 1
    return Source(path.name, lines)


def _read(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PriceDataError(
            path.name, f"not TOML: {error}", "see toml.io for the syntax"
        ) from None
    plain: dict[str, Any] = _plain(values)
    return plain


def _plain(value: Any) -> Any:
    """TOML's values as JSON's: dates become ISO texts."""
    match value:
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case dt.date() | dt.time():
            return value.isoformat()
        case _:
            return value

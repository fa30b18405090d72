"""Turns the raw entries of one provider's file into values, checked against each other."""

from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Any

from pricing_data.entries import (
    Alias,
    Finding,
    Multiplier,
    OwnPrice,
    Price,
    ProviderPrices,
    StandardRate,
    Verdict,
)
from pricing_data.fields import PERIOD_FIELDS, Entry, PriceDataError, Source, entry_of

UNITS_FILE_NAME = "units.toml"

type RawProvider = Mapping[str, Any]
"""Kind of entry (``price``, ``alias``, …) to a list of entries."""


def parse_provider(
    raw: RawProvider, known_units: Collection[str], source: Source
) -> ProviderPrices:
    """One provider's entries, checked one by one and against each other. Raises PriceDataError."""
    parsed = parse_kinds(
        raw,
        {
            "price": lambda entry: price(entry, known_units),
            "alias": alias,
            "standard_rate": _standard_rate,
            "finding": _finding,
            "multiplier": lambda entry: _multiplier(entry, known_units),
            "own_price": lambda entry: _own_price(entry, known_units),
        },
        source,
    )
    refuse_clashes(parsed["price"], "price", source, Price.clashes, lambda each: each.model)
    refuse_clashes(parsed["alias"], "alias", source, Alias.clashes, lambda each: each.model)
    refuse_clashes(parsed["multiplier"], "multiplier", source, Multiplier.clashes)
    return ProviderPrices(
        prices=parsed["price"],
        aliases=parsed["alias"],
        standard_rates=parsed["standard_rate"],
        findings=parsed["finding"],
        multipliers=parsed["multiplier"],
        own_prices=parsed["own_price"],
    )


def parse_kinds(
    raw: RawProvider, parsers: Mapping[str, Callable[[Entry], Any]], source: Source
) -> dict[str, tuple[Any, ...]]:
    """The values of every kind, in the order of the file. Raises PriceDataError."""
    parsed: dict[str, tuple[Any, ...]] = dict.fromkeys(parsers, ())
    for kind, entries in raw.items():
        if kind not in parsers:
            raise PriceDataError(
                source.name, f"unknown kind of entry {kind!r}", f"kinds: {', '.join(parsers)}"
            )
        if not isinstance(entries, list):
            raise PriceDataError(
                source.name, f"{kind} is no list of entries", f"write [[{kind}]] above each of them"
            )
        parsed[kind] = tuple(
            parsers[kind](entry_of(source.place(kind, index), values))
            for index, values in enumerate(entries)
        )
    return parsed


def price(entry: Entry, known_units: Collection[str], *more_fields: str) -> Price:
    """``more_fields``: what the entry may hold beside the fields of a shipped price."""
    entry.only(
        "model",
        "unit",
        "usd",
        "per",
        "conditions",
        "beijing_weekdays",
        "tiers",
        "instead_of_tokens",
        *PERIOD_FIELDS,
        *more_fields,
    )
    return Price(
        model=entry.text("model").lower(),
        unit=entry.unit(known_units),
        usd=entry.usd(),
        per=entry.per(),
        conditions=entry.texts("conditions"),
        beijing_weekdays=entry.weekdays(),
        period=entry.period(),
        origin=entry.origin(),
        project=entry.optional_text("project"),
        tiers=entry.tiers(),
        instead_of_tokens=entry.flag("instead_of_tokens"),
    )


def alias(entry: Entry, *more_fields: str) -> Alias:
    entry.only("model", "priced_as", "priced_by", "context", *PERIOD_FIELDS, *more_fields)
    model, target = entry.text("model").lower(), entry.text("priced_as").lower()
    provider = entry.optional_text("priced_by")
    context = entry.texts("context")
    if model == target and provider is None and not context:
        raise entry.refuse("an alias of itself", "name the model that it is billed as")
    return Alias(model, target, provider, context, entry.period(), entry.origin())


def _multiplier(entry: Entry, known_units: Collection[str]) -> Multiplier:
    entry.only("factor", "models", "units", "conditions", "unless", *PERIOD_FIELDS)
    conditions, unless = entry.texts("conditions"), entry.texts("unless")
    if not conditions and not unless:
        raise entry.refuse("no conditions", 'write conditions = { region = "us" }')
    return Multiplier(
        factor=entry.positive("factor"),
        models=frozenset(name.lower() for name in entry.names("models")),
        units=entry.units(known_units),
        conditions=conditions,
        unless=unless,
        period=entry.period(),
        origin=entry.origin(),
    )


def _own_price(entry: Entry, known_units: Collection[str]) -> OwnPrice:
    entry.only("units")
    units = entry.units(known_units)
    if not units:
        raise entry.refuse("no units", 'write units = ["input_audio_tokens"]')
    return OwnPrice(units, entry.origin())


def _standard_rate(entry: Entry) -> StandardRate:
    entry.only("conditions")
    conditions = entry.texts("conditions")
    if not conditions:
        raise entry.refuse("no conditions", 'write conditions = { service_tier = "flex" }')
    return StandardRate(conditions, entry.origin())


def _finding(entry: Entry) -> Finding:
    entry.only("model", "verdict", "values")
    return Finding(
        entry.text("model").lower(),
        entry.choice("verdict", Verdict),
        entry.texts("values"),
        entry.origin(),
    )


def refuse_clashes[T](
    entries: tuple[T, ...],
    kind: str,
    source: Source,
    clash: Callable[[T, T], bool],
    scope: Callable[[T], Hashable] = lambda _: None,
) -> None:
    """Raises PriceDataError for two entries that clash. Only those of one ``scope`` can."""
    before: dict[Hashable, list[int]] = {}
    for index, entry in enumerate(entries):
        alike = before.setdefault(scope(entry), [])
        for earlier in alike:
            if clash(entries[earlier], entry):
                raise PriceDataError(
                    source.place(kind, index),
                    f"as likely as {source.place(kind, earlier)}, for the same model and time",
                    "end the older one with effective_to, or add a condition",
                )
        alike.append(index)

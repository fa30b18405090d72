"""A user's own price file: negotiated prices and discounts, and names that only they know.

The entries are those of a provider's file, each with its ``provider`` (``[[price]]``, ``[[map]]``,
which is an alias), and ``[[discount]]``: ``percent`` off list prices within a scope. What a user
writes needs no source, no day and no confidence.
"""

from collections.abc import Collection, Iterable, Mapping

from pricing_data.entries import Alias, Confidence, Discount, Overrides, Price
from pricing_data.fields import PERIOD_FIELDS, Entry, Source
from pricing_data.parsing import RawProvider, alias, parse_kinds, price, refuse_clashes

_ORIGIN = {"source": "your own price file", "checked": None, "confidence": Confidence.HIGH.value}


def parse_overrides(raw: RawProvider, known_units: Collection[str], source: Source) -> Overrides:
    """Raises PriceDataError for an entry that is malformed or clashes with another."""
    parsed = parse_kinds(
        raw,
        {
            "price": lambda entry: _price(entry, known_units),
            "map": _map,
            "discount": lambda entry: _discount(entry, known_units),
        },
        source,
    )
    refuse_clashes(parsed["price"], "price", source, _clash, lambda own: own[1].model)
    refuse_clashes(parsed["map"], "map", source, _clash, lambda own: own[1].model)
    refuse_clashes(
        parsed["discount"], "discount", source, Discount.clashes, lambda each: each.model
    )
    return Overrides(_by_provider(parsed["price"]), _by_provider(parsed["map"]), parsed["discount"])


def _price(entry: Entry, known_units: Collection[str]) -> tuple[str, Price]:
    own = _own(entry)
    return own.text("provider"), price(own, known_units, "provider", "project")


def _map(entry: Entry) -> tuple[str, Alias]:
    own = _own(entry)
    return own.text("provider"), alias(own, "provider")


def _discount(entry: Entry, known_units: Collection[str]) -> Discount:
    own = _own(entry)
    own.only("percent", "provider", "model", "project", "units", *PERIOD_FIELDS)
    percent = own.number("percent", "12.5")
    if percent > 100:
        raise own.refuse(f"percent is {percent}", 'at most 100 is off: percent = "12.5"')
    model = own.optional_text("model")
    return Discount(
        factor=1 - percent / 100,
        provider=own.optional_text("provider"),
        model=model.lower() if model else None,
        project=own.optional_text("project"),
        units=own.units(known_units),
        period=own.period(),
        origin=own.origin(),
    )


def _own(entry: Entry) -> Entry:
    return Entry(entry.place, {**_ORIGIN, **entry.values})


def _clash[T: (Price, Alias)](one: tuple[str, T], other: tuple[str, T]) -> bool:
    return one[0] == other[0] and one[1].clashes(other[1])


def _by_provider[T](entries: Iterable[tuple[str, T]]) -> Mapping[str, tuple[T, ...]]:
    grouped: dict[str, tuple[T, ...]] = {}
    for provider, entry in entries:
        grouped[provider] = (*grouped.get(provider, ()), entry)
    return grouped

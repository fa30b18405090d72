"""The units that quantities are counted in, and which unit is a part of which.

A unit is a set of dimensions; a unit with more of them is a part of every unit with fewer
(``cache_read_tokens`` of ``input_tokens``). genai-prices defines most; most of ours stand alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Unit:
    name: str
    price_key: str
    """Its name in the base dataset's prices: ``input_mtok``."""
    per: int
    """How many units a price of the base dataset is for."""
    ancestors: tuple[str, ...]
    """The units that it is a part of."""
    root: str
    """The widest of these, or itself."""
    split_of: str | None
    """The unit that this one and its siblings divide wholly (cache writes by time to live)."""
    own_price_only: bool
    """A price of what it is a part of would be wrong for it: one-hour cache writes cost more."""
    needs_total: bool
    """Its root is a total that providers report, so a part without the total is doubtful."""


class Units:
    """All units by name, and by price key."""

    def __init__(
        self,
        document: Mapping[str, Mapping[str, Any]],
        own: Mapping[str, Mapping[str, str]],
    ) -> None:
        """``document`` is the base's; ``own`` gives dimensions by name, none for what stands alone.

        Raises KeyError where either is malformed.
        """
        base = {name: dict(raw["dimensions"]) for name, raw in document.items()}
        alone = {name: dict(own[name]) or {"alone": name} for name in own}
        dimensions = {name: frozenset(each.items()) for name, each in {**base, **alone}.items()}
        raw_units = {**{name: {"per": 1} for name in own}, **document}
        self.by_name = {name: _unit(name, raw_units[name], dimensions) for name in dimensions}
        self.parts = {
            name: frozenset(u.name for u in self.by_name.values() if name in u.ancestors)
            for name in self.by_name
        }
        """By unit, all units that are parts of it."""
        self.by_price_key = {unit.price_key: unit for unit in self.by_name.values()}
        self.own_price_only = tuple(
            unit.name for unit in self.by_name.values() if unit.own_price_only
        )
        self.position = {name: place for place, name in enumerate(_bill_order(dimensions))}


type _Dimensions = frozenset[tuple[str, str]]


def _unit(name: str, raw: Mapping[str, Any], dimensions: Mapping[str, _Dimensions]) -> Unit:
    own = dimensions[name]
    ancestors = tuple(other for other, wider in dimensions.items() if wider < own)
    root = min((*ancestors, name), key=lambda other: len(dimensions[other]))
    kinds = dict(own)
    return Unit(
        name=name,
        price_key=raw.get("price_key", name),
        per=raw["per"],
        ancestors=ancestors,
        root=root,
        split_of=_without(own, "cache_ttl", dimensions) if "cache_ttl" in kinds else None,
        own_price_only=kinds.get("cache_ttl") in {"1h", "12h"},
        needs_total=kinds.get("family") == "tokens",
    )


def _without(own: _Dimensions, dimension: str, dimensions: Mapping[str, _Dimensions]) -> str | None:
    wider = frozenset(item for item in own if item[0] != dimension)
    return next((name for name, other in dimensions.items() if other == wider), None)


def _bill_order(dimensions: Mapping[str, _Dimensions]) -> list[str]:
    """Units as a bill lists them: input, output, the rest; the wide before its parts."""
    directions = {"input": 0, "output": 1}

    def place(name: str) -> tuple[int, int, str]:
        own = dimensions[name]
        return directions.get(dict(own).get("direction", ""), 2), len(own), name

    return sorted(dimensions, key=place)

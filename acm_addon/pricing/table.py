"""The price table: the base dataset and our files, frozen together and known by their hash."""

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from acm_addon.pricing.base import base_document
from acm_addon.pricing.catalog import Catalog, Found, Named
from acm_addon.pricing.listing import Listed, Listing, effective_prices, listing
from acm_addon.pricing.periods import Period, periods
from acm_addon.pricing.rates import Circumstances, RateCard, rate_card
from acm_addon.pricing.split import Plan, plan
from acm_addon.pricing.units import Units
from acm_addon.whole_file import replace_file
from pricing_data import (
    Overrides,
    RawProvider,
    Source,
    own_units,
    parse_overrides,
    parse_provider,
    read_files,
)

FORMAT = 2
"""Of the frozen document. A reader of ours refuses those to come rather than misread them."""
_READABLE = frozenset({1, FORMAT})
"""1 had no overrides, no multipliers, and only units that stand alone."""
OVERRIDES_NAME = "overrides.toml"
"""A user's own price file, in the folder of the frozen tables."""
_CACHED_PLANS = 4096
_GOVERNMENT = "us-gov-"

type _Key = tuple[str, str, tuple[tuple[str, str], ...], tuple[str, ...], str | None, Period]


class PriceTable:
    """Prices by provider, model, context and moment. Immutable but for its caches."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Raises ValueError where ``document`` is none of ours or an entry of it is unsound."""
        if document.get("format") not in _READABLE:
            raise ValueError("not a price table of a format that this version reads")
        self._frozen = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        self.version = hashlib.sha256(self._frozen).hexdigest()[:16]
        """A hash of everything that decides a price."""
        base = document["base"]
        self.base_name = f"{base['name']} {base['version']}"
        """Of the base dataset, with its release."""
        self.units = Units(base["units"], _own_units(document["units"]))
        overlay = {
            name: parse_provider(raw, self.units.by_name, Source(f"{name}.toml"))
            for name, raw in document["overlay"].items()
        }
        overrides = parse_overrides(
            document.get("overrides", {}), self.units.by_name, Source(OVERRIDES_NAME)
        )
        self._catalog = Catalog(base["providers"], overlay, overrides)
        self._periods = periods(base["providers"], overlay, overrides)
        self.projects = _projects(overrides)
        """Those that have a price or a discount of their own."""
        self._plans: dict[_Key, tuple[RateCard, Plan] | None] = {}

    @staticmethod
    def current(overrides: RawProvider | None = None) -> "PriceTable":
        """The table that this version of acm ships, below a user's own entries.

        Slow the first time, then the same one for the same entries. Raises PriceDataError, a
        ValueError with place and ``hint``, where an entry cannot be used.
        """
        return _with_overrides(json.dumps(overrides or {}, sort_keys=True))

    @staticmethod
    def of(base: Mapping[str, Any], overrides: RawProvider | None = None) -> "PriceTable":
        """Our entries over a base document of another release. Raises ValueError as ever."""
        document = {
            "format": FORMAT,
            "base": base,
            "units": own_units(),
            "overlay": read_files(),
        }
        return PriceTable({**document, "overrides": overrides} if overrides else document)

    @staticmethod
    def read(folder: Path, version: str) -> "PriceTable":
        """The table with this hash that was frozen into ``folder``.

        Raises FileNotFoundError where there is none, ValueError where it is not what it claims.
        """
        return PriceTable.load(folder / f"{version}.json.gz")

    @staticmethod
    def load(path: Path) -> "PriceTable":
        """A table that ``freeze`` stored. Raises ValueError when it is not what its name says."""
        try:
            table = PriceTable(json.loads(gzip.decompress(path.read_bytes())))
        except (EOFError, gzip.BadGzipFile) as error:
            raise ValueError(f"{path.name} is damaged: {error}") from None
        if path.name != table._file_name:
            raise ValueError(f"{path.name} holds the price table {table.version}")
        return table

    def freeze(self, folder: Path) -> Path:
        """Store the table under its hash, once, and whole or not at all. Gives its path."""
        path = folder / self._file_name
        if path.exists():
            return path
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace_file(path, gzip.compress(self._frozen, mtime=0))
        return path

    def card(
        self,
        provider: str,
        model: str,
        context: Mapping[str, str],
        at: datetime,
        *,
        project: str | None = None,
    ) -> RateCard | None:
        """The model's rates at a moment. None where the table does not know the model."""
        found, named = self._find(provider, model, at)
        if found is None:
            return None
        call = Circumstances(_selectors(named, context), at, project)
        return rate_card(found, call, self.units)

    def models(self) -> Iterator[tuple[str, str]]:
        """Provider and model of everything that has a price. Fallbacks and aliases are left out."""
        return self._catalog.models()

    def listed(self, provider: str, model: str, at: datetime) -> Listing | None:
        """All prices of a model, past and future too, and which hold. None for an unknown one."""
        found, _ = self._find(provider, model, at)
        return listing(found, at, self.units, self.base_name) if found else None

    def effective(
        self,
        provider: str,
        model: str,
        context: Mapping[str, str],
        at: datetime,
        *,
        project: str | None = None,
    ) -> tuple[Listed, ...]:
        """The price of each unit for one kind of call, before uplifts and discounts."""
        found, named = self._find(provider, model, at)
        if found is None:
            return ()
        call = Circumstances(_selectors(named, context), at, project)
        return effective_prices(found, call, self.units, self.base_name)

    def plan(
        self,
        provider: str,
        model: str,
        context: Mapping[str, str],
        at: datetime,
        names: tuple[str, ...],
        *,
        project: str | None = None,
    ) -> tuple[RateCard, Plan] | None:
        """The model's rates, and how usage of the units ``names`` splits on them.

        Cached by the period between two changes of the table's prices.
        """
        chosen = tuple(sorted(context.items())) if context else ()
        scope = project if project in self.projects else None
        key = provider, model, chosen, names, scope, self._periods.at(at)
        try:
            return self._plans[key]
        except KeyError:
            card = self.card(provider, model, context, at, project=scope)
            planned = None
            if card:
                planned = card, plan(card.billed(names, self.units), card, self.units)
            if len(self._plans) >= _CACHED_PLANS:
                self._plans.clear()
            self._plans[key] = planned
            return planned

    def _find(self, provider: str, model: str, at: datetime) -> tuple[Found | None, Named]:
        named = self._catalog.resolve(provider, model, at)
        return self._catalog.find(provider, model, named), named

    @property
    def _file_name(self) -> str:
        return f"{self.version}.json.gz"


@lru_cache(maxsize=3)
def _with_overrides(raw: str) -> PriceTable:
    return PriceTable.of(base_document(), json.loads(raw))


def _own_units(raw: Any) -> Mapping[str, Mapping[str, str]]:
    """Dimensions by name; a list of names in format 1."""
    return raw if isinstance(raw, Mapping) else {name: {} for name in raw}


def _projects(overrides: Overrides) -> frozenset[str]:
    prices = (price for entries in overrides.prices.values() for price in entries)
    scopes = {price.project for price in prices} | {each.project for each in overrides.discounts}
    return frozenset(scope for scope in scopes if scope is not None)


def _selectors(named: Named, context: Mapping[str, str]) -> Mapping[str, str]:
    """What the call says counts before what its model's name does.

    A batch has no service tier beside it. Anthropic reports it as one; the table has it as a kind
    of processing. Bedrock's regions of GovCloud are a partition of their own.
    """
    chosen = {**named.context, **context} if named.context else context
    if chosen.get("region", "").startswith(_GOVERNMENT):
        chosen = {"partition": "us-gov", **chosen}
    if "batch" not in {chosen.get("service_tier"), chosen.get("processing")}:
        return chosen
    return {**chosen, "service_tier": "default", "processing": "batch"}

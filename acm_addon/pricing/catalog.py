"""Finds the prices of a model: base and overlay, the provider's own first, then its fallbacks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from acm_addon.pricing.names import candidates, is_fine_tune, matches
from pricing_data import Alias, Price, ProviderPrices, StandardRate

type BaseModel = Mapping[str, Any]
"""A model of the base document: ``id``, ``match``, ``periods``, ``variants``, ``minimums``."""

_NO_ENTRIES = ProviderPrices()
_NO_PROVIDER: Mapping[str, Any] = {"fallbacks": [], "models": []}


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that may price one model."""

    provider: str
    """Whose prices these are: for Azure mostly OpenAI."""
    model: str
    """The base dataset's id, or the overlay's name where only that knows the model."""
    base: BaseModel | None
    prices: tuple[Price, ...]
    """Ours; of two that fit equally well the later counts, which is the one of the exact name."""
    standard_rates: tuple[StandardRate, ...]


class Catalog:
    """The providers of the base document and the overlay's entries. Look-ups are cached."""

    def __init__(
        self, providers: Mapping[str, Mapping[str, Any]], overlay: Mapping[str, ProviderPrices]
    ) -> None:
        self._providers = providers
        self._overlay = overlay
        self._found: dict[tuple[str, str], Found | None] = {}

    def find(self, provider: str, model: str, at: datetime) -> Found | None:
        """The prices of a model as the provider calls it. None where nothing matches."""
        alias = self._alias(provider, model, at)
        name = alias.priced_as if alias else model
        key = provider, name
        if key not in self._found:
            if len(self._found) >= 10_000:  # names come from traffic: keep garbage bounded
                self._found.clear()
            self._found[key] = self._look_up(provider, name)
        return self._found[key]

    def _chain(self, provider: str) -> Iterator[str]:
        yield provider
        yield from self._providers.get(provider, _NO_PROVIDER)["fallbacks"]

    def _alias(self, provider: str, model: str, at: datetime) -> Alias | None:
        for source in self._chain(provider):
            entries = self._overlay.get(source, _NO_ENTRIES).aliases
            if entries:
                names = set(candidates(model))
                for alias in entries:
                    if alias.model in names and alias.period.holds(at):
                        return alias
        return None

    def _look_up(self, provider: str, model: str) -> Found | None:
        for name in candidates(model):
            for source in self._chain(provider):
                if found := self._in_provider(source, name):
                    return found
        return None

    def _in_provider(self, provider: str, name: str) -> Found | None:
        base = self._in_base(provider, name)
        entries = self._overlay.get(provider, _NO_ENTRIES)
        names = {name, base["id"].lower()} if base else {name}
        matching = (price for price in entries.prices if price.model in names)
        prices = tuple(sorted(matching, key=lambda price: price.model == name))
        if base is None and not prices:
            return None
        model = base["id"] if base else prices[0].model
        return Found(provider, model, base, prices, entries.standard_rates)

    def _in_base(self, provider: str, name: str) -> BaseModel | None:
        models: list[BaseModel] = self._providers.get(provider, _NO_PROVIDER)["models"]
        for model in models:
            if matches(model["match"], name):
                if is_fine_tune(name) and not is_fine_tune(model["id"]):
                    continue  # the dataset has clauses that give a fine-tune its base's price
                return model
        return None

"""Finds what may price a model: its provider's prices first, then those of its fallbacks."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from acm_addon.pricing.names import candidates, is_fine_tune, matches
from pricing_data import (
    ANY_MODEL,
    Alias,
    Discount,
    Multiplier,
    Overrides,
    Price,
    ProviderPrices,
    StandardRate,
)

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
    """The base dataset's id, or our name where only we know the model."""
    base: BaseModel | None
    prices: tuple[Price, ...]
    """Ours; of two that fit equally well the later counts, which is the one of the exact name."""
    standard_rates: tuple[StandardRate, ...]
    own_prices: frozenset[str]
    """Units that no price of what they are parts of can stand in for."""
    overrides: tuple[Price, ...] = ()
    """The user's own, in the same order."""
    multipliers: tuple[Multiplier, ...] = ()
    discounts: tuple[Discount, ...] = ()
    """The user's; the last that holds for a unit counts."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a model's name stands for."""

    provider: str
    model: str
    context: Mapping[str, str]
    """What the name alone says of the call's price context."""


class Catalog:
    """The base document's providers, our entries, the user's. Look-ups are cached."""

    def __init__(
        self,
        providers: Mapping[str, Mapping[str, Any]],
        overlay: Mapping[str, ProviderPrices],
        overrides: Overrides,
    ) -> None:
        self._providers = providers
        self._overlay = overlay
        self._overrides = overrides
        self._found: dict[tuple[str, str, str, str], Found | None] = {}

    def resolve(self, provider: str, model: str, at: datetime) -> Named:
        """What a name stands for: the user's map first, then our alias of what that gives."""
        named = Named(provider, model, {})
        own = self._overrides.maps.get(provider, ())
        if entry := _alias(own, model, at):
            named = _billed_as(entry, named)
        for source in self._chain(named.provider):
            entries = self._entries(source).aliases
            if entry := _alias(entries, named.model, at):
                return _billed_as(entry, named)
        return named

    def find(self, provider: str, model: str, named: Named) -> Found | None:
        """The prices of a model as the provider calls it. None where nothing matches."""
        key = provider, model, named.provider, named.model
        if key not in self._found:
            if len(self._found) >= 10_000:  # names come from traffic: keep garbage bounded
                self._found.clear()
            self._found[key] = self._look_up(provider, model, named)
        return self._found[key]

    def models(self) -> Iterator[tuple[str, str]]:
        """Provider and model of everything that has a price, in order, without fallbacks."""
        providers = {*self._providers, *self._overlay, *self._overrides.prices}
        for provider in sorted(providers):
            names = {str(model["id"]) for model in self._base_models(provider)}
            known = {name.lower() for name in names}
            own = self._overrides.prices.get(provider, ())
            for price in (*self._entries(provider).prices, *own):
                if price.model != ANY_MODEL and price.model not in known:
                    names.add(price.model)
            yield from ((provider, name) for name in sorted(names))

    def _chain(self, provider: str) -> Iterator[str]:
        yield provider
        yield from self._providers.get(provider, _NO_PROVIDER)["fallbacks"]

    def _look_up(self, provider: str, model: str, named: Named) -> Found | None:
        called = list(candidates(model))
        for name in candidates(named.model):
            for source in self._chain(named.provider):
                base = self._in_base(source, name)
                names = [base["id"].lower(), name] if base else [name]
                ours = _of_names(self._entries(source).prices, names)
                if base or ours:
                    found = self._list_prices(source, base["id"] if base else name, base, ours)
                    return self._as_called(found, provider, [*names, *reversed(called)])
        own = self._overrides.prices.get(provider, ())
        # Of a provider that the user alone knows, so is every model.
        alone = provider not in self._providers and provider not in self._overlay
        if _of_names(own, [ANY_MODEL, *called] if alone else called):  # known to the user alone
            found = self._list_prices(provider, called[0], None, ())
            return self._as_called(found, provider, [*reversed(called)])
        return None

    def _list_prices(
        self, source: str, model: str, base: BaseModel | None, ours: tuple[Price, ...]
    ) -> Found:
        entries = self._entries(source)
        return Found(
            provider=source,
            model=model,
            base=base,
            prices=(*_of_names(entries.prices, [ANY_MODEL]), *ours),
            standard_rates=entries.standard_rates,
            own_prices=frozenset(unit for own in entries.own_prices for unit in own.units),
        )

    def _as_called(self, found: Found, provider: str, names: list[str]) -> Found:
        """With what depends on whom the call went to, and on every name the model has there."""
        asked = self._entries(provider)
        wide = _of_names(asked.prices, [ANY_MODEL]) if provider != found.provider else ()
        own = self._overrides.prices.get(provider, ())
        return replace(
            found,
            prices=(*found.prices, *wide),
            overrides=_of_names(own, [ANY_MODEL, *dict.fromkeys(names)]),
            multipliers=tuple(
                each
                for each in asked.multipliers
                if not each.models or not each.models.isdisjoint(names)
            ),
            discounts=_discounts(self._overrides.discounts, provider, names),
        )

    def _entries(self, provider: str) -> ProviderPrices:
        return self._overlay.get(provider, _NO_ENTRIES)

    def _base_models(self, provider: str) -> list[BaseModel]:
        models: list[BaseModel] = self._providers.get(provider, _NO_PROVIDER)["models"]
        return models

    def _in_base(self, provider: str, name: str) -> BaseModel | None:
        models = self._base_models(provider)
        for model in models:
            if matches(model["match"], name):
                if is_fine_tune(name) and not is_fine_tune(model["id"]):
                    continue  # the dataset has clauses that give a fine-tune its base's price
                return model
        # An id need not match its own clause (`regional.anthropic.…`), but people ask for it.
        return next((model for model in models if model["id"].lower() == name), None)


def _alias(entries: Iterable[Alias], model: str, at: datetime) -> Alias | None:
    if not entries:
        return None
    names = set(candidates(model))
    return next((each for each in entries if each.model in names and each.period.holds(at)), None)


def _billed_as(entry: Alias, named: Named) -> Named:
    provider = entry.priced_by or named.provider
    return Named(provider, entry.priced_as, {**named.context, **entry.context})


def _of_names(prices: Iterable[Price], names: list[str]) -> tuple[Price, ...]:
    """In the order of the names, the exact one last."""
    matching = (price for price in prices if price.model in names)
    return tuple(sorted(matching, key=lambda price: names.index(price.model)))


def _discounts(
    discounts: Iterable[Discount], provider: str, names: list[str]
) -> tuple[Discount, ...]:
    """The closest scope last."""
    holding = (
        each
        for each in discounts
        if each.provider in {None, provider} and (each.model is None or each.model in names)
    )
    return tuple(sorted(holding, key=lambda each: each.priority))

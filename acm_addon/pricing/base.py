"""The base dataset, genai-prices, as a plain JSON document. The only module that imports it.

A table that is frozen to disk must be readable after any upgrade, so nothing behind this module
depends on that library's code: the document holds all of its rules that decide a price.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from importlib.metadata import version
from typing import Any

type Json = dict[str, Any]

_MINIMUMS = {
    ("groq", "whisper-large-v3"): {"audio_seconds": 10, "input_audio_seconds": 10},
    ("groq", "whisper-large-v3-turbo"): {"audio_seconds": 10, "input_audio_seconds": 10},
}
"""Smallest quantity that is billed: a rule in genai-prices' code (``ModelInfo.calc_price``)."""


def base_document() -> Json:
    """Units, providers, models and prices. Amounts are texts, as exact as the dataset's."""
    from genai_prices.data import providers

    return _document(providers, version("genai-prices"))


def published_document(payload: Any, release: str) -> Json:
    """The same of the data that genai-prices publishes between its releases, as parsed JSON.

    Raises ValueError where it is not what this version of the library reads.
    """
    # What the library's own UpdatePrices.fetch does; the library is pinned.
    from genai_prices.types import _providers_from_raw

    if not isinstance(payload, list):
        raise ValueError("not a list of providers")
    return _document(_providers_from_raw(payload), release)


def _document(providers: list[Any], release: str) -> Json:
    from genai_prices.data_units import unit_data

    return {
        "name": "genai-prices",
        "version": release,
        "units": {name: dict(unit) for name, unit in unit_data.items()},
        "providers": {provider.id: _provider(provider) for provider in providers},
    }


def _provider(provider: Any) -> Json:
    return {
        "fallbacks": list(provider.fallback_model_providers or ()),
        "models": [_model(provider.id, model) for model in provider.models],
    }


def _model(provider_id: str, model: Any) -> Json:
    periods = model.prices if isinstance(model.prices, list) else None
    document: Json = {
        "id": model.id,
        "match": _clause(model.match),
        "periods": [
            {"constraint": _constraint(period.constraint), "prices": _prices(period.prices)}
            for period in periods
        ]
        if periods is not None
        else [{"constraint": None, "prices": _prices(model.prices)}],
    }
    if model.price_variants:
        document["variants"] = [
            {
                "when": dict(variant.when),
                "constraint": _constraint(variant.constraint),
                "prices": _prices(variant.prices),
            }
            for variant in model.price_variants
        ]
    if minimums := _MINIMUMS.get((provider_id, model.id)):
        document["minimums"] = minimums
    return document


def _clause(clause: Any) -> Json:
    """``{"equals": …}``, ``{"or": [… clauses]}`` and so on: the dataset's own notation."""
    ((name, value),) = vars(clause).items()
    name = name.removesuffix("_")
    return {name: [_clause(inner) for inner in value] if isinstance(value, list) else value}


def _constraint(constraint: Any) -> Json | None:
    if constraint is None:
        return None
    return {name: _moment(value) for name, value in vars(constraint).items()}


def _moment(value: date | time) -> str:
    """A date as it is; a time of day in UTC, where naive means UTC already."""
    if isinstance(value, time):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        value = datetime.combine(date(1970, 1, 1), aware).astimezone(UTC).time()
    return value.isoformat()


def _prices(prices: Any) -> Json:
    """Price key to an amount, or to ``{"base": …, "tiers": [[start, amount], …]}``."""
    values: Mapping[str, Any] = vars(prices)
    return {key: _amount(value) for key, value in values.items() if value is not None}


def _amount(value: Any) -> str | Json:
    if isinstance(value, Decimal):
        return str(value)
    return {
        "base": str(value.base),
        "tiers": [[tier.start, str(tier.price)] for tier in value.tiers],
    }

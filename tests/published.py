"""The base data as genai-prices publishes it: made from what is installed."""

import json
from collections.abc import Callable
from typing import Any

from acm_addon.pricing.base import Json, base_document


def published(change: Callable[[Json], object] = lambda document: None) -> bytes:
    """The published form of the installed data, after ``change`` to its document."""
    document = base_document()
    change(document)
    return json.dumps(
        [
            {
                "id": name,
                "name": name,
                "api_pattern": f"https://{name}",
                "fallback_model_providers": values["fallbacks"],
                "models": [_model(model) for model in values["models"]],
            }
            for name, values in document["providers"].items()
        ]
    ).encode()


def prices_of(document: Json, provider: str, model: str) -> Json:
    """The standard prices of a model of the document, to be changed in place."""
    models = document["providers"][provider]["models"]
    (found,) = (each for each in models if each["id"] == model)
    prices: Json = found["periods"][-1]["prices"]
    return prices


def _model(model: Json) -> Json:
    periods = [
        {"constraint": period["constraint"], "prices": _prices(period["prices"])}
        for period in model["periods"]
    ]
    raw: Json = {
        "id": model["id"],
        "match": model["match"],
        "prices": periods if len(periods) > 1 else periods[0]["prices"],
    }
    if "variants" in model:
        raw["price_variants"] = [
            {
                "when": each["when"],
                "constraint": each["constraint"],
                "prices": _prices(each["prices"]),
            }
            for each in model["variants"]
        ]
    return raw


def _prices(prices: Json) -> dict[str, Any]:
    return {
        key: value
        if isinstance(value, str)
        else {
            "base": value["base"],
            "tiers": [{"start": start, "price": price} for start, price in value["tiers"]],
        }
        for key, value in prices.items()
    }

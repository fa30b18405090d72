"""The versioned price table: data files, one a provider, and a loader that checks them.

``prices/<provider>.toml`` holds what the base dataset (genai-prices) lacks or has wrong. Entries:

- ``[[price]]``: ``usd`` for ``per`` units of ``unit`` of ``model`` (or of ``*``, every one), under
  ``conditions`` on the call's price context, within ``effective_from`` and ``effective_to`` (UTC,
  half-open; left out when unknown, never guessed).
- ``[[alias]]``: a model name that is billed as another model.
- ``[[multiplier]]``: what token prices are multiplied with in a region or under a residency.
- ``[[own_price]]``: units that are never billed at the rate of what they are parts of.
- ``[[standard_rate]]``: a choice, such as a service tier, that costs no more and no less.
- ``[[finding]]``: a disagreement between sources that changes no price, settled or undecided.

Every entry names its ``source``, the day on which it was ``checked``, and the ``confidence`` in it.
A published price is never overwritten: end it with ``effective_to`` and append its successor.
A user's own file, ``overrides.toml``, has prices, maps of names, and discounts. docs/prices.md
describes both, the units, and the price context.

``units.toml`` declares the units that the base dataset lacks. This package imports nothing of acm.
"""

from importlib.resources import files

from pricing_data.entries import (
    ANY_MODEL,
    Alias,
    Confidence,
    Discount,
    Finding,
    Multiplier,
    Origin,
    Overrides,
    OwnPrice,
    Period,
    Price,
    ProviderPrices,
    StandardRate,
    Verdict,
)
from pricing_data.fields import PriceDataError, Source
from pricing_data.loader import (
    load_files,
    load_overrides,
    own_units,
    read_files,
    read_overrides,
)
from pricing_data.overrides import parse_overrides
from pricing_data.parsing import RawProvider, parse_provider

__all__ = [
    "ANY_MODEL",
    "Alias",
    "Confidence",
    "Discount",
    "Finding",
    "Multiplier",
    "Origin",
    "Overrides",
    "OwnPrice",
    "Period",
    "Price",
    "PriceDataError",
    "ProviderPrices",
    "RawProvider",
    "Source",
    "StandardRate",
    "Verdict",
    "load_files",
    "load_overrides",
    "own_units",
    "parse_overrides",
    "parse_provider",
    "read_files",
    "read_overrides",
    "tokenizer_ranks",
]


def tokenizer_ranks(encoding: str) -> bytes:
    """The gzipped rank file of a tiktoken encoding. Raises FileNotFoundError for one we lack."""
    return (files(__name__) / "tokenizers" / f"{encoding}.tiktoken.gz").read_bytes()

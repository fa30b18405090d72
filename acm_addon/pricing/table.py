"""The price table: the base dataset and our files, frozen together and known by their hash."""

import gzip
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from acm_addon.pricing.base import base_document
from acm_addon.pricing.catalog import Catalog
from acm_addon.pricing.periods import Period, periods
from acm_addon.pricing.rates import RateCard, rate_card
from acm_addon.pricing.split import Plan, plan
from acm_addon.pricing.units import Units
from pricing_data import Source, own_units, parse_provider, read_files

FORMAT = 1
"""Of the frozen document. A reader of ours refuses others rather than misread them."""
_CACHED_PLANS = 4096

type _Key = tuple[str, str, tuple[tuple[str, str], ...], tuple[str, ...], Period]


class PriceTable:
    """Prices by provider, model, context and moment. Immutable but for its caches."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """Raises ValueError where ``document`` is none of ours or an entry of it is unsound."""
        if document.get("format") != FORMAT:
            raise ValueError("not a price table of a format that this version reads")
        self._frozen = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
        self.version = hashlib.sha256(self._frozen).hexdigest()[:16]
        """A hash of everything that decides a price."""
        base = document["base"]
        self.units = Units(base["units"], document["units"])
        overlay = {
            name: parse_provider(raw, self.units.by_name, Source(f"{name}.toml"))
            for name, raw in document["overlay"].items()
        }
        self._catalog = Catalog(base["providers"], overlay)
        self._periods = periods(base["providers"], overlay)
        self._plans: dict[_Key, tuple[RateCard, Plan] | None] = {}

    @staticmethod
    def current() -> "PriceTable":
        """The table that this version of acm ships. Slow the first time, then the same one."""
        return _current()

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
        handle, draft = tempfile.mkstemp(prefix=".price-table-", dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(gzip.compress(self._frozen, mtime=0))
            Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        return path

    def card(
        self, provider: str, model: str, context: Mapping[str, str], at: datetime
    ) -> RateCard | None:
        """The model's rates at a moment. None where the table does not know the model."""
        found = self._catalog.find(provider, model, at)
        return rate_card(found, _selectors(context), at, self.units) if found else None

    def plan(
        self,
        provider: str,
        model: str,
        context: Mapping[str, str],
        at: datetime,
        names: tuple[str, ...],
    ) -> tuple[RateCard, Plan] | None:
        """The model's rates, and how usage of the units ``names`` splits on them.

        Cached by the period between two changes of the table's prices.
        """
        chosen = tuple(sorted(context.items())) if context else ()
        key = provider, model, chosen, names, self._periods.at(at)
        try:
            return self._plans[key]
        except KeyError:
            card = self.card(provider, model, context, at)
            planned = (card, plan(names, card, self.units)) if card else None
            if len(self._plans) >= _CACHED_PLANS:
                self._plans.clear()
            self._plans[key] = planned
            return planned

    @property
    def _file_name(self) -> str:
        return f"{self.version}.json.gz"


@cache
def _current() -> PriceTable:
    return PriceTable(
        {
            "format": FORMAT,
            "base": base_document(),
            "units": sorted(own_units()),
            "overlay": read_files(),
        }
    )


def _selectors(context: Mapping[str, str]) -> Mapping[str, str]:
    """Anthropic reports a batch as a service tier; the table has it as a kind of processing."""
    if context.get("service_tier") != "batch":
        return context
    return {**context, "service_tier": "default", "processing": "batch"}

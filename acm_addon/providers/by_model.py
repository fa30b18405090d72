"""What many answers consumed, summed by model: one row, priced model by model."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType

from acm_addon.model import ModelUsage
from acm_addon.providers.tally import Tally

MAX_MODELS = 100
"""That are told apart in one row. More are nonsense, and make the usage bad."""


@dataclass(slots=True)
class _Share:
    price_context: Mapping[str, str]
    quantities: dict[str, int | Decimal] = field(default_factory=dict)


class ByModel:
    """Sums of tallies. Models, and of one model what is priced differently, stay apart."""

    def __init__(self) -> None:
        self.bad = False
        self._shares: dict[tuple[str | None, tuple[tuple[str, str], ...]], _Share] = {}

    def add(
        self,
        model: str | None,
        tally: Tally,
        price_context: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.bad = self.bad or tally.bad
        self.take(ModelUsage(model, tally.quantities, price_context))

    def take(self, usage: ModelUsage) -> None:
        if not usage.quantities:
            return
        key = (usage.model, tuple(sorted(usage.price_context.items())))
        if key not in self._shares and len(self._shares) >= MAX_MODELS:
            self.bad = True
            return
        share = self._shares.setdefault(key, _Share(dict(usage.price_context)))
        for unit, count in usage.quantities.items():
            share.quantities[unit] = share.quantities.get(unit, 0) + count

    def copy(self) -> "ByModel":
        copied = ByModel()
        for part in self.parts():
            copied.take(part)
        copied.bad = self.bad
        return copied

    def shares(self) -> tuple[ModelUsage, tuple[ModelUsage, ...]]:
        """That of the model that was seen first, which the row names, and the others'."""
        first, *others = self.parts() or (ModelUsage(None, {}),)
        return first, tuple(others)

    def parts(self) -> tuple[ModelUsage, ...]:
        return tuple(
            ModelUsage(model, dict(share.quantities), share.price_context)
            for (model, _), share in self._shares.items()
        )

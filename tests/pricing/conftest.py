from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import pytest

from acm_addon.model import Cost, Quantities, Usage, UsageSource
from acm_addon.pricing import PriceTable, price

SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)

type Bill = Callable[..., Cost]


@pytest.fixture(scope="session")
def table() -> PriceTable:
    return PriceTable.current()


@pytest.fixture
def bill(table: PriceTable) -> Bill:
    """Prices quantities of a model with the shipped table."""

    def price_it(
        provider: str,
        model: str | None,
        quantities: Quantities,
        context: Mapping[str, str] | None = None,
        at: datetime = SUNDAY,
    ) -> Cost:
        return price(
            Usage(quantities, UsageSource.REPORTED),
            provider=provider,
            model=model,
            at=at,
            context=context or {},
            table=table,
        )

    return price_it

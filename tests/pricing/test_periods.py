from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from acm_addon.pricing import PriceTable
from acm_addon.pricing.base import base_document
from acm_addon.pricing.periods import periods
from acm_addon.pricing.units import Units
from pricing_data import Overrides, Source, own_units, parse_provider, read_files

BASE = base_document()
UNITS = Units(BASE["units"], own_units()).by_name
OVERLAY = {
    name: parse_provider(raw, UNITS, Source(f"{name}.toml")) for name, raw in read_files().items()
}
PERIODS = periods(BASE["providers"], OVERLAY, Overrides())
CHANGING = sorted(
    {
        (name, model["id"])
        for name, each in BASE["providers"].items()
        for model in each["models"]
        if any(one["constraint"] for one in (*model["periods"], *model.get("variants", ())))
    }
    | {(name, entry.model) for name, each in OVERLAY.items() for entry in each.prices}
    | {(name, entry.model) for name, each in OVERLAY.items() for entry in each.aliases}
)
MOMENTS = st.one_of(
    st.sampled_from(PERIODS.moments),
    st.integers(0, 900).map(lambda days: datetime(2025, 1, 1, 12, tzinfo=UTC) + timedelta(days)),
)
APART = st.one_of(
    st.timedeltas(timedelta(days=-8), timedelta(days=8)),
    st.integers(-8, 8).map(lambda days: timedelta(days=days)),
    st.sampled_from([timedelta(microseconds=-1), timedelta(minutes=-1)]),
)


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(CHANGING), MOMENTS, APART)
@example(("deepseek", "deepseek-v4-flash"), datetime(2026, 11, 20, 4, tzinfo=UTC), timedelta(0))
def test_all_prices_hold_within_a_period(
    model: tuple[str, str], moment: datetime, apart: timedelta
) -> None:
    """Two moments of one period have the same prices, by the minute or weeks apart."""
    table = PriceTable.current()
    if PERIODS.at(moment) == PERIODS.at(moment + apart):
        assert table.card(*model, {}, moment) == table.card(*model, {}, moment + apart)


def test_a_period_is_longer_than_a_minute() -> None:
    """Calls of two Mondays with no change between them are priced by one plan."""
    monday = datetime(2026, 11, 16, 12, tzinfo=UTC)
    assert PERIODS.at(monday) == PERIODS.at(monday + timedelta(days=7, minutes=59))


def test_the_last_moment_has_a_period() -> None:
    """A capture may say any time, and pricing never raises."""
    last = datetime.max.replace(tzinfo=UTC)
    assert PERIODS.at(datetime(2026, 1, 1, tzinfo=UTC)) < PERIODS.at(last)


@pytest.mark.parametrize(
    "own",
    [
        {"discount": [{"percent": "10"}]},
        {"price": [{"model": "gpt-4o", "unit": "input_tokens", "usd": "1", "per": 1}]},
        {"map": [{"model": "gpt-4o", "priced_as": "gpt-4o-mini"}]},
    ],
)
def test_what_a_user_dates_bounds_a_period(own: dict[str, list[dict[str, object]]]) -> None:
    """A plan that is kept from before does not outlive it."""
    begin = datetime(2026, 11, 18, 7, 30, tzinfo=UTC)
    for (entry,) in own.values():
        entry |= {"provider": "openai", "effective_from": begin.isoformat()}
    table = PriceTable.of(BASE, own)

    def planned(at: datetime) -> object:
        return table.plan("openai", "gpt-4o", {}, at, ("input_tokens",))

    assert planned(begin - timedelta(microseconds=1)) != planned(begin)

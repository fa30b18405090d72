"""Usage that contradicts itself, and any usage at all."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.model import Cost, PriceStatus, Quantity, Reason, Usage
from acm_addon.pricing import PriceTable, price

type Bill = Callable[..., Cost]


@pytest.mark.parametrize(
    "contradiction",
    [
        {"input_tokens": 100, "cache_read_tokens": 101},
        {"input_tokens": 100, "cache_read_tokens": 60, "cache_write_tokens": 60},
        {
            "input_tokens": 100,
            "cache_write_tokens": 50,
            "cache_write_5m_tokens": 40,
            "cache_write_1h_tokens": 40,
        },
        {"input_tokens": 100, "input_tool_tokens": 101},
        {"cache_read_tokens": 5},
        {"input_tokens": -1},
        {"input_tokens": Decimal("NaN")},
        {"input_tokens": Decimal("sNaN")},
        {"input_tokens": Decimal("Infinity")},
        {"input_tokens": 10**30},
    ],
)
def test_a_contradiction_is_marked_and_not_priced(
    bill: Bill, contradiction: dict[str, Quantity]
) -> None:
    """Nothing of the input is priced, the output is, and the whole cost is not known."""
    cost = bill("anthropic", "claude-3-7-sonnet-latest", {**contradiction, "output_tokens": 2})

    assert (cost.status, cost.computed, cost.known) == (PriceStatus.PARTLY_PRICED, None, 30_000)
    assert cost.reason is Reason.BAD_USAGE


def test_a_doubtful_input_decides_no_threshold(bill: Bill) -> None:
    """Which rate the output has is as doubtful as the input."""
    cost = bill("openai", "gpt-5.4", {"input_tokens": Decimal("NaN"), "output_tokens": 10})

    assert (cost.status, cost.known, cost.reason) == (PriceStatus.UNPRICED, 0, Reason.BAD_USAGE)


UNITS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "cache_write_5m_tokens",
    "cache_write_1h_tokens",
    "input_audio_tokens",
    "cache_audio_read_tokens",
    "output_reasoning_tokens",
    "web_searches",
    "images",
    "requests",
    "smiles",
)
QUANTITIES = st.dictionaries(
    st.sampled_from(UNITS),
    st.one_of(
        st.integers(-10, 10**6),
        st.integers(),
        st.decimals(allow_nan=True, allow_infinity=True),
    ),
)
MODELS = st.sampled_from(
    [
        ("openai", "gpt-4o"),
        ("openai", "gpt-5.4"),
        ("openai", "gpt-4o-realtime-preview"),
        ("anthropic", "claude-sonnet-4-5"),
        ("google", "gemini-2.5-pro"),
        ("perplexity", "sonar"),
        ("openai", "gpt-7"),
    ]
)


@given(MODELS, QUANTITIES, st.sampled_from(["default", "priority", "batch", "?"]))
def test_no_usage_raises_or_costs_less_than_nothing(
    named: tuple[str, str], quantities: dict[str, Quantity], tier: str
) -> None:
    """For any quantities: lines that are exact and sum up, and a whole only if it is known."""
    cost = price(
        Usage(quantities),
        provider=named[0],
        model=named[1],
        at=datetime(2026, 11, 22, tzinfo=UTC),
        context={"service_tier": tier},
        table=PriceTable.current(),
    )

    assert cost.known == sum(line.amount for line in cost.lines)
    assert all(line.quantity > 0 and line.amount >= 0 for line in cost.lines)
    assert (cost.computed is not None) == (cost.status is PriceStatus.PRICED)
    assert cost.computed in (None, cost.known)
    assert cost.reason is not None or cost.status is PriceStatus.PRICED
    for line in cost.lines:
        exact = Decimal(line.quantity) * line.unit_price * 10**9
        assert abs(exact - line.amount) <= Decimal("0.5") + exact / 10**27


@given(st.data())
def test_token_lines_are_disjoint_and_cover_the_totals(data: st.DataObject) -> None:
    """For usage that agrees with itself, the quantities of the lines sum to input plus output."""
    count = st.integers(0, 10**6)
    read, write_5m, write_1h, fresh, output = (data.draw(count) for _ in range(5))
    quantities = {
        "input_tokens": read + write_5m + write_1h + fresh,
        "cache_read_tokens": read,
        "cache_write_tokens": write_5m + write_1h,
        "cache_write_5m_tokens": write_5m,
        "cache_write_1h_tokens": write_1h,
        "output_tokens": output,
        "output_reasoning_tokens": data.draw(st.integers(0, output)),
    }

    cost = price(
        Usage(quantities),
        provider="anthropic",
        model="claude-sonnet-4-5",
        at=datetime(2026, 11, 22, tzinfo=UTC),
        context={},
        table=PriceTable.current(),
    )

    assert cost.status is PriceStatus.PRICED
    assert cost.reason is None
    assert sum(line.quantity for line in cost.lines) == (
        quantities["input_tokens"] + quantities["output_tokens"]
    )


def test_a_line_is_rounded_half_even(table: PriceTable) -> None:
    """Half a nano-dollar goes to the even neighbour, once for each line."""
    cost = price(
        Usage({"input_tokens": Decimal("0.0002"), "output_tokens": Decimal("0.00015")}),
        provider="openai",
        model="gpt-4o",
        at=datetime(2026, 11, 22, tzinfo=UTC),
        context={},
        table=table,
    )

    # 0.0002 x 2500 nano = 0.5 -> 0;  0.00015 x 10000 nano = 1.5 -> 2
    assert [0, 2] == [line.amount for line in cost.lines]

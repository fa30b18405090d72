from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.model import NANO
from cli.money import dollars, exact_dollars, exact_usd, parse_usd, unit_price

AMOUNTS = st.integers(min_value=-(2**63), max_value=2**63 - 1)


@given(AMOUNTS)
def test_exact_amounts_survive_formatting_and_parsing(nano: int) -> None:
    """What JSON carries is the amount to the last nano-dollar."""
    assert nano == parse_usd(exact_usd(nano))


@given(AMOUNTS)
def test_exact_amounts_are_plain_decimals_with_cents(nano: int) -> None:
    """No exponent, no grouping, and at least two decimals, so that any reader can parse them."""
    text = exact_usd(nano)
    assert Decimal(nano) / NANO == Decimal(text)
    assert set(text) <= set("-0123456789.")
    assert len(text.partition(".")[2]) >= 2


@given(AMOUNTS)
def test_amounts_for_people_are_near_the_truth(nano: int) -> None:
    """Half a cent at most is rounded away, and half a percent of what is below a dollar."""
    shown = Decimal(dollars(nano).replace("$", "").replace(",", ""))
    exact = Decimal(nano) / NANO
    allowed = Decimal("0.005") if abs(exact) >= 1 else max(abs(exact) / 200, Decimal(0))
    assert abs(shown - exact) <= allowed


@given(AMOUNTS.filter(bool))
def test_what_is_not_zero_never_reads_as_zero(nano: int) -> None:
    """A small cost is small, not nothing."""
    assert any(digit in dollars(nano) for digit in "123456789")


@pytest.mark.parametrize(
    ("nano", "shown"),
    [
        (None, "-"),
        (0, "$0.00"),
        (1, "$0.000000001"),
        (150, "$0.00000015"),
        (3_085_000, "$0.00308"),
        (42_100_000, "$0.0421"),
        (500_000_000, "$0.50"),
        (661_234_000, "$0.661"),
        (999_900_000, "$1.00"),
        (1_000_000_000, "$1.00"),
        (12_454_999_999, "$12.45"),
        (1_247_000_000_000, "$1,247.00"),
        (-8_230_000_000, "-$8.23"),
    ],
)
def test_amounts_for_people(nano: int | None, shown: str) -> None:
    """At least cents; three digits below a dollar; a dash for the unknown."""
    assert shown == dollars(nano)


def test_an_amount_finer_than_a_nano_dollar_is_refused() -> None:
    """Nothing is rounded away in silence."""
    with pytest.raises(ValueError, match="finer"):
        parse_usd("0.0000000001")


@pytest.mark.parametrize(
    ("nano", "shown"), [(3_085_000, "$0.003085"), (0, "$0.00"), (-10_000_000, "-$0.01")]
)
def test_arithmetic_shows_the_whole_amount(nano: int, shown: str) -> None:
    """`acm explain` must add up to the eye."""
    assert shown == exact_dollars(nano)


@pytest.mark.parametrize(
    ("price", "shown"),
    [("2.50", "$2.50"), ("0.0000025", "$0.0000025"), ("1E+1", "$10.00"), ("1234.5", "$1,234.50")],
)
def test_unit_prices_are_exact(price: str, shown: str) -> None:
    """A price is never rounded."""
    assert shown == unit_price(Decimal(price))

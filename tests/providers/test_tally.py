"""Numbers of any kind become counts, or nothing; money becomes nano-dollars, or nothing."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.json_fields import parse
from acm_addon.providers.tally import MAX_COUNT, MAX_DOLLARS, Tally, moment, nano_dollars

_NUMBERS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,25})?", fullmatch=True
)
_JSON = _NUMBERS | st.sampled_from(["null", "true", '"5"', "[]", "{}", "NaN", "-Infinity"])


@given(_JSON)
def test_a_count_is_a_whole_number_within_bounds(text: str) -> None:
    """Whatever JSON holds, a count is right or absent, and nothing raises."""
    tally = Tally()
    count = tally.count(parse(text.encode()), required=True)
    assert (count is None) == tally.bad
    if count is not None:
        assert 0 <= count <= MAX_COUNT
        assert Decimal(text) == count


@given(_JSON)
def test_money_never_raises(text: str) -> None:
    nano = nano_dollars(parse(text.encode()))
    assert nano is None or 0 <= nano <= MAX_DOLLARS * 10**9


@given(st.decimals(0, 1000, places=12, allow_nan=False))
def test_money_is_rounded_once_half_even(amount: Decimal) -> None:
    """Exactly what fractions give."""
    assert round(Fraction(amount) * 10**9) == nano_dollars(amount)


@given(st.one_of(st.text(max_size=50), st.integers(), st.decimals(), st.booleans(), st.none()))
def test_moments_never_raise(value: object) -> None:
    """What is no time is None, and every time is UTC."""
    found = moment(value)
    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-22T08:30:00Z",
        "2026-11-22T08:30:00",
        "2026-11-22T09:30:00+01:00",
        1795336200,
        Decimal("1795336200.0"),
    ],
)
def test_times_as_texts_and_as_unix_seconds(value: object) -> None:
    """A text without a zone is in UTC."""
    assert datetime(2026, 11, 22, 8, 30, tzinfo=UTC) == moment(value)


@pytest.mark.parametrize("value", [0, -1, 1795336200000, True, "0001-01-01T00:00:00", [], "x"])
def test_what_is_no_time_of_any_work(value: object) -> None:
    assert moment(value) is None


def test_null_is_absent_and_zero_is_zero() -> None:
    tally = Tally()
    tally.put("a", None)
    tally.put("b", 0)
    assert ({"b": 0}, False) == (tally.quantities, tally.bad)

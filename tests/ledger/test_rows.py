from datetime import timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.ledger.rows import COLUMNS, entry, from_micros, lines_text, row, to_micros
from acm_addon.model import CostLine, Entrance, PriceStatus, Reason
from tests.calls import make_entry

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
amounts = st.none() | st.integers(-(10**15), 10**15)


@given(
    time=st.integers(0, 2**52).map(from_micros),
    model=st.none() | text,
    tags=st.dictionaries(text, text, max_size=3),
    usage=st.dictionaries(
        text,
        st.integers(0, 10**30) | st.decimals(allow_nan=False, allow_infinity=False),
        max_size=3,
    ),
    cost=amounts,
    status=st.none() | st.integers(100, 599),
    stream=st.booleans(),
    reason=st.none() | st.sampled_from(Reason),
    entrance=st.sampled_from(Entrance),
)
def test_a_row_is_read_back_as_the_entry_it_was(**fields: object) -> None:
    """Nothing is lost: times to the microsecond, Decimals to the digit, absent stays absent."""
    given_entry = make_entry(**fields)
    values = row(given_entry)
    assert given_entry == entry(values)
    assert {str, int, type(None)} >= {type(value) for value in values}


@given(st.integers(0, 10**16))
def test_times_are_exact(micros: int) -> None:
    """Microseconds survive, whatever the zone in which the time is given."""
    time = from_micros(micros)
    assert micros == to_micros(time)
    assert micros == to_micros(time.astimezone(timezone(timedelta(hours=5, minutes=45))))


@pytest.mark.parametrize("field", ["cost", "computed_cost", "provider_cost", "known_cost"])
def test_an_amount_beyond_reason_is_not_booked(field: str) -> None:
    """The call stays and keeps its usage; its bill is unknown, and the row says why."""
    found = entry(row(make_entry(**{field: 10**19})))
    assert (None, None, None, 0, ()) == (
        found.cost,
        found.computed_cost,
        found.provider_cost,
        found.known_cost,
        found.lines,
    )
    assert (PriceStatus.UNPRICED, Reason.BAD_USAGE) == (found.price_status, found.reason)
    assert Decimal("0.25") == found.usage["audio_hours"]


def test_text_that_is_no_text_does_not_stop_the_row() -> None:
    """Half a surrogate pair, in a name that a client or provider chose, becomes a question mark."""
    bad = "gpt\ud800"
    found = entry(row(make_entry(model=bad, tags={bad: "naïve 😀"}, usage={bad: 1})))
    assert ("gpt?", {"gpt?": "naïve 😀"}, {"gpt?": 1}) == (found.model, found.tags, found.usage)


def test_a_value_of_the_wrong_kind_is_left_out() -> None:
    """Not even a mistake of ours may hold up the rows behind it."""
    found = entry(row(make_entry(model=["gpt"], status=2**70, tier=1.5)))
    assert (None, None, None) == (found.model, found.status, found.tier)


def test_the_columns_are_the_fields() -> None:
    """One name everywhere."""
    assert COLUMNS[:2] == ("id", "time")
    assert len(COLUMNS) == len(row(make_entry()))


@given(
    st.lists(
        st.builds(
            CostLine,
            sku=text,
            unit=text,
            quantity=st.integers(0, 10**15) | st.decimals(0, 10**6, allow_nan=False),
            unit_price=st.decimals(0, 100, allow_nan=False),
            amount=st.integers(0, 10**15),
        ).filter(lambda line: not line.unit_price.is_infinite()),
        max_size=3,
    )
)
def test_lines_are_written_alike_everywhere(lines: list[CostLine]) -> None:
    """The fast way gives the text of the thorough one, so that texts can be compared."""
    values = row(make_entry(lines=tuple(lines)))
    assert values[COLUMNS.index("lines")] == lines_text(lines)

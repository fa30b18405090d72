from bisect import bisect_right
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.ledger.measures import LATENCY_BOUNDS, MEASURES
from acm_addon.ledger.totals import Totals, percentile


def test_totals_are_the_measures() -> None:
    """A row of sums is read into the fields by place."""
    assert list(MEASURES) == [field.name for field in fields(Totals)]


def test_an_average_needs_a_latency_that_is_known() -> None:
    """Calls without one are left out of it."""
    assert 50 == Totals(requests=3, latency_ms=100, latency_count=2).average_latency_ms
    assert Totals(requests=2).average_latency_ms is None


@given(
    st.lists(st.integers(0, LATENCY_BOUNDS[-1] - 1), min_size=1, max_size=60),
    st.sampled_from([0.5, 0.9, 0.95, 0.99, 1.0]),
)
def test_a_percentile_lies_in_the_bucket_of_the_true_one(
    latencies: list[int], share: float
) -> None:
    """It is off by less than the width of one bucket."""
    histogram = [0] * (len(LATENCY_BOUNDS) + 1)
    for latency in latencies:
        histogram[bisect_right(LATENCY_BOUNDS, latency)] += 1
    rank = max(1, -(-share * len(latencies) // 1))
    true = sorted(latencies)[int(rank) - 1]
    bucket = bisect_right(LATENCY_BOUNDS, true)
    found = percentile(histogram, share)
    assert found is not None
    assert (0, *LATENCY_BOUNDS)[bucket] <= found <= LATENCY_BOUNDS[bucket]


@pytest.mark.parametrize("histogram", [[], [0] * (len(LATENCY_BOUNDS) + 1)])
def test_no_latency_has_no_percentile(histogram: list[int]) -> None:
    """Unknown is not zero."""
    assert percentile(histogram, 0.5) is None


def test_beyond_the_last_bound_it_is_that_bound() -> None:
    """The histogram does not know how far beyond."""
    assert float(LATENCY_BOUNDS[-1]) == percentile([0] * len(LATENCY_BOUNDS) + [1], 0.5)

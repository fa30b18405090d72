from hypothesis import given
from hypothesis import strategies as st

from acm_addon.ledger.measures import DAY, QUARTER
from acm_addon.ledger.spans import Source, Span, spans

moments = st.integers(0, 5 * DAY) | st.integers(0, 480).map(lambda number: number * QUARTER)


@given(moments, moments, st.booleans())
def test_every_instant_is_read_once(since: int, until: int, daily: bool) -> None:
    """The spans join without gap or overlap; a coarse table is only asked for whole buckets."""
    cut = spans(since, until, daily=daily)
    if since >= until:
        assert [] == cut
        return
    edges = [since, *(span.until for span in cut)]
    assert [span.since for span in cut] == edges[:-1]
    assert until == edges[-1]
    widths = {Source.CALLS: 1, Source.QUARTERS: QUARTER, Source.DAYS: DAY}
    for span in cut:
        assert span.since < span.until
        assert 0 == span.since % widths[span.source] == span.until % widths[span.source]
        assert daily or span.source is not Source.DAYS


def test_a_long_range_is_read_from_days_and_its_edges() -> None:
    """The least work: calls for less than a quarter, quarters for less than a day."""
    since, until = DAY - QUARTER - 1, 3 * DAY + 2 * QUARTER + 7
    assert [
        Span(Source.CALLS, since, DAY - QUARTER),
        Span(Source.QUARTERS, DAY - QUARTER, DAY),
        Span(Source.DAYS, DAY, 3 * DAY),
        Span(Source.QUARTERS, 3 * DAY, 3 * DAY + 2 * QUARTER),
        Span(Source.CALLS, 3 * DAY + 2 * QUARTER, until),
    ] == spans(since, until, daily=True)

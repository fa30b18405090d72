"""Where streams put usage, how they are written, and how they end: every case for every family.

Field lessons 12 (a partial usage was kept because it came first), 13 (disconnects), and 14 (streams
without usage counted as nothing).
"""

import json
import re

import pytest

from acm_addon.model import Completeness, PriceStatus, Reason, UsageSource
from tests.streams import CACHED, DRESSES, FAMILIES, INPUT, OUTPUT, PIECES, Dress, Event, Family
from tests.wire import row

_USAGE = {"input_tokens": INPUT, "output_tokens": OUTPUT, "cache_read_tokens": CACHED}
_EVENT_STREAMS = [each for each in FAMILIES if not each.is_array]
_COUNTING = [each for each in FAMILIES if each.counted_text]
_GONE = (Reason.CLIENT_LEFT, Reason.UPSTREAM_FAILED)
every_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


def _said(family: Family, pieces: int = len(PIECES)) -> list[Event]:
    return [event for piece in PIECES[:pieces] for event in family.text(piece)]


def _whole(family: Family, *, reports: bool = True) -> list[Event]:
    return [*family.opening(reports), *_said(family), *family.closing(reports)]


@every_family
@pytest.mark.parametrize("piece", [0, 1, 7])
def test_usage_at_the_end(family: Family, piece: int) -> None:
    """What the provider counted is the row, however the body was cut on its way."""
    entry = row(family.wire(family.render(_whole(family))), piece=piece)
    assert _USAGE.items() <= entry.usage.items()
    assert (UsageSource.REPORTED, Completeness.COMPLETE) == (entry.usage_source, entry.completeness)
    assert (family.cost, PriceStatus.PRICED, None) == (entry.cost, entry.price_status, entry.reason)


@pytest.mark.parametrize("family", _EVENT_STREAMS, ids=lambda family: family.name)
@pytest.mark.parametrize("dress", DRESSES.values(), ids=DRESSES)
@pytest.mark.parametrize("piece", [0, 1])
def test_events_however_they_are_written(family: Family, dress: Dress, piece: int) -> None:
    """Line ends, comments, pings, and data over several lines change nothing."""
    entry = row(family.wire(family.render(_whole(family), dress)), piece=piece)
    assert (family.cost, Completeness.COMPLETE, None) == (
        entry.cost,
        entry.completeness,
        entry.reason,
    )


@pytest.mark.parametrize("dress", [Dress(b"\r\n"), Dress(b"\r\n", indent=2), Dress(b"")])
def test_an_array_however_it_is_written(dress: Dress) -> None:
    """Gemini without ``alt=sse`` is one JSON document, indented or not."""
    family = FAMILIES[-1]
    entry = row(family.wire(family.render(_whole(family), dress)))
    assert (family.cost, Completeness.COMPLETE) == (entry.cost, entry.completeness)


@pytest.mark.parametrize("family", _COUNTING, ids=lambda family: family.name)
def test_lesson_12_the_last_usage_wins(family: Family) -> None:
    """ccusage#938, #901, #976: the first of several was kept, 2.7 times off. Ours is the last."""
    assert family.counted_text is not None
    said = [
        event for count, piece in enumerate(PIECES) for event in family.counted_text(piece, count)
    ]
    events = [*family.opening(True), *said, *family.closing(True)]
    entry = row(family.wire(family.render(events)))
    assert (_USAGE["output_tokens"], family.cost) == (entry.usage["output_tokens"], entry.cost)


def test_usage_split_over_events() -> None:
    """Anthropic's input is in the first event and its output in the last: neither has it all."""
    family = next(each for each in FAMILIES if each.name == "messages")
    start, *_, delta, _stop = _whole(family)
    assert "input_tokens" not in str(delta)
    assert "'output_tokens': 20" not in str(start)
    assert family.cost == row(family.wire(family.render(_whole(family)))).cost


@every_family
def test_lesson_14_a_stream_without_usage_is_counted(family: Family) -> None:
    """Portkey#691, otari#256, litellm PR#39614: it was booked as nothing. A tokenizer counts."""
    entry = row(family.wire(family.render(_whole(family, reports=False))))
    assert (UsageSource.ESTIMATED, Completeness.COMPLETE) == (
        entry.usage_source,
        entry.completeness,
    )
    assert entry.usage["input_tokens"] > 0
    assert 8 <= entry.usage["output_tokens"] <= 40
    assert entry.known_cost > 0


@every_family
def test_an_error_inside_a_200(family: Family) -> None:
    """What was reported before it may be due, and is never the whole; else nothing is."""
    events = [*family.opening(True), *_said(family, 2), family.failure]
    entry = row(family.wire(family.render(events)))
    assert (200, Reason.PROVIDER_ERROR) == (entry.status, entry.reason)
    if entry.usage:
        assert UsageSource.REPORTED is entry.usage_source
        assert (None, PriceStatus.PARTLY_PRICED) == (entry.cost, entry.price_status)
    else:
        assert (0, PriceStatus.FREE) == (entry.cost, entry.price_status)


@every_family
@pytest.mark.parametrize("gone", _GONE)
def test_lesson_13_a_broken_stream_counts_what_arrived(family: Family, gone: Reason) -> None:
    """litellm#37992, new-api#5235, PR#4199: spend refunded or invented at a disconnect. The row is
    partial, says why, and estimates the part that came, so that more text is more tokens."""
    counts = []
    for pieces in (2, len(PIECES)):
        body = family.cut([*family.opening(True), *_said(family, pieces)])
        entry = row(family.wire(body), failure=gone)
        assert (Completeness.PARTIAL, gone) == (entry.completeness, entry.reason)
        assert UsageSource.ESTIMATED is entry.usage_source
        assert entry.usage["input_tokens"] > 0
        assert entry.known_cost > 0
        counts.append(entry.usage["output_tokens"])
    assert 1 <= counts[0] < counts[1] <= 40


@every_family
@pytest.mark.parametrize("gone", _GONE)
def test_lesson_13_reported_usage_outlives_a_disconnect(family: Family, gone: Reason) -> None:
    """A total that came before the end broke off is the provider's own word, and not estimated."""
    whole = family.render(_whole(family))
    entry = row(family.wire(whole[: len(whole) - 2]), failure=gone)
    assert (UsageSource.REPORTED, family.cost) == (entry.usage_source, entry.cost)


@pytest.mark.parametrize("family", _COUNTING, ids=lambda family: family.name)
@pytest.mark.parametrize("gone", _GONE)
def test_lesson_13_a_broken_stream_keeps_its_last_report(family: Family, gone: Reason) -> None:
    """Where counts come on the way, the last one that came is what is known, and is not all."""
    assert family.counted_text is not None
    said = [event for count in (3, 9) for event in family.counted_text("more ", count)]
    entry = row(family.wire(family.cut([*family.opening(True), *said])), failure=gone)
    assert (9, UsageSource.REPORTED) == (entry.usage["output_tokens"], entry.usage_source)
    assert (Completeness.PARTIAL, gone) == (entry.completeness, entry.reason)
    assert 0 < entry.known_cost < family.cost


@pytest.mark.parametrize("gone", _GONE)
def test_lesson_13_a_reported_zero_is_no_gap(gone: Reason) -> None:
    """litellm#37992: an explicit zero was taken for a missing count, and replaced by a guess."""
    family = FAMILIES[0]
    assert family.counted_text is not None
    events = [*family.opening(True), *family.counted_text("", 0)]
    entry = row(family.wire(family.cut(events)), failure=gone)
    assert (0, UsageSource.REPORTED) == (entry.usage["output_tokens"], entry.usage_source)


@every_family
@pytest.mark.parametrize("hostile", [-1, 1e308, "12", {}, [7], True, 10**40])
def test_a_hostile_count_in_a_stream(family: Family, hostile: object) -> None:
    """In any field of the usage, in any of its events: marked, and never a wrong cost."""
    whole = _whole(family)
    fields = [
        (index, field)
        for index, (_, data) in enumerate(whole)
        for field in re.findall(r'"(\w*[tT]oken\w*)": \d', json.dumps(data))
    ]
    assert len(fields) >= 4
    for index, field in fields:
        name, data = whole[index]
        text = re.sub(rf'("{field}": )\d+', rf"\g<1>{json.dumps(hostile)}", json.dumps(data))
        events = [*whole[:index], (name, text), *whole[index + 1 :]]
        entry = row(family.wire(family.render(events)))
        if entry.cost != family.cost:
            assert (None, Reason.BAD_USAGE) == (entry.cost, entry.reason), field


@every_family
def test_a_stream_that_says_nothing_at_all(family: Family) -> None:
    """Gone before its first event: nobody knows what was written, and that is not zero."""
    entry = row(
        family.wire(b"[" if family.is_array else b": hello\n\n"), failure=Reason.UPSTREAM_FAILED
    )
    assert Completeness.PARTIAL is entry.completeness
    assert "output_tokens" not in entry.usage
    assert (None, PriceStatus.PARTLY_PRICED) == (entry.cost, entry.price_status)

"""Every recorded response of an endpoint that we meter, against a second opinion on its usage.

The second opinion reads ``reported_usage``, which the recordings' makers extracted, and knows the
provider's conventions from their notes; it shares no code with the readers.
"""

import pytest

from acm_addon.model import UsageSource
from acm_addon.providers.base import ResponseFacts, ResponseHead
from tests.accuracy.expected import covered, expected_cost, expected_quantities, with_others
from tests.accuracy.recordings import (
    FOLDER,
    Recording,
    body,
    headers,
    is_comparable,
    recordings,
)
from tests.accuracy.stations import classify, head_of, metered

_METERED = metered()
_REPORTED = [record for record in _METERED if is_comparable(record)]

needs_recordings = pytest.mark.skipif(
    not _METERED, reason=f"no recordings in {FOLDER}; set ACM_RECORDINGS to their folder"
)


def _read(record: Recording, data: bytes, piece: int | None = None) -> ResponseFacts:
    known = classify(record)
    assert known is not None
    provider, endpoint = known
    request = provider.request_reader(endpoint, head_of(record))
    request.feed(body(record, "request"))
    head = ResponseHead(record["status"], headers(record, "response"))
    reader = provider.response_reader(endpoint, request.facts(), head)
    for start in range(0, len(data), piece or len(data) or 1):
        reader.feed(data[start : start + (piece or len(data))])
    reader.output_text()
    assert reader.output_tokens_so_far() >= 0
    facts = reader.facts()
    assert facts == reader.facts()
    return facts


@needs_recordings
@pytest.mark.parametrize("record", _REPORTED, ids=lambda record: record["id"])
def test_quantities_equal_the_reported_usage(record: Recording) -> None:
    """Every quantity of a recorded response is what the provider reported, made inclusive."""
    facts = _read(record, body(record, "response"))
    expected = expected_quantities(record)
    if "cost_usd_ticks" in record["reported_usage"] and not expected:
        assert facts.provider_cost is not None
        return
    read = with_others(facts.quantities, facts.others)
    assert covered(record, expected) == covered(record, read)
    assert facts.usage_source is UsageSource.REPORTED


@needs_recordings
def test_there_is_something_to_compare() -> None:
    """The comparison covers a good part of every provider's recordings."""
    assert len(_REPORTED) > 400


@needs_recordings
@pytest.mark.parametrize("record", _METERED, ids=lambda record: record["id"])
def test_cut_and_garbled_bodies_never_raise(record: Recording) -> None:
    """A body cut anywhere, or followed by garbage, still gives facts, and never a false end."""
    data = body(record, "response")
    for part in (0, 1, len(data) // 4, len(data) // 2, max(0, len(data) - 30)):
        _read(record, data[:part])
    _read(record, data.removesuffix(b"data: [DONE]\n\n").rstrip())
    half = _read(record, data[: len(data) // 2])
    if record["transport"] == "json":
        assert half.finished is False
    _read(record, data[: len(data) // 2] + b'\x00\xff"}]{' + data)


_SMALL = [record for record in _METERED if len(record["response_body"] or "") < 6000]


@needs_recordings
@pytest.mark.parametrize("record", _SMALL[::5], ids=lambda record: record["id"])
def test_cuts_make_no_difference(record: Recording) -> None:
    """The facts are the same whether a body comes whole, byte by byte, or in odd pieces."""
    data = body(record, "response")
    whole = _read(record, data)
    assert whole == _read(record, data, 1)
    assert whole == _read(record, data, 7)


@needs_recordings
def test_complete_streams_are_finished() -> None:
    """Of recorded streams with usage, all but those that really broke off are finished."""
    unfinished = [
        record["id"]
        for record in _REPORTED
        if record["transport"] == "sse" and not _read(record, body(record, "response")).finished
    ]
    assert unfinished == []


@needs_recordings
def test_stated_costs_are_exact() -> None:
    """A provider's own figure arrives as nano-dollars, rounded once from the exact decimal."""
    compared = 0
    for record in _REPORTED:
        if (expected := expected_cost(record)) is None:
            continue
        assert expected == _read(record, body(record, "response")).provider_cost, record["id"]
        compared += 1
    assert compared > 50


@needs_recordings
def test_every_recorded_path_is_classified() -> None:
    """No recorded path of these providers falls through to a name that says nothing."""
    unnamed = {
        record["path_pattern"]
        for record in recordings()
        if (known := classify(record)) and known[1].name == "other"
    }
    assert unnamed == set()

"""Hostile numbers in the usage of our own recordings, whoever their provider is.

``test_hostile_numbers`` looks closer at the large families. Here is every provider that has a
recording, so that a new one is covered by adding that.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from acm_addon.model import Entry, PriceStatus, UsageSource
from acm_addon.pricing import PriceTable
from tests.accuracy.recordings import FIXTURES, Recording, body, recordings
from tests.accuracy.stations import booked, is_metered, outcome

type Place = tuple[str | int, ...]

_USAGES = frozenset(("usage", "usageMetadata", "billed_units", "metrics"))
"""Under which names answers say what was consumed."""
_HOSTILE = ("-1", "-1e308", "1e308", "1e999999999", '"12"', '"x"', "true", "{}", "[7]", "1" * 40)


def _usage_places(value: object, at: Place = (), within: bool = False) -> Iterator[Place]:
    """Every number of a usage, wherever in an answer it is."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _usage_places(each, (*at, key), within or key in _USAGES)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _usage_places(each, (*at, index), within)
    elif within and isinstance(value, int | float) and not isinstance(value, bool):
        yield at


def _answer(record: Recording) -> Any:
    return json.loads(body(record, "response"))


_RECORDED = [
    record
    for record in recordings(FIXTURES)
    if is_metered(record)
    and record["transport"] == "json"
    and record["status"] == 200
    and body(record, "response").startswith(b"{")
    and any(_usage_places(_answer(record)))
]


@cache
def _honest(identity: str) -> Entry:
    record = next(record for record in _RECORDED if record["id"] == identity)
    return booked(outcome(record), PriceTable.current())


def _with(record: Recording, place: Place, raw: str) -> bytes:
    answer = _answer(record)
    holder = answer
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = "@here@"
    return json.dumps(answer).replace('"@here@"', raw).encode()


def test_there_are_recordings_with_usage() -> None:
    assert len(_RECORDED) >= 10


@pytest.mark.parametrize("record", _RECORDED, ids=lambda record: record["id"])
@pytest.mark.parametrize("raw", _HOSTILE, ids=lambda raw: raw[:8])
def test_no_number_makes_a_wrong_cost(record: Recording, raw: str) -> None:
    """Wherever it stands: the bill is as it was, or the row has no total and says why, or it has
    what the provider states, or counts what was seen."""
    honest = _honest(record["id"])
    for place in _usage_places(_answer(record)):
        entry = booked(outcome(record, _with(record, place, raw)), PriceTable.current())
        if (entry.cost, entry.lines) == (honest.cost, honest.lines):
            continue
        assert entry.price_status is not PriceStatus.FREE, place
        if entry.usage_source is UsageSource.ESTIMATED or entry.usage == honest.usage:
            continue
        assert entry.computed_cost is None, place
        assert entry.cost == entry.provider_cost, place
        assert entry.reason is not None, place

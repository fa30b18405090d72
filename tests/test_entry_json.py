"""Rows survive JSON without loss."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.entry_json import entry_from_json, entry_to_json
from acm_addon.model import (
    Completeness,
    CostLine,
    Entrance,
    Entry,
    ModelUsage,
    PriceContext,
    PriceStatus,
    Reason,
    Source,
    UsageSource,
)

TEXT = st.text(max_size=20)
QUANTITY = st.one_of(
    st.integers(0, 10**15), st.decimals(min_value=0, max_value=10**6, allow_nan=False)
)
NANO = st.integers(0, 2**63 - 1)

ENTRIES = st.builds(
    Entry,
    id=TEXT,
    time=st.datetimes(
        min_value=datetime(1970, 1, 2),  # noqa: DTZ001
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
    ),
    latency_ms=st.none() | st.integers(),
    first_byte_ms=st.none() | st.integers(),
    entrance=st.sampled_from(Entrance),
    provider=TEXT,
    endpoint=TEXT,
    requested_model=st.none() | TEXT,
    model=st.none() | TEXT,
    tier=st.none() | TEXT,
    region=st.none() | TEXT,
    project=TEXT,
    key=st.none() | TEXT,
    tags=st.dictionaries(TEXT, TEXT),
    status=st.none() | st.integers(100, 599),
    stream=st.booleans(),
    request_id=st.none() | TEXT,
    object_id=st.none() | TEXT,
    usage=st.dictionaries(TEXT, QUANTITY),
    usage_source=st.sampled_from(UsageSource),
    completeness=st.sampled_from(Completeness),
    price_status=st.sampled_from(PriceStatus),
    cost=st.none() | NANO,
    computed_cost=st.none() | NANO,
    provider_cost=st.none() | NANO,
    known_cost=NANO,
    lines=st.lists(
        st.builds(
            CostLine,
            sku=TEXT,
            unit=TEXT,
            quantity=QUANTITY,
            unit_price=st.decimals(min_value=0, max_value=100, allow_nan=False),
            amount=NANO,
        )
    ).map(tuple),
    price_version=st.none() | TEXT,
    reason=st.none() | st.sampled_from(Reason),
    source=st.none()
    | st.builds(Source, TEXT, line=st.integers(1))
    | st.builds(Source, TEXT, index=st.integers(0)),
    price_context=st.none()
    | st.builds(PriceContext, TEXT, st.dictionaries(TEXT, TEXT, max_size=2), st.booleans()),
    other_usage=st.lists(
        st.builds(
            ModelUsage,
            st.none() | TEXT,
            st.dictionaries(TEXT, QUANTITY),
            st.dictionaries(TEXT, TEXT, max_size=2),
        ),
        max_size=2,
    ).map(tuple),
)


@given(ENTRIES)
def test_every_entry_comes_back(entry: Entry) -> None:
    """Through real JSON text: equal, and with integers still integers."""
    again = entry_from_json(json.loads(json.dumps(entry_to_json(entry))))

    assert entry == again
    assert [type(value) for value in entry.usage.values()] == [
        type(value) for value in again.usage.values()
    ]
    assert again.time.tzinfo is UTC


def plain() -> dict[str, Any]:
    return {
        "id": "1",
        "time": "2026-11-22T12:00:00.000001+00:00",
        **dict.fromkeys(("latency_ms", "first_byte_ms", "requested_model", "model", "tier")),
        **dict.fromkeys(("region", "key", "status", "request_id", "object_id")),
        "entrance": "gateway",
        "provider": "openai",
        "endpoint": "images",
        "project": "default",
        "tags": {},
        "stream": False,
        "usage": {"images": 1, "audio_seconds": "1.50"},
        "usage_source": "derived",
        "completeness": "complete",
        "price_status": "priced",
        **dict.fromkeys(("cost", "computed_cost", "provider_cost"), 40),
        "known_cost": 40,
        "lines": [
            {"sku": "s", "unit": "u", "quantity": 1, "unit_price": "0.00000004", "amount": 40}
        ],
        "price_version": None,
        "reason": None,
        "source": None,
        "price_context": None,
        "other_usage": [],
    }


def test_the_shape_of_a_row() -> None:
    """Times in UTC with microseconds, decimals as plain texts, amounts as integers."""
    entry = entry_from_json(plain())

    assert entry.time == datetime(2026, 11, 22, 12, 0, 0, 1, tzinfo=UTC)
    assert entry.usage == {"images": 1, "audio_seconds": Decimal("1.50")}
    assert plain() == entry_to_json(entry)


@pytest.mark.parametrize(
    "damage",
    [
        {"time": "2026-11-22T12:00:00"},
        {"time": "yesterday"},
        {"entrance": "window"},
        {"reason": ""},
        {"usage": {"images": "many"}},
        {"lines": [{**plain()["lines"][0], "unit_price": "cheap"}]},
    ],
)
def test_a_damaged_row_is_a_value_error(damage: dict[str, object]) -> None:
    """Never a row that says something else."""
    with pytest.raises(ValueError, match=r".+"):
        entry_from_json({**plain(), **damage})


def test_a_row_without_a_source_is_live_traffic() -> None:
    """Journals of the version before it had none."""
    values = plain()
    del values["source"]

    assert entry_from_json(values).source is None


def test_a_missing_field_is_a_key_error() -> None:
    """Absent is not None."""
    values = plain()
    del values["provider_cost"]

    with pytest.raises(KeyError):
        entry_from_json(values)

"""Calls for tests of the journal, the drain, and the ledger."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from acm_addon.journal import Begin
from acm_addon.model import (
    Attribution,
    Completeness,
    CostLine,
    Entrance,
    Entry,
    PriceStatus,
    UsageSource,
    new_id,
)

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

_ENTRY = Entry(
    id="",
    time=NOON,
    latency_ms=342,
    first_byte_ms=120,
    entrance=Entrance.GATEWAY,
    provider="openai",
    endpoint="chat.completions",
    requested_model="gpt-4o",
    model="gpt-4o-2024-08-06",
    tier="default",
    region=None,
    project="default",
    key=None,
    tags={"feature": "search"},
    status=200,
    stream=True,
    request_id="req_1",
    object_id="chatcmpl-1",
    usage={"input_tokens": 1234, "output_tokens": 56, "audio_hours": Decimal("0.25")},
    usage_source=UsageSource.REPORTED,
    completeness=Completeness.COMPLETE,
    price_status=PriceStatus.PRICED,
    cost=3_645_000,
    computed_cost=3_645_000,
    provider_cost=None,
    known_cost=3_645_000,
    lines=(
        CostLine("openai/gpt-4o:input_mtok", "input_tokens", 1234, Decimal("0.0000025"), 3_085_000),
        CostLine("openai/gpt-4o:output_mtok", "output_tokens", 56, Decimal("0.00001"), 560_000),
    ),
    price_version="abc",
    reason=None,
)


def make_entry(**changes: Any) -> Entry:
    """A complete, priced call with an id of its own."""
    return replace(_ENTRY, **({"id": new_id()} | changes))


def make_begin(call_id: str | None = None, **changes: Any) -> Begin:
    begin = Begin(
        id=call_id or new_id(),
        time=NOON,
        entrance=Entrance.FORWARD,
        provider="openai",
        price_provider="openai",
        endpoint="chat.completions",
        upstream="api.openai.com",
        attribution=Attribution("shop", "key_1", {"feature": "search"}),
    )
    return replace(begin, **changes)

"""What is booked for a call: precedence of costs, and what is due when it failed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from acm_addon.booking import book, price_of
from acm_addon.model import (
    Attribution,
    Completeness,
    Entrance,
    Entry,
    Exchange,
    PriceContext,
    PriceStatus,
    Reason,
    Usage,
    UsageSource,
)
from acm_addon.pricing import PriceTable

CALL = Exchange(
    id="019ab000-0000-7000-8000-000000000000",
    time=datetime(2026, 11, 22, 12, tzinfo=UTC),
    entrance=Entrance.GATEWAY,
    provider="openai",
    endpoint="chat.completions",
    attribution=Attribution("site", "key-1", {"feature": "search"}),
    upstream="api.openai.com",
    requested_model="gpt-4o",
    model="gpt-4o-2024-08-06",
    tier="default",
    status=200,
    stream=True,
    latency_ms=900,
    first_byte_ms=200,
    request_id="req_1",
    object_id="chatcmpl-1",
)
REPORTED = Usage({"input_tokens": 100, "output_tokens": 10}, UsageSource.REPORTED)
ESTIMATED = Usage({"input_tokens": 100, "output_tokens": 10}, UsageSource.ESTIMATED)


def booked(exchange: Exchange, usage: Usage) -> Entry:
    return book(exchange, usage, PriceTable.current(), "openai")


def test_a_call_becomes_a_row() -> None:
    """Everything that the tap saw is in it, and the computed cost is booked."""
    entry = booked(CALL, REPORTED)

    assert (entry.id, entry.time, entry.status, entry.stream) == (CALL.id, CALL.time, 200, True)
    assert (entry.requested_model, entry.model) == ("gpt-4o", "gpt-4o-2024-08-06")
    assert (entry.project, entry.key, entry.tags) == ("site", "key-1", {"feature": "search"})
    assert (entry.request_id, entry.object_id) == ("req_1", "chatcmpl-1")
    assert (entry.usage, entry.usage_source) == (REPORTED.quantities, UsageSource.REPORTED)
    assert (entry.cost, entry.computed_cost, entry.known_cost) == (350_000, 350_000, 350_000)
    assert entry.provider_cost is None
    assert (entry.price_status, entry.reason) == (PriceStatus.PRICED, None)
    assert entry.price_version == PriceTable.current().version
    assert len(entry.lines) == 2


def test_the_requested_model_stands_in() -> None:
    """A response that names no model was served by the one that was asked for."""
    entry = booked(replace(CALL, model=None), REPORTED)

    assert (entry.model, entry.cost) == ("gpt-4o", 350_000)


def test_the_provider_s_own_figure_comes_first() -> None:
    """It is booked, with what we computed beside it."""
    entry = booked(replace(CALL, provider_cost=345_678), REPORTED)

    assert (entry.cost, entry.provider_cost, entry.computed_cost) == (345_678, 345_678, 350_000)
    assert entry.price_status is PriceStatus.PRICED


def test_a_figure_of_the_provider_prices_an_unknown_model() -> None:
    """The cost is known, and the row still says why we could not compute it."""
    entry = booked(replace(CALL, model="gpt-7", provider_cost=5), REPORTED)

    assert (entry.cost, entry.computed_cost, entry.known_cost) == (5, None, 0)
    assert (entry.price_status, entry.reason) == (PriceStatus.PRICED, Reason.UNKNOWN_MODEL)


def test_an_unknown_model_is_null() -> None:
    """Its usage is kept."""
    entry = booked(replace(CALL, model="gpt-7"), REPORTED)

    assert (entry.cost, entry.price_status) == (None, PriceStatus.UNPRICED)
    assert (entry.usage, entry.reason) == (REPORTED.quantities, Reason.UNKNOWN_MODEL)


def test_a_partly_priced_call_is_null() -> None:
    """What could be priced is beside it, and never passes for the whole."""
    usage = replace(REPORTED, quantities={**REPORTED.quantities, "image_generations": 1})

    entry = booked(CALL, usage)

    assert (entry.cost, entry.known_cost) == (None, 350_000)
    assert entry.price_status is PriceStatus.PARTLY_PRICED
    assert entry.reason is Reason.NO_PRICE_FOR_UNIT


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 529])
@pytest.mark.parametrize("usage", [Usage(), ESTIMATED, replace(ESTIMATED, source="derived")])
def test_an_error_without_reported_usage_is_not_billed(status: int, usage: Usage) -> None:
    """What we counted in the request was not consumed."""
    entry = booked(replace(CALL, status=status), usage)

    assert (entry.cost, entry.price_status) == (0, PriceStatus.FREE)
    assert (entry.usage, entry.usage_source) == ({}, UsageSource.NONE)
    assert (entry.status, entry.reason) == (status, Reason.PROVIDER_ERROR)
    assert entry.price_version is None


def test_an_error_event_in_a_stream_is_not_billed() -> None:
    """The status is 200, and the provider still failed."""
    entry = booked(replace(CALL, reason=Reason.PROVIDER_ERROR), ESTIMATED)

    assert (entry.cost, entry.price_status) == (0, PriceStatus.FREE)
    assert entry.reason is Reason.PROVIDER_ERROR


@pytest.mark.parametrize("failure", [{"status": 500}, {"reason": Reason.PROVIDER_ERROR}])
def test_an_error_with_reported_usage_is_billed(failure: dict[str, object]) -> None:
    """The provider itself says what it counted."""
    entry = booked(replace(CALL, **failure), REPORTED)

    assert (entry.cost, entry.usage_source) == (350_000, UsageSource.REPORTED)


@pytest.mark.parametrize(
    ("completeness", "reason"),
    [
        (Completeness.SENT_UNKNOWN, Reason.UPSTREAM_FAILED),
        (Completeness.PENDING, None),
        (Completeness.PARTIAL, Reason.CLIENT_LEFT),
    ],
)
def test_a_call_without_an_answer_is_null(
    completeness: Completeness, reason: Reason | None
) -> None:
    """It may have cost something."""
    call = replace(CALL, status=None, completeness=completeness, reason=reason)

    entry = booked(call, Usage())

    assert (entry.cost, entry.price_status) == (None, PriceStatus.UNPRICED)
    assert (entry.completeness, entry.reason) == (completeness, reason or Reason.NO_USAGE)


def test_a_call_that_never_left_costs_nothing() -> None:
    """Upstream did not see it."""
    call = replace(
        CALL, status=None, completeness=Completeness.REFUSED, reason=Reason.UPSTREAM_FAILED
    )

    entry = booked(call, ESTIMATED)

    assert (entry.cost, entry.price_status, entry.usage) == (0, PriceStatus.FREE, {})
    assert entry.reason is Reason.UPSTREAM_FAILED


def test_a_partial_call_has_the_cost_of_what_was_seen() -> None:
    """Estimated usage of a stream that was cut off is priced, and the row says so."""
    call = replace(CALL, completeness=Completeness.PARTIAL, reason=Reason.CLIENT_LEFT)

    entry = booked(call, ESTIMATED)

    assert (entry.cost, entry.usage_source) == (350_000, UsageSource.ESTIMATED)
    assert (entry.completeness, entry.reason) == (Completeness.PARTIAL, Reason.CLIENT_LEFT)


def test_the_exchange_s_reason_comes_first_then_the_usage_s() -> None:
    """The cost's fills in where neither has one."""
    usage = replace(REPORTED, reason=Reason.UNREADABLE_BODY)
    unknown = replace(CALL, model="gpt-7")

    reasons = [
        booked(replace(unknown, reason=Reason.CLIENT_LEFT), usage).reason,
        booked(unknown, usage).reason,
        booked(unknown, REPORTED).reason,
    ]

    assert [Reason.CLIENT_LEFT, Reason.UNREADABLE_BODY, Reason.UNKNOWN_MODEL] == reasons


@pytest.mark.parametrize(
    ("tier", "context", "nano"),
    [
        ("priority", {}, 595_000),
        ("default", {}, 350_000),
        (None, {}, 350_000),
        ("priority", {"service_tier": "default"}, 350_000),
    ],
)
def test_the_tier_as_served_is_priced(tier: str | None, context: dict[str, str], nano: int) -> None:
    """Unless the provider module says something closer in the price context."""
    entry = booked(replace(CALL, tier=tier, price_context=context), REPORTED)

    assert nano == entry.cost


@pytest.mark.parametrize("incomplete", [False, True])
def test_lesson_23_a_row_can_be_priced_again(incomplete: bool) -> None:
    """agenta#5712, tokscale#336, langfuse#12184: a cost depended on when the process began. It
    keeps everything that its price depended on, the tier as served included."""
    call = replace(CALL, tier="priority", price_context={"speed": "fast"})
    entry = booked(call, replace(REPORTED, incomplete=incomplete))

    context = PriceContext("openai", {"service_tier": "priority", "speed": "fast"}, incomplete)
    assert context == entry.price_context
    table = PriceTable.current()
    again = price_of(entry.usage, context, entry.model, table, project=entry.project, at=entry.time)
    assert (entry.lines, entry.computed_cost, entry.known_cost, entry.price_status) == (
        again.lines,
        again.computed,
        again.known,
        again.status,
    )


def test_a_row_that_nothing_was_due_for_has_no_price_context() -> None:
    """No price had a part in it."""
    entry = booked(replace(CALL, completeness=Completeness.REFUSED), REPORTED)

    assert (None, 0) == (entry.price_context, entry.cost)

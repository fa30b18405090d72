"""What an order says of work that is done later is not lost when its result does not repeat it."""

import json
from dataclasses import replace
from typing import Any

from acm_addon.booking import book, price_of
from acm_addon.model import (
    Completeness,
    Entry,
    PriceStatus,
    Reason,
    Usage,
    UsageSource,
)
from acm_addon.pending import MAX_CALLS, PendingCalls
from acm_addon.pricing import PriceTable
from acm_addon.providers.base import RequestHead
from acm_addon.providers.gemini import GEMINI
from acm_addon.settlement import settled
from acm_addon.tap import Call, exhaust
from tests.taps import begun

_VEO = "/v1beta/models/veo-3.1-fast-generate-001"
_OPERATION = "models/veo-3.1-fast-generate-001/operations/o1"
_DONE = {"name": _OPERATION, "done": True, "response": {"videos": [{"mimeType": "video/mp4"}]}}


def _call(method: str, path: str, request: Any, response: Any) -> Call:
    host = "generativelanguage.googleapis.com"
    call = begun(GEMINI, RequestHead(method, path, host=host))
    exhaust(call.request_data(json.dumps(request).encode()))
    call.request_done()
    call.response_started(200, {"content-type": "application/json"})
    exhaust(call.response_data(json.dumps(response).encode(), 0.1))
    return call


def _ordered() -> Entry:
    asked = {"parameters": {"durationSeconds": 6, "sampleCount": 2, "resolution": "1080p"}}
    call = _call("POST", f"{_VEO}:predictLongRunning", asked, {"name": _OPERATION})
    outcome = call.finish(1.0, None, left=True)
    return book(outcome.exchange, outcome.usage, PriceTable.current(), outcome.price_provider)


def _result(response: Any) -> Entry:
    result = _call("GET", f"/v1beta/{_OPERATION}", {}, response).result()
    assert result is not None
    assert result.settles is not None
    exchange, usage = result.settles.exchange, result.settles.usage
    return book(exchange, usage, PriceTable.current(), result.settles.price_provider)


def test_an_order_is_priced_and_not_booked() -> None:
    """Twelve seconds at twelve cents, once they are made."""
    row = _ordered()
    assert (Completeness.PENDING, {"video_seconds": 12}) == (row.completeness, row.usage)
    assert (None, 1_440_000_000) == (row.cost, row.computed_cost)


def test_work_that_is_done_costs_what_its_order_says() -> None:
    row = settled(_ordered(), _result(_DONE))
    assert (Completeness.COMPLETE, 1_440_000_000, None) == (row.completeness, row.cost, row.reason)
    assert {"video_seconds": 12} == row.usage


def test_work_that_failed_costs_nothing() -> None:
    failed = {"name": _OPERATION, "done": True, "error": {"code": 3}}
    row = settled(_ordered(), _result(failed))
    assert (Completeness.COMPLETE, 0, PriceStatus.FREE) == (
        row.completeness,
        row.cost,
        row.price_status,
    )


def test_a_result_whose_order_was_forgotten_can_be_priced_later() -> None:
    """Seen after a restart it has no model, and no price; its row has both from the order's."""
    order = _ordered()
    result = _call("GET", f"/v1beta/{_OPERATION}", {}, _DONE).result()
    assert result is not None
    assert result.settles is not None
    shown = replace(result.settles.exchange, model=None, requested_model=None)
    usage = Usage({"video_seconds": 12}, UsageSource.REPORTED)
    table = PriceTable.current()
    row = settled(order, book(shown, usage, table, result.settles.price_provider))
    assert (None, Reason.UNKNOWN_MODEL) == (row.cost, row.reason)
    assert row.price_context is not None
    again = price_of(
        row.usage, row.price_context, row.model, table, project=row.project, at=row.time
    )
    assert 1_440_000_000 == order.computed_cost == again.computed


def test_a_result_is_completed_from_its_order() -> None:
    """By object; a result that nobody ordered here stays as it is."""
    orders = PendingCalls()
    call = _call("POST", f"{_VEO}:predictLongRunning", {}, {"name": _OPERATION})
    order = call.finish(1.0, None, left=True).exchange
    result = _call("GET", f"/v1beta/{_OPERATION}", {}, _DONE).result()
    assert result is not None
    assert result.settles is not None
    shown = result.settles.exchange
    assert shown is orders.complete(shown)
    orders.note(order)
    assert order.requested_model == orders.complete(shown).requested_model


def test_orders_are_not_remembered_for_ever() -> None:
    orders = PendingCalls()
    call = _call("POST", f"{_VEO}:predictLongRunning", {}, {"name": _OPERATION})
    order = call.finish(1.0, None, left=True).exchange
    for number in range(MAX_CALLS + 1):
        orders.note(replace(order, object_id=f"o{number}"))
    unknown = replace(order, object_id="o0", requested_model=None)
    assert orders.complete(unknown).requested_model is None
    known = replace(order, object_id="o1", requested_model=None)
    assert orders.complete(known).requested_model is not None

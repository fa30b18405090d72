"""A call as it is on the wire, straight through the stations: bytes in, a row out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from acm_addon.booking import book
from acm_addon.estimate import estimated_usage
from acm_addon.model import Entry, Reason
from acm_addon.pricing import PriceTable
from acm_addon.providers.base import RequestHead
from acm_addon.routing import BUILT_IN
from acm_addon.tap import Outcome, exhaust
from tests.taps import begun

SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
JSON = "application/json"
SSE = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Wire:
    """A request, and what came back for it."""

    host: str
    path: str
    """With its query."""
    response: bytes
    request: bytes = b"{}"
    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the response."""


def outcome(
    wire: Wire, failure: Reason | None = None, piece: int = 0, at: datetime = SUNDAY
) -> Outcome:
    """The call at its end. ``failure`` says who broke it off; ``piece`` cuts up the body."""
    provider = BUILT_IN.of_host(wire.host)
    assert provider is not None
    path, _, query = wire.path.partition("?")
    head = RequestHead("POST", path, query, wire.host, {"content-type": JSON})
    call = begun(provider, head, at=at)
    exhaust(call.request_data(wire.request))
    call.request_done()
    call.response_started(wire.status, {"content-type": wire.content_type, **wire.headers})
    size = piece or len(wire.response) or 1
    for start in range(0, len(wire.response), size):
        exhaust(call.response_data(wire.response[start : start + size], 0.1))
    return call.finish(1.0, failure, left=True)


def row(wire: Wire, failure: Reason | None = None, piece: int = 0, at: datetime = SUNDAY) -> Entry:
    """The row of the call, at the prices of ``at``."""
    ended = outcome(wire, failure, piece, at)
    usage = ended.usage if ended.texts is None else estimated_usage(ended)
    return book(ended.exchange, usage, PriceTable.current(), ended.price_provider)


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()

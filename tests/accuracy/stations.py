"""A recording straight through the stations: tap, provider, estimate, booking. No proxy or disk."""

import json
from dataclasses import replace
from datetime import datetime
from functools import cache

from acm_addon.booking import book
from acm_addon.estimate import estimated_usage
from acm_addon.model import Entry
from acm_addon.pricing import PriceTable
from acm_addon.providers.base import Billing, Endpoint, Provider, RequestHead
from acm_addon.routing import BUILT_IN
from acm_addon.tap import Call, Outcome, Result, exhaust
from tests.accuracy.recordings import Recording, body, headers, recordings
from tests.taps import begun


def head_of(record: Recording) -> RequestHead:
    path, _, query = record["path"].partition("?")
    websocket = record["transport"] == "websocket"
    host, given = record["provider_host"], headers(record, "request")
    return RequestHead(record["method"], path, query, host, given, websocket)


def classify(record: Recording) -> tuple[Provider, Endpoint] | None:
    """Whose call it is, and to what; None for a host that we do not meter."""
    provider = provider_of(record)
    return None if provider is None else (provider, provider.classify(head_of(record)))


def provider_of(record: Recording) -> Provider | None:
    host, _, port = record["provider_host"].partition(":")
    return BUILT_IN.of_address(host, int(port) if port else None)


def is_metered(record: Recording) -> bool:
    """Whether it is a request and a response (no websocket) of which we read the usage."""
    known = classify(record)
    metered = known is not None and known[1].billing is Billing.METERED
    return metered and record["transport"] != "websocket"


def is_replayable(record: Recording) -> bool:
    """Whether a provider on the internet answered: what is on this machine no proxy sees."""
    return is_metered(record) and ":" not in record["provider_host"]


@cache
def metered() -> tuple[Recording, ...]:
    """Of the recordings folder, what we claim to read the usage of."""
    return tuple(record for record in recordings() if is_metered(record))


def outcome(record: Recording, response: bytes | None = None) -> Outcome:
    """The call at its end. ``response`` replaces the recorded body."""
    return _call(record, response).finish(0.0, None, left=True)


def result(record: Recording) -> Result | None:
    """What a look at earlier work showed of it; None where nothing."""
    return _call(record, None).result()


def _call(record: Recording, response: bytes | None) -> Call:
    provider = provider_of(record)
    assert provider is not None
    call = begun(provider, head_of(record))
    exhaust(call.request_data(body(record, "request")))
    call.request_done()
    call.response_started(record["status"], headers(record, "response"))
    for message in record.get("ws_messages") or ():
        if "data" in message:
            data = json.dumps(message["data"]).encode()
            call.websocket_message(data, message["direction"] == "sent", 0.0)
    data = body(record, "response") if response is None else response
    if data:
        exhaust(call.response_data(data, 0.0))
    return call


def booked(ended: Outcome, table: PriceTable, at: datetime | None = None) -> Entry:
    """The row of a call, as the recorder makes it; at the prices of ``at``, by default now."""
    usage = ended.usage if ended.texts is None else estimated_usage(ended)
    exchange = ended.exchange if at is None else replace(ended.exchange, time=at)
    return book(exchange, usage, table, ended.price_provider)

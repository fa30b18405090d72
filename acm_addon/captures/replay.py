"""A captured exchange through the stations of live traffic: tap, estimate, booking.

What differs from live traffic is only what a capture lacks: the time, where it does not say, is the
caller's; a body that it does not hold is not taken for an empty one, and not estimated.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from acm_addon.booking import book
from acm_addon.captures.base import Captured
from acm_addon.estimate import estimated_usage
from acm_addon.model import Attribution, Entrance, Entry, Reason, Source, derived_id
from acm_addon.pricing import PriceTable
from acm_addon.providers.base import WEBSOCKET, Billing, Endpoint, Provider
from acm_addon.routing import provider_of_host
from acm_addon.tap import Arrival, Call, Outcome, exhaust


class Kind(Enum):
    """What an exchange is that makes no row."""

    FREE = "free"
    NOT_PROVIDER = "not_provider"


@dataclass(frozen=True, slots=True)
class Importing:
    """What holds for every row of one import of one file."""

    table: PriceTable
    attribution: Attribution
    fallback_time: datetime
    """When an exchange took place whose capture does not say."""


def entry_of(captured: Captured, digest: bytes, source: Source, of: Importing) -> Entry | Kind:
    """The row of one exchange. ``digest`` identifies it: the same one always gives the same id."""
    provider = provider_of_host(captured.host)
    if provider is None:
        return Kind.NOT_PROVIDER
    path = captured.path.partition("?")[0]
    endpoint = WEBSOCKET if captured.websocket else provider.classify(captured.method, path)
    if endpoint.billing is Billing.FREE:
        return Kind.FREE
    outcome = _outcome(captured, digest, provider, endpoint, of)
    usage = estimated_usage(outcome) if outcome.texts else outcome.usage
    return book(outcome.exchange, usage, of.table, outcome.price_provider, source)


def _outcome(
    captured: Captured, digest: bytes, provider: Provider, endpoint: Endpoint, of: Importing
) -> Outcome:
    time = captured.time
    arrival = Arrival(
        id=derived_id(time.timestamp() if time else 0.0, digest),
        time=time or of.fallback_time,
        started=0.0,
        entrance=Entrance.IMPORT,
        provider=provider,
        endpoint=endpoint,
        attribution=of.attribution,
        upstream=captured.host,
    )
    call = Call(arrival, captured.request_headers)
    if captured.request_body:
        exhaust(call.request_data(captured.request_body))
    call.request_done()
    if captured.status is not None:
        call.response_started(captured.status, captured.response_headers)
        if captured.response_body and endpoint is not WEBSOCKET:
            exhaust(call.response_data(captured.response_body, captured.first_byte_seconds))
    outcome = call.finish(captured.seconds, _failure(captured, endpoint), left=True)
    # Texts that the capture does not hold are not without words.
    return replace(outcome, texts=None) if outcome.texts and _lacks_body(captured) else outcome


def _failure(captured: Captured, endpoint: Endpoint) -> Reason | None:
    """Why the exchange did not reach its end, as far as the capture shows."""
    answered = captured.status is not None and captured.status < 400
    if captured.websocket and (answered or captured.status is None):
        return Reason.WEBSOCKET
    if captured.status is None or captured.broken_off:
        return Reason.UPSTREAM_FAILED
    read = answered and endpoint.billing is Billing.METERED
    return Reason.NOT_CAPTURED if read and _lacks_body(captured) else None


def _lacks_body(captured: Captured) -> bool:
    return captured.cut or captured.response_body is None

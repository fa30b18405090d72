"""A captured exchange through the stations of live traffic: tap, estimate, booking.

What differs from live traffic is only what a capture lacks: the time, where it does not say, is the
caller's; a body that it does not hold is not taken for an empty one, and not estimated.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from acm_addon.booking import book
from acm_addon.captures.base import Captured
from acm_addon.estimate import estimated_usage
from acm_addon.model import Attribution, Entrance, Entry, Reason, Source, derived_id
from acm_addon.pending import PendingCalls
from acm_addon.pricing import PriceTable
from acm_addon.providers.base import Billing, Endpoint, Provider, RequestHead
from acm_addon.routing import BUILT_IN, Directory
from acm_addon.settlement import Link, Record, Settlement
from acm_addon.tap import Arrival, Call, Result, exhaust


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
    directory: Directory = BUILT_IN
    pending: PendingCalls = field(default_factory=PendingCalls)


def entry_of(
    captured: Captured, digest: bytes, source: Source, of: Importing
) -> Entry | list[Record] | Kind:
    """The row of one exchange. ``digest`` identifies it: the same one always gives the same id."""
    provider = of.directory.of_address(captured.host, captured.port)
    if provider is None:
        return Kind.NOT_PROVIDER
    path, _, query = captured.path.partition("?")
    head = RequestHead(
        captured.method, path, query, captured.host, captured.request_headers, captured.websocket
    )
    endpoint = provider.classify(head)
    if endpoint.billing is Billing.FREE:
        return Kind.FREE
    call = _call(captured, head, _arrival(captured, digest, provider, endpoint, of))
    if endpoint.billing is Billing.RESULT:
        return _records(call.result(_failure(captured, endpoint)), source, of)
    outcome = call.finish(captured.seconds, _failure(captured, endpoint), left=True)
    of.pending.note(outcome.exchange)
    # Texts that the capture does not hold are not without words.
    estimated = outcome.texts and not _lacks_body(captured)
    usage = estimated_usage(outcome) if estimated else outcome.usage
    return book(outcome.exchange, usage, of.table, outcome.price_provider, source)


def _records(result: Result | None, source: Source, of: Importing) -> list[Record] | Kind:
    """What a look at earlier work's result shows of it."""
    if result is None:
        return Kind.FREE
    records: list[Record] = [Link(result.provider, at, result.object_id) for at in result.links]
    if (settles := result.settles) is not None:
        exchange = of.pending.complete(settles.exchange)
        entry = book(exchange, settles.usage, of.table, settles.price_provider, source)
        records.append(Settlement(entry))
    return records or Kind.FREE


def _arrival(
    captured: Captured, digest: bytes, provider: Provider, endpoint: Endpoint, of: Importing
) -> Arrival:
    time = captured.time
    return Arrival(
        id=derived_id(time.timestamp() if time else 0.0, digest),
        time=time or of.fallback_time,
        started=0.0,
        entrance=Entrance.IMPORT,
        provider=provider,
        endpoint=endpoint,
        attribution=of.attribution,
        upstream=captured.host,
    )


def _call(captured: Captured, head: RequestHead, arrival: Arrival) -> Call:
    """The whole exchange, read."""
    call = Call(arrival, head)
    if captured.request_body:
        exhaust(call.request_data(captured.request_body))
    call.request_done()
    if captured.status is not None:
        call.response_started(captured.status, captured.response_headers)
        first_byte = captured.first_byte_seconds
        if captured.websocket:
            for from_client, message in captured.messages or ():
                call.websocket_message(message, from_client, first_byte)
        elif captured.response_body:
            exhaust(call.response_data(captured.response_body, first_byte))
    return call


def _failure(captured: Captured, endpoint: Endpoint) -> Reason | None:
    """Why the exchange did not reach its end, as far as the capture shows."""
    answered = captured.status is not None and captured.status < 400
    if captured.websocket and captured.messages is not None:
        return None
    if captured.websocket and (answered or captured.status is None):
        return Reason.WEBSOCKET
    if captured.status is None or captured.broken_off:
        return Reason.UPSTREAM_FAILED
    read = answered and endpoint.billing in (Billing.METERED, Billing.RESULT)
    return Reason.NOT_CAPTURED if read and _lacks_body(captured) else None


def _lacks_body(captured: Captured) -> bool:
    return captured.cut or captured.response_body is None

"""A call in flight: copies of its bytes go to the provider's readers, and facts come out.

Sans-IO: the caller hands in bytes and monotonic times. Nothing here raises for any bytes; whatever
a reader could not make sense of stays unknown.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus

from acm_addon.decoding import ContentDecoder
from acm_addon.model import (
    Attribution,
    Completeness,
    Entrance,
    Exchange,
    ModelUsage,
    Quantities,
    Reason,
    Usage,
    UsageSource,
)
from acm_addon.providers.base import (
    Billing,
    Endpoint,
    Provider,
    RequestFacts,
    RequestHead,
    RequestReader,
    ResponseFacts,
    ResponseHead,
    ResponseReader,
    WebSocketReader,
)
from acm_addon.providers.prompts import Answer, Prompt
from acm_addon.settlement import settlement_id

STEP = 128 * 1024
"""Decoded bytes that are read at a time, before other traffic has its turn."""

SWITCHING_PROTOCOLS = HTTPStatus.SWITCHING_PROTOCOLS
"""The answer that opens a websocket."""

_ID = re.compile(r"[A-Za-z0-9_.:=/+-]{1,128}\Z")
_MODEL = re.compile(r"[\w.:@/+-]{1,200}\Z")


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is known of a call when its request head has arrived."""

    id: str
    time: datetime
    started: float
    """Monotonic seconds."""
    entrance: Entrance
    provider: Provider
    endpoint: Endpoint
    attribution: Attribution
    upstream: str

    @property
    def price_provider(self) -> str:
        """The id in the price table, as far as the request says."""
        return self.endpoint.price_provider or self.provider.price_provider


@dataclass(frozen=True, slots=True)
class Outcome:
    """A call at its end. ``estimate`` counts what the provider did not, and is slow to call."""

    exchange: Exchange
    usage: Usage
    price_provider: str
    texts: Callable[[], tuple[Prompt, Answer]] | None
    """Input and output for a tokenizer, where usage is missing and may be counted."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a request for earlier work's result showed."""

    provider: str
    object_id: str
    settles: Outcome | None
    """The finished work as a call of its own; None while it is not finished."""
    links: tuple[str, ...]
    """Ids of objects in which the result can be found."""


class Call:
    """Follows one request and its response."""

    def __init__(self, arrival: Arrival, head: RequestHead) -> None:
        self.arrival = arrival
        self._request: RequestReader = arrival.provider.request_reader(arrival.endpoint, head)
        coding = head.headers.get("content-encoding", "")
        self.request_is_encoded = coding.lower() not in ("", "identity")
        self._request_decoder = ContentDecoder(coding)
        self._websocket: WebSocketReader | None = (
            arrival.provider.websocket_reader(arrival.endpoint) if head.websocket else None
        )
        self._response: ResponseReader | None = None
        self._response_decoder: ContentDecoder | None = None
        self._request_facts: RequestFacts | None = None
        self._request_id: str | None = None
        self._status: int | None = None
        self._first_byte: float | None = None
        self.received_bytes = 0

    @property
    def request(self) -> RequestFacts:
        return self._request_facts or self._request.facts()

    @property
    def is_websocket(self) -> bool:
        return self._websocket is not None

    @property
    def _order(self) -> RequestFacts:
        """What the response answers. Looking at a result orders nothing."""
        looking = self.arrival.endpoint.billing is Billing.RESULT
        return replace(self.request, derived={}) if looking else self.request

    @property
    def requested_model(self) -> str | None:
        return _clean(_MODEL, self.arrival.endpoint.model or self.request.model)

    @property
    def output_tokens_so_far(self) -> int:
        reader = self._websocket or self._response
        return reader.output_tokens_so_far() if reader else 0

    @property
    def reported_so_far(self) -> ModelUsage:
        """What the answers that are over consumed, on a websocket; nothing on others."""
        facts = self._websocket.facts() if self._websocket else ResponseFacts()
        return ModelUsage(_clean(_MODEL, facts.model), facts.quantities)

    def request_data(self, data: bytes) -> Iterator[None]:
        """The next bytes of the request body as they travel, read step by step."""
        return _read(self._request, self._request_decoder.feed(data))

    def request_done(self) -> RequestFacts:
        """The request is complete. Its facts do not change from here on."""
        self._request_facts = self._request.facts()
        return self._request_facts

    def response_started(self, status: int, headers: Mapping[str, str]) -> None:
        self._status = status
        request_id = headers.get("x-request-id") or headers.get("request-id")
        self._request_id = _clean(_ID, request_id)
        self._response = self.arrival.provider.response_reader(
            self.arrival.endpoint, self._order, ResponseHead(status, headers)
        )
        self._response_decoder = ContentDecoder(headers.get("content-encoding", ""))

    def response_data(self, data: bytes, now: float | None) -> Iterator[None]:
        """The next bytes of the response body as they travel, read step by step.

        ``now`` is None where nobody looked at the clock, here as in ``finish``.
        """
        if self._first_byte is None:
            self._first_byte = now
        self.received_bytes += len(data)
        assert self._response and self._response_decoder
        return _read(self._response, self._response_decoder.feed(data))

    def websocket_message(self, message: bytes, from_client: bool, now: float | None) -> None:
        """One message of a websocket, either way."""
        if not from_client:
            if self._first_byte is None:
                self._first_byte = now
            self.received_bytes += len(message)
        if self._websocket is None:
            return
        if from_client:
            self._websocket.sent(message)
        else:
            self._websocket.received(message)

    def give_up(self) -> None:
        """The bodies come faster than they can be read: what was read of them stands alone."""
        self._request_decoder.broken = True
        if self._response_decoder:
            self._response_decoder.broken = True

    def finish(self, now: float | None, failure: Reason | None, left: bool) -> Outcome:
        """The call is over.

        ``failure`` says who broke it off, None when both sides reached their end; ``left`` is
        False only when it is certain that nothing reached the provider.
        """
        request, facts = self.request, self._facts()
        completeness, reason = self._completeness(facts, failure, left)
        exchange = self._exchange(now, request, facts, completeness, reason)
        usage = self._usage(request, facts, completeness)
        wanted = self._estimate_wanted(facts, usage, completeness)
        return Outcome(
            exchange,
            usage,
            self._price_provider(facts),
            self._texts if wanted else None,
        )

    def result(self, failure: Reason | None = None) -> Result | None:
        """What a response to a request for earlier work's result says; None where nothing.

        What was broken off (``failure``) says nothing: JSON lines that end early look whole.
        """
        if failure is not None:
            return None
        facts = self._facts()
        object_id = _clean(_ID, facts.object_id or self.arrival.endpoint.object_id)
        broken = self._response_decoder is not None and self._response_decoder.broken
        whole = facts.finished or (facts.unframed and not broken)
        if object_id is None or self._is_refused() or not whole:
            return None
        links = tuple(link for link in facts.links if _ID.match(link))
        settles = None if facts.pending else self._settlement(facts, object_id)
        return Result(self.arrival.provider.name, object_id, settles, links)

    def _settlement(self, facts: ResponseFacts, object_id: str) -> Outcome:
        """The finished work as a call: its own times are known only as far as the result says."""
        began = facts.created or self.arrival.time
        failed = Reason.PROVIDER_ERROR if facts.failed else None
        exchange = replace(
            self._exchange(0.0, self.request, facts, Completeness.COMPLETE, failed),
            id=settlement_id(self.arrival.provider.name, object_id, began),
            time=began,
            object_id=object_id,
            latency_ms=None,
            first_byte_ms=None,
        )
        usage = self._usage(self.request, facts, Completeness.COMPLETE)
        return Outcome(exchange, usage, self._price_provider(facts), None)

    def _price_provider(self, facts: ResponseFacts) -> str:
        return facts.price_provider or self.arrival.price_provider

    def _facts(self) -> ResponseFacts:
        if self._websocket and self._status == SWITCHING_PROTOCOLS:
            return self._websocket.facts()
        return self._response.facts() if self._response else ResponseFacts()

    def _completeness(
        self, facts: ResponseFacts, failure: Reason | None, left: bool
    ) -> tuple[Completeness, Reason | None]:
        if not left:
            return Completeness.REFUSED, failure
        if self._status is None:
            return Completeness.SENT_UNKNOWN, failure
        if cut_off := self._cut_off(facts, failure):
            return Completeness.PARTIAL, cut_off
        if self._is_error(facts):
            return Completeness.COMPLETE, Reason.PROVIDER_ERROR
        pending = facts.pending or self.arrival.endpoint.billing is Billing.PENDING
        return (Completeness.PENDING if pending else Completeness.COMPLETE), None

    def _cut_off(self, facts: ResponseFacts, failure: Reason | None) -> Reason | None:
        """Why the body that was read is not the whole one, or None when it is."""
        if facts.finished:
            return None
        if failure is not None:
            return failure
        if self._response_decoder and self._response_decoder.broken:
            return Reason.UNREADABLE_BODY
        if self.received_bytes and self._expects_usage(facts) and not facts.unframed:
            return facts.reason or Reason.UPSTREAM_FAILED
        return None

    def _is_error(self, facts: ResponseFacts) -> bool:
        return facts.failed or self._is_refused()

    def _is_refused(self) -> bool:
        return self._status is not None and self._status >= HTTPStatus.MULTIPLE_CHOICES

    def _expects_usage(self, facts: ResponseFacts) -> bool:
        metered = self.arrival.endpoint.billing is Billing.METERED
        return metered and not self._is_error(facts)

    def _exchange(
        self,
        now: float | None,
        request: RequestFacts,
        facts: ResponseFacts,
        completeness: Completeness,
        reason: Reason | None,
    ) -> Exchange:
        arrival = self.arrival
        requested = self.requested_model
        if arrival.endpoint.billing is Billing.UNKNOWN and reason is None:
            websocket = self._status == SWITCHING_PROTOCOLS
            reason = Reason.WEBSOCKET if websocket else Reason.UNKNOWN_ENDPOINT
        return Exchange(
            id=arrival.id,
            time=arrival.time,
            entrance=arrival.entrance,
            provider=arrival.provider.name,
            endpoint=arrival.endpoint.name,
            attribution=arrival.attribution,
            upstream=arrival.upstream,
            requested_model=requested,
            model=_clean(_MODEL, facts.model) or requested,
            tier=_clean(_ID, facts.tier) or _clean(_ID, request.tier),
            region=_clean(_ID, facts.region) or arrival.endpoint.region,
            status=self._status,
            stream=request.stream,
            latency_ms=_milliseconds(arrival.started, now),
            first_byte_ms=_milliseconds(arrival.started, self._first_byte),
            request_id=self._request_id,
            object_id=_clean(_ID, facts.object_id),
            completeness=completeness,
            reason=reason,
            provider_cost=facts.provider_cost,
            price_context={
                **arrival.endpoint.price_context,
                **request.price_context,
                **facts.price_context,
            },
        )

    def _usage(
        self, request: RequestFacts, facts: ResponseFacts, completeness: Completeness
    ) -> Usage:
        if completeness is Completeness.PENDING and facts.usage_source is UsageSource.DERIVED:
            # What is known of the work from its order. It is booked once the work is done.
            return Usage(dict(facts.quantities), UsageSource.DERIVED)
        if self.arrival.endpoint.billing not in (Billing.METERED, Billing.RESULT):
            return Usage()  # What looks like usage may count other things there.
        if completeness is Completeness.SENT_UNKNOWN and request.input_tokens_estimate:
            quantities: Quantities = {"input_tokens": request.input_tokens_estimate}
            return Usage(quantities, UsageSource.ESTIMATED, incomplete=True)
        return Usage(
            dict(facts.quantities),
            facts.usage_source,
            facts.reason,
            incomplete=facts.output_missing or facts.reason is Reason.BAD_USAGE,
            others=facts.others,
        )

    def _estimate_wanted(
        self, facts: ResponseFacts, usage: Usage, completeness: Completeness
    ) -> bool:
        """Whether a tokenizer may fill in what the provider did not report."""
        if completeness not in (Completeness.COMPLETE, Completeness.PARTIAL):
            return False
        if not self._expects_usage(facts) or not self.received_bytes or self._websocket:
            return False
        if facts.reason is Reason.BAD_USAGE:
            return False
        return facts.output_missing or not usage.quantities

    def _texts(self) -> tuple[Prompt, Answer]:
        assert self._response is not None
        return self._request.input_text(), self._response.output_text()


def exhaust(steps: Iterator[None]) -> None:
    """Read it all at once, where no other traffic waits."""
    for _ in steps:
        pass


def _read(reader: RequestReader | ResponseReader, data: bytes) -> Iterator[None]:
    """Feed ``data`` in parts that are each read in a few milliseconds."""
    reader.feed(data[:STEP])
    for start in range(STEP, len(data), STEP):
        yield
        reader.feed(data[start : start + STEP])


def _clean(pattern: re.Pattern[str], value: str | None) -> str | None:
    """An identifier, or None for anything that could be content in its place."""
    return value if value is not None and pattern.match(value) else None


def _milliseconds(start: float, end: float | None) -> int | None:
    return None if end is None else round((end - start) * 1000)

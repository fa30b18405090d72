"""What happens to a flow at each moment: route it, tap it, record it.

mitmproxy hangs or drops a client whose hook raises, so nothing is let out of here. A fault of ours
costs a row, which is counted, and never a call.
"""

import asyncio
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass

from mitmproxy import http

from acm_addon import refusals
from acm_addon.attribution import attribute, without_own_headers
from acm_addon.journal import OpenCall, Progress, Sent
from acm_addon.logs import fault, logger
from acm_addon.model import Entrance, Reason, new_id, utc_now
from acm_addon.providers.base import Billing, Endpoint, Provider
from acm_addon.recorder import Recorder
from acm_addon.routing import gateway_route, provider_of_host
from acm_addon.server import discard_body, is_absolute_form
from acm_addon.tap import Arrival, Call

log = logger("watch")

_TRACKED = "acm"
_PROGRESS_EVERY_SECONDS = 2.0
_WEBSOCKET = Endpoint("websocket", Billing.UNKNOWN)


@dataclass(slots=True)
class Tracked:
    """A call and its place in the journal, kept with the flow until it is over."""

    call: Call
    record: OpenCall | None
    websocket: bool
    head_sent: bool = False
    """False while it is certain that nothing of the call has left."""
    last_progress: float = 0.0


def _guarded[**P](step: Callable[P, None]) -> Callable[P, None]:
    """Let no exception into mitmproxy, and say so without the exception's text."""

    @functools.wraps(step)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            step(*args, **kwargs)
        except Exception as error:
            log.error("a fault in %s: %s", step.__name__, fault(error))

    return run


class Watch:
    """Follows flows on behalf of the addon."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._open_calls = 0
        self.idle = asyncio.Event()
        """Set while no call is in flight."""
        self.idle.set()

    def tunnelled(self) -> None:
        self._recorder.counters.tunnelled += 1

    def connect_failed(self, flow: http.HTTPFlow) -> http.Response:
        """The answer to a CONNECT whose host cannot be reached."""
        return refusals.failure_response(502, "upstream_unreachable", flow.request.host)

    def request_head(self, flow: http.HTTPFlow) -> None:
        """Route the request, and journal it before anything of it leaves."""
        try:
            self._admit(flow)
        except Exception as error:
            log.error("a fault in request_head: %s", fault(error))
            self._answer(flow, refusals.refused(500, "internal_error", None))

    def _admit(self, flow: http.HTTPFlow) -> None:
        if flow.error:
            return
        request = flow.request
        # Inside a CONNECT the destination is fixed before any request; the gateway has none yet.
        forward = is_absolute_form(request) or flow.server_conn.address is not None
        if forward:
            provider = provider_of_host(request.host) or provider_of_host(
                flow.client_conn.sni or ""
            )
        else:
            route = gateway_route(request.path, request.headers)
            if route is None:
                self._recorder.counters.unrouted += 1
                self._answer(flow, refusals.unroutable(request.path))
                return
            provider = route.provider
            _send_to(request, route.scheme, route.host, route.port, route.path)
        request.headers.fields = without_own_headers(request.headers.fields)
        if provider is None:
            request.stream = True
            return
        entrance = Entrance.FORWARD if forward else Entrance.GATEWAY
        self._track(flow, provider, entrance)

    def _answer(self, flow: http.HTTPFlow, response: http.Response) -> None:
        discard_body(flow.request)
        flow.response = response

    def _track(self, flow: http.HTTPFlow, provider: Provider, entrance: Entrance) -> None:
        request = flow.request
        websocket = request.headers.get("upgrade", "").lower() == "websocket"
        path = request.path.partition("?")[0]
        endpoint = _WEBSOCKET if websocket else provider.classify(request.method, path)
        if endpoint.billing is Billing.FREE:
            request.stream = True
            return
        arrival = Arrival(
            id=new_id(),
            time=utc_now(),
            started=time.monotonic(),
            entrance=entrance,
            provider=provider,
            endpoint=endpoint,
            attribution=attribute(),
            upstream=request.host,
        )
        record = self._recorder.begin(arrival)
        tracked = Tracked(Call(arrival, request.headers), record, websocket)
        tracked.last_progress = arrival.started
        flow.metadata[_TRACKED] = tracked
        self._open_calls += 1
        self.idle.clear()
        request.stream = _tap(functools.partial(self._request_data, tracked))

    @_guarded
    def _request_data(self, tracked: Tracked, data: bytes) -> None:
        tracked.head_sent = True
        tracked.call.request_data(data)

    @_guarded
    def request_end(self, flow: http.HTTPFlow) -> None:
        """The request body is complete: what it asks for is known."""
        tracked = _tracked(flow)
        if tracked is None:
            return
        facts = tracked.call.request_done()
        sent = Sent(
            model=tracked.call.requested_model,
            stream=facts.stream,
            input_tokens_estimate=facts.input_tokens_estimate,
            max_output_tokens=facts.max_output_tokens,
            price_context=facts.price_context,
        )
        self._recorder.sent(tracked.record, sent)

    def response_head(self, flow: http.HTTPFlow) -> None:
        """Stream every body. One that is tapped is copied as it passes."""
        assert flow.response is not None
        tracked = _tracked(flow)
        if tracked is None:
            flow.response.stream = flow.response.raw_content is None
            return
        flow.response.stream = _tap(functools.partial(self._response_data, tracked))
        self._response_started(tracked, flow.response)

    @_guarded
    def _response_started(self, tracked: Tracked, response: http.Response) -> None:
        tracked.head_sent = True
        tracked.call.response_started(response.status_code, response.headers)

    @_guarded
    def _response_data(self, tracked: Tracked, data: bytes) -> None:
        now = time.monotonic()
        tracked.call.response_data(data, now)
        if now - tracked.last_progress > _PROGRESS_EVERY_SECONDS:
            tracked.last_progress = now
            call = tracked.call
            progress = Progress(call.output_tokens_so_far, call.received_bytes)
            self._recorder.progress(tracked.record, progress)

    @_guarded
    def response_end(self, flow: http.HTTPFlow) -> None:
        """The response has passed, to its end as the provider sent it."""
        if (tracked := _tracked(flow)) and not (tracked.websocket and flow.websocket):
            self._finish(flow, None)

    @_guarded
    def broken_off(self, flow: http.HTTPFlow) -> None:
        """One side went away, or never was there."""
        if _tracked(flow):
            self._finish(flow, _who_left(flow))

    @_guarded
    def websocket_message(self, flow: http.HTTPFlow) -> None:
        """Keep mitmproxy from collecting every message of a connection that lasts for hours."""
        if flow.websocket:
            flow.websocket.messages.clear()

    @_guarded
    def websocket_end(self, flow: http.HTTPFlow) -> None:
        if _tracked(flow):
            self._finish(flow, Reason.WEBSOCKET)

    def _finish(self, flow: http.HTTPFlow, failure: Reason | None) -> None:
        tracked: Tracked = flow.metadata.pop(_TRACKED)
        self._open_calls -= 1
        if not self._open_calls:
            self.idle.set()
        left = tracked.head_sent or flow.server_conn.timestamp_tcp_setup is not None
        outcome = tracked.call.finish(time.monotonic(), failure, left)
        self._recorder.finish(tracked.record, outcome)


def _tracked(flow: http.HTTPFlow) -> Tracked | None:
    tracked: Tracked | None = flow.metadata.get(_TRACKED)
    return tracked


def _tap(watch: Callable[[bytes], None]) -> Callable[[bytes], bytes]:
    """A stream callable that passes every byte on unchanged, after showing it to ``watch``."""

    def pass_on(data: bytes) -> bytes:
        if data:
            watch(data)
        return data

    return pass_on


def _send_to(request: http.Request, scheme: str, host: str, port: int, path: str) -> None:
    """Redirect a gateway request, leaving its header fields as they are but for Host's value."""
    request.data.scheme = scheme.encode()
    request.data.host = host
    request.data.port = port
    request.data.path = path.encode("utf-8", "surrogateescape")
    name = host if port == (443 if scheme == "https" else 80) else f"{host}:{port}"
    request.headers.fields = tuple(
        (key, name.encode() if key.lower() == b"host" else value)
        for key, value in request.headers.fields
    )


def _who_left(flow: http.HTTPFlow) -> Reason:
    reset = flow.error is not None and flow.error.msg.startswith("stream reset by client")
    if reset or not flow.client_conn.connected:
        return Reason.CLIENT_LEFT
    return Reason.UPSTREAM_FAILED

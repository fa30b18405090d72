"""What happens to a flow at each moment: route it, tap it, record it.

Only what must come before the bytes is done before them: the route, and the begin in the journal.
All else is put off until the bytes at hand are on their way, in the order in which it came.

mitmproxy hangs or drops a client whose hook raises, so nothing is let out of here. A fault of ours
costs a row, and never a call.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from mitmproxy import connection, http

from acm_addon import refusals
from acm_addon.admission import Admission, Visit
from acm_addon.counters import add
from acm_addon.gatekeeper import Refusal
from acm_addon.home import PING_PATH
from acm_addon.journal import OpenCall, Progress, Sent
from acm_addon.logs import fault, logger
from acm_addon.model import Attribution, Entrance, Reason, new_id, utc_now
from acm_addon.path_shapes import path_shape
from acm_addon.providers.base import Billing, Origin, Provider, RequestHead
from acm_addon.recorder import Recorder
from acm_addon.routing import Directory
from acm_addon.server import discard_body, is_absolute_form
from acm_addon.tap import Arrival, Call

log = logger("watch")

_TRACKED = "acm"
_PROGRESS_EVERY_SECONDS = 2.0
MAX_WAITING = 8 * 1024 * 1024
"""Bytes of one call that may wait to be read; of a call that brings more the rest is not read."""
_CLEAN_CLOSES = (1000, 1001, 1005)
"""Close codes (RFC 6455) of a websocket that came to its end."""


class Tracked:
    """A call and its place in the journal, kept with the flow until it is over.

    What is to be done for it waits in a queue until the bytes at hand are on their way, and is done
    in order. A step that gives way in between (an iterator) lets other traffic pass.
    """

    def __init__(self, call: Call, record: OpenCall | None, *, websocket: bool) -> None:
        self.call = call
        self.record = record
        self.websocket = websocket
        self.head_sent = False
        """False while it is certain that nothing of the call has left."""
        self.last_progress = call.arrival.started
        self.verdict: Callable[[bytes], Refusal | None] | None = None
        """Judges the body, which is held until then; None where it passes as it comes."""
        self._queue: deque[tuple[Callable[..., Iterator[None] | None], tuple[Any, ...], int]]
        self._queue = deque()
        self._waiting = 0
        self._current: Iterator[None] | None = None

    def later(self, step: Callable[..., Iterator[None] | None], *args: Any) -> None:
        """Do it after all that is queued."""
        self._put(step, args, 0)

    def read_later(
        self, step: Callable[..., Iterator[None] | None], data: bytes, *args: Any
    ) -> None:
        """Read ``data`` after all that is queued, unless too much is queued already."""
        if self._waiting + len(data) > MAX_WAITING:
            self.call.give_up()
            return
        self._waiting += len(data)
        self._put(step, (data, *args), len(data))

    def _put(self, step: Callable[..., Any], args: tuple[Any, ...], size: int) -> None:
        if not self._queue and self._current is None:
            asyncio.get_running_loop().call_soon(self._work)
        self._queue.append((step, args, size))

    def _work(self) -> None:
        """Work off the queue until a step gives way. An exception costs that step alone."""
        while self._current is not None or self._queue:
            try:
                if self._current is None:
                    step, args, size = self._queue.popleft()
                    self._waiting -= size
                    self._current = step(*args)
                elif next(self._current, self) is not self:
                    asyncio.get_running_loop().call_soon(self._work)
                    return
                else:
                    self._current = None
            except Exception as error:
                self._current = None
                # mitmproxy would log its text.
                log.error("a fault while following a call: %s", fault(error))


class Watch:
    """Follows flows on behalf of the addon."""

    def __init__(self, recorder: Recorder, admission: Admission, directory: Directory) -> None:
        self._recorder = recorder
        self._admission = admission
        self._directory = directory
        self._open_calls = 0
        self.idle = asyncio.Event()
        """Set while no call is in flight."""
        self.idle.set()

    def tunnelled(self, ai_host: str | None) -> None:
        """A connection is passed through unread, to an AI host that we know, or to any other."""
        self._recorder.counters.tunnelled += 1
        if ai_host:
            add(self._recorder.counters.passed_unread, ai_host)

    def connect(self, flow: http.HTTPFlow) -> None:
        """A client asks for a tunnel."""
        flow.response = self._admission.connect(flow)

    def client_gone(self, client: connection.Client) -> None:
        self._admission.disconnected(client)

    def connect_failed(self, flow: http.HTTPFlow) -> http.Response:
        """The answer to a CONNECT that we refused, or whose host cannot be reached."""
        if flow.response is not None and "X-ACM-Error" in flow.response.headers:
            return flow.response
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
            provider = self._directory.of_address(
                request.host, request.port
            ) or self._directory.of_host(flow.client_conn.sni or "")
        elif request.path == PING_PATH:
            self._answer(flow, refusals.pong())
            return
        visit = self._admission.visit(flow, forward=forward)
        if not forward:
            route = self._directory.route(request.path, request.headers, visit.payer.provider)
            if route is None:
                self._recorder.counters.unrouted += 1
                self._answer(flow, refusals.unroutable(request.path, self._directory))
                return
            provider = route.provider
            _send_to(request, route.origin, route.path)
        if provider is None:
            if self._admission.providers_only:
                self._answer(flow, self._admission.not_a_provider())
            else:
                request.stream = True
            return
        entrance = Entrance.FORWARD if forward else Entrance.GATEWAY
        self._recorder.counters.invalid_tags += visit.tags.invalid
        refusal = self._admission.admit(visit, request, provider)
        self._track(flow, provider, entrance, visit.attribution)
        if refusal is None and visit.limited:
            refusal = self._judge_head(flow, visit)
        if refusal:
            self._refuse(flow, provider, refusal)

    def _judge_head(self, flow: http.HTTPFlow, visit: Visit) -> Refusal | None:
        """Hold the body of a call whose model must be known before it leaves."""
        tracked = _tracked(flow)
        if tracked is None:
            return None  # It costs nothing.
        model = tracked.call.arrival.endpoint.model
        refusal, hold = self._admission.judge_head(visit, flow.request, model)
        if hold:
            flow.request.stream = False
            tracked.verdict = lambda body: self._admission.judge_body(visit, body)
        return refusal

    def _refuse(self, flow: http.HTTPFlow, provider: Provider, refusal: Refusal) -> None:
        """Answer in the provider's place, and record that the call never left."""
        flow.request.stream = False
        self._answer(flow, refusals.refused(refusal.status, refusal.code, provider))
        if _tracked(flow):
            self._end(flow, Reason.UNAUTHORIZED, refused=True)

    def _answer(self, flow: http.HTTPFlow, response: http.Response) -> None:
        discard_body(flow.request)
        if flow.request.method == "HEAD":
            response.content = b""
        flow.response = response

    def _track(
        self, flow: http.HTTPFlow, provider: Provider, entrance: Entrance, payer: Attribution
    ) -> None:
        request = flow.request
        head = _head(request)
        endpoint = provider.classify(head)
        if endpoint.billing is Billing.FREE:
            request.stream = True
            return
        if endpoint.billing is Billing.UNKNOWN:
            shape = path_shape(head.method, head.path)
            add(self._recorder.counters.not_understood, f"{provider.name} {shape}")
        arrival = Arrival(
            id=new_id(),
            time=utc_now(),
            started=time.monotonic(),
            entrance=entrance,
            provider=provider,
            endpoint=endpoint,
            attribution=payer,
            upstream=request.host,
        )
        # Looking at a result costs nothing: there is nothing to journal before it.
        looking = endpoint.billing is Billing.RESULT
        record = None if looking else self._recorder.begin(arrival)
        tracked = Tracked(Call(arrival, head), record, websocket=head.websocket)
        flow.metadata[_TRACKED] = tracked
        self._open_calls += 1
        self.idle.clear()
        request.stream = self._request_tap(tracked)

    def _request_tap(self, tracked: Tracked) -> Callable[[bytes], bytes]:
        """Passes every byte on unchanged, and keeps a copy to look at."""

        def tap(data: bytes) -> bytes:
            if data:
                tracked.head_sent = True
                tracked.read_later(tracked.call.request_data, data)
            return data

        return tap

    def request_end(self, flow: http.HTTPFlow) -> None:
        """The request body is complete: what it asks for is known."""
        tracked = _tracked(flow)
        if tracked is None:
            return
        if tracked.verdict:
            body = flow.request.raw_content or b""
            tracked.read_later(tracked.call.request_data, body)
            if refusal := tracked.verdict(body):
                self._refuse(flow, tracked.call.arrival.provider, refusal)
                return
        tracked.later(self._sent, tracked)

    def _sent(self, tracked: Tracked) -> None:
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
        response = flow.response
        assert response is not None
        tracked = _tracked(flow)
        if tracked is None:
            response.stream = response.raw_content is None
            return
        tracked.head_sent = True
        response.stream = self._response_tap(tracked)
        headers = _plain(response.headers)
        tracked.later(tracked.call.response_started, response.status_code, headers)

    def _response_tap(self, tracked: Tracked) -> Callable[[bytes], bytes]:
        def tap(data: bytes) -> bytes:
            if data:
                tracked.read_later(tracked.call.response_data, data, time.monotonic())
                self._note_progress(tracked)
            return data

        return tap

    def _note_progress(self, tracked: Tracked) -> None:
        """Journal now and then how far a long answer has come."""
        now = time.monotonic()
        if now - tracked.last_progress > _PROGRESS_EVERY_SECONDS:
            tracked.last_progress = now
            tracked.later(self._progress, tracked)

    def _progress(self, tracked: Tracked) -> None:
        call = tracked.call
        reported = call.reported_so_far
        progress = Progress(
            call.output_tokens_so_far, call.received_bytes, reported.quantities, reported.model
        )
        self._recorder.progress(tracked.record, progress)

    def response_end(self, flow: http.HTTPFlow) -> None:
        """The response has passed, to its end as the provider sent it."""
        if (tracked := _tracked(flow)) and not (tracked.websocket and flow.websocket):
            self._end(flow, None)

    def broken_off(self, flow: http.HTTPFlow) -> None:
        """One side went away, or never was there."""
        if _tracked(flow):
            self._end(flow, _who_left(flow))

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        """Read a message on its way, and keep mitmproxy from collecting them all for hours."""
        if not flow.websocket:
            return
        if tracked := _tracked(flow):
            for message in flow.websocket.messages:
                tracked.read_later(
                    tracked.call.websocket_message,
                    message.content,
                    message.from_client,
                    time.monotonic(),
                )
            self._note_progress(tracked)
        flow.websocket.messages.clear()

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        if _tracked(flow) and flow.websocket:
            clean = flow.websocket.close_code in _CLEAN_CLOSES
            self._end(flow, None if clean else _who_left(flow))

    def _end(self, flow: http.HTTPFlow, failure: Reason | None, *, refused: bool = False) -> None:
        tracked: Tracked = flow.metadata.pop(_TRACKED)
        left = not refused and (tracked.head_sent or _connected(flow))
        tracked.later(self._finish, tracked, time.monotonic(), failure, left)

    def _finish(self, tracked: Tracked, now: float, failure: Reason | None, left: bool) -> None:
        self._open_calls -= 1
        if not self._open_calls:
            self.idle.set()
        call = tracked.call
        if call.arrival.endpoint.billing is Billing.RESULT:
            if result := call.result(failure):
                self._recorder.result(result)
        else:
            self._recorder.finish(tracked.record, call.finish(now, failure, left))


def _plain(headers: http.Headers) -> dict[str, str]:
    """Header fields by lower-case name, duplicates joined (RFC 9110, section 5.3)."""
    plain: dict[str, str] = {}
    for field, raw in headers.fields:
        name, value = field.lower().decode("latin-1"), raw.decode("latin-1")
        plain[name] = f"{plain[name]}, {value}" if name in plain else value
    return plain


def _tracked(flow: http.HTTPFlow) -> Tracked | None:
    tracked: Tracked | None = flow.metadata.get(_TRACKED)
    return tracked


def _connected(flow: http.HTTPFlow) -> bool:
    """Whether the provider was there to be sent something: connected, and its certificate good."""
    server = flow.server_conn
    done = server.timestamp_tls_setup if server.tls else server.timestamp_tcp_setup
    return done is not None


def _head(request: http.Request) -> RequestHead:
    headers = _plain(request.headers)
    path, _, query = request.path.partition("?")
    upgrade = headers.get("upgrade", "").lower()
    return RequestHead(
        request.method,
        path,
        query,
        request.host,
        headers,
        websocket=request.method == "GET" and upgrade == "websocket",
    )


def _send_to(request: http.Request, origin: Origin, path: str) -> None:
    """Redirect a gateway request, leaving its header fields as they are but for Host's value."""
    scheme, host, port = origin.scheme, origin.host, origin.port
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

"""What happens to a flow at each moment: route it, tap it, record it.

Only what must come before the bytes is done before them: the route, and the begin in the journal.
All else is put off until the bytes at hand are on their way, in the order in which it came.

mitmproxy hangs or drops a client whose hook raises. A fault of ours before a call has left is
answered (``internal_error``); one in what is put off costs a row, and never a call.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from mitmproxy import connection, http

from acm_addon import refusals, usage_question
from acm_addon.admission import Admission, Visit
from acm_addon.attribution import credential_of
from acm_addon.budget_check import Answer, BudgetCheck
from acm_addon.budgets import Decision, Verdict
from acm_addon.control.records import Switch
from acm_addon.counters import add
from acm_addon.gatekeeper import Refusal
from acm_addon.heads import connected, head_of, plain, send_to, who_left
from acm_addon.home import PING_PATH
from acm_addon.limit_keeper import LimitKeeper
from acm_addon.logs import fault, logger
from acm_addon.model import Attribution, Entrance, Reason, new_id, utc_now
from acm_addon.model_rule import judgeable
from acm_addon.path_shapes import path_shape
from acm_addon.providers.base import Billing, Provider
from acm_addon.recorder import Recorder
from acm_addon.routing import Directory
from acm_addon.server import discard_body, is_absolute_form
from acm_addon.tap import SWITCHING_PROTOCOLS, Arrival, Call
from acm_addon.tracked import Tracked

log = logger("watch")

_TRACKED = "acm"
_PROGRESS_EVERY_SECONDS = 2.0
_CLEAN_CLOSES = (1000, 1001, 1005)
"""Close codes (RFC 6455) of a websocket that came to its end."""


class Watch:
    """Follows flows on behalf of the addon."""

    def __init__(
        self,
        recorder: Recorder,
        admission: Admission,
        directory: Directory,
        budgets: BudgetCheck,
        limits: LimitKeeper,
    ) -> None:
        self._recorder = recorder
        self._admission = admission
        self._directory = directory
        self._budgets = budgets
        self._limits = limits
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

    def request_head(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """Route the request, and journal it before anything of it leaves.

        What is returned must be awaited before the request goes on, here as in ``request_end``.
        """
        return self._guarded(self._admit, flow)

    def _admit(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        if flow.error:
            return None
        request = flow.request
        # Inside a CONNECT the destination is fixed before any request; the gateway has none yet.
        forward = is_absolute_form(request) or flow.server_conn.address is not None
        if forward:
            provider = self._directory.of_address(
                request.host, request.port
            ) or self._directory.of_host(flow.client_conn.sni or "")
        elif request.path == PING_PATH:
            self._answer(flow, refusals.pong())
            return None
        visit = self._admission.visit(flow, forward=forward)
        if not forward:
            route = self._directory.route(request.path, request.headers, visit.payer.provider)
            if route is None:
                self._recorder.counters.unrouted += 1
                self._answer(flow, refusals.unroutable(request.path, self._directory))
                return None
            provider = route.provider
            send_to(request, route.origin, route.path)
        if provider is None:
            if self._admission.providers_only:
                self._answer(flow, self._admission.not_a_provider())
            else:
                request.stream = True
            return None
        entrance = Entrance.FORWARD if forward else Entrance.GATEWAY
        self._recorder.counters.invalid_tags += visit.tags.invalid
        # Before a proxy key is swapped for the provider's.
        credential = credential_of(request.headers.fields, request.path)
        refusal = self._admission.admit(visit, request, provider)
        self._track(flow, provider, entrance, visit.attribution)
        if refusal is None and visit.limited:
            refusal = self._judge_head(flow, visit)
        if refusal:
            self._refuse(flow, provider, refusal)
            return None
        held = self._hold_back(flow, provider, visit.attribution, credential)
        return None if held else self._check_head(flow)

    def _see_to_usage(self, flow: http.HTTPFlow, tracked: Tracked) -> None:
        """Hold the body of a stream that may have to be asked for its usage."""
        arrival = tracked.call.arrival
        wanted = self._admission.is_on(Switch.INCLUDE_USAGE, arrival.attribution.project)
        if wanted and usage_question.may_ask(flow.request, arrival.endpoint.name):
            flow.request.stream = False
            tracked.may_ask = True

    def _hold_back(
        self, flow: http.HTTPFlow, provider: Provider, payer: Attribution, credential: str | None
    ) -> bool:
        """Answer in the provider's place where it has said to wait, and its project heeds that."""
        tracked = _tracked(flow)
        if tracked is None:
            return False
        tracked.limit_key = self._limits.label(payer.key, credential)
        seconds = self._limits.seconds_to_wait(provider.name, tracked.limit_key)
        if seconds is None or not self._admission.is_on(Switch.GUARD, payer.project):
            return False
        self._turn_away(flow, refusals.rate_limited(seconds, provider), Reason.RATE_LIMITED)
        return True

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
        response = refusals.refused(refusal.status, refusal.code, provider)
        self._turn_away(flow, response, Reason.UNAUTHORIZED)

    def _turn_away(self, flow: http.HTTPFlow, response: http.Response, reason: Reason) -> None:
        flow.request.stream = False
        self._answer(flow, response)
        if _tracked(flow):
            self._end(flow, reason, refused=True)

    def _guarded(
        self, step: Callable[[http.HTTPFlow], Awaitable[None] | None], flow: http.HTTPFlow
    ) -> Awaitable[None] | None:
        try:
            return step(flow)
        except Exception as error:
            self._fail(flow, error)
            return None

    def _fail(self, flow: http.HTTPFlow, error: Exception) -> None:
        """A fault of ours. A call that has not left does not leave."""
        log.error("a fault before a call has left: %s", fault(error))
        if not ((tracked := _tracked(flow)) and tracked.head_sent):
            failed = refusals.refused(500, "internal_error", None)
            self._turn_away(flow, failed, Reason.INTERNAL_ERROR)

    def _check_head(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """Hold the body that hard budgets must judge; ask now where it is too large."""
        tracked = _tracked(flow)
        if tracked is None:
            return None
        self._see_to_usage(flow, tracked)
        if not self._budgets.concerns(tracked.call):
            return None
        headers = flow.request.headers
        length, chunked = headers.get("content-length"), "transfer-encoding" in headers
        if judgeable(length, encoded=False, chunked=chunked):
            flow.request.stream = False
            tracked.budgeted = True
            return None
        size = None if chunked or length is None or not length.isdecimal() else int(length)
        return self._heed(flow, tracked, self._budgets.of_size(tracked.call, tracked.record, size))

    def _heed(
        self, flow: http.HTTPFlow, tracked: Tracked, answer: Answer
    ) -> Awaitable[None] | None:
        if not isinstance(answer, Verdict):
            return self._wait_and_heed(flow, tracked, answer)
        if answer.decision is Decision.PASS:
            if tracked.budgeted:
                tracked.later(self._sent, tracked)
        else:
            response = refusals.over_budget(answer, tracked.call.arrival.provider, utc_now())
            self._turn_away(flow, response, Reason.BUDGET_EXCEEDED)
        return None

    async def _wait_and_heed(
        self, flow: http.HTTPFlow, tracked: Tracked, answer: Awaitable[Verdict]
    ) -> None:
        try:
            verdict = await answer
            if flow.client_conn.connected:
                self._heed(flow, tracked, verdict)
            else:
                gone = refusals.refused(500, "client_left", None)
                self._turn_away(flow, gone, Reason.CLIENT_LEFT)
        except Exception as error:
            self._fail(flow, error)

    def _answer(self, flow: http.HTTPFlow, response: http.Response) -> None:
        discard_body(flow.request)
        if flow.request.method == "HEAD":
            response.content = b""
        flow.response = response

    def _track(
        self, flow: http.HTTPFlow, provider: Provider, entrance: Entrance, payer: Attribution
    ) -> None:
        request = flow.request
        head = head_of(request)
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
        request.stream = tracked.request_tap

    def request_end(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """The request body is complete: what it asks for is known."""
        return self._guarded(self._take_body, flow)

    def _take_body(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        """Judge, change, and read what of the body was held."""
        tracked = _tracked(flow)
        if tracked is None:
            return None
        body = flow.request.raw_content or b""
        if tracked.verdict and (refusal := tracked.verdict(body)):
            tracked.read_later(tracked.call.request_data, body)
            self._refuse(flow, tracked.call.arrival.provider, refusal)
            return None
        if tracked.may_ask:
            tracked.stripper = usage_question.ask(flow.request)
        if tracked.budgeted:
            answer = self._budgets.of_body(tracked.call, tracked.record, body)
            return self._heed(flow, tracked, answer)
        if tracked.verdict or tracked.may_ask:
            tracked.read_later(tracked.call.request_data, body)
        tracked.later(self._sent, tracked)
        return None

    def _sent(self, tracked: Tracked) -> None:
        self._recorder.sent(tracked.record, tracked.sent())

    def response_head(self, flow: http.HTTPFlow) -> None:
        """Stream every body. One that is tapped is copied as it passes."""
        response = flow.response
        assert response is not None
        if 100 <= response.status_code < 200 and response.status_code != SWITCHING_PROTOCOLS:
            flow.kill()  # The engine takes it for the answer; the client would wait for another.
            return
        tracked = _tracked(flow)
        if tracked is None:
            response.stream = response.raw_content is None
            return
        tracked.head_sent = True
        tap, stripper = self._response_tap(tracked), tracked.stripper
        response.stream = (
            usage_question.without_answer(response, stripper, tap) if stripper else tap
        )
        headers = plain(response.headers)
        tracked.later(tracked.call.response_started, response.status_code, headers)
        provider = tracked.call.arrival.provider.name
        tracked.later(self._limits.note, provider, tracked.limit_key, response.status_code, headers)

    def _response_tap(self, tracked: Tracked) -> Callable[[bytes], bytes]:
        """As ``Tracked.request_tap``."""

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
        self._recorder.progress(tracked.record, tracked.progress())

    def response_end(self, flow: http.HTTPFlow) -> None:
        """The response has passed, to its end as the provider sent it."""
        if (tracked := _tracked(flow)) and not (tracked.websocket and flow.websocket):
            self._end(flow, None)

    def broken_off(self, flow: http.HTTPFlow) -> None:
        """One side went away, or never was there."""
        if _tracked(flow):
            self._end(flow, who_left(flow))

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
            self._end(flow, None if clean else who_left(flow))

    def _end(self, flow: http.HTTPFlow, failure: Reason | None, *, refused: bool = False) -> None:
        tracked: Tracked = flow.metadata.pop(_TRACKED)
        left = not refused and (tracked.head_sent or connected(flow))
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


def _tracked(flow: http.HTTPFlow) -> Tracked | None:
    tracked: Tracked | None = flow.metadata.get(_TRACKED)
    return tracked

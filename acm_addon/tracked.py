"""A call on its way through the proxy, and the work that waits until its bytes have passed."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from acm_addon.gatekeeper import Refusal
from acm_addon.include_usage import UsageStripper
from acm_addon.journal import OpenCall, Progress, Sent
from acm_addon.logs import fault, logger
from acm_addon.tap import Call

log = logger("watch")

MAX_WAITING = 8 * 1024 * 1024
"""Bytes of one call that may wait to be read; of a call that brings more the rest is not read."""


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
        self.limit_key = ""
        """What its key is called where rate limits are kept."""
        self.may_ask = False
        """Whether the body is held because its stream may have to be asked for its usage."""
        self.stripper: UsageStripper | None = None
        """Takes the answer out of the stream, where it was asked."""
        self.budgeted = False
        """Whether hard budgets judge the body, which is held until then."""
        self._queue: deque[tuple[Callable[..., Iterator[None] | None], tuple[Any, ...], int]]
        self._queue = deque()
        self._waiting = 0
        self._current: Iterator[None] | None = None

    def request_tap(self, data: bytes) -> bytes:
        """Passes every byte on unchanged, and keeps a copy to look at."""
        if data:
            self.head_sent = True
            self.read_later(self.call.request_data, data)
        return data

    def sent(self) -> Sent:
        """The request is complete: what the journal is told of it."""
        facts = self.call.request_done()
        return Sent(
            model=self.call.requested_model,
            stream=facts.stream,
            input_tokens_estimate=facts.input_tokens_estimate,
            max_output_tokens=facts.max_output_tokens,
            price_context=facts.price_context,
        )

    def progress(self) -> Progress:
        """What the journal is told of an answer that is on its way."""
        reported = self.call.reported_so_far
        return Progress(
            self.call.output_tokens_so_far,
            self.call.received_bytes,
            reported.quantities,
            reported.model,
        )

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

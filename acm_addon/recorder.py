"""Between a call's end and the journal: usage becomes cost, and the row is written.

Traffic comes first: a write that fails is counted as an unmetered call and said in the log, and the
call goes on.
"""

import asyncio
import json
import os
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from acm_addon.booking import book
from acm_addon.counters import Counters
from acm_addon.drain_process import DrainProcess
from acm_addon.estimate import estimated_usage
from acm_addon.home import Home
from acm_addon.journal import Begin, Journal, OpenCall, Progress, Sent
from acm_addon.logs import fault, logger
from acm_addon.model import Entry, Usage
from acm_addon.pending import PendingCalls
from acm_addon.price_schedule import PriceSchedule
from acm_addon.prices_in_use import PricesInUse
from acm_addon.pricing import PriceTable
from acm_addon.settlement import Link
from acm_addon.tap import Arrival, Outcome, Result
from acm_addon.tokens import Estimator
from acm_addon.whole_file import replace_file

log = logger("recorder")

_COUNTERS_EVERY_SECONDS = 1.0
_MAX_UNWRITTEN = 10_000
"""Records that wait for room on the disk. Beyond that the oldest is given up."""


class Recorder:
    """Owns the journal, the drain, and the tokenizer. Its methods never raise into traffic."""

    def __init__(self, home: Home) -> None:
        self.counters = Counters()
        self._prices = PricesInUse(home)
        self._price_schedule = PriceSchedule(home)
        self._journal = Journal(home.journal)
        self._drain = DrainProcess()
        self._estimator = Estimator()
        self._pending = PendingCalls()
        self._estimates: set[asyncio.Task[None]] = set()
        self._unwritten: deque[Callable[[], None]] = deque()
        self._counters_path = home.run / "counters.json"
        self._counters_task: asyncio.Task[None] | None = None
        self.when_booked: Callable[[Entry], None] = lambda _: None
        """Told of each row as soon as it is journalled, or waits to be."""

    def table(self) -> PriceTable:
        """The prices in use now."""
        return self._prices.table

    def start(self) -> None:
        """Begin to move records to the ledger. Called with the event loop running."""
        self._drain.start()
        self._counters_task = asyncio.create_task(self._publish_counters())

    async def close(self) -> None:
        """Write what is still being estimated, and move everything to the ledger."""
        if self._estimates:
            await asyncio.wait(self._estimates)
        self._estimator.close()
        self._write_waiting()
        self.counters.unmetered += len(self._unwritten)
        if self._counters_task:
            self._counters_task.cancel()
            _publish(self._counters_path, json.dumps(asdict(self.counters)))
        self._journal.close()
        await self._price_schedule.stop()
        await self._drain.stop()

    def begin(self, arrival: Arrival) -> OpenCall | None:
        """Journal a call before anything of it leaves. None when that failed."""
        self.counters.calls += 1
        begin = Begin(
            id=arrival.id,
            time=arrival.time,
            entrance=arrival.entrance,
            provider=arrival.provider.name,
            price_provider=arrival.price_provider,
            endpoint=arrival.endpoint.name,
            upstream=arrival.upstream,
            attribution=arrival.attribution,
        )
        return self._write(lambda: self._journal.begin(begin))

    def sent(self, record: OpenCall | None, sent: Sent) -> None:
        if record is not None:
            self._write(lambda: record.sent(sent), counts=False)

    def progress(self, record: OpenCall | None, progress: Progress) -> None:
        if record is not None:
            self._write(lambda: record.progress(progress), counts=False)

    def finish(self, record: OpenCall | None, outcome: Outcome) -> None:
        """Price and record a call that is over."""
        self._pending.note(outcome.exchange)
        if record is None:
            return
        if outcome.texts is None:
            self._book(record, outcome, outcome.usage)
        else:
            task = asyncio.get_running_loop().create_task(self._estimate(record, outcome))
            self._estimates.add(task)
            task.add_done_callback(self._estimates.discard)

    def result(self, result: Result) -> None:
        """Record what a look at earlier work's result showed."""
        for link in result.links:
            self.link(result.provider, link, result.object_id)
        if (settles := result.settles) is not None:
            exchange = self._pending.complete(settles.exchange)
            table, provider = self._prices.table, settles.price_provider
            self.settle(book(exchange, settles.usage, table, provider))

    def settle(self, entry: Entry) -> None:
        """Record what asynchronous work consumed: the whole row, priced, with its object id.

        It completes the pending row of (provider, object id), once, however often it is recorded;
        without one it is a row of its own, for which ``settlement_id`` has the id.
        """
        self._write_or_wait(partial(self._journal.settle, entry))

    def link(self, provider: str, object_id: str, to: str) -> None:
        """Record that an object is the result of another, such as a file of a batch ``to``.

        A settlement of the first is one of the second, whichever is recorded first.
        """
        self._write_or_wait(partial(self._journal.link, Link(provider, object_id, to)))

    async def _estimate(self, record: OpenCall, outcome: Outcome) -> None:
        """Count what the provider did not report, away from the event loop."""
        try:
            usage = await self._estimator.run(estimated_usage, outcome)
        except Exception as error:
            log.error("could not estimate usage: %s", fault(error))
            usage = outcome.usage
        self._book(record, outcome, usage)

    def _book(self, record: OpenCall, outcome: Outcome, usage: Usage) -> None:
        entry = book(outcome.exchange, usage, self._prices.table, outcome.price_provider)
        self._write_or_wait(partial(record.end, entry))
        self.when_booked(entry)
        log.debug(
            "%s %s %s %s in %s ms",
            entry.id,
            entry.provider,
            entry.endpoint,
            entry.status,
            entry.latency_ms,
        )

    def _write_or_wait(self, write: Callable[[], None]) -> None:
        self._unwritten.append(write)
        self._write_waiting()
        self._drain.wake()

    def _write_waiting(self) -> None:
        """Journal what is finished, in order. Where the disk is full it waits for room."""
        while self._unwritten:
            try:
                self._unwritten[0]()
            except OSError as error:
                self._complain(error)
                if len(self._unwritten) > _MAX_UNWRITTEN:
                    self._unwritten.popleft()
                    self.counters.unmetered += 1
                return
            except ValueError as error:
                # A row that cannot be written must not stand before all others.
                log.error("could not journal a row: %s", fault(error))
                self.counters.unmetered += 1
            self._unwritten.popleft()

    def _write[T](self, write: Callable[[], T], counts: bool = True) -> T | None:
        try:
            return write()
        except OSError as error:
            if counts:
                self.counters.unmetered += 1
            self._complain(error)
            return None

    def _complain(self, error: OSError) -> None:
        log.error("could not write to the journal: %s", os.strerror(error.errno or 0))

    async def _publish_counters(self) -> None:
        published = ""
        while True:
            current = json.dumps(asdict(self.counters))
            if current != published:
                await asyncio.to_thread(_publish, self._counters_path, current)
                published = current
            self._write_waiting()
            await self._prices.follow()
            self._price_schedule.look()
            await asyncio.sleep(_COUNTERS_EVERY_SECONDS)


def _publish(path: Path, text: str) -> None:
    try:
        replace_file(path, text.encode())
    except OSError as error:
        log.warning("could not write the counters: %s", os.strerror(error.errno or 0))

"""Bodies of any size, read as they pass: what all providers' readers have in common.

A reader holds a bounded part of the body, answers at any moment, and never raises. Events of a
stream are not parsed as they come: a reader keeps the few raw payloads that matter (the first, the
last with usage, the end) and parses them when it is asked.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar

from acm_addon.json_fields import JsonFields, parse
from acm_addon.json_paths import Path
from acm_addon.model import ModelUsage, Quantities, Reason, UsageSource
from acm_addon.providers.base import RequestFacts, ResponseFacts, ResponseHead, ResponseReader
from acm_addon.providers.prompt_reader import read_prompt
from acm_addon.providers.prompts import Answer, Prompt
from acm_addon.providers.texts import GeneratedText, TextKeys
from acm_addon.sse import Event, SseParser

MAX_REQUEST_COPY = 8 * 1024 * 1024
"""Bytes of a request body that are held for a tokenizer; a longer body is not held at all."""

_BYTES_PER_TOKEN = 4
_SSE_STARTS = b"deir:"
"""First bytes of a stream: data, event, id, retry, or a comment."""


class JsonRequestReader:
    """Reads the wanted fields of a JSON request body."""

    def __init__(
        self, wanted: tuple[Path, ...], interpret: Callable[[JsonFields], RequestFacts]
    ) -> None:
        self._fields = JsonFields(wanted)
        self._interpret = interpret
        self._copy: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> None:
        self._fields.feed(data)
        self._size += len(data)
        if self._size <= MAX_REQUEST_COPY:
            self._copy.append(data)
        else:
            self._copy.clear()

    def facts(self) -> RequestFacts:
        return replace(
            self._interpret(self._fields),
            input_tokens_estimate=self._size // _BYTES_PER_TOKEN if self._size else None,
        )

    def input_text(self) -> Prompt:
        return read_prompt(b"".join(self._copy))


@dataclass(frozen=True, slots=True)
class Reading:
    """What one document says: a JSON body, or the events of a stream put together."""

    model: str | None = None
    object_id: str | None = None
    tier: str | None = None
    region: str | None = None
    quantities: Quantities = field(default_factory=dict)
    source: UsageSource = UsageSource.REPORTED
    """Of the quantities, where there are any."""
    bad: bool = False
    """Some number was not one, or the numbers contradict each other."""
    output_missing: bool = False
    provider_cost: int | None = None
    price_context: Mapping[str, str] = field(default_factory=dict)
    finished: bool = True
    """False where the document says that it is not the end."""
    failed: bool = False
    pending: bool = False
    others: tuple[ModelUsage, ...] = ()
    created: datetime | None = None
    links: tuple[str, ...] = ()


class ResponseBody(ABC):
    """Reads a response body as JSON or as server-sent events, whichever it turns out to be."""

    WANTED: ClassVar[tuple[Path, ...]]
    """What to capture of a JSON body."""
    DOCUMENT_TEXT: ClassVar[TextKeys | None] = None
    """Where generated text is in a JSON body; None where there is none."""
    STREAM_TEXT: ClassVar[TextKeys | None] = None
    """Where generated text is in the events of a stream."""

    def __init__(self, request: RequestFacts, head: ResponseHead) -> None:
        self._request = request
        self._failed_status = head.status >= 300
        self._event_stream = head.content_type.strip().lower().startswith("text/event-stream")
        self._fields: JsonFields | None = None
        self._sse: SseParser | None = None
        self._text: GeneratedText | None = None

    @abstractmethod
    def _notice(self, event: Event) -> bool:
        """Keep what matters of an event. True where the event holds no text worth keeping.

        Noticing an event twice must change nothing.
        """

    @abstractmethod
    def _read_document(self, fields: JsonFields) -> Reading: ...

    @abstractmethod
    def _read_stream(self) -> Reading: ...

    def feed(self, data: bytes) -> None:
        if self._sse is not None:
            self._feed_stream(self._sse, data)
        elif self._fields is not None:
            self._feed_document(self._fields, data)
        else:
            self._choose(data)

    def facts(self) -> ResponseFacts:
        reading, closed, unreadable = self._reading()
        quantities, source = reading.quantities, reading.source
        failed = reading.failed or self._failed_status
        finished = closed and reading.finished
        derived = not quantities and not failed and bool(self._request.derived)
        if derived:
            quantities, source = self._request.derived, self._request.derived_source
        elif not quantities:
            source = UsageSource.NONE
        reason = None
        if reading.bad:
            reason = Reason.BAD_USAGE
        elif not quantities:
            reason = _why_nothing(failed, unreadable, finished)
        return ResponseFacts(
            model=reading.model,
            object_id=reading.object_id,
            tier=reading.tier,
            region=reading.region,
            quantities=quantities,
            usage_source=source,
            provider_cost=reading.provider_cost,
            price_context=reading.price_context,
            output_missing=reading.output_missing and not derived,
            finished=finished,
            failed=failed,
            pending=reading.pending,
            others=reading.others,
            created=reading.created,
            links=reading.links,
            reason=reason,
        )

    def output_text(self) -> Answer:
        return self._text.answer() if self._text is not None else Answer()

    def output_tokens_so_far(self) -> int:
        return self._text.tokens() if self._text is not None else 0

    def _reading(self) -> tuple[Reading, bool, bool]:
        """What is known, whether the body is closed, and whether part of it could not be read."""
        if self._fields is not None:
            fields = self._fields
            return (
                self._read_document(fields),
                fields.closed,
                fields.malformed or fields.truncated,
            )
        if self._sse is None:
            return Reading(finished=False), False, False
        last = self._sse.pending()
        if last is not None and (last.data == b"[DONE]" or isinstance(parse(last.data), dict)):
            self._notice(last)
        return self._read_stream(), True, self._sse.dropped > 0

    def _choose(self, data: bytes) -> None:
        """JSON or events: the first byte that is not blank says, the content type if in doubt."""
        start = data.lstrip(b" \t\r\n")
        if not start:
            return
        first = start[:1]
        if first not in b"{[" and (self._event_stream or first in _SSE_STARTS):
            self._sse = SseParser()
            if self.STREAM_TEXT:
                self._text = GeneratedText(self.STREAM_TEXT, events=True)
            self._feed_stream(self._sse, start)
        else:
            self._fields = JsonFields(self.WANTED)
            if self.DOCUMENT_TEXT:
                self._text = GeneratedText(self.DOCUMENT_TEXT, events=False)
            self._feed_document(self._fields, start)

    def _feed_stream(self, sse: SseParser, data: bytes) -> None:
        for event in sse.feed(data):
            if not self._notice(event) and self._text is not None:
                self._text.add(event.data)

    def _feed_document(self, fields: JsonFields, data: bytes) -> None:
        fields.feed(data)
        if self._text is not None:
            self._text.add(data)


class JsonBody(ResponseBody):
    """An answer that is one JSON document. Events, should any come, say nothing."""

    def _notice(self, event: Event) -> bool:  # noqa: ARG002
        return True

    def _read_stream(self) -> Reading:
        return Reading(finished=False)


@dataclass(frozen=True, slots=True)
class Amended:
    """A reader of the vendor's, and what is otherwise where somebody else serves the model."""

    reader: ResponseReader
    amend: Callable[[ResponseFacts], ResponseFacts]

    def feed(self, data: bytes) -> None:
        self.reader.feed(data)

    def facts(self) -> ResponseFacts:
        return self.amend(self.reader.facts())

    def output_text(self) -> Answer:
        return self.reader.output_text()

    def output_tokens_so_far(self) -> int:
        return self.reader.output_tokens_so_far()


def _why_nothing(failed: bool, unreadable: bool, finished: bool) -> Reason | None:
    if failed:
        return Reason.PROVIDER_ERROR
    if unreadable:
        return Reason.UNREADABLE_BODY
    return Reason.NO_USAGE if finished else None

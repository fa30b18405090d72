"""Cohere.

- What is billed is ``billed_units``, and not ``tokens``, which also counts the preamble and the
  template that Cohere puts around a prompt. ``cached_tokens`` is a part of those, mostly of that
  preamble, and larger than the billed input at times: no part of what is billed.
- Reasoning is inside the billed output.
- Streams have usage in their last event: ``message-end`` of v2, ``stream-end`` of v1, which sends
  JSON lines.
- Images of embeddings are counted apart (``image_tokens``), and added to the input; of a chat's
  they are inside it already.
- Billed besides tokens: rerank by search units (but for the models that report tokens),
  classifications. Connectors of v1 are searched for free.
- Transcriptions are billed by the hour, and their answers say nothing.
- Batches say what they consumed when they are done, and embedding jobs too.
- Credential: ``Authorization: Bearer``. Gateway and forward entrance both work.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from acm_addon.json_fields import JsonFields, parse
from acm_addon.json_paths import Path
from acm_addon.providers import openai_elsewhere
from acm_addon.providers.base import (
    BATCH,
    MANAGE,
    WEBSOCKET,
    Access,
    Billing,
    Endpoint,
    Origin,
    RequestFacts,
    RequestHead,
    RequestReader,
    ResponseHead,
    ResponseReader,
    WithoutWebSockets,
)
from acm_addon.providers.body import JsonRequestReader, Reading, ResponseBody
from acm_addon.providers.openai_requests import generation_request
from acm_addon.providers.tally import Tally, mapping, moment, name
from acm_addon.providers.texts import TextKeys
from acm_addon.providers.uploads import highest
from acm_addon.sse import Event

_PATH = re.compile(r"/v[12](/.*)")
_COMPATIBLE = re.compile(r"/compatibility/v1(/.*)")
_METERED = {
    "/chat": "chat",
    "/generate": "generate",
    "/summarize": "summarize",
    "/embed": "embed",
    "/rerank": "rerank",
    "/classify": "classify",
}
_FREE = re.compile(
    r"/(?:tokenize|detokenize|check-api-key|datasets(?:/.*)?|models(?:/.*)?|connectors(?:/.*)?"
    r"|embed-jobs/[^/]+/cancel|batches/[^/]+:cancel)"
)
_UNREAD = re.compile(r"/(audio/transcriptions|finetuning|parse)(?:/.*)?")
_JOBS = "embed-jobs"
_JOB = re.compile(rf"/v1/{_JOBS}/([^/]+)")
_BATCHES = "batches"
_BATCH = re.compile(rf"/v2/{_BATCHES}/([^/:]+)")
_BATCH_ENDS = tuple(f"BATCH_STATUS_{end}" for end in ("COMPLETED", "FAILED", "CANCELED"))
_JOB_ENDS = ("complete", "failed", "cancelled")
_GENERATING = ("chat", "generate", "summarize")

_REQUEST: tuple[Path, ...] = (("model",), ("stream",), ("max_tokens",), ("num_generations",))
_UNITS = {
    "search_units": "rerank_searches",
    "classifications": "classifications",
    "images": "input_images",
}
_ENDS = (b'"message-end"', b'"stream-end"')


def tally_units(usage: Mapping[str, object], *, embedding: bool = False) -> Tally:
    """Quantities of a ``usage`` (v2) or ``meta`` (v1): what is billed."""
    tally = Tally()
    billed = mapping(usage.get("billed_units"))
    pictures = tally.count(billed.get("image_tokens"))
    tokens = tally.count(billed.get("input_tokens"))
    if tokens is not None or pictures is not None:
        tally.put("input_tokens", (tokens or 0) + (pictures or 0 if embedding else 0))
    tally.put("output_tokens", billed.get("output_tokens"))
    tally.put("input_image_tokens", pictures)
    for key, unit in _UNITS.items():
        tally.put(unit, billed.get(key))
    reasoning = tally.count(mapping(usage.get("tokens")).get("reasoning_tokens"))
    if reasoning is not None and reasoning <= tally.quantities.get("output_tokens", -1):
        tally.put("output_reasoning_tokens", reasoning)
    return tally


class CohereBody(ResponseBody):
    """Every answer of v1 and v2. Streams are events, or the JSON lines of v1's chat."""

    WANTED: ClassVar[tuple[Path, ...]] = (
        ("id",),
        ("generation_id",),
        ("usage",),
        ("meta",),
        ("event_type",),
        ("finish_reason",),
        ("response", "meta"),
        ("response", "generation_id"),
    )
    # The last line of v1's stream repeats the whole answer, and the conversation before it.
    DOCUMENT_TEXT: ClassVar[TextKeys | None] = TextKeys(
        ("text", "thinking", "tool_plan", "name", "arguments"),
        foreign=("chat_history", "citations", "documents", "response", "search_results"),
    )
    STREAM_TEXT: ClassVar[TextKeys | None] = DOCUMENT_TEXT
    _HAS_OUTPUT = True

    _first: bytes | None = None
    _last: bytes | None = None

    def _notice(self, event: Event) -> bool:
        self._first = self._first or event.data
        if any(end in event.data for end in _ENDS):
            self._last = event.data
            return True
        return False

    def _read_document(self, fields: JsonFields) -> Reading:
        # Of JSON lines the last one counts; only it is an end.
        kind = fields.value("event_type")
        usage = (fields.value(*path) for path in (("usage",), ("meta",), ("response", "meta")))
        return self._read(
            next((mapping(each) for each in usage if each), {}),
            fields.value("id") or fields.value("generation_id"),
            finished=kind in (None, "stream-end"),
            failed=kind is not None and fields.value("finish_reason") == "ERROR",
        )

    def _read_stream(self) -> Reading:
        first = mapping(parse(self._first)) if self._first else {}
        last = mapping(parse(self._last)) if self._last else {}
        delta = mapping(last.get("delta"))
        usage = mapping(delta.get("usage")) or mapping(mapping(last.get("response")).get("meta"))
        ending = delta.get("finish_reason") or last.get("finish_reason")
        return self._read(
            usage,
            first.get("id") or first.get("generation_id"),
            finished=bool(last),
            failed=ending == "ERROR",
        )

    def _read(
        self, usage: Mapping[str, object], object_id: object, *, finished: bool, failed: bool
    ) -> Reading:
        tally = tally_units(usage, embedding=not self._HAS_OUTPUT)
        return Reading(
            object_id=name(object_id),
            quantities=tally.quantities,
            bad=tally.bad,
            output_missing=self._HAS_OUTPUT and "output_tokens" not in tally.quantities,
            finished=finished,
            # What an answer that broke off reports is billed all the same.
            failed=failed and not tally.quantities,
        )


class UnitsBody(CohereBody):
    """Embeddings, rankings, classes: nothing is generated."""

    DOCUMENT_TEXT = None
    STREAM_TEXT = None
    _HAS_OUTPUT = False


class JobBody(UnitsBody):
    """An embedding job, when it begins and when one looks at it."""

    WANTED = (("job_id",), ("status",), ("created_at",), ("meta",))

    def _read_document(self, fields: JsonFields) -> Reading:
        meta = mapping(fields.value("meta"))
        return replace(
            self._read(meta, fields.value("job_id"), finished=True, failed=False),
            pending=fields.value("status") not in _JOB_ENDS,
            created=moment(fields.value("created_at")),
        )


class BatchBody(UnitsBody):
    """A batch, when it begins and when one looks at it: counts are texts of digits."""

    WANTED = (("batch",),)

    def _read_document(self, fields: JsonFields) -> Reading:
        batch = mapping(fields.value("batch"))
        ended = batch.get("status") in _BATCH_ENDS
        tally = Tally()
        for unit in ("input_tokens", "output_tokens"):
            if ended:
                tally.put(unit, _digits(batch.get(unit)))
        return Reading(
            model=name(batch.get("model")),
            object_id=name(batch.get("id")),
            quantities=tally.quantities,
            bad=tally.bad,
            price_context=BATCH,
            pending=not ended,
            created=moment(batch.get("created_at")),
        )


def _digits(value: object) -> object:
    """The number that a text of digits is; anything else as it came."""
    is_number = isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value)
    return int(str(value)) if is_number else value


_ORIGIN = Origin("api.cohere.com")
_ACCESS = Access(
    endpoints=(
        *_METERED.values(),
        *openai_elsewhere.METERED_PATHS.values(),
        *(_JOBS, _BATCHES),
    ),
    notes="Transcriptions are recorded without a price: no answer states a length.",
)


@dataclass(frozen=True, slots=True)
class Cohere(WithoutWebSockets):
    name: str = "cohere"
    hosts: tuple[str, ...] = (_ORIGIN.host, "api.cohere.ai")
    price_provider: str = "cohere"
    origin: Origin | None = _ORIGIN
    access: Access = _ACCESS

    def classify(self, head: RequestHead) -> Endpoint:
        path = head.path.rstrip("/")
        if head.websocket:
            return WEBSOCKET
        if compatible := _COMPATIBLE.fullmatch(path):
            return openai_elsewhere.classify(head, compatible[1], _FREE)
        if head.method == "GET" and (job := _JOB.fullmatch(path)):
            return Endpoint(_JOBS, Billing.RESULT, object_id=job[1])
        if head.method == "GET" and (batch := _BATCH.fullmatch(path)):
            return Endpoint(_BATCHES, Billing.RESULT, object_id=batch[1])
        if head.method != "POST":
            return MANAGE
        versioned = _PATH.fullmatch(path)
        return _created(versioned[1] if versioned else path)

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader:  # noqa: ARG002
        if endpoint.name in (*_METERED.values(), _JOBS, _BATCHES):
            return JsonRequestReader(_REQUEST, _request)
        return generation_request()

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        if endpoint.name == _JOBS:
            return JobBody(request, head)
        if endpoint.name == _BATCHES:
            return BatchBody(request, head)
        if endpoint.name not in _METERED.values():
            return openai_elsewhere.response_reader(endpoint, request, head)
        return (CohereBody if endpoint.name in _GENERATING else UnitsBody)(request, head)

    def error_body(self, status: int, code: str, message: str) -> bytes:  # noqa: ARG002
        """``{"message"}``; our code is in the headers alone."""
        return json.dumps({"message": message}).encode()


COHERE = Cohere()


def _created(path: str) -> Endpoint:
    if path in _METERED:
        return Endpoint(_METERED[path])
    if path == f"/{_JOBS}":
        return Endpoint(_JOBS, Billing.PENDING)
    if path == f"/{_BATCHES}":
        return Endpoint(_BATCHES, Billing.PENDING)
    if _FREE.fullmatch(path):
        return MANAGE
    known = _UNREAD.fullmatch(path)
    return Endpoint(known[1].replace("/", ".") if known else "other", Billing.UNKNOWN)


def _request(fields: JsonFields) -> RequestFacts:
    return RequestFacts(
        model=name(fields.value("model")),
        stream=fields.value("stream") is True,
        max_output_tokens=highest(fields, ("max_tokens",)),
        choices=highest(fields, ("num_generations",)) or 1,
    )

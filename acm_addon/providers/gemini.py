"""Gemini API (generativelanguage.googleapis.com).

- Cached input is inside input; what tools feed back is outside, and is added.
- Reasoning is OUTSIDE ``candidatesTokenCount``, and is added. The OpenAI-compatible paths leave it
  out of ``completion_tokens`` too, where total minus prompt finds it.
- Streams (events with ``alt=sse``, else one JSON array) carry ``usageMetadata`` in every chunk,
  cumulative: the one beside the ``finishReason`` wins, which ends the stream though no event says
  so; in a stream that was cut, the largest does.
- Billed besides tokens: Google searches and prompts grounded in maps, pictures, videos, and cached
  content by the hour. What indexing the files of a search store costs is in no response.
- Batches and videos are PENDING until their result passes by: see ``gemini_results``.
- Credential: ``x-goog-api-key`` or the query (``?key=``). Gateway and forward entrance both work.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar
from urllib.parse import unquote

from acm_addon.json_fields import ANY, JsonFields, parse
from acm_addon.providers import openai
from acm_addon.providers.base import (
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
    WebSocketReader,
)
from acm_addon.providers.body import JsonRequestReader, Reading, ResponseBody
from acm_addon.providers.gemini_interactions import InteractionBody, interaction_request
from acm_addon.providers.gemini_live import LiveReader
from acm_addon.providers.gemini_results import (
    BatchBody,
    CachedContentBody,
    OperationBody,
    PredictBody,
    answers_file,
)
from acm_addon.providers.gemini_usage import MAPS, tally_grounding, tally_usage
from acm_addon.providers.tally import Tally, mapping, name
from acm_addon.providers.texts import TextKeys
from acm_addon.sse import Event

_MODEL_CALL = re.compile(r"/v1[a-z0-9]*/((?:models|tunedModels|dynamic)/[^/:]+):(\w+)")
_OPENAI_PREFIX = re.compile(r"/v1[a-z0-9]*/openai(?=/)")
_FREE = re.compile(
    r"(?:/upload)?/v1[a-z0-9]*/(?:files(?:/.*)?|files:register|batches/[^/]+:(?:cancel|delete)"
    r"|interactions/[^/]+/cancel|fileSearchStores|auth_tokens|tunedModels/[^/:]+/permissions|tunedModels/[^/:]+:transferOwnership"
    r"|corpora(?:/.*)?)"
)
_KNOWN_UNREAD = re.compile(
    r"(?:/upload)?/v1[a-z0-9]*/(cachedContents|fileSearchStores|interactions)(?:/.*)?"
)
"""To keep cached content for longer costs more, and files of a search store cost the tokens that
are embedded."""
_CREATED = re.compile(r"/v1[a-z0-9]*/(cachedContents|interactions)")
_RESULTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(path), name)
    for path, name in (
        (r"/v1[a-z0-9]*/interactions/([^/]+)", "interactions"),
        (r"/v1[a-z0-9]*/(batches/[^/:]+)", "batchGenerateContent"),
        (r"/v1[a-z0-9]*/((?:models|tunedModels)/[^/]+/operations/[^/:]+)", "predictLongRunning"),
    )
)
"""Where the result of earlier work is shown, and what of the path names the work."""
_DOWNLOAD = re.compile(r"(?:/download)?/v1[a-z0-9]*/(files/[^/:]+):download")
"""Of any file, and so of a batch's answers."""
_LIVE = ("BidiGenerateContent", "BidiGenerateContentConstrained")
_METERED_METHODS = (
    "generateContent",
    "streamGenerateContent",
    "embedContent",
    "batchEmbedContents",
    "predict",
)
_FREE_METHODS = ("countTokens", "countMessageTokens", "countTextTokens")
_PENDING_METHODS = ("batchGenerateContent", "asyncBatchEmbedContent", "predictLongRunning")
_UNREAD_METHODS = ("generateAnswer",)

_REQUEST = (
    ("generationConfig", "maxOutputTokens"),
    ("generationConfig", "candidateCount"),
    ("generation_config", "max_output_tokens"),
    ("serviceTier",),
    ("service_tier",),
)
_TIERS: Mapping[object, str] = {
    "ON_DEMAND": "standard",
    "ON_DEMAND_PRIORITY": "priority",
    "ON_DEMAND_FLEX": "flex",
    "PROVISIONED_THROUGHPUT": "provisioned",
    1: "standard",
    2: "provisioned",
}
_TOTAL = re.compile(rb'"totalTokenCount"\s*+:\s*+(\d{1,15})')
_FINISH = re.compile(rb'"(?:finishReason|blockReason)"\s*+:\s*+["1-9]')
_ERROR = re.compile(rb'"error"\s*+:\s*+\{')
_MAPS = re.compile(rb'"maps"\s*+:\s*+\{\s*+"')
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_MAX_QUERIES = 1000
"""Searches of one stream that are told apart."""

_DOCUMENT = (
    ("modelVersion",),
    ("responseId",),
    ("usageMetadata",),
    ("error",),
    ("promptFeedback", "blockReason"),
    ("candidates", ANY, "finishReason"),
    ("candidates", ANY, "groundingMetadata", "webSearchQueries"),
    ("candidates", ANY, "groundingMetadata", "groundingChunks", ANY, "maps", "uri"),
)


class GenerateBody(ResponseBody):
    # Without alt=sse, a stream is a JSON array of such documents.
    WANTED = (*_DOCUMENT, *((ANY, *path) for path in _DOCUMENT))
    DOCUMENT_TEXT: ClassVar[TextKeys | None] = TextKeys(
        ("text", "name", "code"), objects=("args",), foreign=("groundingMetadata",)
    )
    STREAM_TEXT: ClassVar[TextKeys | None] = DOCUMENT_TEXT
    _HAS_OUTPUT = True

    def __init__(self, request: RequestFacts, head: ResponseHead) -> None:
        super().__init__(request, head)
        self._usage: bytes | None = None
        self._total = -1
        self._ended = False
        self._failed = False
        self._queries: set[str] = set()
        self._grounded = False
        self._mapped = False

    def _notice(self, event: Event) -> bool:
        data = event.data
        ends = _FINISH.search(data) is not None
        self._ended = self._ended or ends
        if b'"usageMetadata"' in data:
            match = _TOTAL.search(data, data.rfind(b'"usageMetadata"'))
            total = int(match[1]) if match else 0
            if ends or total >= self._total:
                self._total, self._usage = total, data
        self._mapped = self._mapped or (b'"maps"' in data and _MAPS.search(data) is not None)
        if b'"groundingMetadata"' in data:
            self._notice_grounding(mapping(parse(data)))
        if b'"error"' in data and _ERROR.search(data):
            self._failed = self._failed or bool(mapping(parse(data)).get("error"))
        return False

    def _notice_grounding(self, chunk: Mapping[str, object]) -> None:
        candidates = chunk.get("candidates")
        for candidate in candidates if isinstance(candidates, list) else ():
            metadata = mapping(mapping(candidate).get("groundingMetadata"))
            queries = metadata.get("webSearchQueries")
            if queries and len(self._queries) < _MAX_QUERIES:
                self._grounded = True
                self._queries.update(_texts([queries]))

    def _read_stream(self) -> Reading:
        return self._read(
            mapping(parse(self._usage)) if self._usage else {},
            self._queries,
            mapped=self._mapped,
            finished=self._ended,
            failed=self._failed,
        )

    def _read_document(self, fields: JsonFields) -> Reading:
        in_array = list(fields.values(ANY, "usageMetadata"))
        at = (ANY,) if in_array else ()
        usages = [mapping(usage) for usage in in_array or [fields.value("usageMetadata")]]
        ended = (
            fields.value(*at, "candidates", ANY, "finishReason") is not None
            or fields.value(*at, "promptFeedback", "blockReason") is not None
        )
        queries = fields.values(*at, "candidates", ANY, "groundingMetadata", "webSearchQueries")
        document = {
            "modelVersion": fields.value(*at, "modelVersion"),
            "responseId": fields.value(*at, "responseId"),
            "usageMetadata": usages[-1] if ended else max(reversed(usages), key=_total),
        }
        return self._read(
            document,
            _texts(queries),
            mapped=any(True for _ in fields.values(*at, *_DOCUMENT[-1])),
            # A plain document ends where it is closed; a stream can be closed early.
            finished=ended or not at,
            failed=bool(fields.value("error") or fields.value(ANY, "error")),
        )

    def _read(
        self,
        document: Mapping[str, object],
        queries: Iterable[str],
        *,
        mapped: bool,
        finished: bool,
        failed: bool,
    ) -> Reading:
        usage = mapping(document.get("usageMetadata"))
        model = name(document.get("modelVersion"))
        tally = tally_usage(usage)
        tally_grounding(tally, queries, grounded=True, model=model or self._request.model)
        if mapped:
            tally.put(MAPS, 1)
        tier = _tier(usage)
        missing = self._HAS_OUTPUT and "output_tokens" not in tally.quantities
        return Reading(
            model=model,
            object_id=name(document.get("responseId")),
            tier=tier,
            quantities=tally.quantities,
            bad=tally.bad,
            # Nothing written, nothing counted: an ended answer without a count is an empty one.
            output_missing=missing and not (finished and usage),
            price_context={"service_tier": tier} if tier else {},
            finished=finished,
            failed=failed,
        )


class EmbedBody(GenerateBody):
    """Embeddings: input tokens alone, and from older models nothing at all."""

    DOCUMENT_TEXT = None
    STREAM_TEXT = None
    _HAS_OUTPUT = False


_ORIGIN = Origin("generativelanguage.googleapis.com")
_ACCESS = Access(
    credential="x-goog-api-key, or the query's key",
    notes="A batch is priced when its answers pass by. The length of videos, and what indexing the "
    "files of a search store costs, cannot be seen.",
)


@dataclass(frozen=True, slots=True)
class Gemini:
    name: str = "gemini"
    hosts: tuple[str, ...] = (_ORIGIN.host,)
    price_provider: str = "google"
    origin: Origin | None = _ORIGIN
    access: Access = _ACCESS

    def classify(self, head: RequestHead) -> Endpoint:
        path = head.path
        if head.websocket:
            return live(head)
        if prefix := _OPENAI_PREFIX.match(path):
            return openai.classify(head, path[prefix.end() :], openai.METERED_PATHS, _FREE_OPENAI)
        if head.method == "GET":
            return _result(unquote(path))
        if _is_free(head):
            return Endpoint("manage", Billing.FREE)
        return _model_call(unquote(path))

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader:  # noqa: ARG002
        if endpoint.name == "interactions":
            return interaction_request()
        if endpoint.name in (*_METERED_METHODS, *BODIES):
            return JsonRequestReader(_REQUEST, lambda fields: _request(fields, endpoint))
        return openai.request_reader(endpoint)

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        return response_reader(endpoint, request, head)

    def websocket_reader(self, endpoint: Endpoint, head: RequestHead) -> WebSocketReader | None:  # noqa: ARG002
        return LiveReader() if endpoint.name == "live" else None

    def error_body(self, status: int, code: str, message: str) -> bytes:  # noqa: ARG002
        """``{"error": {code, message, status}}``; our code is in the headers alone."""
        fallback = "FAILED_PRECONDITION" if status < 500 else "INTERNAL"
        kind = _STATUSES.get(status, fallback)
        error = {"code": status, "message": message, "status": kind}
        return json.dumps({"error": error}).encode()


GEMINI = Gemini()

BODIES: Mapping[str, type[ResponseBody]] = {
    "generateContent": GenerateBody,
    "streamGenerateContent": GenerateBody,
    "embedContent": EmbedBody,
    "batchEmbedContents": EmbedBody,
    "interactions": InteractionBody,
    "predict": PredictBody,
    "cachedContents": CachedContentBody,
    "batchGenerateContent": BatchBody,
    "asyncBatchEmbedContent": BatchBody,
    "predictLongRunning": OperationBody,
}
"""Of endpoints that are Gemini's and not OpenAI's. Vertex has most of them too."""


def response_reader(
    endpoint: Endpoint, request: RequestFacts, head: ResponseHead
) -> ResponseReader:
    if endpoint.name == "batchGenerateContent" and endpoint.price_context:
        return answers_file(head)
    if endpoint.name not in BODIES:
        return openai.response_reader(endpoint, request, head)
    request = request if request.model else replace(request, model=endpoint.model)
    return BODIES[endpoint.name](request, head)


def live(head: RequestHead) -> Endpoint:
    """A websocket. What it asks for is the same at Vertex."""
    return Endpoint("live") if head.path.endswith(_LIVE) else WEBSOCKET


def _result(path: str) -> Endpoint:
    """A GET: a look at earlier work, or at what costs nothing."""
    for pattern, kind in _RESULTS:
        if work := pattern.fullmatch(path):
            return Endpoint(kind, Billing.RESULT, object_id=work[1])
    if file := _DOWNLOAD.fullmatch(path):
        context = {"processing": "batch"}
        return Endpoint(
            "batchGenerateContent", Billing.RESULT, object_id=file[1], price_context=context
        )
    return Endpoint("manage", Billing.FREE)


def _is_free(head: RequestHead) -> bool:
    """An upload is announced by a request of its own, which only the one with the file follows."""
    if head.method == "PATCH" and "/cachedContents/" in head.path:
        return False
    announced = head.headers.get("x-goog-upload-command", "").strip().lower() == "start"
    return announced or head.method != "POST" or _FREE.fullmatch(head.path) is not None


_FREE_OPENAI = re.compile(r"/(?:files|models)(?:/.*)?|/batches/.*")


def _model_call(path: str) -> Endpoint:
    if created := _CREATED.fullmatch(path):
        return Endpoint(created[1])
    call = _MODEL_CALL.fullmatch(path)
    if call is None:
        known = _KNOWN_UNREAD.fullmatch(path)
        return Endpoint(known[1] if known else "other", Billing.UNKNOWN)
    model, method = call[1].removeprefix("models/"), call[2]
    if method in _METERED_METHODS:
        return Endpoint(method, model=model)
    if method in _FREE_METHODS:
        return Endpoint(method, Billing.FREE, model)
    if method in _PENDING_METHODS:
        return Endpoint(method, Billing.PENDING, model)
    return Endpoint(method if method in _UNREAD_METHODS else "other", Billing.UNKNOWN, model)


def _request(fields: JsonFields, endpoint: Endpoint) -> RequestFacts:
    limit = Tally()
    tier = name(fields.value("serviceTier")) or name(fields.value("service_tier"))
    return RequestFacts(
        model=endpoint.model,
        stream=endpoint.name == "streamGenerateContent",
        tier=tier.lower() if tier else None,
        max_output_tokens=limit.count(fields.value("generationConfig", "maxOutputTokens"))
        or limit.count(fields.value("generation_config", "max_output_tokens")),
        choices=limit.count(fields.value("generationConfig", "candidateCount")) or 1,
        price_context={"service_tier": tier.lower()} if tier else {},
    )


def _tier(usage: Mapping[str, object]) -> str | None:
    traffic, tier = usage.get("trafficType"), name(usage.get("serviceTier"))
    if tier:
        return tier.lower()
    return _TIERS.get(traffic) if isinstance(traffic, str | int) else None


def _total(usage: Mapping[str, object]) -> int:
    return Tally().count(usage.get("totalTokenCount")) or 0


def _texts(lists: Iterable[object]) -> set[str]:
    """The texts in lists of them, whatever else is there."""
    return {
        text for each in lists if isinstance(each, list) for text in each if isinstance(text, str)
    }

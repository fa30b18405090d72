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
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from urllib.parse import unquote

from acm_addon.json_fields import JsonFields
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
    WebSocketReader,
)
from acm_addon.providers.body import JsonRequestReader, ResponseBody
from acm_addon.providers.gemini_bodies import EmbedBody, GenerateBody
from acm_addon.providers.gemini_interactions import InteractionBody, interaction_request
from acm_addon.providers.gemini_live import LiveReader
from acm_addon.providers.gemini_results import (
    BatchBody,
    CachedContentBody,
    OperationBody,
    PredictBody,
    answers_file,
)
from acm_addon.providers.openai_requests import generation_request
from acm_addon.providers.tally import Tally, name
from acm_addon.providers.uploads import highest

_MODEL_CALL = re.compile(r"/v1[a-z0-9]*/((?:models|tunedModels|dynamic)/[^/:]+):(\w+)")
_OPENAI_PREFIX = re.compile(r"/v1[a-z0-9]*/openai(?=/)")
_FREE = re.compile(
    r"(?:/upload)?/v1[a-z0-9]*/(?:files(?:/.*)?|files:register|batches/[^/]+:(?:cancel|delete)"
    r"|interactions/[^/]+/cancel|fileSearchStores|auth_tokens|tunedModels/[^/:]+/permissions|tunedModels/[^/:]+:transferOwnership"
    r"|corpora(?:/.*)?|agents|credentials|triggers|webhooks(?:/.*)?)"
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
METERED_METHODS = (
    "generateContent",
    "streamGenerateContent",
    "embedContent",
    "batchEmbedContents",
    "predict",
)
_FREE_METHODS = ("countTokens", "countMessageTokens", "countTextTokens")
_PENDING_METHODS = ("batchGenerateContent", "asyncBatchEmbedContent", "predictLongRunning")
_UNREAD_METHODS = ("generateAnswer",)

_CONFIGS = ("generationConfig", "generation_config")
"""Its JSON is read under either spelling, and numbers in a text too."""
_LIMITS = tuple(product(_CONFIGS, ("maxOutputTokens", "max_output_tokens")))
_CANDIDATES = tuple(product(_CONFIGS, ("candidateCount", "candidate_count")))
_REQUEST = (
    *_LIMITS,
    *_CANDIDATES,
    ("serviceTier",),
    ("service_tier",),
)
_VIDEO = tuple(
    ("parameters", key)
    for key in ("durationSeconds", "sampleCount", "numberOfVideos", "resolution", "generateAudio")
)
_VIDEO_SECONDS = 8
"""Of a video whose request names no length (ai.google.dev/gemini-api/docs/video)."""
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

_ORIGIN = Origin("generativelanguage.googleapis.com")
_ACCESS = Access(
    credential="x-goog-api-key, or the query's key",
    notes="A batch is priced when its answers pass by. The length of videos, and what indexing the "
    "files of a search store costs, cannot be seen.",
    endpoints=(*BODIES, "live", *openai_elsewhere.METERED_PATHS.values()),
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
            return openai_elsewhere.classify(head, path[prefix.end() :], _FREE_OPENAI)
        if head.method == "GET":
            return _result(unquote(path))
        if _is_free(head):
            return MANAGE
        return _model_call(unquote(path))

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader:  # noqa: ARG002
        if endpoint.name == "interactions":
            return interaction_request()
        if endpoint.name == "predictLongRunning":
            return JsonRequestReader(_VIDEO, lambda fields: _video(fields, endpoint))
        if endpoint.name in BODIES:
            return JsonRequestReader(_REQUEST, lambda fields: _request(fields, endpoint))
        return generation_request()

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        return response_reader(endpoint, request, head)

    def websocket_reader(self, endpoint: Endpoint) -> WebSocketReader | None:
        return LiveReader() if endpoint.name == "live" else None

    def error_body(self, status: int, code: str, message: str) -> bytes:  # noqa: ARG002
        """``{"error": {code, message, status}}``; our code is in the headers alone."""
        fallback = "FAILED_PRECONDITION" if status < 500 else "INTERNAL"
        kind = _STATUSES.get(status, fallback)
        error = {"code": status, "message": message, "status": kind}
        return json.dumps({"error": error}).encode()


GEMINI = Gemini()


def response_reader(
    endpoint: Endpoint, request: RequestFacts, head: ResponseHead
) -> ResponseReader:
    if endpoint.file:
        return answers_file(head)
    if endpoint.name not in BODIES:
        return openai_elsewhere.response_reader(endpoint, request, head)
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
        return Endpoint(
            "batchGenerateContent",
            Billing.RESULT,
            object_id=file[1],
            file=True,
            price_context=BATCH,
        )
    return MANAGE


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
    if method in METERED_METHODS:
        return Endpoint(method, model=model)
    if method in _FREE_METHODS:
        return Endpoint(method, Billing.FREE, model)
    if method in _PENDING_METHODS:
        return Endpoint(method, Billing.PENDING, model)
    return Endpoint(method if method in _UNREAD_METHODS else "other", Billing.UNKNOWN, model)


def _request(fields: JsonFields, endpoint: Endpoint) -> RequestFacts:
    tier = name(fields.value("serviceTier")) or name(fields.value("service_tier"))
    return RequestFacts(
        model=endpoint.model,
        stream=endpoint.name == "streamGenerateContent",
        tier=tier.lower() if tier else None,
        max_output_tokens=highest(fields, *_LIMITS),
        choices=highest(fields, *_CANDIDATES) or 1,
        price_context={"service_tier": tier.lower()} if tier else {},
    )


def _video(fields: JsonFields, endpoint: Endpoint) -> RequestFacts:
    """A video is billed by its seconds, which its order decides: its result does not say."""
    asked = Tally()
    seconds = asked.count(fields.value("parameters", "durationSeconds")) or _VIDEO_SECONDS
    videos = (
        asked.count(fields.value("parameters", "sampleCount"))
        or asked.count(fields.value("parameters", "numberOfVideos"))
        or 1
    )
    context = {}
    if resolution := name(fields.value("parameters", "resolution")):
        context["resolution"] = resolution.lower()
    if (audio := fields.value("parameters", "generateAudio")) is not None:
        context["audio"] = "true" if audio is True else "false"
    return RequestFacts(
        model=endpoint.model,
        choices=videos,
        price_context=context,
        derived={"video_seconds": seconds * videos},
    )

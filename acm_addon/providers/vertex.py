"""Vertex AI: Gemini, Imagen, Veo and embeddings of Google, and models of others (Claude, Mistral).

- Gemini counts as in ``gemini``, Claude as in ``anthropic``, others and the OpenAI-compatible path
  as in ``openai``. Enumerations may come as numbers.
- The model, the project and the location are in the path; the location is the host's too, and
  selects between prices.
- Billed besides tokens: as for Gemini; older embeddings by characters.
- Results of batches lie in a bucket, those of videos say nothing of their length: both stay
  pending. Deployed endpoints and agents are billed by machine hours, which no answer says.
- Credential: ``Authorization: Bearer`` (an OAuth token), or ``x-goog-api-key``. Gateway and forward
  entrance both work; the gateway goes to the global host unless the path names another one.
"""

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote

from acm_addon.providers import anthropic, gemini, openai_elsewhere
from acm_addon.providers.base import (
    MANAGE,
    Access,
    Billing,
    Endpoint,
    Origin,
    RequestFacts,
    RequestHead,
    RequestReader,
    ResponseFacts,
    ResponseHead,
    ResponseReader,
    WebSocketReader,
)
from acm_addon.providers.body import Amended
from acm_addon.providers.gemini_results import JobBody
from acm_addon.providers.openai_responses import ChatBody

_LOCATION = re.compile(r"/v1[a-z0-9]*/projects/[^/]+/locations/([^/]+)(/.*)")
_HOST = re.compile(r"([a-z0-9-]+)-aiplatform\.|aiplatform\.([a-z0-9-]+)\.rep\.")
_PLACE = re.compile(r"[a-z0-9-]{1,40}")
_MODEL_CALL = re.compile(r"/publishers/([^/]+)/models/([^/:]+):(\w+)")
_EXPRESS = re.compile(r"/v1[a-z0-9]*(/publishers/.*)")
"""Paths without a project, as API keys allow them."""
_TUNED_CALL = re.compile(r"/(endpoints/[^/:]+):(\w+)")
_OPENAPI = re.compile(r"/endpoints/openapi(/.*)")
_JOB = "/batchPredictionJobs"
_JOB_PATH = re.compile(rf"{_JOB}/([^/:]+)")
_FREE = re.compile(
    rf"(?:{_JOB}|/tuningJobs)/[^/]+:cancel|/operations/.*|/publishers/[^/]+/models/[^/:]+"
)
_KNOWN_UNREAD = re.compile(
    r"/(cachedContents|endpoints|reasoningEngines|ragCorpora|tuningJobs|customJobs|models|indexes"
    r"|interactions)(?:[/:].*)?"
)
_INTERACTION = re.compile(r"/interactions/([^/:]+)")
_CREATED = {"/cachedContents": "cachedContents", "/interactions": "interactions"}

_RAW = ("rawPredict", "streamRawPredict")
_COUNTING = ("countTokens", "computeTokens")
_TUNED = ("generateContent", "streamGenerateContent")
_FETCH = "fetchPredictOperation"
_VIDEO = "predictLongRunning"
_METHODS = {
    **dict.fromkeys(gemini.METERED_METHODS, Billing.METERED),
    **dict.fromkeys(_COUNTING, Billing.FREE),
    _VIDEO: Billing.PENDING,
}
_CLAUDE = "messages"
"""What calls of Claude are named, whatever their path: their bodies are those of messages."""

_ORIGIN = Origin("aiplatform.googleapis.com")
_ACCESS = Access(
    endpoints=(
        *gemini.METERED_METHODS,
        *_CREATED.values(),
        *(_CLAUDE, _VIDEO, "live"),
        *openai_elsewhere.METERED_PATHS.values(),
    ),
    credential="Authorization: Bearer (OAuth), or x-goog-api-key",
    notes="Other locations than the global one: name the host in the path, as in "
    "/vertex/europe-west1-aiplatform.googleapis.com/…. Results of batches and the length of videos "
    "cannot be seen.",
)


@dataclass(frozen=True, slots=True)
class Vertex:
    name: str = "vertex"
    hosts: tuple[str, ...] = (
        _ORIGIN.host,
        "*-aiplatform.googleapis.com",
        "aiplatform.*.rep.googleapis.com",
    )
    price_provider: str = "google"
    origin: Origin | None = _ORIGIN
    access: Access = _ACCESS

    def classify(self, head: RequestHead) -> Endpoint:
        if head.websocket:
            return gemini.live(head)
        path = unquote(head.path).rstrip("/")
        located = _LOCATION.fullmatch(path)
        express = _EXPRESS.fullmatch(path)
        rest = located[2] if located else express[1] if express else path
        region = _region(located[1] if located else None, head.host)
        return replace(_endpoint(head, rest), region=region)

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader:
        if endpoint.name == _CLAUDE:
            return anthropic.ANTHROPIC.request_reader(endpoint, head)
        return gemini.GEMINI.request_reader(endpoint, head)

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        if endpoint.name == _CLAUDE:
            return anthropic.MessagesBody(request, head)
        if endpoint.name == "batchPredictionJobs":
            return JobBody(request, head)
        if endpoint.name == "chat.completions":
            return Amended(ChatBody(request, head), _without_maker)
        return gemini.response_reader(endpoint, request, head)

    def websocket_reader(self, endpoint: Endpoint) -> WebSocketReader | None:
        return gemini.GEMINI.websocket_reader(endpoint)

    def error_body(self, status: int, code: str, message: str) -> bytes:
        return gemini.GEMINI.error_body(status, code, message)


VERTEX = Vertex()


def _without_maker(facts: ResponseFacts) -> ResponseFacts:
    """Chat names models by who made them: ``google/gemini-2.5-flash``."""
    return replace(facts, model=facts.model and facts.model.removeprefix("google/"))


def _region(location: str | None, host: str) -> str | None:
    """The path's location, else the host's. What is no location's name is not taken for one."""
    named = _HOST.match(host)
    place = location or (named and (named[1] or named[2])) or ""
    return place if _PLACE.fullmatch(place) else None


def _endpoint(head: RequestHead, path: str) -> Endpoint:
    if openapi := _OPENAPI.fullmatch(path):
        return openai_elsewhere.classify(head, openapi[1])
    if head.method == "GET" and (shown := _INTERACTION.fullmatch(path)):
        return Endpoint("interactions", Billing.RESULT, object_id=shown[1])
    if head.method == "GET":
        job = _JOB_PATH.fullmatch(path)
        kind = "batchPredictionJobs"
        return Endpoint(kind, Billing.RESULT) if job else MANAGE
    extends = head.method == "PATCH" and path.startswith("/cachedContents/")
    if extends:
        return Endpoint("cachedContents", Billing.UNKNOWN)
    if head.method != "POST" or _FREE.fullmatch(path):
        return MANAGE
    return _created(path)


def _created(path: str) -> Endpoint:
    if path in _CREATED:
        return Endpoint(_CREATED[path])
    if path == _JOB:
        return Endpoint("batchPredictionJobs", Billing.PENDING)
    if call := _MODEL_CALL.fullmatch(path):
        return _model_call(call[1], call[2], call[3])
    if (call := _TUNED_CALL.fullmatch(path)) and call[2] in (*_TUNED, *_COUNTING):
        billing = Billing.FREE if call[2] in _COUNTING else Billing.METERED
        return Endpoint(call[2], billing, call[1])
    known = _KNOWN_UNREAD.fullmatch(path)
    return Endpoint(known[1] if known else "other", Billing.UNKNOWN)


def _model_call(maker: str, model: str, method: str) -> Endpoint:
    if method in _RAW:
        if model == "count-tokens":
            return Endpoint(method, Billing.FREE)
        return Endpoint(_CLAUDE if maker == "anthropic" else "chat.completions", model=model)
    if method == _FETCH:
        return Endpoint(_VIDEO, Billing.RESULT, model)
    if method in _METHODS:
        return Endpoint(method, _METHODS[method], model)
    return Endpoint("other", Billing.UNKNOWN, model)

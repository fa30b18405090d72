"""A provider that speaks OpenAI's protocol among other things: its paths, and who reads them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from acm_addon.providers.anthropic import ANTHROPIC
from acm_addon.providers.base import (
    BATCH,
    MANAGE,
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
from acm_addon.providers.body import Amended
from acm_addon.providers.compatible_bodies import (
    CloudflareRunBody,
    ConversationsBody,
    DashScopeBody,
    InputBody,
    OllamaBody,
    OllamaEmbedBody,
    PagesBody,
    SpokenBody,
)
from acm_addon.providers.compatible_jobs import FileBatchBody, JobBody
from acm_addon.providers.compatible_requests import (
    picture_request,
    search_request,
    speech_request,
    video_request,
)
from acm_addon.providers.media import SoundBody
from acm_addon.providers.openai import error_body
from acm_addon.providers.openai_audio import audio_response, transcription_request
from acm_addon.providers.openai_batch_file import BatchFileBody
from acm_addon.providers.openai_elsewhere import METERED_PATHS, response_shown, unread
from acm_addon.providers.openai_paths import websocket_endpoint
from acm_addon.providers.openai_requests import generation_request
from acm_addon.providers.openai_responses import ChatBody, ImagesBody, ResponsesBody, StatedEndBody
from acm_addon.providers.openai_work import RetrievedBody
from acm_addon.providers.realtime import realtime_reader

type RequestFactory = Callable[[RequestHead], RequestReader]
type ResponseFactory = Callable[[RequestFacts, ResponseHead], ResponseReader]

MESSAGES = "messages"
"""Anthropic's endpoint, which many offer beside OpenAI's: read by Anthropic's readers."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Who reads the bodies of an endpoint."""

    request: RequestFactory
    response: ResponseFactory


def generation(head: RequestHead) -> RequestReader:  # noqa: ARG001
    return generation_request()


CHAT = Shape(generation, ChatBody)
_PICTURES = Shape(picture_request, ImagesBody)
_INPUT = Shape(generation, InputBody)

SHAPES: Mapping[str, Shape] = MappingProxyType(
    {
        "responses": Shape(generation, ResponsesBody),
        "embeddings": _INPUT,
        "rerank": _INPUT,
        "moderations": _INPUT,
        "images.generations": _PICTURES,
        "images.edits": _PICTURES,
        "images": _PICTURES,
        "audio.transcriptions": Shape(transcription_request, audio_response),
        "audio.translations": Shape(transcription_request, audio_response),
        "audio.speech": Shape(speech_request, SoundBody),
        "t2a": Shape(speech_request, SpokenBody),
        "ocr": Shape(generation, PagesBody),
        "search": Shape(search_request, SoundBody),
        "conversations": Shape(generation, ConversationsBody),
        "inference": Shape(generation, StatedEndBody),
        "run": Shape(generation, CloudflareRunBody),
        "generation": Shape(generation, DashScopeBody),
        "chat": Shape(generation, OllamaBody),
        "generate": Shape(generation, OllamaBody),
        "embed": Shape(generation, OllamaEmbedBody),
    }
)
"""By the endpoint's name; every other is read like chat."""

FREE = re.compile(
    r"/(?:files|uploads|models)(?:/.*)?|/(?:batches|batch/jobs)/.*|/responses/input_tokens"
)
"""Only what creates nothing with any of them; moderations, for one, cost money at Mistral."""

EVERYTHING = re.compile(r".*")
"""All that is not metered, where nothing costs anything."""

_BATCHES = "/batches"
_BATCH = re.compile(rf"{_BATCHES}/([^/]+)")
_DOWNLOAD = re.compile(r"/files/([^/]+)/content")

_REGION = re.compile(r"[a-z]{2,12}(?:-[a-z]{2,12}-[0-9]{1,2})?")
"""``us``, ``eu-west-1``: no other text of a host's name is taken for one."""


@dataclass(frozen=True, slots=True)
class Compatible:
    """One provider of the family."""

    name: str
    hosts: tuple[str, ...]
    """Requests to the gateway go to the first."""
    price_provider: str
    base: re.Pattern[str] = re.compile(r"(?:/v1)?(?=/)")
    """What stands before ``/chat/completions``."""
    metered: Mapping[str, str] = METERED_PATHS
    """Endpoint names by path."""
    patterns: tuple[tuple[re.Pattern[str], str], ...] = ()
    """Paths with something of the client's in them, such as the ``model``; endpoint names."""
    pending: Mapping[str, str] = field(default_factory=dict)
    """Paths that start what is billed when it is done."""
    results: tuple[tuple[re.Pattern[str], str], ...] = ()
    """GET paths that show such work, and the name of the endpoint that began it. The work's ``id``
    is a group of the path, or a parameter of the query."""
    sockets: tuple[str, ...] = ()
    """Websockets that are known to be offered, for people to read."""
    batch_files: bool = False
    """Batches are OpenAI's: ``/batches`` starts one, and what it came to is in a file, in OpenAI's
    lines. Any download may be one."""
    jobs: Mapping[str, ResponseFactory] = field(default_factory=dict)
    """Who reads the answers about such work, by endpoint name; else ``FileBatchBody`` those about
    batches, and ``JobBody`` all others."""
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    """Where bodies differ from what their endpoint's name says."""
    models: Mapping[str, str] = field(default_factory=dict)
    """What the price table calls an endpoint that has no choice of models, by endpoint name."""
    priced_as_requested: bool = False
    """Prices go by the name that is asked for; responses name what stands behind it."""
    free: re.Pattern[str] = FREE
    """Paths whose POST is known to cost nothing."""
    shared_host: bool = False
    """Most of what the host serves is no AI: paths that do not start with ``base`` are nobody's
    bill."""
    reading_hosts: Mapping[str, str] = field(default_factory=dict)
    """Hosts whose every GET and POST is billed, and the endpoint's name: the path is the input."""
    regional: bool = False
    """Hosts below the provider's are regions; elsewhere they are names of the client's."""
    at: Origin | None = None
    """Where the gateway sends requests, where that is not the first host by https."""
    reach: Access = Access()  # noqa: RUF009 - frozen
    """How programs reach it; the endpoints are added to it."""

    @property
    def access(self) -> Access:
        patterned = (name for _, name in (*self.patterns, *self.results))
        batches = ("batches",) if self.batch_files else ()
        endpoints = (*self.metered.values(), *patterned, *batches, *self.sockets)
        return replace(self.reach, endpoints=endpoints)

    @property
    def origin(self) -> Origin | None:
        if self.at is not None:
            return self.at
        return None if "*" in self.hosts[0] else Origin(self.hosts[0])

    def classify(self, head: RequestHead) -> Endpoint:
        """Only POST creates what is billed. Names hold no part of a path that could be data."""
        endpoint, region = self._endpoint(head), self._region(head.host)
        return replace(endpoint, region=region) if region else endpoint

    def _region(self, host: str) -> str | None:
        """``us`` of ``us.api.x.ai``."""
        region, _, below = host.lower().partition(".")
        known = self.regional and f"*.{below}" in self.hosts and _REGION.fullmatch(region)
        return region if known else None

    def _endpoint(self, head: RequestHead) -> Endpoint:
        if (reading := self.reading_hosts.get(head.host.lower())) and head.method in _ASKING:
            return Endpoint(reading, Billing.UNKNOWN)
        based = self.base.match(head.path)
        path = (head.path[based.end() :] if based else head.path).rstrip("/")
        if self.shared_host and not based:
            return MANAGE
        if head.websocket:
            return websocket_endpoint(head, path)
        created = path[: path.find("/", 1)]
        if self.metered.get(created) == "responses" and (
            shown := response_shown(head.method, path)
        ):
            return shown
        if head.method == "GET":
            return self._shown(path, head)
        return self._created(path) if head.method == "POST" else MANAGE

    def _created(self, path: str) -> Endpoint:
        if path in self.metered:
            return Endpoint(self.metered[path], model=self.models.get(self.metered[path]))
        if self.batch_files and path == _BATCHES:
            return Endpoint("batches", Billing.PENDING)
        if path in self.pending:
            return Endpoint(self.pending[path], Billing.PENDING)
        for pattern, name in self.patterns:
            if found := pattern.fullmatch(path):
                return Endpoint(name, model=found.groupdict().get("model"))
        return MANAGE if self.free.fullmatch(path) else unread(path)

    def _shown(self, path: str, head: RequestHead) -> Endpoint:
        if self.batch_files and (file := _DOWNLOAD.fullmatch(path)):
            return Endpoint(
                "batches", Billing.RESULT, object_id=file[1], file=True, price_context=BATCH
            )
        if self.batch_files and (batch := _BATCH.fullmatch(path)):
            return Endpoint("batches", Billing.RESULT, object_id=batch[1])
        for pattern, name in self.results:
            if found := pattern.fullmatch(path):
                named = found.groupdict().get("id") or head.parameters.get("id")
                return Endpoint(name, Billing.RESULT, object_id=named)
        return MANAGE

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader:
        if endpoint.name == MESSAGES:
            return ANTHROPIC.request_reader(endpoint, head)
        if endpoint.billing is Billing.PENDING:
            return video_request(head)
        return self._shape(endpoint).request(head)

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        reader = self._response_reader(endpoint, request, head)
        model = endpoint.model or request.model
        if model is None or not self.priced_as_requested:
            return reader
        return Amended(reader, lambda facts: replace(facts, model=model))

    def websocket_reader(self, endpoint: Endpoint) -> WebSocketReader | None:
        return realtime_reader(endpoint)

    def error_body(self, status: int, code: str, message: str) -> bytes:
        return error_body(status, code, message)

    def _response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        if endpoint.name == MESSAGES:
            return ANTHROPIC.response_reader(endpoint, request, head)
        if endpoint.billing is Billing.RESULT and endpoint.name == "responses":
            return RetrievedBody(request, head)
        if endpoint.file:
            return BatchFileBody(request, head)
        if endpoint.billing in (Billing.PENDING, Billing.RESULT):
            other = FileBatchBody if endpoint.name == "batches" else JobBody
            return self.jobs.get(endpoint.name, other)(request, head)
        return self._shape(endpoint).response(request, head)

    def _shape(self, endpoint: Endpoint) -> Shape:
        return self.shapes.get(endpoint.name) or SHAPES.get(endpoint.name, CHAT)


_ASKING = ("GET", "POST")

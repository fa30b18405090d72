"""OpenAI.

- Cached input is inside input (``cached_tokens``), and so are cache writes.
- Reasoning is inside output; so are predicted tokens, accepted or not.
- Streams: chat and completions only with ``stream_options.include_usage``, in a last chunk without
  choices; responses always, in ``response.completed``, ``.incomplete`` or ``.failed``; images,
  speech, transcriptions and runs in their last event.
- Billed besides tokens: web searches, file searches and code containers of responses, and images
  that a response draws (``tool_usage``); images, speech and transcriptions whose answer states no
  tokens, by what was asked for or uploaded; videos by the second; containers. The ``service_tier``
  of the response is the one that is billed. A host below ``api.openai.com`` names a region.
- Pending until seen again: background responses, runs, batches (at half the price; from the batch
  or from its output file, whichever says first), videos, fine-tuning. A response that is retrieved
  and ran in the foreground is a copy, and so is a stored completion.
- Not seen: WebRTC and SIP calls, which only begin here; evals and agents; what files, vector stores
  and stored logs cost by the day; results that only a webhook tells.
- Credential: ``Authorization: Bearer``. Gateway and forward entrance both work.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from acm_addon.providers.base import (
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
from acm_addon.providers.openai_paths import ENDPOINTS, openai_endpoint, websocket_endpoint
from acm_addon.providers.openai_readers import openai_request_reader, openai_response_reader
from acm_addon.providers.openai_requests import generation_request, image_request
from acm_addon.providers.openai_responses import (
    ChatBody,
    EmbeddingsBody,
    ImagesBody,
    ResponsesBody,
)
from acm_addon.providers.realtime import RealtimeReader

_BODIES: Mapping[str, type[ChatBody | ResponsesBody]] = {
    "chat.completions": ChatBody,
    "completions": ChatBody,
    "fim.completions": ChatBody,
    "agents.completions": ChatBody,
    "embeddings": EmbeddingsBody,
    "responses": ResponsesBody,
    "images.generations": ImagesBody,
}

METERED_PATHS: Mapping[str, str] = MappingProxyType(
    {
        "/chat/completions": "chat.completions",
        "/completions": "completions",
        "/embeddings": "embeddings",
        "/responses": "responses",
    }
)
"""What the whole family offers, and we read."""

_KNOWN_UNREAD = re.compile(
    r"/(audio/(?:speech|transcriptions|translations)|images/(?:edits|variations|generations)"
    r"|images|rerank|moderations|realtime|videos|containers|fine_tuning/jobs|ocr|search|messages"
    r"|tts|stt)(?:/.*)?"
)
"""Paths with a price, or the chance of one, that have a name though we do not read them yet."""

_BATCHES = ("/batches", "/batch/jobs")


@dataclass(frozen=True, slots=True)
class OpenAIShaped:
    """A provider whose API is OpenAI's, in whole or in part."""

    name: str
    hosts: tuple[str, ...]
    """Requests to the gateway go to the first."""
    price_provider: str
    prefixes: tuple[str, ...] = ("/v1",)
    """What stands before ``/chat/completions``; the longest first."""
    metered: Mapping[str, str] = METERED_PATHS
    free: re.Pattern[str] | None = None
    """Paths whose POST is known to cost nothing."""

    access: Access = Access()  # noqa: RUF009 - frozen

    @property
    def origin(self) -> Origin | None:
        return None if self.hosts[0].startswith("*.") else Origin(self.hosts[0])

    def classify(self, head: RequestHead) -> Endpoint:
        path = self._without_prefix(head.path)
        return classify(head, path, self.metered, self.free)

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader:  # noqa: ARG002
        return request_reader(endpoint)

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        return response_reader(endpoint, request, head)

    def websocket_reader(self, endpoint: Endpoint, head: RequestHead) -> WebSocketReader | None:  # noqa: ARG002
        return RealtimeReader(endpoint.model) if endpoint.billing is Billing.METERED else None

    def error_body(self, status: int, code: str, message: str) -> bytes:
        return error_body(status, code, message)

    def _without_prefix(self, path: str) -> str:
        for prefix in self.prefixes:
            if path.startswith(prefix + "/"):
                return path[len(prefix) :]
        return path


def classify(
    head: RequestHead, path: str, metered: Mapping[str, str], free: re.Pattern[str] | None
) -> Endpoint:
    """The endpoint of ``path``, which is the head's without its prefix. Only POST creates what is
    billed.

    Names hold no part of a path that could be data.
    """
    path = path.rstrip("/")
    if head.websocket:
        return websocket_endpoint(head, path)
    if head.method != "POST":
        return Endpoint("manage", Billing.FREE)
    if path in metered:
        return Endpoint(metered[path])
    if free is not None and free.fullmatch(path):
        return Endpoint("manage", Billing.FREE)
    return _unread(path)


def _unread(path: str) -> Endpoint:
    """The endpoint of a POST that may be billed, now or later, and whose usage we do not read."""
    if path in _BATCHES:
        return Endpoint("batches", Billing.PENDING)
    known = _KNOWN_UNREAD.fullmatch(path)
    return Endpoint(known[1].replace("/", ".") if known else "other", Billing.UNKNOWN)


def request_reader(endpoint: Endpoint) -> RequestReader:
    return image_request() if endpoint.name == "images.generations" else generation_request()


def response_reader(
    endpoint: Endpoint, request: RequestFacts, head: ResponseHead
) -> ResponseReader:
    return _BODIES.get(endpoint.name, ChatBody)(request, head)


def error_body(status: int, code: str, message: str) -> bytes:
    """``{"error": {message, type, param, code}}``."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": message, "type": kind, "param": None, "code": code}
    return json.dumps({"error": error}).encode()


@dataclass(frozen=True, slots=True)
class OpenAI:
    """The whole API, where ``OpenAIShaped`` is what others took of it."""

    name: str = "openai"
    hosts: tuple[str, ...] = ("api.openai.com", "*.api.openai.com")
    price_provider: str = "openai"
    access: Access = Access(  # noqa: RUF009 - frozen
        notes="WebRTC and SIP calls, storage, evals and results sent to webhooks are not seen",
        endpoints=ENDPOINTS,
    )

    @property
    def origin(self) -> Origin | None:
        return Origin(self.hosts[0])

    def classify(self, head: RequestHead) -> Endpoint:
        endpoint = openai_endpoint(head, head.path.removeprefix("/v1"))
        region = _REGION.fullmatch(head.host.lower())
        return replace(endpoint, region=region[1]) if region else endpoint

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader:
        return openai_request_reader(endpoint, head)

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        return openai_response_reader(endpoint, request, head)

    def websocket_reader(self, endpoint: Endpoint, head: RequestHead) -> WebSocketReader | None:  # noqa: ARG002
        return RealtimeReader(endpoint.model) if endpoint.billing is Billing.METERED else None

    def error_body(self, status: int, code: str, message: str) -> bytes:
        return error_body(status, code, message)


_REGION = re.compile(r"(?:mtls-)?(?!mtls\.)([a-z]{2,12})\.api\.openai\.com")
"""Hosts that keep data in a region, which costs more with some models."""

OPENAI = OpenAI()

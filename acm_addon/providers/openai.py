"""OpenAI.

- Cached input is inside input (``cached_tokens``), and so are cache writes.
- Reasoning is inside output.
- Streams: chat and completions only with ``stream_options.include_usage``, in a last chunk without
  choices; responses always, in ``response.completed``, ``.incomplete`` or ``.failed``.
- Billed besides tokens: web search, file search, and code interpreter calls of responses; images of
  DALL-E by size and quality. The ``service_tier`` of the response is the one that is billed.
- Credential: ``Authorization: Bearer``. Gateway and forward entrance both work.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

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
    "responses.compact": ResponsesBody,
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

_OPENAI_METERED = {
    **METERED_PATHS,
    "/responses/compact": "responses.compact",
    "/images/generations": "images.generations",
}

_ID = r"/[^/]+"
_OPENAI_FREE = re.compile(
    r"/(?:moderations"
    rf"|files|uploads(?:{_ID}.*)?"
    rf"|batches{_ID}/cancel"
    rf"|models(?:/.*)?"
    rf"|chat/completions{_ID}"
    rf"|responses/input_tokens|responses{_ID}/cancel"
    r"|conversations(?:/.*)?"
    rf"|assistants(?:{_ID})?"
    rf"|threads|threads{_ID}|threads{_ID}/messages(?:{_ID})?"
    rf"|threads{_ID}/runs{_ID}(?:/cancel)?"
    r"|vector_stores(?:/.*)?"
    rf"|fine_tuning/jobs{_ID}/(?:cancel|pause|resume)"
    r"|fine_tuning/checkpoints/.*|fine_tuning/alpha/graders/validate"
    rf"|evals|evals{_ID}|evals{_ID}/runs{_ID}"
    r"|realtime/(?:sessions|transcription_sessions|client_secrets)"
    r"|organization/.*|projects/.*)"
)
_KNOWN_UNREAD = re.compile(
    r"/(audio/(?:speech|transcriptions|translations)|images/(?:edits|variations|generations)"
    r"|images|rerank|moderations|realtime|videos|containers|fine_tuning/jobs|ocr|search|messages"
    r"|tts|stt)(?:/.*)?"
)
"""Paths with a price, or the chance of one, that have a name though we do not read them yet."""

_BATCHES = ("/batches", "/batch/jobs")
_RUNS = re.compile(rf"/threads/runs|/threads{_ID}/runs(?:{_ID}/submit_tool_outputs)?")
_WEBSOCKETS = ("/realtime", "/responses")
"""Paths of websockets whose messages have usage."""


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


def websocket_endpoint(head: RequestHead, path: str) -> Endpoint:
    """A connection to ``path``, which is without its prefix. Its query may name the model."""
    if path not in _WEBSOCKETS:
        return WEBSOCKET
    parameters = head.parameters
    return Endpoint(path[1:], model=parameters.get("model") or parameters.get("deployment"))


def _unread(path: str) -> Endpoint:
    """The endpoint of a POST that may be billed, now or later, and whose usage we do not read."""
    if path in _BATCHES:
        return Endpoint("batches", Billing.PENDING)
    if _RUNS.fullmatch(path):
        return Endpoint("threads.runs", Billing.UNKNOWN)
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


OPENAI = OpenAIShaped(
    name="openai",
    hosts=("api.openai.com", "*.api.openai.com"),
    price_provider="openai",
    metered=_OPENAI_METERED,
    free=_OPENAI_FREE,
    access=Access(endpoints=(*_OPENAI_METERED.values(), "realtime")),
)

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
from dataclasses import dataclass, replace

from acm_addon.providers.base import (
    Access,
    Endpoint,
    Origin,
    RequestFacts,
    RequestHead,
    RequestReader,
    ResponseHead,
    ResponseReader,
    WebSocketReader,
)
from acm_addon.providers.openai_paths import ENDPOINTS, openai_endpoint
from acm_addon.providers.openai_readers import openai_request_reader, openai_response_reader
from acm_addon.providers.realtime import realtime_reader


def error_body(status: int, code: str, message: str) -> bytes:
    """``{"error": {message, type, param, code}}``."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": message, "type": kind, "param": None, "code": code}
    return json.dumps({"error": error}).encode()


@dataclass(frozen=True, slots=True)
class OpenAI:
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

    def websocket_reader(self, endpoint: Endpoint) -> WebSocketReader | None:
        return realtime_reader(endpoint)

    def error_body(self, status: int, code: str, message: str) -> bytes:
        return error_body(status, code, message)


_REGION = re.compile(r"(?:mtls-)?(?!mtls\.)([a-z]{2,12})\.api\.openai\.com")
"""Hosts that keep data in a region, which costs more with some models."""

OPENAI = OpenAI()

"""Azure OpenAI and AI Foundry.

- Usage is OpenAI's: cached input inside input, reasoning inside output, streams alike. Models of
  others report as they do at home; what xAI's say of their cost is not what Azure bills.
- Billed besides tokens: as at OpenAI.
- The deployment's name stands in the path, the body, or a header, and is the requested model. The
  response mostly names the model behind it; where it repeats the deployment, a price map tells.
- Realtime as at OpenAI, over a websocket. Voice Live has its usage too, and prices of its own.
- Claude on Foundry (``/anthropic/…``) speaks Anthropic's API, and is read by its readers.
- Not seen: whether a deployment is Global, Data Zone, or Regional, or bought as capacity. A price
  map says so. Where the response names its region, that is on the row.
- Credential: ``api-key`` or ``Authorization: Bearer``. Hosts are the user's own: the gateway's path
  names them, the forward entrance works.
"""

import re
from dataclasses import dataclass, replace
from urllib.parse import unquote

from acm_addon.providers.anthropic import ANTHROPIC, messages_elsewhere
from acm_addon.providers.base import (
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
from acm_addon.providers.openai import error_body
from acm_addon.providers.openai_paths import ENDPOINTS, openai_endpoint
from acm_addon.providers.openai_readers import openai_request_reader, openai_response_reader
from acm_addon.providers.realtime import realtime_reader

_DEPLOYMENT = re.compile(r"/openai/deployments/([^/]+)(?:/extensions)?(/.+)")
_PREFIX = re.compile(r"(?:/api/projects/[^/]+)?(?:/openai(?:/v1)?|/models|/v1)(?=/)")
"""What stands before OpenAI's own path: Azure OpenAI, a Foundry project, or the inference API."""
_CLAUDE = "/anthropic"
_CLAUDE_MESSAGES = "messages"
_VOICE_LIVE = "/voice-live"
"""A service of its own around OpenAI's realtime API, with prices of its own."""
_ELSEWHERE = re.compile(r"/(providers|speechtotext|tts|contentsafety)/.*")
"""APIs of other vendors and services on the same hosts: known, and not read."""


@dataclass(frozen=True, slots=True)
class Azure:
    name: str = "azure"
    hosts: tuple[str, ...] = (
        "*.openai.azure.com",
        "*.services.ai.azure.com",
        "*.cognitiveservices.azure.com",
        "*.inference.ai.azure.com",
        "*.models.ai.azure.com",
    )
    price_provider: str = "azure"
    access: Access = Access(  # noqa: RUF009 - frozen
        credential="api-key, or Authorization: Bearer",
        notes="the kind of a deployment is not seen: a price map tells what it costs",
        endpoints=(*ENDPOINTS, "messages"),
    )

    @property
    def origin(self) -> Origin | None:
        return None

    def classify(self, head: RequestHead) -> Endpoint:
        path = head.path
        if path.startswith(_CLAUDE + "/"):
            return messages_elsewhere(head, path.removeprefix(_CLAUDE))
        if path.startswith(_VOICE_LIVE + "/"):
            endpoint = openai_endpoint(head, path.removeprefix(_VOICE_LIVE))
            return replace(endpoint, price_context={"processing": "voice_live"})
        if known := _ELSEWHERE.fullmatch(path):
            return Endpoint(known[1], Billing.UNKNOWN if head.method == "POST" else Billing.FREE)
        if deployment := _DEPLOYMENT.fullmatch(path):
            return replace(openai_endpoint(head, deployment[2]), model=unquote(deployment[1]))
        endpoint = openai_endpoint(head, _PREFIX.sub("", path, count=1))
        named = head.headers.get("azureml-model-deployment")
        return replace(endpoint, model=named) if named else endpoint

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader:
        if endpoint.name == _CLAUDE_MESSAGES:
            return ANTHROPIC.request_reader(endpoint, head)
        return openai_request_reader(endpoint, head)

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        claude = endpoint.name == _CLAUDE_MESSAGES
        read = ANTHROPIC.response_reader if claude else openai_response_reader
        region = head.headers.get("x-ms-region", "").replace(" ", "").lower() or None
        reader = read(endpoint, request, head)
        return Amended(reader, lambda facts: _billed_by_azure(facts, region))

    def websocket_reader(self, endpoint: Endpoint) -> WebSocketReader | None:
        return realtime_reader(endpoint)

    def error_body(self, status: int, code: str, message: str) -> bytes:
        return error_body(status, code, message)


def _billed_by_azure(facts: ResponseFacts, region: str | None) -> ResponseFacts:
    """What the vendor's own reader reads, without the cost that the vendor would have billed."""
    context = {**facts.price_context, **_zone(region)}
    return replace(facts, provider_cost=None, region=region, price_context=context)


AZURE = Azure()


_EU = re.compile(
    r"(?:sweden|germany|france|italy|poland|spain|austria|belgium|denmark|finland|greece)\w*"
    r"|(?:north|west)europe"
)
_US = re.compile(r"\w+us\d?")


def _zone(region: str | None) -> dict[str, str]:
    """The data zone that a region lies in, by which prices go, where it lies in one."""
    if region is None:
        return {}
    if _US.fullmatch(region):
        return {"region": "us"}
    return {"region": "eu"} if _EU.fullmatch(region) else {}

"""Hugging Face: the router to many providers, serverless inference, and endpoints of one's own.

- The counts are those of whoever serves the model, in OpenAI's words: cached input inside input,
  reasoning inside output; streams in the last chunk.
- The router's path names who serves (``/together/v1/chat/completions``), or ``/v1`` leaves the
  choice to it; then ``x-inference-provider`` of the response says who it was. Prices are theirs.
- Billed besides tokens: other tasks by seconds of hardware, which no response states; endpoints of
  one's own (``*.endpoints.huggingface.cloud``) by the hour, so that their calls have no price.
- Credential: ``Authorization: Bearer``. Gateway and forward entrance both work.
"""

import re
from dataclasses import dataclass, replace

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
from acm_addon.providers.body import Amended
from acm_addon.providers.compatible import Compatible
from acm_addon.providers.openai import error_body

_ROUTER = "router.huggingface.co"
_SEGMENT = re.compile(
    r"/(?P<served_by>baseten|cerebras|cohere|deepinfra|fal-ai|featherless-ai|fireworks-ai|groq|hf-inference"
    r"|hyperbolic|nebius|novita|nscale|openai|ovhcloud|publicai|replicate|sambanova|scaleway|together"
    r"|wavespeed|zai-org)(?=/)"
)
_SERVED_BY = re.compile(r"[a-z0-9-]{1,40}\Z")
_API = Compatible(
    "huggingface",
    (_ROUTER,),
    "huggingface",
    base=re.compile(
        r"(?:(?:/hf-inference)?/models/[^/]+/[^/]+/v1|/v1/openai|/v3/openai|/inference/v1|/openai/v1"
        r"|/compatibility/v1|/api/paas/v4|/api/v1|/v1)?(?=/)"
    ),
    # Tasks are asked of ``/models/<owner>/<model>``, which is no list of models here.
    free=re.compile(r"/(?:tokenize|files|batches)(?:/.*)?"),
)


@dataclass(frozen=True, slots=True)
class HuggingFace:
    name: str = _API.name
    hosts: tuple[str, ...] = (
        _ROUTER,
        "api-inference.huggingface.co",
        "*.endpoints.huggingface.cloud",
    )
    price_provider: str = _API.price_provider
    origin: Origin | None = Origin(_ROUTER)  # noqa: RUF009 - frozen
    access: Access = Access(  # noqa: RUF009 - frozen
        notes="What is billed by hardware and time (endpoints of one's own, tasks other than chat) "
        "is recorded without a price.",
        endpoints=_API.access.endpoints,
    )

    def classify(self, head: RequestHead) -> Endpoint:
        segment = _SEGMENT.match(head.path)
        path = head.path[segment.end() :] if segment else head.path
        endpoint = _API.classify(replace(head, path=path))
        if segment is None or endpoint.billing is Billing.FREE:
            return endpoint
        return replace(endpoint, price_provider=_prices_of(segment["served_by"]))

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader:
        return _API.request_reader(endpoint, head)

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        reader = _API.response_reader(endpoint, request, head)
        # A provider may call the model otherwise; a suffix of ours is a wish (``:fastest``).
        model = request.model.partition(":")[0] if request.model else None
        served_by = head.headers.get("x-inference-provider", "")
        prices = _prices_of(served_by) if _SERVED_BY.match(served_by) else None
        return Amended(
            reader,
            lambda facts: replace(facts, model=model or facts.model, price_provider=prices),
        )

    def websocket_reader(self, endpoint: Endpoint) -> WebSocketReader | None:
        return _API.websocket_reader(endpoint)

    def error_body(self, status: int, code: str, message: str) -> bytes:
        return error_body(status, code, message)


def _prices_of(served_by: str) -> str:
    return f"huggingface_{served_by}"


HUGGINGFACE = HuggingFace()

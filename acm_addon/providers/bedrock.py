"""Amazon Bedrock: bedrock-runtime, its OpenAI- and Anthropic-compatible twin bedrock-mantle, and
bedrock-agent-runtime, each with a host in every region.

- Cached input is OUTSIDE input, and is added; but inside it on the OpenAI-compatible paths.
- Reasoning is inside output.
- Streams are AWS event streams. Converse puts usage into the last event (``metadata``);
  invocations carry the vendor's own documents, the last one with Bedrock's counts
  (``amazon-bedrock-invocationMetrics``). Agents report usage in their trace alone.
- The model is only in the path, as an id, a profile's id, or an ARN; ``global.`` and the like
  before its name select the price, and so does the region, which the host names.
- Billed besides tokens: guardrails (by text units), web grounding, reranking (a query of up to 100
  documents), pictures, videos; and what knowledge bases and flows do within, which no answer says.
- Credential: a signature (SigV4) or a bearer key. The signature covers the host, so that only
  bearer keys (``AWS_BEARER_TOKEN_BEDROCK``) work through the gateway, and not those of AWS's own
  SDKs, which send them over https alone; by the forward entrance everything passes as it was
  signed.
- Cannot be seen: batch jobs (they are files in S3), and the length of videos.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote

from acm_addon.json_fields import JsonFields
from acm_addon.json_paths import ANY, Path
from acm_addon.providers import anthropic, openai_elsewhere
from acm_addon.providers.base import (
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
from acm_addon.providers.bedrock_bodies import (
    AgentBody,
    ConverseBody,
    InvokeBody,
    UncountedBody,
    WorkBody,
    choices,
    model_named,
)
from acm_addon.providers.body import Amended, JsonRequestReader, ResponseBody
from acm_addon.providers.event_stream_body import EventStreamBody
from acm_addon.providers.openai_requests import generation_request
from acm_addon.providers.prompts import Prompt
from acm_addon.providers.tally import Tally, name
from acm_addon.providers.uploads import highest

_HOSTS = (
    *(f"{service}.*.amazonaws.com" for service in ("bedrock-runtime", "bedrock-runtime-fips")),
    "bedrock-runtime.*.amazonaws.com.cn",
    "bedrock-runtime.*.api.aws",
    "bedrock-mantle.*.api.aws",
    "bedrock-agent-runtime.*.amazonaws.com",
    "bedrock-agent-runtime-fips.*.amazonaws.com",
    "*.bedrock-runtime.*.vpce.amazonaws.com",
    "*.bedrock-agent-runtime.*.vpce.amazonaws.com",
)
_REGION = re.compile(r"\.([a-z]{2,3}(?:-[a-z]+)+-\d+)\.")
_MODEL_CALL = re.compile(r"/model/(.+)/([a-z-]+)")
_OPENAI_PREFIX = re.compile(r"(?:/openai)?/v1(?=/)")
_ANTHROPIC_PREFIX = "/anthropic"
_OPENAI_FREE = re.compile(r"/(?:files|models)(?:/.*)?|/responses/input_tokens|/batches/.*")
_METHODS = {
    "converse": Billing.METERED,
    "converse-stream": Billing.METERED,
    "invoke": Billing.METERED,
    "invoke-with-response-stream": Billing.METERED,
    "invoke-with-bidirectional-stream": Billing.METERED,
    "count-tokens": Billing.FREE,
}
_WORK = "async-invoke"
_WORK_PATH = re.compile(rf"/{_WORK}/(.+)")
_AGENT_PATHS: tuple[tuple[re.Pattern[str], str, Billing], ...] = tuple(
    (re.compile(path), name, billing)
    for path, name, billing in (
        (r"/agents/[^/]+/agentAliases/[^/]+/sessions/[^/]+/text", "agents", Billing.METERED),
        (r"/agents/[^/]+", "agents", Billing.METERED),
        (r"/rerank", "rerank", Billing.METERED),
        (r"/guardrail/[^/]+/version/[^/]+/apply", "guardrail", Billing.UNKNOWN),
        (r"/knowledgebases/[^/]+/retrieve", "retrieve", Billing.UNKNOWN),
        (r"/retrieveAndGenerate", "retrieveAndGenerate", Billing.UNKNOWN),
        (r"/retrieveAndGenerateStream", "retrieveAndGenerateStream", Billing.UNKNOWN),
        (r"/generateQuery", "generateQuery", Billing.UNKNOWN),
        (r"/optimize-prompt", "optimize-prompt", Billing.UNKNOWN),
        (r"/flows/.*", "flows", Billing.UNKNOWN),
        (r"/sessions(?:/.*)?", "manage", Billing.FREE),
        (f"/{_WORK}", _WORK, Billing.PENDING),
    )
)
_BODIES: Mapping[str, type[ResponseBody]] = {
    "converse": ConverseBody,
    "converse-stream": ConverseBody,
    "agents": AgentBody,
    "rerank": UncountedBody,
    _WORK: WorkBody,
}
_UNCOUNTED = ("agents", "rerank")

_CONVERSE: tuple[Path, ...] = (
    ("inferenceConfig", "maxTokens"),
    ("serviceTier", "type"),
    ("performanceConfig", "latency"),
)
_LIMITS: tuple[Path, ...] = (
    ("max_tokens",),
    ("max_completion_tokens",),
    ("maxTokens",),
    ("max_tokens_to_sample",),
    ("max_gen_len",),
    ("textGenerationConfig", "maxTokenCount"),
    ("inferenceConfig", "maxTokens"),
    ("inferenceConfig", "max_new_tokens"),
)
_PICTURES = ("image", "canvas", "stability.")
"""What is in the name of a model that makes pictures."""
_INVOKE: tuple[Path, ...] = (
    *_LIMITS,
    ("imageGenerationConfig", "numberOfImages"),
    ("imageGenerationConfig", "quality"),
    ("documents", ANY),
)
_RERANK_MODEL = (
    "rerankingConfiguration",
    "bedrockRerankingConfiguration",
    "modelConfiguration",
    "modelArn",
)
_RERANK: tuple[Path, ...] = (_RERANK_MODEL, ("sources", ANY, "type"))
_RERANKED_AT_ONCE = 100
"""Documents of one billed query: https://aws.amazon.com/bedrock/pricing/."""

_ACCESS = Access(
    endpoints=(
        *(method for method, billing in _METHODS.items() if billing is Billing.METERED),
        *(*_UNCOUNTED, "messages"),
        *openai_elsewhere.METERED_PATHS.values(),
    ),
    credential="Authorization: a SigV4 signature, or Bearer",
    notes="SigV4 signs the host: through the gateway only bearer keys work, and AWS's own SDKs "
    "send those over https alone, so that they need the forward entrance. Agents report usage with "
    "enableTrace alone. Batch jobs, and what knowledge bases and flows do within, cannot be seen.",
)


class _UncountedRequest(JsonRequestReader):
    """A request whose text says nothing of the input: the prompt is the service's own."""

    def input_text(self) -> Prompt:
        return Prompt()


@dataclass(frozen=True, slots=True)
class Bedrock(WithoutWebSockets):
    name: str = "bedrock"
    hosts: tuple[str, ...] = _HOSTS
    price_provider: str = "aws"
    origin: Origin | None = None
    access: Access = _ACCESS

    def classify(self, head: RequestHead) -> Endpoint:
        if head.websocket:
            return WEBSOCKET
        region = _REGION.search(head.host)
        return replace(_endpoint(head), region=region[1] if region else None)

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader:
        if endpoint.name == "messages":
            return anthropic.ANTHROPIC.request_reader(endpoint, head)
        if endpoint.name in ("converse", "converse-stream"):
            return JsonRequestReader(_CONVERSE, lambda fields: _converse(fields, endpoint))
        if endpoint.name in _METHODS:
            return JsonRequestReader(_INVOKE, lambda fields: _invoke(fields, endpoint, head))
        if endpoint.name in _UNCOUNTED:
            return _UncountedRequest(_RERANK, _rerank)
        if endpoint.name == _WORK:
            return JsonRequestReader((("modelId",),), _work)
        return generation_request()

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        if endpoint.name in _METHODS and endpoint.name not in _BODIES:
            request = replace(request, model=endpoint.model)
            return EventStreamBody(InvokeBody(request, head), chunks=True)
        if body := _BODIES.get(endpoint.name):
            return EventStreamBody(body(request, head))
        if endpoint.name == "messages":
            # Prices go by Bedrock's name of the model, which the request has.
            messages = anthropic.MessagesBody(request, head)
            return Amended(messages, lambda facts: replace(facts, model=None))
        return openai_elsewhere.response_reader(endpoint, request, head)

    def error_body(self, status: int, code: str, message: str) -> bytes:  # noqa: ARG002
        """``{"message"}``; our code is in the headers alone."""
        return json.dumps({"message": message}).encode()


BEDROCK = Bedrock()


def _endpoint(head: RequestHead) -> Endpoint:
    path = head.path.rstrip("/")
    if path.startswith(_ANTHROPIC_PREFIX + "/"):
        return anthropic.messages_elsewhere(head, path.removeprefix(_ANTHROPIC_PREFIX))
    if prefix := _OPENAI_PREFIX.match(path):
        return openai_elsewhere.classify(head, path[prefix.end() :], _OPENAI_FREE)
    if head.method == "GET" and (work := _WORK_PATH.fullmatch(path)):
        return Endpoint(_WORK, Billing.RESULT, object_id=unquote(work[1]))
    if head.method not in ("POST", "PUT"):
        return MANAGE
    return _created(path)


def _created(path: str) -> Endpoint:
    if (call := _MODEL_CALL.fullmatch(path)) and call[2] in _METHODS:
        return Endpoint(call[2], _METHODS[call[2]], model_named(unquote(call[1])))
    known = (
        Endpoint(kind, billing)
        for pattern, kind, billing in _AGENT_PATHS
        if pattern.fullmatch(path)
    )
    return next(known, Endpoint("other", Billing.UNKNOWN))


def _converse(fields: JsonFields, endpoint: Endpoint) -> RequestFacts:
    tier = name(fields.value("serviceTier", "type"))
    return RequestFacts(
        model=endpoint.model,
        stream=endpoint.name.endswith("stream"),
        tier=tier,
        max_output_tokens=highest(fields, ("inferenceConfig", "maxTokens")),
        price_context=choices(tier, name(fields.value("performanceConfig", "latency"))),
    )


def _invoke(fields: JsonFields, endpoint: Endpoint, head: RequestHead) -> RequestFacts:
    tier = name(head.headers.get("x-amzn-bedrock-service-tier"))
    latency = name(head.headers.get("x-amzn-bedrock-performanceconfig-latency"))
    quality = name(fields.value("imageGenerationConfig", "quality"))
    return RequestFacts(
        model=endpoint.model,
        stream=endpoint.name.endswith("stream"),
        tier=tier,
        max_output_tokens=highest(fields, *_LIMITS),
        price_context={**choices(tier, latency), **({"quality": quality} if quality else {})},
        derived=_derived(fields, endpoint.model or ""),
    )


def _derived(fields: JsonFields, model: str) -> Mapping[str, int]:
    if "rerank" in model:
        return _searches(fields, ("documents", ANY))
    if any(part in model for part in _PICTURES):
        number = Tally().count(fields.value("imageGenerationConfig", "numberOfImages"))
        return {"images": 1 if number is None else number}
    return {}


def _rerank(fields: JsonFields) -> RequestFacts:
    model = name(fields.value(*_RERANK_MODEL))
    searches = _searches(fields, ("sources", ANY, "type"))
    return RequestFacts(model=model_named(model) if model else None, derived=searches)


def _searches(fields: JsonFields, documents: Path) -> Mapping[str, int]:
    """Queries as they are billed; nothing where not every document could be held."""
    count = sum(1 for _ in fields.values(*documents))
    if not count or fields.truncated:
        return {}
    return {"rerank_searches": -(-count // _RERANKED_AT_ONCE)}


def _work(fields: JsonFields) -> RequestFacts:
    model = name(fields.value("modelId"))
    return RequestFacts(model=model_named(model) if model else None)

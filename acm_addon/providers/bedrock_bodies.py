"""Response bodies of Amazon Bedrock: Converse, invocations in the vendors' shapes, agents."""

import re
from collections.abc import Mapping

from acm_addon.json_fields import JsonFields, parse
from acm_addon.json_paths import ANY
from acm_addon.providers.base import RequestFacts, ResponseHead
from acm_addon.providers.bedrock_usage import (
    METRICS,
    metrics_of,
    tally_converse,
    tally_invocation,
    tally_speech,
)
from acm_addon.providers.body import JsonBody, Reading, ResponseBody
from acm_addon.providers.by_model import ByModel
from acm_addon.providers.prompts import Answer
from acm_addon.providers.tally import Tally, mapping, name
from acm_addon.providers.texts import TextKeys
from acm_addon.sse import Event

_ARN = re.compile(r"arn:[^:]*+:[a-z-]++:[^:]*+:[^:]*+:(.+)")
_NAMED_BY_AWS = ("foundation-model", "inference-profile")
_MAX_INVOCATIONS = 1000
"""Of models by one agent, that are told apart."""
_NO_ID = ""


def model_named(identifier: str) -> str:
    """The model of an identifier or an ARN, as prices name it.

    What users named themselves (``application-inference-profile/…``, ``imported-model/…``) keeps
    its kind, for a price map; the account's number is left out.
    """
    arn = _ARN.fullmatch(identifier)
    resource = arn[1] if arn else identifier
    kind, _, rest = resource.partition("/")
    return rest if rest and kind in _NAMED_BY_AWS else resource


def choices(tier: str | None, latency: str | None) -> dict[str, str]:
    """What selects the price: the service tier, and latency-optimized inference."""
    context = {"service_tier": tier} if tier else {}
    if latency and latency != "standard":
        context["speed"] = latency
    return context


class ConverseBody(ResponseBody):
    """Converse and ConverseStream, whose last event, ``metadata``, has the usage."""

    WANTED = (
        ("usage",),
        ("serviceTier", "type"),
        ("performanceConfig", "latency"),
        ("trace", "promptRouter", "invokedModelId"),
    )
    DOCUMENT_TEXT = TextKeys(("text", "name"), objects=("input",), foreign=("trace", "citations"))
    STREAM_TEXT = TextKeys(("text", "name", "input"), foreign=("trace", "citation"))

    _metadata: bytes | None = None
    _failed = False

    def _notice(self, event: Event) -> bool:
        if event.name == b"metadata":
            self._metadata = event.data
        self._failed = self._failed or event.name == b"error"
        return event.name in (b"metadata", b"error")

    def _read_document(self, fields: JsonFields) -> Reading:
        usage, *given = (fields.value(*path) for path in self.WANTED)
        return self._read(mapping(usage), *map(name, given), finished=True)

    def _read_stream(self) -> Reading:
        metadata = mapping(parse(self._metadata)) if self._metadata else {}
        given = (name(_at(metadata, *path)) for path in self.WANTED[1:])
        return self._read(mapping(metadata.get("usage")), *given, finished=bool(metadata))

    def _read(
        self,
        usage: Mapping[str, object],
        tier: str | None,
        latency: str | None,
        routed: str | None,
        *,
        finished: bool,
    ) -> Reading:
        tally = tally_converse(usage)
        return Reading(
            model=model_named(routed) if routed else None,
            tier=tier,
            quantities=tally.quantities,
            bad=tally.bad,
            output_missing="output_tokens" not in tally.quantities,
            price_context=choices(tier, latency),
            finished=finished,
            failed=self._failed,
        )


class InvokeBody(ResponseBody):
    """InvokeModel: the vendor's own document, or a stream of them, and Bedrock's counts.

    The vendor's name for the model is not taken: prices go by Bedrock's, which is in the path.
    """

    WANTED = (
        ("usage",),
        ("inputTextTokenCount",),
        ("prompt_token_count",),
        ("generation_token_count",),
        ("results", ANY, "tokenCount"),
    )
    DOCUMENT_TEXT = TextKeys(
        (
            "text",
            "thinking",
            "generation",
            "outputText",
            "completion",
            "content",
            "reasoning_content",
            "name",
            "arguments",
        ),
        objects=("input",),
    )
    STREAM_TEXT = TextKeys((*DOCUMENT_TEXT.strings, "partial_json"))

    def __init__(self, request: RequestFacts, head: ResponseHead) -> None:
        super().__init__(request, head)
        self._headers = head.headers
        self._has_output = "embed" not in (request.model or "")
        self._start: bytes | None = None
        self._last: bytes | None = None
        self._metrics: bytes | None = None
        self._speech: bytes | None = None
        self._failed = False

    def _notice(self, event: Event) -> bool:
        data = event.data
        self._failed = self._failed or event.name == b"error"
        if b'"message_start"' in data:
            self._start = data
        elif b'"usageEvent"' in data:
            self._speech = data
        elif b'"usage"' in data:
            self._last = data
        if METRICS.encode() in data:
            self._metrics = data
        return False

    def _read_document(self, fields: JsonFields) -> Reading:
        document: dict[str, object] = {key: fields.value(key) for key, *more in self.WANTED}
        document["results"] = list(fields.values("results", ANY, "tokenCount"))
        tally = tally_invocation(document, metrics_of(self._headers))
        # Of what generates, both are counted; embeddings have an input alone, whatever their name.
        return self._read(tally, finished=True, output=not tally.quantities)

    def _read_stream(self) -> Reading:
        if self._speech:
            event = mapping(mapping(parse(self._speech)).get("event"))
            return self._read(tally_speech(mapping(event.get("usageEvent"))), finished=True)
        message = mapping(_parsed(self._start).get("message"))
        last = _parsed(self._last)
        # Nova puts the usage of its last event into ``metadata``.
        ending = mapping(last.get("usage")) or mapping(mapping(last.get("metadata")).get("usage"))
        usage = dict(mapping(message.get("usage")))
        usage.update((key, value) for key, value in ending.items() if value is not None)
        metrics = mapping(_parsed(self._metrics).get(METRICS))
        tally = tally_invocation({"usage": usage}, metrics, stub=not ending)
        return self._read(tally, finished=bool(metrics))

    def _read(self, tally: Tally, *, finished: bool, output: bool = True) -> Reading:
        tier = name(self._headers.get("x-amzn-bedrock-service-tier"))
        latency = name(self._headers.get("x-amzn-bedrock-performanceconfig-latency"))
        return Reading(
            tier=tier,
            quantities=tally.quantities,
            bad=tally.bad,
            output_missing=output and self._has_output and "output_tokens" not in tally.quantities,
            price_context=choices(tier, latency),
            finished=finished,
            failed=self._failed,
        )


class AgentBody(ResponseBody):
    """Agents: what their models consumed is in the trace, where the request asks for one
    (``enableTrace``), a pair of events for each time that a model was invoked. Without a trace
    nothing is known, and nothing can be counted: the agent's prompts are its own.
    """

    WANTED = (("message",),)

    def __init__(self, request: RequestFacts, head: ResponseHead) -> None:
        super().__init__(request, head)
        self._models: dict[str, str] = {}
        self._tallies: dict[str, Tally] = {}
        self._answered = False
        self._failed = False

    def _notice(self, event: Event) -> bool:
        self._failed = self._failed or event.name == b"error"
        self._answered = self._answered or event.name in (b"chunk", b"returnControl")
        if b'"modelInvocation' in event.data:
            for kind in mapping(_parsed(event.data).get("trace")).values():
                self._notice_trace(mapping(kind))
        return True

    def _notice_trace(self, trace: Mapping[str, object]) -> None:
        asked = mapping(trace.get("modelInvocationInput"))
        model, at = name(asked.get("foundationModel")), name(asked.get("traceId")) or _NO_ID
        if model and len(self._models) < _MAX_INVOCATIONS:
            self._models[at] = model_named(model)
        answered = mapping(trace.get("modelInvocationOutput"))
        usage = mapping(mapping(answered.get("metadata")).get("usage"))
        if usage and len(self._tallies) < _MAX_INVOCATIONS:
            self._tallies[name(answered.get("traceId")) or _NO_ID] = tally_converse(usage)

    def _read_document(self, fields: JsonFields) -> Reading:  # noqa: ARG002 - only errors are JSON
        return Reading()

    def _read_stream(self) -> Reading:
        sums = ByModel()
        for at, tally in self._tallies.items():
            sums.add(self._models.get(at), tally)
        first, others = sums.shares()
        return Reading(
            model=first.model,
            quantities=first.quantities,
            bad=sums.bad,
            others=others,
            finished=self._answered,
            failed=self._failed,
        )

    def output_text(self) -> Answer:
        return Answer()


class UncountedBody(JsonBody):
    """An answer that says nothing of usage: what the request decides is what is known."""

    WANTED = (("message",),)

    def _read_document(self, fields: JsonFields) -> Reading:  # noqa: ARG002
        return Reading()


class WorkBody(JsonBody):
    """Asynchronous work, when it begins and when one looks at it.

    Its end says where the output lies and nothing of usage, so that it stays pending; only work
    that failed is known to have cost nothing.
    """

    WANTED = (("invocationArn",), ("status",))

    def _read_document(self, fields: JsonFields) -> Reading:
        object_id = name(fields.value("invocationArn"))
        return Reading(object_id=object_id, pending=fields.value("status") != "Failed")


def _parsed(data: bytes | None) -> Mapping[str, object]:
    return mapping(parse(data)) if data else {}


def _at(document: Mapping[str, object], *path: str) -> object:
    value: object = document
    for key in path:
        value = mapping(value).get(key)
    return value

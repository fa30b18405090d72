"""Anthropic.

- Cached input is OUTSIDE ``input_tokens``; ``anthropic_usage`` adds it.
- Thinking is inside output.
- Streams: ``message_start`` has the input and a stub of the output; each ``message_delta`` has
  cumulative counts, and the last one wins, field by field.
- Billed besides tokens: web searches (``server_tool_use``); fetching pages is free. What other
  models do in a call, as advisors or before a fallback, is priced model by model.
- ``service_tier``, ``speed``, and ``inference_geo`` of the response decide the price.
- Batches are created free, and billed when their results pass by: see ``anthropic_batches``.
- Legacy ``complete`` reports no usage.
- Cannot be seen: how long a container ran for code execution, and results fetched elsewhere.
- Credential: ``x-api-key``, or a bearer token; on AWS perhaps a signature, which covers the host
  and so needs the forward entrance. Else gateway and forward entrance both work.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from acm_addon.json_fields import JsonFields, parse
from acm_addon.providers import openai_elsewhere
from acm_addon.providers.anthropic_batches import BatchBody, results
from acm_addon.providers.anthropic_usage import (
    other_models,
    price_context,
    serving_model,
    tally_usage,
)
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
    WithoutWebSockets,
)
from acm_addon.providers.body import JsonRequestReader, Reading, ResponseBody
from acm_addon.providers.openai_requests import generation_request
from acm_addon.providers.tally import mapping, name
from acm_addon.providers.texts import TextKeys
from acm_addon.providers.uploads import highest
from acm_addon.sse import Event

_METERED = {
    "/v1/messages": "messages",
    "/v1/complete": "complete",
    # Anthropic's own OpenAI-compatible path.
    "/v1/chat/completions": "chat.completions",
}
_FREE = re.compile(
    r"/v1/(?:messages/count_tokens|messages/batches/[^/]+/cancel|files(?:/.*)?|models(?:/.*)?"
    r"|skills(?:/.*)?"
    r"|organizations/.*"
    # Managed agents: what a session does is billed, and no more than that.
    r"|(?:agents|environments|memory_stores|vaults|tunnels|user_profiles)(?:/.*)?"
    r"|deployments(?:/[^/]+(?:/(?:archive|pause|unpause))?)?"
    r"|dreams/[^/]+/(?:archive|cancel)"
    r"|sessions/[^/]+(?:/archive|/resources(?:/[^/]+)?|/threads/[^/]+/archive)?)"
)
_ON_GOOGLE = re.compile(
    r"/v1/projects/[^/]+/locations/[^/]+/(?:workspaces/[^/]+|claudeOrganization)/invoke(?=/)"
)
"""What stands before the same paths where the platform is bought through Google Cloud."""
_UNREAD = re.compile(r"/v1/(sessions|deployments|dreams)(?:/.*)?")
"""Managed agents at work. Their usage grows in the background, and is not read."""
_BATCHES = "/v1/messages/batches"
_BATCH = re.compile(rf"{_BATCHES}/([^/]+)")
_RESULTS = re.compile(rf"{_BATCHES}/([^/]+)/results")
_REQUEST = tuple(
    (key,)
    for key in ("model", "stream", "max_tokens", "max_tokens_to_sample", "service_tier", "speed")
)
_ERROR = re.compile(rb'"error"\s*+:\s*+\{')
_KIND = re.compile(rb'"type"\s*+:\s*+"(message_start|message_delta|message_stop)"')
_STOPPED = re.compile(rb'"stop_reason"\s*+:\s*+"')
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class MessagesBody(ResponseBody):
    WANTED = tuple((key,) for key in ("model", "id", "usage", "error"))
    DOCUMENT_TEXT = TextKeys(("text", "thinking", "content", "name"), objects=("input",))
    STREAM_TEXT = TextKeys(("text", "thinking", "content", "name", "partial_json"))

    _start: bytes | None = None
    _delta: bytes | None = None
    _stopped = False
    _failed = False

    def _notice(self, event: Event) -> bool:
        data = event.data
        if b'"message_' in data and (kind := _KIND.search(data)):
            if kind[1] == b"message_start":
                self._start = data
            elif kind[1] == b"message_delta":
                self._delta = data
            else:
                self._stopped = True
            return True
        if event.name == b"error" or (b'"error"' in data and _ERROR.search(data)):
            self._failed = self._failed or bool(mapping(parse(data)).get("error"))
        return False

    def _read_document(self, fields: JsonFields) -> Reading:
        document = {path[0]: fields.value(*path) for path in self.WANTED}
        return self._read(document, mapping(document["usage"]), finished=True)

    def _read_stream(self) -> Reading:
        message = mapping(mapping(parse(self._start)).get("message")) if self._start else {}
        delta = mapping(parse(self._delta)) if self._delta else {}
        last = mapping(delta.get("usage"))
        usage = dict(mapping(message.get("usage")))
        usage.update((key, value) for key, value in last.items() if value is not None)
        return self._read(message, usage, stub=not last, finished=self._stopped)

    def _read(
        self,
        message: Mapping[str, object],
        usage: Mapping[str, object],
        *,
        finished: bool,
        stub: bool = False,
    ) -> Reading:
        model = serving_model(name(message.get("model")), usage)
        tally = tally_usage(usage, model, stub=stub)
        tier = name(usage.get("service_tier"))
        region = name(usage.get("inference_geo"))
        context = price_context(tier, name(usage.get("speed")), region)
        return Reading(
            model=model,
            object_id=name(message.get("id")),
            tier=tier,
            region=None if region == "not_available" else region,
            quantities=tally.quantities,
            bad=tally.bad,
            output_missing="output_tokens" not in tally.quantities,
            price_context=context,
            others=other_models(usage, model, context),
            finished=finished,
            failed=self._failed or bool(message.get("error")),
        )


class CompleteBody(ResponseBody):
    """Text completions of 2023: no usage, so that the tokenizer counts."""

    WANTED = tuple((key,) for key in ("model", "id", "log_id", "error"))
    DOCUMENT_TEXT = TextKeys(("completion",))
    STREAM_TEXT = DOCUMENT_TEXT

    _first: bytes | None = None
    _stopped = False
    _failed = False

    def _notice(self, event: Event) -> bool:
        self._first = self._first or (event.data if event.name == b"completion" else None)
        self._stopped = self._stopped or bool(_STOPPED.search(event.data))
        self._failed = self._failed or event.name == b"error"
        return False

    def _read_document(self, fields: JsonFields) -> Reading:
        return self._read({path[0]: fields.value(*path) for path in self.WANTED}, finished=True)

    def _read_stream(self) -> Reading:
        return self._read(
            mapping(parse(self._first)) if self._first else {}, finished=self._stopped
        )

    def _read(self, document: Mapping[str, object], *, finished: bool) -> Reading:
        return Reading(
            model=name(document.get("model")),
            object_id=name(document.get("id")) or name(document.get("log_id")),
            output_missing=True,
            finished=finished,
            failed=self._failed or bool(document.get("error")),
        )


_ORIGIN = Origin("api.anthropic.com")
_ACCESS = Access(
    credential="x-api-key, or a bearer token",
    notes="A batch is priced when its results pass by. Container hours of code execution cannot be "
    "seen. What managed agents do is recorded without a price.",
    endpoints=(*_METERED.values(), "batches"),
)


@dataclass(frozen=True, slots=True)
class Anthropic(WithoutWebSockets):
    name: str = "anthropic"
    hosts: tuple[str, ...] = (
        _ORIGIN.host,
        # The same platform, bought through AWS or Google Cloud.
        "aws-external-anthropic.*.api.aws",
        "claude.googleapis.com",
    )
    price_provider: str = "anthropic"
    origin: Origin | None = _ORIGIN
    access: Access = _ACCESS

    def classify(self, head: RequestHead) -> Endpoint:
        path = _ON_GOOGLE.sub("", head.path, count=1).rstrip("/")
        if head.websocket:
            return WEBSOCKET
        if head.method == "GET" and (result := _result(path)):
            return result
        if head.method != "POST" or _FREE.fullmatch(path):
            return MANAGE
        if path in _METERED:
            return Endpoint(_METERED[path])
        if path == _BATCHES:
            return Endpoint("batches", Billing.PENDING)
        unread = _UNREAD.fullmatch(path)
        return Endpoint(unread[1] if unread else "other", Billing.UNKNOWN)

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader:  # noqa: ARG002
        if endpoint.name == "chat.completions":
            return generation_request()
        return JsonRequestReader(_REQUEST, _request)

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        if endpoint.name == "chat.completions":
            return openai_elsewhere.response_reader(endpoint, request, head)
        if endpoint.name == "batches":
            return results(head) if endpoint.file else BatchBody(request, head)
        body = CompleteBody if endpoint.name == "complete" else MessagesBody
        return body(request, head)

    def error_body(self, status: int, code: str, message: str) -> bytes:  # noqa: ARG002
        """``{"type": "error", "error": {type, message}}``; our code is in the headers alone."""
        fallback = "invalid_request_error" if status < 500 else "api_error"
        error = {"type": _ERROR_TYPES.get(status, fallback), "message": message}
        return json.dumps({"type": "error", "error": error}).encode()


ANTHROPIC = Anthropic()


def messages_elsewhere(head: RequestHead, path: str) -> Endpoint:
    """The endpoint of ``path`` where somebody else offers Claude's messages, and the counting of
    tokens, but none of the platform around them."""
    endpoint = ANTHROPIC.classify(replace(head, path=path))
    if endpoint.billing is Billing.RESULT:
        return MANAGE
    if endpoint.name == "messages" or endpoint.billing is Billing.FREE:
        return endpoint
    return Endpoint("other", Billing.UNKNOWN)


def _result(path: str) -> Endpoint | None:
    """A look at a batch, or at its results."""
    if batch := _BATCH.fullmatch(path):
        return Endpoint("batches", Billing.RESULT, object_id=batch[1])
    if batch := _RESULTS.fullmatch(path):
        return Endpoint(
            "batches", Billing.RESULT, object_id=batch[1], file=True, price_context=BATCH
        )
    return None


def _request(fields: JsonFields) -> RequestFacts:
    speed = name(fields.value("speed"))
    return RequestFacts(
        model=name(fields.value("model")),
        stream=fields.value("stream") is True,
        # ``auto`` and ``standard_only`` are wishes; the response names the tier that was served.
        tier=name(fields.value("service_tier")),
        max_output_tokens=highest(fields, ("max_tokens",), ("max_tokens_to_sample",)),
        price_context={"speed": speed} if speed else {},
    )

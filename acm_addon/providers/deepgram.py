"""Deepgram: text from speech, speech from text, and what is understood of either.

- Cached input and reasoning: no counts of either.
- Text from speech is billed by ``metadata.duration``, once for each channel where ``multichannel``
  asks for these. What a call adds to the price (speakers told apart, redaction, key terms, several
  languages) is in the price context.
- Summaries, topics, intents, and sentiment state tokens of their own: those of a transcription are
  other models' usage, those of ``/v1/read`` are all that it consumes.
- Speech from text is billed by characters: the header ``dg-char-count``, else the request's text.
- Streams are websockets, which are recorded and not metered.
- With ``callback`` the result goes elsewhere and is not seen: the call stays pending.
- Credential: ``Authorization: Token``. Gateway and forward entrance both work.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from acm_addon.json_fields import JsonFields
from acm_addon.json_paths import Path
from acm_addon.model import ModelUsage
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
from acm_addon.providers.body import JsonBody, Reading
from acm_addon.providers.media import FieldsRequest, SoundBody, header_number
from acm_addon.providers.tally import Tally, mapping, moment, name

_PATHS = re.compile(r"/v[12]/(listen|speak|read)")
_FREE_POSTS = re.compile(r"/v1/(?:projects(?:/.*)?|auth/grant)")
_DEFAULT_MODELS = {"listen": "base", "speak": "aura-asteria-en", "read": "read"}
"""Of requests that name none, as the API documents them; ``read`` has no choice of models."""
_SWITCHES = ("diarize", "redact", "keyterm", "detect_entities", "multichannel", "mip_opt_out")
"""Parameters that change what a second of sound costs."""
_INSIGHTS = {
    "summary_info": "summarize",
    "topics_info": "topics",
    "intents_info": "intents",
    "sentiment_info": "sentiment",
}


@dataclass(frozen=True, slots=True)
class Deepgram(WithoutWebSockets):
    name: str = "deepgram"
    hosts: tuple[str, ...] = ("api.deepgram.com", "api.eu.deepgram.com", "agent.deepgram.com")
    price_provider: str = "deepgram"
    access: Access = Access(  # noqa: RUF009 - frozen
        endpoints=tuple(_DEFAULT_MODELS),
        credential="Authorization: Token",
        notes="Websockets (live transcription, voice agents) are recorded, not metered. Calls with"
        " a callback stay pending: their results are not seen.",
    )

    @property
    def origin(self) -> Origin:
        return Origin(self.hosts[0])

    def classify(self, head: RequestHead) -> Endpoint:
        path = head.path.rstrip("/")
        if head.websocket:
            return WEBSOCKET
        if head.method != "POST":
            return MANAGE
        if found := _PATHS.fullmatch(path):
            parameters = head.parameters
            return Endpoint(
                found[1],
                Billing.PENDING if "callback" in parameters else Billing.METERED,
                parameters.get("model") or _DEFAULT_MODELS[found[1]],
                price_context=_choices(parameters),
            )
        if _FREE_POSTS.fullmatch(path):
            return MANAGE
        return Endpoint("other", Billing.UNKNOWN)

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader:  # noqa: ARG002
        return FieldsRequest((("text",),) if endpoint.name == "speak" else (), _request)

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        if endpoint.name == "speak":
            return SoundBody(request, head, _speech)
        return TranscriptBody(endpoint, request, head)

    def error_body(self, status: int, code: str, message: str) -> bytes:  # noqa: ARG002
        """``{"err_code", "err_msg", "request_id"}``."""
        return json.dumps({"err_code": code, "err_msg": message, "request_id": ""}).encode()


def _choices(parameters: Mapping[str, str]) -> dict[str, str]:
    """What of the query changes the price. Texts of the client's own do not get here."""
    choices = {key: "true" for key in _SWITCHES if parameters.get(key, "false") != "false"}
    if "diarize_model" in parameters:
        choices["diarize"] = "true"
    if parameters.get("language") == "multi":
        choices["language"] = "multi"
    return choices


def _request(fields: JsonFields) -> RequestFacts:
    text = fields.value("text")
    return RequestFacts(derived={"input_characters": len(text)} if isinstance(text, str) else {})


def _speech(head: ResponseHead) -> Reading:
    tally = Tally()
    tally.put("input_characters", header_number(head, "dg-char-count"))
    return Reading(
        model=name(head.headers.get("dg-model-name")),
        object_id=name(head.headers.get("dg-request-id")),
        quantities=tally.quantities,
        bad=tally.bad,
    )


class TranscriptBody(JsonBody):
    """A transcript, what was understood of a text, or the word that a callback will get it."""

    WANTED: ClassVar[tuple[Path, ...]] = (
        ("request_id",),
        ("metadata", "request_id"),
        ("metadata", "created"),
        ("metadata", "duration"),
        ("metadata", "channels"),
        ("metadata", "model_info"),
        *(("metadata", key) for key in _INSIGHTS),
    )

    def __init__(self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead) -> None:
        super().__init__(request, head)
        self._listens = endpoint.name == "listen"
        self._by_channel = "multichannel" in endpoint.price_context

    def _read_document(self, fields: JsonFields) -> Reading:
        tally = Tally()
        insights = tuple(_insights(tally, fields))
        if self._listens:
            self._put_seconds(tally, fields)
        else:
            for each in insights:
                for unit, count in each.quantities.items():
                    tally.add(unit, int(count))
        given = fields.value("metadata", "request_id") or fields.value("request_id")
        return Reading(
            model=_served(fields.value("metadata", "model_info")) if self._listens else None,
            object_id=name(given),
            quantities=tally.quantities,
            bad=tally.bad,
            others=insights if self._listens else (),
            created=moment(fields.value("metadata", "created")),
        )

    def _put_seconds(self, tally: Tally, fields: JsonFields) -> None:
        seconds = tally.amount(fields.value("metadata", "duration"))
        channels = tally.count(fields.value("metadata", "channels"), required=self._by_channel)
        if seconds is not None:
            times = channels if self._by_channel and channels else 1
            tally.measure("input_audio_seconds", seconds * times)


def _insights(tally: Tally, fields: JsonFields) -> list[ModelUsage]:
    found = []
    for key, model in _INSIGHTS.items():
        info = mapping(fields.value("metadata", key))
        counts = {unit: tally.count(info.get(unit)) for unit in ("input_tokens", "output_tokens")}
        known = {unit: count for unit, count in counts.items() if count is not None}
        if known:
            found.append(ModelUsage(model, known))
    return found


def _served(models: object) -> str | None:
    """``nova-3`` of ``general-nova-3``, ``nova-3-medical`` of ``medical-nova-3``; None for several.

    Those are the names that requests use, and prices.
    """
    infos = [mapping(info) for info in mapping(models).values()]
    if len(infos) != 1:
        return None
    kind, architecture = name(infos[0].get("name")), name(infos[0].get("arch"))
    if kind is None or architecture is None:
        return None
    variant = kind.removesuffix(f"-{architecture}")
    return architecture if variant in ("general", kind) else f"{architecture}-{variant}"


DEEPGRAM = Deepgram()

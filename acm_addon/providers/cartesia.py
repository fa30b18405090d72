"""Cartesia: speech from text, and text from speech.

- Cached input and reasoning: no counts of either.
- Text from speech is billed by the ``duration`` that the answer states; speech from text by the
  characters of the request's ``transcript`` (derived). Streams of events state no usage either.
- Changing voices and filling gaps are recorded, not metered; websockets too.
- Credential: ``X-API-Key`` or ``Authorization: Bearer``. Gateway and forward entrance both work.
"""

import json
import re
from dataclasses import dataclass
from typing import ClassVar

from acm_addon.json_fields import JsonFields
from acm_addon.json_paths import Path
from acm_addon.multipart import MultipartForm
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
from acm_addon.providers.media import FieldsRequest, FormRequest, SoundBody
from acm_addon.providers.tally import Tally, name

_METERED = {"/stt": "stt", "/tts/bytes": "tts", "/tts/sse": "tts"}
_FREE_POSTS = re.compile(
    r"/(?:access-token|(?:voices|datasets|fine-tunes|pronunciation-dicts)(?:/.*)?)"
)
_UNREAD = re.compile(r"/(voice-changer|infill|agents|audio)(?:/.*)?")


@dataclass(frozen=True, slots=True)
class Cartesia(WithoutWebSockets):
    name: str = "cartesia"
    hosts: tuple[str, ...] = ("api.cartesia.ai",)
    price_provider: str = "cartesia"
    access: Access = Access(  # noqa: RUF009 - frozen
        endpoints=tuple(_METERED.values()),
        credential="X-API-Key, Authorization: Bearer",
        notes="Websockets are recorded, not metered.",
    )

    @property
    def origin(self) -> Origin:
        return Origin(self.hosts[0])

    def classify(self, head: RequestHead) -> Endpoint:
        path = head.path.rstrip("/")
        if head.websocket:
            return WEBSOCKET
        if head.method != "POST" or _FREE_POSTS.fullmatch(path):
            return MANAGE
        if path in _METERED:
            return Endpoint(_METERED[path])
        unread = _UNREAD.fullmatch(path)
        return Endpoint(unread[1] if unread else "other", Billing.UNKNOWN)

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader:
        if endpoint.name == "stt":
            return FormRequest(head.content_type, _recording)
        return FieldsRequest((("model_id",), ("transcript",)), _text)

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        if endpoint.name == "stt":
            return TranscriptBody(request, head)
        return SoundBody(request, head)

    def error_body(self, status: int, code: str, message: str) -> bytes:  # noqa: ARG002
        """``{"error_code", "title", "message"}``."""
        return json.dumps({"error_code": code, "title": code, "message": message}).encode()


def _recording(form: MultipartForm) -> RequestFacts:
    return RequestFacts(model=name(form.value("model")))


def _text(fields: JsonFields) -> RequestFacts:
    text = fields.value("transcript")
    return RequestFacts(
        model=name(fields.value("model_id")),
        derived={"input_characters": len(text)} if isinstance(text, str) else {},
    )


class TranscriptBody(JsonBody):
    WANTED: ClassVar[tuple[Path, ...]] = (("duration",),)

    def _read_document(self, fields: JsonFields) -> Reading:
        tally = Tally()
        tally.measure("input_audio_seconds", fields.value("duration"))
        return Reading(quantities=tally.quantities, bad=tally.bad)


CARTESIA = Cartesia()

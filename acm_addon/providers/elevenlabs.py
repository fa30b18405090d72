"""ElevenLabs: speech from text, text from speech, sound, music, and dubbing.

- Cached input and reasoning: no counts of either.
- Speech from text is counted in characters of the request's text (derived). The answer's header
  ``character-cost`` is not that count but the credits charged for it, ``characters x rate`` where
  the rate depends on model, voice, and plan, while prices are by characters of a model. It stands
  for calls whose text is not seen, and for those that have none: ``credits``.
- Text from speech is counted in seconds (``audio_duration_secs``, which covers all channels; else
  by the end of the last word, derived).
- Sound effects and music: the length that was asked for (derived) where the header is missing.
- Streams carry sound, or one JSON document after another; their count is in the head as well.
- Dubbing, and transcripts for a webhook, are pending until a look at them shows that they are
  done; a dub counts the seconds of its source once for each language.
- Credential: ``xi-api-key``. Gateway and forward entrance both work.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from acm_addon.json_fields import JsonFields
from acm_addon.json_paths import ANY, Path
from acm_addon.model import Quantities, UsageSource
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
from acm_addon.providers.media import (
    FieldsRequest,
    FormRequest,
    SoundBody,
    header_number,
)
from acm_addon.providers.tally import Tally, mapping, moment, name

_SPEECH = "text-to-speech"
_DIALOGUE = "text-to-dialogue"
_DESIGN = "text-to-voice"
_EFFECTS = "sound-generation"
_MUSIC = "music"
_TRANSCRIPTS = "speech-to-text"
_DUBBING = "dubbing"

_PATHS = (
    (_SPEECH, rf"{_SPEECH}/[^/]+(?:/stream)?(?:/with-timestamps)?"),
    (_DIALOGUE, rf"{_DIALOGUE}(?:/stream)?(?:/with-timestamps)?"),
    (_DESIGN, rf"{_DESIGN}/(?:design|create-previews|[^/]+/remix)"),
    (_EFFECTS, _EFFECTS),
    (_MUSIC, rf"{_MUSIC}(?:/detailed)?(?:/stream)?|{_MUSIC}/video-to-music"),
    ("speech-to-speech", r"(?:speech-to-speech|voice-changer)/[^/]+(?:/stream)?"),
    ("audio-isolation", r"audio-isolation(?:/stream)?"),
    (_TRANSCRIPTS, _TRANSCRIPTS),
)
_CREATED = tuple((endpoint, re.compile(f"/v1/(?:{path})")) for endpoint, path in _PATHS)
_TRANSCRIPT = re.compile(rf"/v1/{_TRANSCRIPTS}/transcripts/([^/]+)")
_DUB = re.compile(rf"/v1/{_DUBBING}/((?!project$|resource$)[^/]+)")
_FREE_POSTS = re.compile(
    r"/v[12]/(?:voices(?:/.*)?|similar-voices|text-to-voice|history/.*|assets|music/(?:plan|upload)"
    r"|pronunciation-dictionaries(?:/.*)?|single-use-token/.*|workspace(?:/.*)?"
    r"|service-accounts(?:/.*)?)"
)
_UNREAD = re.compile(
    r"/v1/(forced-alignment|convai|studio|flows|productions|audio-native|speech-engine|dubbing"
    r"|music|text-to-voice|speech-to-text)(?:/.*)?"
)
"""Paths with a price, or the chance of one, that have a name though we do not read them."""

_DEFAULT_MODELS: Mapping[str, str] = {
    _SPEECH: "eleven_multilingual_v2",
    _DIALOGUE: "eleven_v3",
    _EFFECTS: "eleven_text_to_sound_v2",
    "speech-to-speech": "eleven_english_sts_v2",
}
"""Of requests that name none, as the API documents them."""
_MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class ElevenLabs(WithoutWebSockets):
    name: str = "elevenlabs"
    hosts: tuple[str, ...] = (
        "api.elevenlabs.io",
        "api.us.elevenlabs.io",
        "*.residency.elevenlabs.io",
    )
    price_provider: str = "elevenlabs"
    access: Access = Access(  # noqa: RUF009 - frozen
        endpoints=(*(endpoint for endpoint, _ in _PATHS), _DUBBING),
        credential="xi-api-key",
        notes="Websockets (streamed input, conversations) are recorded, not metered.",
    )

    @property
    def origin(self) -> Origin:
        return Origin(self.hosts[0])

    def classify(self, head: RequestHead) -> Endpoint:
        path = head.path.rstrip("/")
        if head.websocket:
            return WEBSOCKET
        if head.method == "POST":
            return _created(path)
        for endpoint, pattern in ((_TRANSCRIPTS, _TRANSCRIPT), (_DUBBING, _DUB)):
            if head.method == "GET" and (found := pattern.fullmatch(path)):
                return Endpoint(endpoint, Billing.RESULT, object_id=found[1])
        return MANAGE

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader:
        def facts(model: str | None, derived: Quantities | None = None) -> RequestFacts:
            default = _DEFAULT_MODELS.get(endpoint.name)
            return RequestFacts(model=model or default, derived=derived or {})

        def form(body: MultipartForm) -> RequestFacts:
            return facts(name(body.value("model_id")))

        def fields(body: JsonFields) -> RequestFacts:
            return facts(name(body.value("model_id")), _derived(endpoint, body))

        if head.content_type.strip().lower().startswith("multipart/"):
            return FormRequest(head.content_type, form)
        return FieldsRequest(_WANTED.get(endpoint.name, (("model_id",),)), fields)

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        if endpoint.name == _TRANSCRIPTS:
            return TranscriptBody(request, head)
        if endpoint.name == _DUBBING:
            return DubbingBody(request, head)
        return SoundBody(request, head, lambda given: _credits(request, given))

    def error_body(self, status: int, code: str, message: str) -> bytes:  # noqa: ARG002
        """``{"detail": {"status", "message"}}``."""
        return json.dumps({"detail": {"status": code, "message": message}}).encode()


def _created(path: str) -> Endpoint:
    if path == f"/v1/{_DUBBING}":
        return Endpoint(_DUBBING, Billing.PENDING)
    for endpoint, pattern in _CREATED:
        if pattern.fullmatch(path):
            return Endpoint(endpoint)
    if _FREE_POSTS.fullmatch(path):
        return MANAGE
    unread = _UNREAD.fullmatch(path)
    return Endpoint(unread[1] if unread else "other", Billing.UNKNOWN)


_WANTED: Mapping[str, tuple[Path, ...]] = {
    _SPEECH: (("model_id",), ("text",)),
    _DIALOGUE: (("model_id",), ("inputs", ANY, "text")),
    _DESIGN: (("model_id",), ("text",)),
    _EFFECTS: (("model_id",), ("duration_seconds",)),
    _MUSIC: (
        ("model_id",),
        ("music_length_ms",),
        ("composition_plan", "sections", ANY, "duration_ms"),
        ("composition_plan", "chunks", ANY, "duration_ms"),
    ),
}


def _derived(endpoint: Endpoint, body: JsonFields) -> Quantities:
    """What the request alone says: characters of its text, or the length that it asks for."""
    tally = Tally()
    if endpoint.name in (_SPEECH, _DESIGN):
        _put_characters(tally, [body.value("text")])
    elif endpoint.name == _DIALOGUE:
        _put_characters(tally, body.values("inputs", ANY, "text"))
    elif endpoint.name == _EFFECTS:
        tally.measure("output_audio_seconds", body.value("duration_seconds"))
    elif endpoint.name == _MUSIC:
        length = tally.count(body.value("music_length_ms"))
        if length is None:
            planned = [
                tally.count(milliseconds)
                for part in ("sections", "chunks")
                for milliseconds in body.values("composition_plan", part, ANY, "duration_ms")
            ]
            length = sum(each for each in planned if each is not None) if planned else None
        if length is not None:
            tally.measure("output_audio_seconds", Decimal(length) / _MILLISECONDS)
    return {} if tally.bad else tally.quantities


def _put_characters(tally: Tally, texts: Iterable[object]) -> None:
    """Unicode code points of all ``texts``; nothing where one of them could not be read."""
    lengths = [len(text) if isinstance(text, str) else None for text in texts]
    known = [length for length in lengths if length is not None]
    if lengths and len(known) == len(lengths):
        tally.put("input_characters", sum(known))


def _credits(request: RequestFacts, head: ResponseHead) -> Reading:
    """Credits charged, where characters of the request do not count."""
    tally = Tally()
    if "input_characters" not in request.derived:
        tally.measure("credits", header_number(head, "character-cost"))
    return Reading(quantities=tally.quantities)


class TranscriptBody(JsonBody):
    """A transcript, one for each channel, or the word that a webhook will get it."""

    WANTED: ClassVar[tuple[Path, ...]] = (
        ("transcription_id",),
        ("request_id",),
        ("message",),
        ("audio_duration_secs",),
        ("words", ANY, "end"),
        ("transcripts", ANY, "channel_index"),
        ("transcripts", ANY, "words", ANY, "end"),
    )

    def _read_document(self, fields: JsonFields) -> Reading:
        object_id = name(fields.value("transcription_id")) or name(fields.value("request_id"))
        tally = Tally()
        tally.measure("input_audio_seconds", fields.value("audio_duration_secs"))
        stated = bool(tally.quantities)
        if not stated:
            _put_last_word(tally, fields)
        accepted = fields.value("message") is not None and not tally.quantities
        return Reading(
            object_id=object_id,
            quantities=tally.quantities,
            source=UsageSource.REPORTED if stated else UsageSource.DERIVED,
            bad=tally.bad,
            pending=accepted and object_id is not None,
        )


def _put_last_word(tally: Tally, fields: JsonFields) -> None:
    """The end of the last word, for each channel: all are billed at the recording's length."""
    ends = [
        seconds
        for path in (("words", ANY, "end"), ("transcripts", ANY, "words", ANY, "end"))
        for end in fields.values(*path)
        if (seconds := tally.amount(end)) is not None
    ]
    channels = len(list(fields.values("transcripts", ANY, "channel_index"))) or 1
    if ends:
        tally.measure("input_audio_seconds", max(ends) * channels)


class DubbingBody(JsonBody):
    """A dub that was ordered, or what became of it."""

    WANTED: ClassVar[tuple[Path, ...]] = (
        ("dubbing_id",),
        ("status",),
        ("target_languages",),
        ("media_metadata",),
        ("created_at",),
    )

    def _read_document(self, fields: JsonFields) -> Reading:
        status, languages = fields.value("status"), fields.value("target_languages")
        tally = Tally()
        if status == "dubbed" and isinstance(languages, list):
            seconds = tally.amount(mapping(fields.value("media_metadata")).get("duration"))
            if seconds is not None:
                tally.measure("input_audio_seconds", seconds * len(languages))
        ended = status == "failed" or bool(tally.quantities) or tally.bad
        return Reading(
            object_id=name(fields.value("dubbing_id")),
            quantities=tally.quantities,
            bad=tally.bad,
            pending=not ended,
            created=moment(fields.value("created_at")),
        )


ELEVENLABS = ElevenLabs()

"""Websockets in OpenAI's shape: Realtime (OpenAI, Azure, xAI), and responses over a websocket.

- Each response ends in an event that has its usage (``response.done``; over a responses websocket
  ``response.completed`` and its kin), and the connection consumed their sum. xAI has the usage
  beside the response, OpenAI inside it.
- Cached input is inside input, and audio and text are parts of each total. xAI bills the seconds of
  its ``billable_audio_seconds`` and the text messages that it is sent; its tokens cost nothing.
- Spoken input that is transcribed is billed apart, by tokens or by seconds, at the prices of the
  transcriber that the session names: it is another model's usage. A session that only transcribes
  has no other.
- A response that is cancelled still reports what it consumed.
"""

import re
from collections.abc import Mapping

from acm_addon.json_fields import JsonFields
from acm_addon.json_paths import ANY, Path
from acm_addon.model import ModelUsage, Quantities, Reason, UsageSource
from acm_addon.providers.base import Billing, Endpoint, ResponseFacts
from acm_addon.providers.by_model import ByModel
from acm_addon.providers.openai_usage import stated_cost, tally_usage
from acm_addon.providers.tally import Tally, mapping, name

_OF_INTEREST = re.compile(
    rb'"(?:response\.(?:created|done|completed|incomplete|failed|cancelled)'
    rb"|(?:transcription_)?session\.(?:created|updated)"
    rb'|conversation\.item\.input_audio_transcription\.(?:completed|failed))"'
)
"""Messages that may say what was consumed. Audio and text deltas, which are most, do not."""
_SENT_OF_INTEREST = re.compile(rb'"conversation\.item\.create"')
_ENDS = frozenset(f"response.{how}" for how in ("done", "completed", "incomplete", "failed"))
_TRANSCRIBED = "conversation.item.input_audio_transcription.completed"
_WANTED: tuple[Path, ...] = (
    ("type",),
    ("usage",),
    ("response", "usage"),
    ("response", "id"),
    ("response", "model"),
    ("response", "service_tier"),
    ("session", "id"),
    ("session", "model"),
    ("session", "type"),
    ("session", "audio", "input", "transcription", "model"),
    ("session", "input_audio_transcription", "model"),
)
_SENT_WANTED: tuple[Path, ...] = (("type",), ("item", "role"), ("item", "content", ANY, "type"))
_BYTES_PER_TOKEN = 4


class RealtimeReader:
    """Adds up what the responses on a connection report."""

    def __init__(self, model: str | None) -> None:
        """``model`` is the one that the connection's request names, if it names one."""
        self._model = model
        self._transcriber: str | None = None
        self._session: str | None = None
        self._tier: str | None = None
        self._used = ByModel()
        self._transcribed = Tally()
        self._messages = 0
        self._cost: int | None = None
        self._running = 0
        self._unreported = 0
        """Bytes that a running response has sent so far."""

    def sent(self, message: bytes) -> None:
        if not _SENT_OF_INTEREST.search(message):
            return
        fields = _fields(message, _SENT_WANTED)
        if fields.value("item", "role") == "user":
            kinds = fields.values("item", "content", ANY, "type")
            self._messages += sum(kind == "input_text" for kind in kinds)

    def received(self, message: bytes) -> None:
        self._unreported += len(message) if self._running else 0
        if not _OF_INTEREST.search(message):
            return
        fields = _fields(message, _WANTED)
        kind = fields.value("type")
        if not isinstance(kind, str):
            return
        if kind == "response.created":
            self._running += 1
        elif kind in _ENDS or kind == "response.cancelled":
            self._ended(fields)
        elif kind == _TRANSCRIBED:
            self._transcribed.take(_transcription(mapping(fields.value("usage"))))
        elif "session." in kind:
            self._configured(fields)

    def facts(self) -> ResponseFacts:
        first, others = self._used.shares()
        transcribed = ModelUsage(self._transcriber, self._transcribed.quantities)
        if transcribed.quantities and not first.quantities:
            # Nothing but a transcription: it is what the connection is for.
            return self._facts(transcribed.model or self._model, transcribed.quantities, ())
        main = first.quantities or {"input_tokens": 0, "output_tokens": 0}
        if "audio_seconds" in main and self._messages:
            main = {**main, "input_text_messages": self._messages}
        if transcribed.quantities:
            others = (*others, transcribed)
        return self._facts(first.model or self._model, main, others)

    def output_tokens_so_far(self) -> int:
        parts = self._used.parts()
        reported = sum(int(part.quantities.get("output_tokens", 0)) for part in parts)
        return reported + self._unreported // _BYTES_PER_TOKEN

    def _facts(
        self, model: str | None, quantities: Quantities, others: tuple[ModelUsage, ...]
    ) -> ResponseFacts:
        return ResponseFacts(
            model=model,
            object_id=self._session,
            tier=self._tier,
            quantities=quantities,
            usage_source=UsageSource.REPORTED,
            provider_cost=self._cost,
            others=others,
            finished=not self._running,
            reason=Reason.BAD_USAGE if self._used.bad or self._transcribed.bad else None,
        )

    def _configured(self, fields: JsonFields) -> None:
        self._session = name(fields.value("session", "id")) or self._session
        self._model = name(fields.value("session", "model")) or self._model
        transcriber = fields.value(
            "session", "audio", "input", "transcription", "model"
        ) or fields.value("session", "input_audio_transcription", "model")
        self._transcriber = name(transcriber) or self._transcriber

    def _ended(self, fields: JsonFields) -> None:
        self._running = max(self._running - 1, 0)
        self._unreported = 0
        inside, beside = fields.value("response", "usage"), fields.value("usage")
        usage = mapping(inside) or mapping(beside)
        if not usage:
            return
        model = name(fields.value("response", "model")) or self._model
        self._tier = name(fields.value("response", "service_tier")) or self._tier
        tally = tally_usage(usage)
        tally.measure("audio_seconds", usage.get("billable_audio_seconds"))
        if (cost := stated_cost(usage)) is not None:
            self._cost = (self._cost or 0) + cost
        self._used.add(model, tally)


def realtime_reader(endpoint: Endpoint) -> RealtimeReader | None:
    """A reader of a connection to ``endpoint``, where its messages have usage."""
    return RealtimeReader(endpoint.model) if endpoint.billing is Billing.METERED else None


def _fields(message: bytes, wanted: tuple[Path, ...]) -> JsonFields:
    fields = JsonFields(wanted)
    fields.feed(message)
    return fields


def _transcription(usage: Mapping[str, object]) -> Tally:
    """``{"type": "tokens", …}`` or ``{"type": "duration", "seconds": …}``."""
    if usage.get("type") != "duration":
        return tally_usage(usage)
    tally = Tally()
    tally.measure("input_audio_seconds", usage.get("seconds"))
    return tally

"""OpenAI's speech, transcriptions, and translations.

- Transcriptions state their usage: tokens (sound and text apart), or seconds, in streams in
  ``transcript.text.done``. Plain text, SRT and VTT state nothing: then the uploaded file says how
  long it plays.
- Speech by ``tts-1`` is billed by the characters of ``input``. Other models are billed by tokens,
  which only ``stream_format: "sse"`` states, in ``speech.audio.done``. Else how long the speech
  plays is read from the sound, and counts as an estimate: what a minute comes to has a price.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

from acm_addon.audio import Duration, duration
from acm_addon.json_paths import Path
from acm_addon.model import Quantities, Reason, UsageSource
from acm_addon.multipart import HEAD, TAIL, FilePart
from acm_addon.providers.base import (
    RequestFacts,
    RequestHead,
    ResponseFacts,
    ResponseHead,
    ResponseReader,
)
from acm_addon.providers.body import Reading
from acm_addon.providers.openai_responses import StatedEndBody
from acm_addon.providers.prompts import Answer
from acm_addon.providers.tally import Tally, mapping, name
from acm_addon.providers.uploads import Get, UploadReader

_PCM_BYTES_PER_SECOND = 24_000 * 2
"""``response_format: "pcm"`` is 24 kHz, 16 bits, one channel, without a header."""


def speech_request(head: RequestHead, model: str | None) -> UploadReader:
    """``model``: where the path names it (Azure)."""

    def interpret(get: Get, files: Sequence[FilePart]) -> RequestFacts:  # noqa: ARG001
        text = get("input")
        return RequestFacts(
            model=model or name(get("model")),
            stream=get("stream_format") == "sse",
            derived={"input_characters": len(text)} if isinstance(text, str) else {},
        )

    return UploadReader(head, ("model", "input", "stream_format"), interpret)


def transcription_request(head: RequestHead, model: str | None = None) -> UploadReader:
    """``model``: where the path names it (Azure)."""

    def interpret(get: Get, files: Sequence[FilePart]) -> RequestFacts:
        played = _played(files)
        return RequestFacts(
            model=model or name(get("model")),
            stream=get("stream") in (True, "true"),
            derived={"input_audio_seconds": played.seconds} if played else {},
            derived_source=UsageSource.ESTIMATED
            if played and played.estimated
            else UsageSource.DERIVED,
        )

    return UploadReader(head, ("model", "stream"), interpret)


def audio_response(
    request: RequestFacts, head: ResponseHead, *, spoken: bool = False
) -> ResponseReader:
    """A reader for what came: JSON, a stream of events, or a file."""
    kind = head.content_type.strip().lower()
    if head.status >= 300 or not kind or "json" in kind or kind.startswith("text/event-stream"):
        return AudioBody(request, head)
    return FileBody(request, spoken=spoken, pcm="pcm" in kind)


class AudioBody(StatedEndBody):
    """Usage in tokens, else the seconds that it states, or at least those of the recording.

    Mistral states seconds within usage; xAI, and Groq's ``verbose_json``, in ``duration``; Together
    and others nothing, so that what the request shows stands.
    """

    WANTED: ClassVar[tuple[Path, ...]] = (*StatedEndBody.WANTED, ("duration",))
    DOCUMENT_TEXT = None
    STREAM_TEXT = None
    _HAS_OUTPUT = False

    def _read(self, document: Mapping[str, object], *, ended: bool = True) -> Reading:
        # An id is that of a piece of what was said.
        reading = replace(super()._read(document, ended=ended), object_id=None)
        if reading.quantities:
            return reading
        tally = Tally()
        # For a model that is billed by time: {"type": "duration", "seconds": 12}.
        for seconds in (document.get("duration"), mapping(document.get("usage")).get("seconds")):
            tally.measure("input_audio_seconds", seconds)
        return replace(reading, quantities=tally.quantities, bad=reading.bad or tally.bad)


class FileBody:
    """An answer that is a file: its end is the transfer's, and it names no usage.

    Of sound, the first and the last bytes are held, which say how long it plays.
    """

    def __init__(self, request: RequestFacts, *, spoken: bool, pcm: bool) -> None:
        self._request = request
        self._timed = spoken and "gpt" in (request.model or "")
        self._pcm = pcm
        self._size = 0
        self._head = bytearray()
        self._tail = bytearray()

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        if not self._timed:
            return
        room = HEAD - len(self._head)
        self._head += data[:room]
        self._tail += data[room:][-TAIL:]
        if len(self._tail) > 2 * TAIL:
            del self._tail[:-TAIL]

    def facts(self) -> ResponseFacts:
        quantities, source = self._request.derived, self._request.derived_source
        if self._timed and (played := self._playing()):
            quantities, source = played, UsageSource.ESTIMATED
        return ResponseFacts(
            quantities=quantities,
            usage_source=source if quantities else UsageSource.NONE,
            unframed=True,
            reason=None if quantities else Reason.NO_USAGE,
        )

    def output_text(self) -> Answer:
        return Answer()

    def output_tokens_so_far(self) -> int:
        return 0

    def _playing(self) -> Quantities:
        if self._pcm:
            tally = Tally()
            tally.measure("output_audio_seconds", _pcm_seconds(self._size))
            return tally.quantities
        played = duration(bytes(self._head), bytes(self._tail[-TAIL:]), self._size)
        return {"output_audio_seconds": played.seconds} if played else {}


def _pcm_seconds(size: int) -> Decimal:
    return round(Decimal(size) / _PCM_BYTES_PER_SECOND, 6)


def _played(files: Sequence[FilePart]) -> Duration | None:
    """How long the uploaded recording plays, where the form was read to its end."""
    file = next((file for file in files if file.name == "file"), None)
    return duration(file.head, file.tail, file.size) if file else None

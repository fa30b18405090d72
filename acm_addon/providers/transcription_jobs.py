"""AssemblyAI, Gladia, and Rev.ai: transcriptions that are ordered, and then looked at.

- Cached input and reasoning: no counts of either.
- Ordering one is pending; the first look at it that shows its end settles it, with the seconds of
  sound that it states: AssemblyAI's ``audio_duration``, Gladia's ``result.metadata.billing_time``
  (every distinct channel counts), Rev.ai's ``duration_seconds``. A failed one is settled without.
- Uploads, transcripts in other formats, and deleting are free. What a webhook alone gets is not
  seen, and stays pending.
- Extras (summaries, sentiment, translation, …) cost more and are in no count; those that an answer
  names are in the price context.
- Live transcription: Gladia's session is such a job; other websockets are recorded, not metered.
- Credential: AssemblyAI ``Authorization``, Gladia ``x-gladia-key``, Rev.ai ``Authorization:
  Bearer``. Gateway and forward entrance both work; Gladia's ``result_url`` is absolute.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar

from acm_addon.json_fields import JsonFields
from acm_addon.json_paths import Path
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
from acm_addon.providers.media import FieldsRequest
from acm_addon.providers.tally import Tally, moment, name

_NOTES = "Jobs stay pending where their end is not seen, as where a webhook gets the result."


@dataclass(frozen=True, slots=True)
class Answer:
    """Where a job's answer says what."""

    seconds: Path
    models: tuple[Path, ...]
    """The first that is there."""
    created: Path
    extras: tuple[Path, ...]
    """Switches that cost more."""
    done: str
    failed: str
    """Of ``status``. All else is unfinished."""

    @property
    def paths(self) -> tuple[Path, ...]:
        return (self.seconds, *self.models, self.created, *self.extras)


def _keys(*keys: str, below: Path = ()) -> tuple[Path, ...]:
    return tuple((*below, key) for key in keys)


_ASSEMBLYAI = Answer(
    seconds=("audio_duration",),
    models=_keys("speech_model_used", "speech_model"),
    created=("created",),
    extras=_keys(
        "speaker_labels",
        "multichannel",
        "auto_chapters",
        "auto_highlights",
        "content_safety",
        "entity_detection",
        "iab_categories",
        "redact_pii",
        "sentiment_analysis",
        "summarization",
    ),
    done="completed",
    failed="error",
)
_GLADIA = Answer(
    seconds=("result", "metadata", "billing_time"),
    models=(("request_params", "model"),),
    created=("created_at",),
    extras=_keys(
        "audio_to_llm",
        "chapterization",
        "named_entity_recognition",
        "pii_redaction",
        "sentiment_analysis",
        "summarization",
        "translation",
        below=("request_params",),
    ),
    done="done",
    failed="error",
)
_REVAI = Answer(
    seconds=("duration_seconds",),
    models=(("transcriber",),),
    created=("created_on",),
    extras=(),
    done="transcribed",
    failed="failed",
)


@dataclass(frozen=True, slots=True)
class TranscriptionJobs(WithoutWebSockets):
    name: str
    hosts: tuple[str, ...]
    """Requests to the gateway go to the first."""
    jobs: Mapping[str, str]
    """By path: the endpoint's name. POST orders a job, and ``<path>/<id>`` shows it."""
    answer: Answer
    free_posts: re.Pattern[str]
    requested: Path
    """Of the model, in an order."""
    default_model: str
    reach: Access
    """How programs reach it; the endpoints are added to it."""

    @property
    def access(self) -> Access:
        return replace(self.reach, endpoints=tuple(self.jobs.values()))

    @property
    def price_provider(self) -> str:
        return self.name

    @property
    def origin(self) -> Origin:
        return Origin(self.hosts[0])

    def classify(self, head: RequestHead) -> Endpoint:
        path = head.path.rstrip("/")
        if head.websocket:
            return WEBSOCKET
        if path in self.jobs and head.method == "POST":
            return Endpoint(self.jobs[path], Billing.PENDING)
        parent, _, object_id = path.rpartition("/")
        if parent in self.jobs and head.method in ("GET", "POST"):
            return Endpoint(self.jobs[parent], Billing.RESULT, object_id=object_id)
        below = any(path.startswith(job + "/") for job in self.jobs)
        if head.method != "POST" or below or self.free_posts.fullmatch(path):
            return MANAGE
        return Endpoint("other", Billing.UNKNOWN)

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader:  # noqa: ARG002
        def facts(fields: JsonFields) -> RequestFacts:
            return RequestFacts(model=name(fields.value(*self.requested)) or self.default_model)

        return FieldsRequest((self.requested,), facts)

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        return JobBody(self.answer, endpoint, request, head)

    def error_body(self, status: int, code: str, message: str) -> bytes:  # noqa: ARG002
        """``{"error", "message"}``."""
        return json.dumps({"error": message, "message": message, "code": code}).encode()


class JobBody(JsonBody):
    """A job, whoever shows it."""

    WANTED: ClassVar[tuple[Path, ...]] = (
        ("id",),
        ("status",),
        *(path for each in (_ASSEMBLYAI, _GLADIA, _REVAI) for path in each.paths),
    )

    def __init__(
        self, answer: Answer, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> None:
        super().__init__(request, head)
        self._answer = answer
        self._shown = endpoint.billing is Billing.RESULT

    def _read_document(self, fields: JsonFields) -> Reading:
        answer, status = self._answer, fields.value("status")
        tally = Tally()
        if status == answer.done:
            tally.measure("input_audio_seconds", fields.value(*answer.seconds))
        ended = status == answer.failed or bool(tally.quantities) or tally.bad
        models = (name(fields.value(*path)) for path in answer.models)
        return Reading(
            model=next((model for model in models if model), None) if self._shown else None,
            object_id=name(fields.value("id")),
            quantities=tally.quantities,
            bad=tally.bad,
            price_context={
                path[-1]: "true" for path in answer.extras if fields.value(*path) is True
            },
            failed=status == answer.failed,
            pending=not ended,
            created=moment(fields.value(*answer.created)),
        )


ASSEMBLYAI = TranscriptionJobs(
    name="assemblyai",
    hosts=("api.assemblyai.com", "api.eu.assemblyai.com"),
    jobs=MappingProxyType({"/v2/transcript": "transcript"}),
    answer=_ASSEMBLYAI,
    free_posts=re.compile(r"/v2/(?:upload|realtime/token)"),
    requested=("speech_model",),
    default_model="universal",
    reach=Access(credential="Authorization", notes=_NOTES),
)
GLADIA = TranscriptionJobs(
    name="gladia",
    hosts=("api.gladia.io",),
    jobs=MappingProxyType({"/v2/pre-recorded": "pre-recorded", "/v2/live": "live"}),
    answer=_GLADIA,
    free_posts=re.compile(r"/v2/upload"),
    requested=("model",),
    default_model="solaria-1",
    reach=Access(
        credential="x-gladia-key",
        notes=_NOTES + " result_url is absolute, and leaves the gateway (not the forward proxy).",
    ),
)
REVAI = TranscriptionJobs(
    name="revai",
    hosts=("api.rev.ai", "ec1.api.rev.ai"),
    jobs=MappingProxyType({"/speechtotext/v1/jobs": "jobs"}),
    answer=_REVAI,
    free_posts=re.compile(r"/speechtotext/v1/vocabularies"),
    requested=("transcriber",),
    default_model="machine",
    reach=Access(notes=_NOTES),
)
TRANSCRIPTION_JOBS = (ASSEMBLYAI, GLADIA, REVAI)

"""Replicate: predictions and trainings.

- Cached input and reasoning: no counts of either.
- What is billed depends on the model, and the prediction does not say it: official models by what
  they make (tokens, images, seconds of video or sound, characters), which ``metrics`` then states;
  all others by ``metrics.predict_time`` times the hardware that they run on, which only the model's
  page names. So a prediction counts in what it made, and in ``compute_seconds`` where it states
  nothing of that. Deployments and private models are billed for setup and idle time too: a
  deployment's predictions are of the model ``owner/name`` of the deployment.
- Once for each prediction id: the call that creates it is ``pending`` unless it waited for the end
  (``Prefer: wait``) and got it, and the first poll, or cancel, that shows the end settles it. The
  stream of output (``stream.replicate.com``) is free, and holds no counts.
- Metrics are those that cog lets a model record, and the older names of the same
  (``image_count``, ``input_token_count``, ``output_token_count``).
- Credential: ``Authorization: Bearer``. Gateway and forward entrance both create and cancel.
  Clients that poll the absolute URL in the body leave the gateway; Python's own polls by its base
  URL, and goes around proxies, so that only the gateway sees it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import unquote

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
from acm_addon.providers.tally import Tally, mapping, moment, name

_MODEL = r"([^/]+/[^/]+)"
_PREDICT = re.compile(rf"/v1/(?:predictions|(?:models|deployments)/{_MODEL}/predictions)")
_TRAIN = re.compile(rf"/v1/(?:trainings|models/{_MODEL}/versions/[^/]+/trainings)")
_RESULT = re.compile(r"/v1/(predictions|trainings)/([^/]+)(/cancel)?")
_DEPLOYMENTS = re.compile(rf"/v1/deployments(?:/{_MODEL})?")
_FREE_POSTS = re.compile(r"/v1/(?:files|models)")
_DEPLOYMENT = Endpoint("deployments", Billing.UNKNOWN)

_COUNTS = {
    "token_input_count": "input_tokens",
    "input_token_count": "input_tokens",
    "token_output_count": "output_tokens",
    "output_token_count": "output_tokens",
    "image_output_count": "images",
    "image_count": "images",
    "character_input_count": "input_characters",
    "character_output_count": "output_characters",
    "training_step_count": "training_steps",
    "generic_output_count": "outputs",
}
_MEASURES = {
    "video_output_duration_seconds": "video_seconds",
    "audio_output_duration_seconds": "output_audio_seconds",
    "unspecified_billing_metric": "billable_units",
}
_PIECES = {
    "video_output_count": ("videos", "video_seconds"),
    "audio_output_count": ("audio_clips", "output_audio_seconds"),
}
"""Counts of what is also measured: the count stands where the measure is missing."""
_CHOICES = {
    "model_variant": "model_variant",
    "resolution_target": "resolution",
    "motion_mode": "motion_mode",
}
_ENDED = ("succeeded", "failed", "canceled", "aborted")
_INTERNAL = "replicate-internal/"
"""Where the models run that official ones were routed to in 2024; no price has such a name."""


@dataclass(frozen=True, slots=True)
class Replicate(WithoutWebSockets):
    name: str = "replicate"
    hosts: tuple[str, ...] = ("api.replicate.com", "stream.replicate.com")
    price_provider: str = "replicate"
    access: Access = Access(  # noqa: RUF009 - frozen
        endpoints=("predictions", "trainings"),
        notes="Predictions stay pending where their end is not seen: results go to a webhook, or"
        " polls follow the absolute urls.get, which leaves the gateway (not the forward proxy)."
        " Python's own client heeds no proxy: REPLICATE_BASE_URL leads it to the gateway.",
    )

    @property
    def origin(self) -> Origin:
        return Origin(self.hosts[0])

    def classify(self, head: RequestHead) -> Endpoint:
        path = head.path.rstrip("/")
        if head.websocket:
            return WEBSOCKET
        if found := _RESULT.fullmatch(path):
            shown = head.method == "POST" if found[3] else head.method == "GET"
            billing = Billing.RESULT if shown else Billing.FREE
            return Endpoint(found[1], billing, object_id=found[2])
        if head.method == "POST":
            return _created(path)
        # A deployment with instances that are always on is billed while it stands.
        changed = head.method == "PATCH" and _DEPLOYMENTS.fullmatch(path)
        return _DEPLOYMENT if changed else MANAGE

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader:  # noqa: ARG002
        return FieldsRequest((("version",), ("model",)), _request)

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        return PredictionBody(endpoint, request, head)

    def error_body(self, status: int, code: str, message: str) -> bytes:
        """``{"title", "detail", "status"}``."""
        return json.dumps({"title": code, "detail": message, "status": status}).encode()


def _created(path: str) -> Endpoint:
    """What a POST that shows nothing starts."""
    for endpoint, pattern in (("predictions", _PREDICT), ("trainings", _TRAIN)):
        if found := pattern.fullmatch(path):
            return Endpoint(endpoint, model=unquote(found[1]) if found[1] else None)
    if _DEPLOYMENTS.fullmatch(path):
        return _DEPLOYMENT
    return MANAGE if _FREE_POSTS.fullmatch(path) else Endpoint("other", Billing.UNKNOWN)


class PredictionBody(JsonBody):
    """A prediction or a training, whoever shows it."""

    WANTED: ClassVar[tuple[Path, ...]] = (
        ("id",),
        ("status",),
        ("model",),
        ("version",),
        ("deployment",),
        ("created_at",),
        ("metrics",),
    )

    def __init__(self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead) -> None:
        super().__init__(request, head)
        self._named = endpoint.model is not None

    def _read_document(self, fields: JsonFields) -> Reading:
        status, object_id = fields.value("status"), name(fields.value("id"))
        ended = status in _ENDED
        metrics = mapping(fields.value("metrics")) if ended else {}
        tally = _tally(metrics)
        silent = status == "succeeded" and not tally.quantities and not tally.bad
        return Reading(
            model=self._model(fields),
            object_id=object_id,
            quantities=tally.quantities,
            bad=tally.bad,
            price_context=_choices(metrics),
            failed=ended and status != "succeeded",
            pending=object_id is not None and (not ended or silent),
            created=moment(fields.value("created_at")),
        )

    def _model(self, fields: JsonFields) -> str | None:
        """What the price goes by: the deployment, the model as it was asked for, or as served."""
        if deployment := name(fields.value("deployment")):
            return deployment
        model = name(fields.value("model"))
        if self._named or (model is not None and model.startswith(_INTERNAL)):
            return None
        return model or name(fields.value("version"))


def _request(fields: JsonFields) -> RequestFacts:
    """``version`` is ``owner/name``, ``owner/name:version``, or a version alone."""
    asked = name(fields.value("version")) or name(fields.value("model"))
    return RequestFacts(model=asked.partition(":")[0] if asked else None)


def _tally(metrics: Mapping[str, object]) -> Tally:
    """What was made, or else the seconds that it took."""
    tally = Tally()
    for metric, unit in _COUNTS.items():
        tally.put(unit, metrics.get(metric))
    for metric, unit in _MEASURES.items():
        tally.measure(unit, metrics.get(metric))
    for metric, (unit, measured) in _PIECES.items():
        if measured not in tally.quantities:
            tally.put(unit, metrics.get(metric))
    if not tally.quantities:
        tally.measure("compute_seconds", metrics.get("predict_time"))
    return tally


def _choices(metrics: Mapping[str, object]) -> dict[str, str]:
    """What of the metrics selects between prices of one model."""
    choices = {
        key: value
        for metric, key in _CHOICES.items()
        if (value := name(metrics.get(metric))) is not None
    }
    with_audio = metrics.get("with_audio")
    if isinstance(with_audio, bool):
        choices.setdefault("model_variant", "with_audio" if with_audio else "without_audio")
    return choices


REPLICATE = Replicate()

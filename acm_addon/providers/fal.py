"""fal: models by ``fal.run`` (synchronous) and ``queue.fal.run`` (asynchronous).

- Cached input and reasoning: no counts of either.
- Each model has a billing unit of its own (image, megapixel, second, …). The answer's header
  ``x-fal-billable-units`` says how many of these were billed (``billable_units``); where it is
  missing, pictures and video are counted in the answer, which is then marked derived.
- Failed requests (5xx) are not billed; 4xx may be, and their answers do not say.
- Streams (``…/stream`` on fal.run): every event holds the output so far, so the last one counts.
- The queue: submitting is ``pending`` by its ``request_id``, the result settles it, status and
  cancelling are free. The result's path names only the application (``fal-ai/flux`` of
  ``fal-ai/flux/dev``), which may have another price, so that the model is the submission's, and
  only ``acm reprice`` knows it.
- Credential: ``Authorization: Key``. The gateway's ``/fal/…`` is fal.run, and
  ``/fal/queue.fal.run/…`` the queue, whose answers name absolute URLs: clients that follow these
  leave the gateway.
"""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar
from urllib.parse import unquote

from acm_addon.json_fields import JsonFields
from acm_addon.json_paths import ANY, Path
from acm_addon.model import UsageSource
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
from acm_addon.providers.body import Reading, ResponseBody
from acm_addon.providers.media import FieldsRequest, header_number
from acm_addon.providers.tally import Tally, name
from acm_addon.sse import Event

_QUEUES = ("queue.fal.run", "queue.falrun.com")
"""The second one is where fal's own client goes while it cannot reach the first."""
_REQUEST = re.compile(r"/.+?/requests/([^/]+)(?:/(.+))?")
_RESULTS = (None, "response", "result")
_UNFINISHED = ("IN_QUEUE", "IN_PROGRESS")
_PIXELS = 1_000_000


@dataclass(frozen=True, slots=True)
class Fal(WithoutWebSockets):
    name: str = "fal"
    hosts: tuple[str, ...] = ("fal.run", "falrun.com", *_QUEUES)
    price_provider: str = "fal"
    access: Access = Access(  # noqa: RUF009 - frozen
        endpoints=("run", "queue"),
        credential="Authorization: Key",
        notes="The queue is /fal/queue.fal.run/…; its answers name absolute URLs, which leave the"
        " gateway (not the forward proxy). Results of failed requests, and those that a webhook"
        " gets, are not seen: these requests stay pending.",
    )

    @property
    def origin(self) -> Origin:
        return Origin(self.hosts[0])

    def classify(self, head: RequestHead) -> Endpoint:
        path = head.path.rstrip("/")
        if head.websocket:
            return WEBSOCKET
        queued = head.host.lower() in _QUEUES
        if queued and (found := _REQUEST.fullmatch(path)):
            shown = found[2] in _RESULTS and head.method in ("GET", "POST")
            billing = Billing.RESULT if shown else Billing.FREE
            return Endpoint("queue", billing, object_id=found[1])
        if head.method != "POST" or not path:
            return MANAGE
        model = unquote(path.removeprefix("/"))
        if queued:
            return Endpoint("queue", Billing.PENDING, model)
        return Endpoint("run", model=model.removesuffix("/stream"))

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader:  # noqa: ARG002
        return FieldsRequest((), lambda _: RequestFacts())

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader:
        return OutputBody(endpoint, request, head)

    def error_body(self, status: int, code: str, message: str) -> bytes:  # noqa: ARG002
        """``{"detail"}``, as the platform's own errors are."""
        return json.dumps({"detail": message, "error_type": code}).encode()


class OutputBody(ResponseBody):
    """A model's output, or the queue's word that there is none yet."""

    WANTED: ClassVar[tuple[Path, ...]] = (
        ("request_id",),
        ("status",),
        *(("images", ANY, key) for key in ("width", "height", "content_type", "file_name")),
        *(("image", key) for key in ("width", "height", "content_type", "file_name")),
        ("video", "duration"),
    )

    def __init__(self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead) -> None:
        super().__init__(request, head)
        self._settles = endpoint.billing is Billing.RESULT
        self._units = header_number(head, "x-fal-billable-units")
        self._last: Event | None = None

    def _notice(self, event: Event) -> bool:
        self._last = event
        return True

    def _read_stream(self) -> Reading:
        fields = JsonFields(self.WANTED)
        if self._last is not None:
            fields.feed(self._last.data)
        return self._read_document(fields)

    def _read_document(self, fields: JsonFields) -> Reading:
        # An output may have a request_id of its own, so a result's is the path's.
        object_id = None if self._settles else name(fields.value("request_id"))
        if fields.value("status") in _UNFINISHED:
            return Reading(object_id=object_id, pending=True)
        tally = Tally()
        tally.measure("billable_units", self._units)
        if not tally.quantities:
            _count(tally, fields)
        return Reading(
            object_id=object_id,
            quantities=tally.quantities,
            source=UsageSource.REPORTED if self._units is not None else UsageSource.DERIVED,
            bad=tally.bad,
            pending=self._settles and not tally.quantities and not tally.bad,
        )


def _count(tally: Tally, fields: JsonFields) -> None:
    """Pictures, their megapixels where every one has a size, and seconds of video."""
    keys = ("width", "height", "content_type", "file_name")
    pictures = [*fields.siblings(("images", ANY), *keys), *fields.siblings(("image",), *keys)]
    if pictures:
        tally.put("images", len(pictures))
        sizes = [(tally.count(width), tally.count(height)) for width, height, *_ in pictures]
        pixels = [width * height for width, height in sizes if width and height]
        if len(pixels) == len(pictures):
            tally.measure("megapixels", Decimal(sum(pixels)) / _PIXELS)
    tally.measure("video_seconds", fields.value("video", "duration"))


FAL = Fal()

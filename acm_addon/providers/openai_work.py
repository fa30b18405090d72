"""Work that OpenAI does in its own time: what creates it, and what shows how it ended.

One body serves both: a batch, a video, a fine-tuning job, or a run looks the same in the answer
that creates it and in every later one. While it is not finished its facts are ``pending``. Failed
and cancelled work settles with what it reports.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from acm_addon.json_fields import JsonFields, parse
from acm_addon.json_paths import Path
from acm_addon.providers.base import BATCH
from acm_addon.providers.body import JsonBody, Reading
from acm_addon.providers.openai_responses import ResponsesBody
from acm_addon.providers.openai_usage import Tools, tally_usage
from acm_addon.providers.tally import Tally, mapping, moment, name
from acm_addon.providers.uploads import whole_number
from acm_addon.sse import Event


class WorkBody(JsonBody):
    """One JSON object that says how far a piece of work has come."""

    def _read_document(self, fields: JsonFields) -> Reading:
        document = {path[0]: fields.value(*path) for path in self.WANTED}
        if not document.get("id"):
            return Reading(failed=document.get("error") is not None)
        found = self._read_work(document)
        return replace(
            found,
            model=found.model or name(document.get("model")),
            object_id=name(document.get("id")),
            created=moment(document.get("created_at")),
        )

    @abstractmethod
    def _read_work(self, document: Mapping[str, object]) -> Reading: ...


class BatchBody(WorkBody):
    """A batch. Since September 2025 it sums its usage up; before, only its output file says.

    A sum of zeros over requests that succeeded says nothing: what they cost is not counted there.
    """

    WANTED: ClassVar[tuple[Path, ...]] = tuple(
        (key,)
        for key in (
            *("id", "model", "status", "usage", "created_at", "request_counts", "error"),
            *("output_file_id", "error_file_id"),
        )
    )
    _ENDS = ("completed", "failed", "expired", "cancelled")

    def _read_work(self, document: Mapping[str, object]) -> Reading:
        files = (name(document.get("output_file_id")), name(document.get("error_file_id")))
        tally = tally_usage(mapping(document.get("usage")))
        told = any(tally.quantities.values()) or tally.bad
        done = mapping(document.get("request_counts")).get("completed")
        nothing_done = not files[0] and not done
        ended = document.get("status") in self._ENDS and (told or nothing_done)
        return Reading(
            quantities=tally.quantities if ended else {},
            bad=tally.bad and ended,
            price_context=BATCH,
            pending=not ended,
            links=tuple(file for file in files if file is not None),
        )


class VideoBody(WorkBody):
    """A video, of a length and a size. Azure's jobs name both differently, and may make several."""

    WANTED = tuple(
        (key,)
        for key in (
            *("id", "model", "status", "created_at", "error", "seconds", "size"),
            *("n_seconds", "n_variants", "width", "height"),
        )
    )
    _DONE = ("completed", "succeeded")
    _FAILED = ("failed", "cancelled")

    def _read_work(self, document: Mapping[str, object]) -> Reading:
        status = document.get("status")
        tally = Tally()
        if status in self._DONE:
            seconds = whole_number(document.get("seconds") or document.get("n_seconds"))
            variants = whole_number(document.get("n_variants")) or 1
            tally.put("video_seconds", None if seconds is None else seconds * variants)
        resolution = _resolution(document)
        return Reading(
            quantities=tally.quantities,
            price_context={"resolution": resolution} if resolution else {},
            pending=status not in (*self._DONE, *self._FAILED),
        )


class ExtensionBody(VideoBody):
    """A video that goes on: the new seconds are those of the request, not those of the whole."""

    def _read_work(self, document: Mapping[str, object]) -> Reading:
        return replace(super()._read_work(document), quantities={}, pending=False)


class ContainerBody(WorkBody):
    """A container for code, billed by the session that its creation begins."""

    WANTED = (("id",), ("created_at",), ("error",))

    def _read_work(self, document: Mapping[str, object]) -> Reading:  # noqa: ARG002
        return Reading()


class FineTuningBody(WorkBody):
    """A fine-tuning job, billed by ``trained_tokens``. Reinforcement is billed by time, which
    nothing states."""

    WANTED = tuple(
        (key,)
        for key in ("id", "model", "status", "created_at", "error", "trained_tokens", "method")
    )
    _ENDS = ("succeeded", "failed", "cancelled")

    def _read_work(self, document: Mapping[str, object]) -> Reading:
        tally = Tally()
        if mapping(document.get("method")).get("type") != "reinforcement":
            tally.put("training_tokens", document.get("trained_tokens"))
        ended = document.get("status") in self._ENDS
        return Reading(
            quantities=tally.quantities if ended else {},
            bad=tally.bad and ended,
            pending=not ended,
        )


class RunBody(WorkBody):
    """A run of an assistant: an object, or a stream whose last ``thread.run.…`` event has it.

    A run goes on whether anybody listens or not: a stream that was cut off leaves it pending.
    """

    WANTED = tuple((key,) for key in ("id", "model", "status", "usage", "created_at", "error"))
    _ENDS = ("completed", "incomplete", "failed", "cancelled", "expired")
    _STATES = tuple(
        f"thread.run.{state}".encode()
        for state in ("created", "queued", "in_progress", "requires_action", "cancelling", *_ENDS)
    )

    _last: bytes | None = None

    def _notice(self, event: Event) -> bool:
        if event.name in self._STATES:
            self._last = event.data
        return True

    def _read_stream(self) -> Reading:
        document = mapping(parse(self._last)) if self._last else {}
        if not document.get("id"):
            return Reading(finished=False)
        return replace(
            self._read_work(document),
            model=name(document.get("model")),
            object_id=name(document.get("id")),
            created=moment(document.get("created_at")),
        )

    def _read_work(self, document: Mapping[str, object]) -> Reading:
        tally = tally_usage(mapping(document.get("usage")))
        ended = document.get("status") in self._ENDS
        return Reading(
            quantities=tally.quantities if ended else {},
            bad=tally.bad and ended,
            pending=not ended,
        )


class RetrievedBody(ResponsesBody):
    """A response that is looked at again, whole or as a stream.

    Only one that ran in the background settles anything. Every other was billed by the call that
    created it, and this is a copy.
    """

    def _read(self, document: Mapping[str, object], tools: Tools, *, ended: bool = True) -> Reading:
        reading = super()._read(document, tools, ended=ended)
        background = document.get("background") is True
        return replace(
            reading,
            object_id=reading.object_id if background else None,
            created=moment(document.get("created_at")),
            # A look at work that failed has not failed itself.
            failed=reading.failed and reading.object_id is None,
        )


def _resolution(document: Mapping[str, object]) -> str | None:
    """The shorter side, as prices name it: ``720p`` of ``1280x720``."""
    size = name(document.get("size"))
    width, _, height = size.partition("x") if size else ("", "", "")
    sides = (
        whole_number(width or document.get("width")),
        whole_number(height or document.get("height")),
    )
    shorter = min((side for side in sides if side), default=None)
    return f"{shorter}p" if shorter else None

"""Work that the family's providers do in the background: how its answers name it and end it.

One body for both answers, the one to the request that starts the work and the ones to those that
ask after it. Work that failed or was cancelled ends with what it reports, and that may be nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from acm_addon.json_fields import JsonFields
from acm_addon.json_paths import ANY, Path
from acm_addon.providers.base import BATCH
from acm_addon.providers.body import JsonBody, Reading
from acm_addon.providers.openai_responses import ChatBody
from acm_addon.providers.openai_usage import stated_cost, tally_usage
from acm_addon.providers.tally import Tally, mapping, moment, name, nano_dollars

_ENDS = frozenset(
    (
        *("done", "completed", "succeeded", "success"),
        *("failed", "error", "expired", "cancelled", "canceled"),
    )
)


class JobBody(JsonBody):
    """A job with a ``status`` and, at its end, ``usage`` and what it produced."""

    WANTED: ClassVar[tuple[Path, ...]] = (
        *((key,) for key in ("id", "request_id", "status", "model", "usage", "created_at")),
        ("created",),
        ("task_status",),  # Z.ai
        ("video", "duration"),
    )
    _IDS: ClassVar[tuple[str, ...]] = ("id", "request_id")
    """The keys of the job's own id, the best first."""

    def _read_document(self, fields: JsonFields) -> Reading:
        usage = mapping(fields.value("usage"))
        tally = tally_usage(usage)
        tally.measure("video_seconds", fields.value("video", "duration"))
        return Reading(
            model=name(fields.value("model")),
            object_id=_first_name(fields, self._IDS),
            quantities=tally.quantities,
            bad=tally.bad,
            provider_cost=stated_cost(usage),
            pending=not has_ended(fields.value("status") or fields.value("task_status")),
            created=moment(fields.value("created_at")) or moment(fields.value("created")),
        )


class ShownJobBody(JobBody):
    """A job whose id only the path says: ids in the answer are those of something else."""

    _IDS = ()


class AsyncChatBody(JobBody):
    """Perplexity's asynchronous chat: the whole answer stands under ``response``."""

    WANTED = (*JobBody.WANTED[:4], ("created_at",), ("response", "usage"), ("response", "model"))

    def _read_document(self, fields: JsonFields) -> Reading:
        usage = mapping(fields.value("response", "usage"))
        tally = tally_usage(usage)
        size = name(usage.get("search_context_size"))
        return Reading(
            model=name(fields.value("response", "model")) or name(fields.value("model")),
            object_id=name(fields.value("id")),
            quantities=tally.quantities,
            bad=tally.bad,
            provider_cost=stated_cost(usage),
            price_context={"search_context_size": size} if size else {},
            pending=not has_ended(fields.value("status")),
            created=moment(fields.value("created_at")),
        )


class DeferredChatBody(ChatBody):
    """xAI's deferred chat when it is done. Its id is another than the one that was asked by."""

    def _read(self, document: Mapping[str, object], *, ended: bool = True) -> Reading:
        return replace(super()._read(document, ended=ended), object_id=None)


class GenerationBody(JsonBody):
    """OpenRouter's record of a call: counts of the model's own tokenizer, and the cost."""

    WANTED = (("data",),)

    def _read_document(self, fields: JsonFields) -> Reading:
        data = mapping(fields.value("data"))
        tally = Tally()
        tally.put("input_tokens", data.get("native_tokens_prompt"))
        tally.put("output_tokens", data.get("native_tokens_completion"))
        tally.put("cache_read_tokens", data.get("native_tokens_cached"))
        tally.put("output_reasoning_tokens", data.get("native_tokens_reasoning"))
        cost = nano_dollars(data.get("total_cost"))
        return Reading(
            model=name(data.get("model")),
            object_id=name(data.get("id")),
            quantities=tally.quantities,
            bad=tally.bad,
            provider_cost=cost,
            pending=cost is None,
            created=moment(data.get("created_at")),
        )


class FileBatchBody(JsonBody):
    """A batch whose output file alone says what it came to. Together's creation wraps it."""

    WANTED = tuple(
        path
        for key in ("id", "status", "model", "model_id", "output_file_id", "created_at")
        for path in ((key,), ("job", key))
    )

    def _read_document(self, fields: JsonFields) -> Reading:
        def value(key: str) -> object:
            return fields.value(key) or fields.value("job", key)

        output = name(value("output_file_id"))
        return Reading(
            model=name(value("model")) or name(value("model_id")),
            object_id=name(value("id")),
            price_context=BATCH,
            pending=not has_ended(value("status")) or output is not None,
            created=moment(value("created_at")),
            links=(output,) if output else (),
        )


class MistralBatchBody(JsonBody):
    """Mistral's batch jobs. Small ones hold their answers; of others a file has them."""

    WANTED = (
        *((key,) for key in ("id", "status", "model", "output_file", "created_at")),
        ("outputs", ANY, "response", "body", "usage"),
    )

    def _read_document(self, fields: JsonFields) -> Reading:
        used = list(fields.values("outputs", ANY, "response", "body", "usage"))
        tally = summed(used)
        output = name(fields.value("output_file"))
        whole = has_ended(fields.value("status")) and not fields.truncated
        return Reading(
            model=name(fields.value("model")),
            object_id=name(fields.value("id")),
            quantities=tally.quantities,
            bad=tally.bad,
            price_context=BATCH,
            # A batch that says nothing here says it in its file, if it came to anything.
            pending=not whole or (not used and output is not None),
            created=moment(fields.value("created_at")),
            links=(output,) if output else (),
        )


class XaiBatchBody(JsonBody):
    """xAI's batches: created by one answer, and billed by what the list of results says.

    A list that goes on over more pages is not taken for the whole.
    """

    _ANSWER = ("results", ANY, "batch_result", "response", "chat_get_completion")
    WANTED = (
        ("batch_id",),
        ("pagination_token",),
        (*_ANSWER, "usage"),
        (*_ANSWER, "model"),
    )

    def _read_document(self, fields: JsonFields) -> Reading:
        used = list(fields.values(*self._ANSWER, "usage"))
        tally = summed(used)
        costs = [stated_cost(mapping(each)) for each in used]
        known = [cost for cost in costs if cost is not None]
        models = {name(each) for each in fields.values(*self._ANSWER, "model")}
        more = fields.value("pagination_token") is not None or fields.truncated
        return Reading(
            model=models.pop() if len(models) == 1 else None,
            object_id=name(fields.value("batch_id")),
            quantities=tally.quantities,
            bad=tally.bad,
            provider_cost=sum(known) if used and len(known) == len(costs) else None,
            price_context=BATCH,
            pending=more or not used,
        )


class DashScopeTaskBody(JsonBody):
    """DashScope's tasks: pictures by number, videos by their seconds, speech by its own."""

    WANTED = (("output", "task_id"), ("output", "task_status"), ("usage",))

    def _read_document(self, fields: JsonFields) -> Reading:
        usage = mapping(fields.value("usage"))
        tally = tally_usage(usage)
        tally.put("images", usage.get("image_count"))
        seconds, count = usage.get("video_duration"), tally.count(usage.get("video_count"))
        if isinstance(seconds, int) and count is not None:
            seconds *= count
        tally.measure("video_seconds", seconds)
        tally.measure("input_audio_seconds", usage.get("duration"))
        size = name(usage.get("video_ratio"))
        return Reading(
            object_id=name(fields.value("output", "task_id")),
            quantities=tally.quantities,
            bad=tally.bad,
            price_context={"size": size} if size else {},
            pending=not has_ended(fields.value("output", "task_status")),
        )


def has_ended(status: object) -> bool:
    """Whether a job in that state will not go on: in any provider's words, in any case."""
    return isinstance(status, str) and status.lower() in _ENDS


def summed(usages: list[object]) -> Tally:
    """What many answers consumed together."""
    total = Tally()
    for each in usages:
        total.take(tally_usage(mapping(each)))
    return total


def _first_name(fields: JsonFields, keys: tuple[str, ...]) -> str | None:
    return next((found for key in keys if (found := name(fields.value(key)))), None)

"""Anthropic's message batches: one row a batch, priced model by model at the batch rate.

A batch is created free. Its results are JSON lines, each with a whole message; what was canceled,
expired or errored is not billed. The batch itself, when one looks at it, counts requests and says
nothing of usage.
"""

from acm_addon.json_fields import JsonFields
from acm_addon.providers.anthropic_usage import (
    other_models,
    price_context,
    serving_model,
    tally_usage,
)
from acm_addon.providers.base import ResponseHead
from acm_addon.providers.batch_lines import BatchLines
from acm_addon.providers.body import JsonBody, Reading
from acm_addon.providers.by_model import ByModel
from acm_addon.providers.tally import mapping, moment, name

_LINE = (
    ("result", "type"),
    ("result", "message", "model"),
    ("result", "message", "usage"),
)


def results(head: ResponseHead) -> BatchLines:
    """A reader of a batch's results."""
    return BatchLines(_LINE, _take, head)


def _take(line: JsonFields, sums: ByModel) -> bool:
    kind = line.value("result", "type")
    if kind == "succeeded":
        usage = mapping(line.value("result", "message", "usage"))
        model = serving_model(name(line.value("result", "message", "model")), usage)
        context = price_context("batch", None, name(usage.get("inference_geo")))
        sums.add(model, tally_usage(usage, model), context)
        for other in other_models(usage, model, context):
            sums.take(other)
    return isinstance(kind, str)


class BatchBody(JsonBody):
    """A batch, when it is created and when one looks at it."""

    WANTED = (("id",), ("processing_status",), ("created_at",), ("request_counts", "succeeded"))

    def _read_document(self, fields: JsonFields) -> Reading:
        ended = fields.value("processing_status") == "ended"
        # Only a batch of which nothing succeeded is known to have cost nothing.
        nothing = ended and fields.value("request_counts", "succeeded") == 0
        return Reading(
            object_id=name(fields.value("id")),
            pending=not nothing,
            created=moment(fields.value("created_at")),
        )

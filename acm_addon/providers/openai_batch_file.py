"""The output file of a batch: one JSON line for each request, with the response that it got.

The lines are summed up by model, at the batch's price. They tell of themselves whose they are: a
file of anything else, or of requests that all failed, settles nothing.
"""

from dataclasses import dataclass, field, replace

from acm_addon.json_fields import JsonFields
from acm_addon.json_paths import Path
from acm_addon.lines import JsonLines
from acm_addon.model import Reason, UsageSource
from acm_addon.providers.base import (
    BATCH,
    RequestFacts,
    ResponseFacts,
    ResponseHead,
)
from acm_addon.providers.batch_lines import WHOLE
from acm_addon.providers.by_model import ByModel
from acm_addon.providers.openai_responses import ITEM_PATHS, tools_in
from acm_addon.providers.openai_usage import tally_tools, tally_usage
from acm_addon.providers.prompts import Answer
from acm_addon.providers.tally import mapping, name

_BODY = ("response", "body")
_WANTED: tuple[Path, ...] = (
    ("custom_id",),
    ("response", "status_code"),
    *((*_BODY, key) for key in ("model", "usage", "tool_usage")),
    *((*_BODY, *path) for path in ITEM_PATHS),
)
_OK = 200


@dataclass(slots=True)
class _Sums:
    """What the lines so far come to."""

    by_model: ByModel = field(default_factory=ByModel)
    results: int = 0
    others: int = 0
    """Lines that are no result of a batch."""
    uncounted: int = 0
    """Requests that succeeded, and of which no line says what they consumed."""

    def take(self, line: JsonFields) -> None:
        status = line.value("response", "status_code")
        if not line.closed or line.value("custom_id") is None or not isinstance(status, int):
            self.others += 1
            return
        self.results += 1
        usage = mapping(line.value(*_BODY, "usage"))
        if not usage:
            self.uncounted += status == _OK
            return
        tally = tally_usage(usage)
        others = tally_tools(tally, tools_in(line, _BODY, line.value(*_BODY, "tool_usage")))
        self.by_model.add(name(line.value(*_BODY, "model")), tally, BATCH)
        for other in others:
            self.by_model.take(replace(other, price_context=BATCH))

    def with_last(self, line: JsonFields | None) -> "_Sums":
        """These sums and one line more, which has no line end."""
        if line is None:
            return self
        sums = replace(self, by_model=self.by_model.copy())
        sums.take(line)
        return sums


class BatchFileBody:
    """Reads a downloaded file as the results of a batch, should it be one.

    No line is held: of a file of any size only the sums are.
    """

    def __init__(self, request: RequestFacts, head: ResponseHead) -> None:  # noqa: ARG002
        self._whole = head.status == WHOLE
        self._failed = head.status >= 300
        self._lines = JsonLines(_WANTED)
        self._sums = _Sums()

    def feed(self, data: bytes) -> None:
        # A file whose first line is no result of a batch is none, however long.
        if self._sums.others:
            return
        for line in self._lines.feed(data):
            self._sums.take(line)

    def facts(self) -> ResponseFacts:
        """``pending`` where the file does not say what the batch consumed: another one may."""
        sums = self._sums.with_last(self._lines.pending())
        is_results = self._whole and sums.results > 0 and not sums.others
        first, others = (sums.by_model if is_results else ByModel()).shares()
        return ResponseFacts(
            model=first.model,
            quantities=first.quantities,
            usage_source=UsageSource.REPORTED if first.quantities else UsageSource.NONE,
            price_context=BATCH,
            output_missing=sums.uncounted > 0,
            unframed=is_results,
            failed=self._failed,
            pending=not first.quantities,
            others=others,
            reason=Reason.BAD_USAGE if sums.by_model.bad else None,
        )

    def output_text(self) -> Answer:
        return Answer()

    def output_tokens_so_far(self) -> int:
        return 0

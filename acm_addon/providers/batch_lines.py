"""The results of a batch: JSON lines, one finished request a line, of any number."""

from collections.abc import Callable

from acm_addon.json_fields import JsonFields
from acm_addon.json_paths import Path
from acm_addon.lines import JsonLines
from acm_addon.model import Reason, UsageSource
from acm_addon.providers.base import ResponseFacts, ResponseHead
from acm_addon.providers.by_model import ByModel
from acm_addon.providers.prompts import Answer

WHOLE = 200
"""The status of a download that is not of a part."""

type TakeLine = Callable[[JsonFields, ByModel], bool]
"""Adds what a line reports to the sums. False where the line is no batch's."""


class BatchLines:
    """Sums the usage of every line, model by model. Nothing of a line is held but the sums.

    A body that is no batch's (any file can be downloaded) says nothing, nor does a part of one: it
    stays pending. JSON lines have no end of their own: where they end at one, the transfer says
    whether that was all.
    """

    def __init__(self, wanted: tuple[Path, ...], take: TakeLine, head: ResponseHead) -> None:
        self._lines = JsonLines(wanted)
        self._take = take
        self._whole = head.status == WHOLE
        self._failed = head.status >= 300
        self._sums = ByModel()
        self._seen = 0
        self._strange = 0

    def feed(self, data: bytes) -> None:
        for line in self._lines.feed(data):
            self._notice(line, self._sums)

    def facts(self) -> ResponseFacts:
        sums, seen, strange = self._sums, self._seen, self._strange
        last = self._lines.pending()
        if last is not None and last.closed:
            # The last line needs no line end; it is counted in a copy, for more may come.
            sums = self._sums.copy()
            known = self._take(last, sums)
            seen, strange = seen + 1, strange + (not known)
        first, others = sums.shares()
        broken = sums.bad or 0 < strange < seen
        return ResponseFacts(
            model=first.model,
            quantities=first.quantities,
            usage_source=UsageSource.REPORTED if first.quantities else UsageSource.NONE,
            price_context=first.price_context,
            unframed=seen > 0 and (last is None or last.closed),
            failed=self._failed,
            pending=seen == strange or not self._whole,
            others=others,
            reason=self._reason(broken, bool(first.quantities)),
        )

    def output_text(self) -> Answer:
        return Answer()

    def output_tokens_so_far(self) -> int:
        return 0

    def _notice(self, line: JsonFields, sums: ByModel) -> None:
        self._seen += 1
        if not line.closed or not self._take(line, sums):
            self._strange += 1

    def _reason(self, broken: bool, counted: bool) -> Reason | None:
        if self._failed:
            return Reason.PROVIDER_ERROR
        if broken:
            return Reason.BAD_USAGE
        return None if counted else Reason.NO_USAGE

"""What Gemini generates and embeds, whole and streamed: ``usageMetadata``, and what it searched."""

import re
from collections.abc import Iterable, Mapping
from typing import ClassVar

from acm_addon.json_fields import JsonFields, parse
from acm_addon.json_paths import ANY
from acm_addon.providers.base import RequestFacts, ResponseHead
from acm_addon.providers.body import Reading, ResponseBody
from acm_addon.providers.gemini_usage import MAPS, tally_grounding, tally_usage
from acm_addon.providers.tally import Tally, mapping, name
from acm_addon.providers.texts import TextKeys
from acm_addon.sse import Event

_TIERS: Mapping[object, str] = {
    "ON_DEMAND": "standard",
    "ON_DEMAND_PRIORITY": "priority",
    "ON_DEMAND_FLEX": "flex",
    "PROVISIONED_THROUGHPUT": "provisioned",
    1: "standard",
    2: "provisioned",
}
_TOTAL = re.compile(rb'"totalTokenCount"\s*+:\s*+(\d{1,15})')
_FINISH = re.compile(rb'"(?:finishReason|blockReason)"\s*+:\s*+["1-9]')
_ERROR = re.compile(rb'"error"\s*+:\s*+\{')
_MAPS = re.compile(rb'"maps"\s*+:\s*+\{\s*+"')
_MAX_QUERIES = 1000
"""Searches of one stream that are told apart."""

_DOCUMENT = (
    ("modelVersion",),
    ("responseId",),
    ("usageMetadata",),
    ("error",),
    ("promptFeedback", "blockReason"),
    ("candidates", ANY, "finishReason"),
    ("candidates", ANY, "groundingMetadata", "webSearchQueries"),
    ("candidates", ANY, "groundingMetadata", "groundingChunks", ANY, "maps", "uri"),
)


class GenerateBody(ResponseBody):
    # Without alt=sse, a stream is a JSON array of such documents.
    WANTED = (*_DOCUMENT, *((ANY, *path) for path in _DOCUMENT))
    DOCUMENT_TEXT: ClassVar[TextKeys | None] = TextKeys(
        ("text", "name", "code"), objects=("args",), foreign=("groundingMetadata",)
    )
    STREAM_TEXT: ClassVar[TextKeys | None] = DOCUMENT_TEXT
    _HAS_OUTPUT = True

    def __init__(self, request: RequestFacts, head: ResponseHead) -> None:
        super().__init__(request, head)
        self._usage: bytes | None = None
        self._total = -1
        self._ended = False
        self._failed = False
        self._queries: set[str] = set()
        self._mapped = False

    def _notice(self, event: Event) -> bool:
        data = event.data
        ends = _FINISH.search(data) is not None
        self._ended = self._ended or ends
        if b'"usageMetadata"' in data:
            match = _TOTAL.search(data, data.rfind(b'"usageMetadata"'))
            total = int(match[1]) if match else 0
            if ends or total >= self._total:
                self._total, self._usage = total, data
        self._mapped = self._mapped or (b'"maps"' in data and _MAPS.search(data) is not None)
        if b'"groundingMetadata"' in data:
            self._notice_grounding(mapping(parse(data)))
        if b'"error"' in data and _ERROR.search(data):
            self._failed = self._failed or bool(mapping(parse(data)).get("error"))
        return False

    def _notice_grounding(self, chunk: Mapping[str, object]) -> None:
        candidates = chunk.get("candidates")
        for candidate in candidates if isinstance(candidates, list) else ():
            metadata = mapping(mapping(candidate).get("groundingMetadata"))
            queries = metadata.get("webSearchQueries")
            if queries and len(self._queries) < _MAX_QUERIES:
                self._queries.update(texts_in([queries]))

    def _read_stream(self) -> Reading:
        return self._read(
            mapping(parse(self._usage)) if self._usage else {},
            self._queries,
            mapped=self._mapped,
            finished=self._ended,
            failed=self._failed,
        )

    def _read_document(self, fields: JsonFields) -> Reading:
        in_array = list(fields.values(ANY, "usageMetadata"))
        at = (ANY,) if in_array else ()
        usages = [mapping(usage) for usage in in_array or [fields.value("usageMetadata")]]
        ended = (
            fields.value(*at, "candidates", ANY, "finishReason") is not None
            or fields.value(*at, "promptFeedback", "blockReason") is not None
        )
        queries = fields.values(*at, "candidates", ANY, "groundingMetadata", "webSearchQueries")
        document = {
            "modelVersion": fields.value(*at, "modelVersion"),
            "responseId": fields.value(*at, "responseId"),
            "usageMetadata": usages[-1] if ended else max(reversed(usages), key=_total),
        }
        return self._read(
            document,
            texts_in(queries),
            mapped=any(True for _ in fields.values(*at, *_DOCUMENT[-1])),
            # A plain document ends where it is closed; a stream can be closed early.
            finished=ended or not at,
            failed=bool(fields.value("error") or fields.value(ANY, "error")),
        )

    def _read(
        self,
        document: Mapping[str, object],
        queries: Iterable[str],
        *,
        mapped: bool,
        finished: bool,
        failed: bool,
    ) -> Reading:
        usage = mapping(document.get("usageMetadata"))
        model = name(document.get("modelVersion"))
        tally = tally_usage(usage)
        tally_grounding(tally, queries, model or self._request.model)
        if mapped:
            tally.put(MAPS, 1)
        tier = _tier(usage)
        missing = self._HAS_OUTPUT and "output_tokens" not in tally.quantities
        return Reading(
            model=model,
            object_id=name(document.get("responseId")),
            tier=tier,
            quantities=tally.quantities,
            bad=tally.bad,
            # Nothing written, nothing counted: an ended answer without a count is an empty one.
            output_missing=missing and not (finished and usage),
            price_context={"service_tier": tier} if tier else {},
            finished=finished,
            failed=failed,
        )


class EmbedBody(GenerateBody):
    """Embeddings: input tokens alone, and from older models nothing at all."""

    DOCUMENT_TEXT = None
    STREAM_TEXT = None
    _HAS_OUTPUT = False


def _tier(usage: Mapping[str, object]) -> str | None:
    traffic, tier = usage.get("trafficType"), name(usage.get("serviceTier"))
    if tier:
        return tier.lower()
    return _TIERS.get(traffic) if isinstance(traffic, str | int) else None


def _total(usage: Mapping[str, object]) -> int:
    return Tally().count(usage.get("totalTokenCount")) or 0


def texts_in(lists: Iterable[object]) -> set[str]:
    """The texts in lists of them, whatever else is there."""
    return {
        text for each in lists if isinstance(each, list) for text in each if isinstance(text, str)
    }

"""Gemini's and Vertex's answers that are no text: pictures, cached content, asynchronous work.

- Batches are created free and billed at the batch rate, when their answers pass by: in the batch
  itself, or in a file of JSON lines that it links to. Requests that failed are not billed.
- A video's operation says that it is done, and nothing of the length that it is billed by, so that
  it stays pending; one that failed, or whose videos were all filtered, cost nothing.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from acm_addon.json_fields import JsonFields
from acm_addon.json_paths import ANY, Path
from acm_addon.providers.base import (
    BATCH,
    ResponseHead,
)
from acm_addon.providers.batch_lines import BatchLines
from acm_addon.providers.body import JsonBody, Reading
from acm_addon.providers.by_model import ByModel
from acm_addon.providers.gemini_bodies import texts_in
from acm_addon.providers.gemini_usage import tally_grounding, tally_usage
from acm_addon.providers.tally import Tally, mapping, moment, name

_PLACES = (("response",), ("metadata", "output"))
"""Where a batch keeps its answers; where both are given, they are the same."""
_LISTS = ("inlinedResponses", "inlinedEmbedContentResponses")
_QUERIES = ("candidates", ANY, "groundingMetadata", "webSearchQueries")
_FAILED = ("FAILED", "CANCELLED", "EXPIRED")
_HOUR = Decimal(3600)
_STORED = Decimal("0.000001")
"""Of a token-hour: what stored content is counted to."""
_LINE: tuple[Path, ...] = (
    ("response", "modelVersion"),
    ("response", "usageMetadata"),
    ("response", "tokenCount"),
    ("response", *_QUERIES),
    ("error", "code"),
)


def answers_file(head: ResponseHead) -> BatchLines:
    """A reader of a file of a batch's answers."""
    return BatchLines(_LINE, _take, head)


def _take(line: JsonFields, sums: ByModel) -> bool:
    model = name(line.value("response", "modelVersion"))
    tally = _tally(line.value("response", "usageMetadata"), line.value("response", "tokenCount"))
    queries = texts_in(line.values("response", *_QUERIES))
    tally_grounding(tally, queries, model)
    sums.add(model, tally, BATCH)
    return bool(tally.quantities) or line.value("error", "code") is not None


def _tally(usage: object, tokens: object) -> Tally:
    """``tokens``: what embeddings state in the place of a usage."""
    tally = tally_usage(mapping(usage))
    if not mapping(usage):
        tally.put("input_tokens", tokens)
    return tally


class BatchBody(JsonBody):
    """A batch, when it is created and when one looks at it."""

    WANTED = (
        ("name",),
        ("done",),
        ("metadata", "model"),
        ("metadata", "state"),
        ("metadata", "createTime"),
        *((*place, "responsesFile") for place in _PLACES),
        *(
            (*place, answers, "inlinedResponses", ANY, "response", key)
            for place in _PLACES
            for answers in _LISTS
            for key in ("usageMetadata", "tokenCount")
        ),
    )

    def _read_document(self, fields: JsonFields) -> Reading:
        model = name(fields.value("metadata", "model"))
        sums = ByModel()
        for tally in self._tallies(fields):
            sums.add(model, tally, BATCH)
        quantities = sums.shares()[0].quantities
        state = str(fields.value("metadata", "state") or "").rpartition("_STATE_")[2]
        files = (name(fields.value(*place, "responsesFile")) for place in _PLACES)
        return Reading(
            model=model.removeprefix("models/") if model else None,
            object_id=name(fields.value("name")),
            quantities=quantities,
            bad=sums.bad or fields.truncated,
            price_context=BATCH,
            failed=not quantities and state in _FAILED,
            pending=not quantities and state not in _FAILED,
            created=moment(fields.value("metadata", "createTime")),
            links=tuple({each: None for each in files if each}),
        )

    def _tallies(self, fields: JsonFields) -> Iterator[Tally]:
        for place in _PLACES:
            found = False
            for answers in _LISTS:
                parent = (*place, answers, "inlinedResponses", ANY, "response")
                for usage, count in fields.siblings(parent, "usageMetadata", "tokenCount"):
                    found = True
                    yield _tally(usage, count)
            if found:
                return


class OperationBody(JsonBody):
    """The operation that makes a video, when it begins and when one looks at it."""

    _MADE = (
        ("response", "generateVideoResponse", "generatedSamples", ANY, "video", "uri"),
        ("response", "generatedSamples", ANY, "video", "uri"),
        ("response", "videos", ANY, "mimeType"),
    )
    _FILTERED = (
        ("response", "generateVideoResponse", "raiMediaFilteredCount"),
        ("response", "raiMediaFilteredCount"),
    )
    WANTED = (("name",), ("done",), ("error", "code"), *_MADE, *_FILTERED)

    def _read_document(self, fields: JsonFields) -> Reading:
        made = any(True for path in self._MADE for _ in fields.values(*path))
        filtered = any(fields.value(*path) for path in self._FILTERED)
        failed = fields.value("error", "code") is not None
        done = fields.value("done") is True
        return Reading(
            object_id=_operation(fields.value("name")),
            failed=done and (failed or (filtered and not made)),
            pending=not done,
        )


class JobBody(JsonBody):
    """A batch job of Vertex, when it begins and when one looks at it. Its answers lie in a bucket
    or a table, and it says nothing of what they took."""

    WANTED = (("name",), ("state",), ("createTime",))

    def _read_document(self, fields: JsonFields) -> Reading:
        state = str(fields.value("state") or "").rpartition("_STATE_")[2]
        return Reading(
            object_id=name(fields.value("name")),
            failed=state in _FAILED,
            pending=state not in _FAILED,
            created=moment(fields.value("createTime")),
        )


class PredictBody(JsonBody):
    """``predict``: the pictures of Imagen, embeddings with the tokens of each text.

    Pictures that were filtered out are not billed, and not among the predictions.
    """

    _TOKENS = ("predictions", ANY, "embeddings", "statistics", "token_count")
    WANTED = (
        ("predictions", ANY, "mimeType"),
        _TOKENS,
        ("metadata", "billableCharacterCount"),
        ("error", "code"),
    )

    def _read_document(self, fields: JsonFields) -> Reading:
        tally = Tally()
        for count in fields.values(*self._TOKENS):
            if (tokens := tally.count(count)) is not None:
                tally.add("input_tokens", tokens)
        # Gemini's embeddings are billed by tokens, older ones by characters.
        if not (self._request.model or "").startswith("gemini"):
            tally.put("input_characters", fields.value("metadata", "billableCharacterCount"))
        kinds = (str(kind) for kind in fields.values("predictions", ANY, "mimeType"))
        if pictures := sum(kind.startswith("image/") for kind in kinds):
            tally.put("images", pictures)
        # Where not every prediction could be held, the sums are too small.
        return Reading(quantities=tally.quantities, bad=tally.bad or fields.truncated)


class CachedContentBody(JsonBody):
    """Cached content, as it is created: its tokens as input, and as stored until it expires.

    Who deletes it earlier pays for less, and who extends it for more: no answer says how much.
    """

    WANTED = (
        ("name",),
        ("model",),
        ("createTime",),
        ("expireTime",),
        ("usageMetadata", "totalTokenCount"),
    )

    def _read_document(self, fields: JsonFields) -> Reading:
        tally = Tally()
        tokens = tally.count(fields.value("usageMetadata", "totalTokenCount"))
        tally.put("input_tokens", tokens)
        hours = _hours(moment(fields.value("createTime")), moment(fields.value("expireTime")))
        if tokens is not None and hours is not None:
            tally.quantities["cache_storage_token_hours"] = (tokens * hours).quantize(_STORED)
        model = name(fields.value("model"))
        return Reading(
            model=model.rpartition("/")[2] if model else None,
            object_id=name(fields.value("name")),
            quantities=tally.quantities,
            bad=tally.bad,
        )


def _operation(resource: object) -> str | None:
    """An operation's name; of Vertex's, which are too long for an id, what is unique in it."""
    stated = name(resource)
    if stated and stated.startswith("projects/"):
        return "operations/" + stated.rpartition("/operations/")[2]
    return stated


def _hours(start: datetime | None, end: datetime | None) -> Decimal | None:
    if start is None or end is None or end < start:
        return None
    between = end - start
    return (Decimal(between.days * 86400 + between.seconds)) / _HOUR

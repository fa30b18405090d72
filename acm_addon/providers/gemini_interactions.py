"""Gemini's interactions: usage in the body, or in the last events of a stream.

- Cached input is inside input; what tools feed back is outside, and is added.
- Reasoning is OUTSIDE ``total_output_tokens``, and is added.
- Background work (``in_progress``) says what it came to when one looks at it.
"""

from collections.abc import Iterable, Iterator, Mapping

from acm_addon.json_fields import JsonFields, parse
from acm_addon.json_paths import ANY
from acm_addon.providers.base import RequestFacts, ResponseHead
from acm_addon.providers.body import JsonRequestReader, Reading, ResponseBody
from acm_addon.providers.gemini_usage import MAPS, tally_grounding
from acm_addon.providers.tally import Tally, mapping, moment, name
from acm_addon.providers.texts import TextKeys
from acm_addon.providers.uploads import highest
from acm_addon.sse import Event

_REQUEST = (
    ("model",),
    ("agent",),
    ("stream",),
    ("service_tier",),
    ("generation_config", "max_output_tokens"),
)
_RUNNING = ("in_progress", "queued", "requires_continuation")
_ENDS = ("completed", "failed", "cancelled", "incomplete", "budget_exceeded", "requires_action")
_KEYS = ("id", "status", "usage", "model", "agent", "service_tier", "created", "error")
_MODALITIES = {"text": "text", "audio": "audio", "image": "image", "video": "video"}
# Pages of documents are billed as images.
_MODALITIES["document"] = "image"
_DETAILS = (
    ("input_tokens_by_modality", ("input_{}_tokens",)),
    ("output_tokens_by_modality", ("output_{}_tokens",)),
    ("cached_tokens_by_modality", ("cache_{}_read_tokens",)),
    ("tool_use_tokens_by_modality", ("input_{}_tool_tokens", "input_{}_tokens")),
)
_SEARCH = b'"google_search_call"'
_MAX_QUERIES = 1000
"""Searches of one stream that are told apart."""


def interaction_request() -> JsonRequestReader:
    return JsonRequestReader(_REQUEST, _request)


class InteractionBody(ResponseBody):
    WANTED = (
        *((key,) for key in _KEYS),
        ("steps", ANY, "type"),
        ("steps", ANY, "arguments"),
    )
    DOCUMENT_TEXT = TextKeys(
        ("text", "name", "code"), objects=("arguments",), foreign=("annotations", "result")
    )
    STREAM_TEXT = TextKeys(("text", "name", "code", "arguments"), foreign=("annotations", "result"))

    def __init__(self, request: RequestFacts, head: ResponseHead) -> None:
        super().__init__(request, head)
        self._first: bytes | None = None
        self._last: bytes | None = None
        self._queries: set[str] = set()
        self._failed = False

    def _notice(self, event: Event) -> bool:
        data = event.data
        if b'"interaction"' in data or b'"interaction.status_update"' in data:
            self._first = self._first or data
            self._last = data
            return True
        if event.name == b"error":
            self._failed = True
        if _SEARCH in data and len(self._queries) < _MAX_QUERIES:
            delta = mapping(mapping(parse(data)).get("delta"))
            self._queries.update(_queries([(delta.get("type"), delta.get("arguments"))]))
        return False

    def _read_document(self, fields: JsonFields) -> Reading:
        document = {key: fields.value(key) for key in _KEYS}
        steps = fields.siblings(("steps", ANY), "type", "arguments")
        return self._read(document, set(_queries(steps)))

    def _read_stream(self) -> Reading:
        document: dict[str, object] = {}
        for data in (self._first, self._last):
            event = mapping(parse(data)) if data else {}
            # An update of the status stands for the interaction itself.
            shown = mapping(event.get("interaction")) or event
            document.update((key, shown[key]) for key in _KEYS if shown.get(key))
        return self._read(document, self._queries, events=True)

    def _read(
        self, document: Mapping[str, object], queries: set[str], *, events: bool = False
    ) -> Reading:
        usage = mapping(document.get("usage"))
        model = name(document.get("model")) or name(document.get("agent"))
        status, tier = document.get("status"), name(document.get("service_tier"))
        tally = tally_interaction(usage)
        tally_grounding(tally, queries, model or self._request.model)
        running = status in _RUNNING
        return Reading(
            model=model,
            object_id=name(document.get("id")),
            tier=tier,
            quantities=tally.quantities,
            bad=tally.bad,
            output_missing="output_tokens" not in tally.quantities,
            price_context={"service_tier": tier} if tier else {},
            finished=not events or status in _ENDS,
            # What an interaction that failed reports was consumed all the same.
            failed=(self._failed or bool(document.get("error"))) and not usage,
            pending=running,
            created=moment(document.get("created")),
        )


def tally_interaction(usage: Mapping[str, object]) -> Tally:
    tally = Tally()
    prompt, tool = _count(tally, usage, "input"), _count(tally, usage, "tool_use")
    output, thoughts = _count(tally, usage, "output"), _count(tally, usage, "thought")
    if prompt is not None or tool is not None:
        tally.put("input_tokens", (prompt or 0) + (tool or 0))
    if output is not None or thoughts is not None:
        tally.put("output_tokens", (output or 0) + (thoughts or 0))
    tally.put("cache_read_tokens", _count(tally, usage, "cached"))
    tally.put("output_reasoning_tokens", thoughts)
    tally.put("input_tool_tokens", tool)
    for key, units in _DETAILS:
        for detail in _objects(usage.get(key)):
            modality, count = detail.get("modality"), tally.count(detail.get("tokens"))
            kind = _MODALITIES.get(modality) if isinstance(modality, str) else None
            for unit in units if kind is not None and count is not None else ():
                tally.add(unit.format(kind), count or 0)
    for tools in _objects(usage.get("grounding_tool_count")):
        if tools.get("type") == "google_maps":
            tally.put(MAPS, tools.get("count"))
    tally.check_parts("input_tokens", "cache_read_tokens", "input_tool_tokens")
    return tally


def _count(tally: Tally, usage: Mapping[str, object], kind: str) -> int | None:
    return tally.count(usage.get(f"total_{kind}_tokens"))


def _objects(value: object) -> Iterator[Mapping[str, object]]:
    yield from map(mapping, value if isinstance(value, list) else ())


def _queries(steps: Iterable[tuple[object, ...]]) -> Iterator[str]:
    """What was searched for, of the types of steps and their arguments."""
    for kind, arguments in steps:
        if kind == "google_search_call":
            queries = mapping(arguments).get("queries")
            for query in queries if isinstance(queries, list) else ():
                if isinstance(query, str):
                    yield query


def _request(fields: JsonFields) -> RequestFacts:
    tier = name(fields.value("service_tier"))
    return RequestFacts(
        model=name(fields.value("model")) or name(fields.value("agent")),
        stream=fields.value("stream") is True,
        tier=tier,
        max_output_tokens=highest(fields, ("generation_config", "max_output_tokens")),
        price_context={"service_tier": tier} if tier else {},
    )

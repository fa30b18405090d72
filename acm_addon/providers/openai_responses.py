"""Response bodies in OpenAI's shapes, of OpenAI and of the family that speaks them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from acm_addon.json_fields import JsonFields, parse
from acm_addon.json_paths import ANY, Path
from acm_addon.providers.base import RequestFacts, ResponseHead
from acm_addon.providers.body import Reading, ResponseBody
from acm_addon.providers.openai_usage import Tools, stated_cost, tally_tools, tally_usage
from acm_addon.providers.tally import Tally, mapping, name
from acm_addon.providers.texts import TextKeys
from acm_addon.sse import Event

_USAGE = re.compile(rb'"usage"\s*+:\s*+\{')
_ERROR = re.compile(rb'"error"\s*+:\s*+[{"]')
_NAMELESS = re.compile(rb'"model"\s*+:\s*+""')
"""An event that only says how the prompt was judged (Azure's content filters)."""
_FINISH = re.compile(rb'"finish_reason"\s*+:\s*+"')
_TYPE_FIRST = re.compile(rb'\s*+\{\s*+"type"\s*+:\s*+"([^"]*+)"')
_TYPE = re.compile(rb'"type"\s*+:\s*+"(response\.[a-z_.]++|error)"')
_RESPONSE_ENDS = frozenset(
    (b"response.completed", b"response.incomplete", b"response.failed", b"response.cancelled")
)
_MAX_ITEMS = 1000
"""Items of one stream that are told apart."""
_CHAT_TEXT = TextKeys(
    ("content", "reasoning_content", "reasoning", "refusal", "name", "arguments", "text"),
    # OpenRouter repeats the reasoning, Groq shows what its tools found, and others cite.
    foreign=("reasoning_details", "executed_tools", "annotations", "search_results"),
)
_CHUNK = "chat.completion.chunk"
_RUNNING = ("queued", "in_progress")
_COUNTED = re.compile(rb'tokens"\s*+:\s*+(?!0[\s,}]|null)')
"""Anything but zeros: also what is no count, so that it is noticed."""


def _reading(
    document: Mapping[str, object],
    tally: Tally,
    usage: Mapping[str, object],
    *,
    output_missing: bool,
    finished: bool,
    failed: bool,
    pending: bool = False,
) -> Reading:
    tier = name(document.get("service_tier")) or name(usage.get("service_tier"))
    tier = None if tier == "auto" else tier
    given = {"service_tier": tier, "search_context_size": name(usage.get("search_context_size"))}
    return Reading(
        model=name(document.get("model")),
        object_id=name(document.get("id")),
        tier=tier,
        quantities=tally.quantities,
        bad=tally.bad,
        provider_cost=stated_cost(usage),
        price_context={key: value for key, value in given.items() if value is not None},
        output_missing=output_missing,
        finished=finished,
        failed=failed,
        pending=pending,
    )


class ChatBody(ResponseBody):
    """chat.completions and what looks like it: completions, embeddings.

    A stream carries usage in its last chunk if the request asked for it (``include_usage``), in a
    chunk before ``[DONE]``, in ``x_groq`` of the last chunk (Groq), or in every chunk, growing
    (Perplexity). The last one wins.
    """

    WANTED: ClassVar[tuple[Path, ...]] = tuple(
        (key,) for key in ("model", "id", "service_tier", "usage", "x_groq", "error")
    )
    DOCUMENT_TEXT: ClassVar[TextKeys | None] = _CHAT_TEXT
    # Perplexity repeats the whole message in every event, Together each piece as a completion's.
    STREAM_TEXT: ClassVar[TextKeys | None] = replace(
        _CHAT_TEXT, foreign=(*_CHAT_TEXT.foreign, "message"), spare=("text",)
    )
    _HAS_OUTPUT = True

    _first: bytes | None = None
    _nameless = False
    _previous: bytes = b""
    _usage: bytes | None = None
    _before_usage: bytes = b""
    _failed = False
    _done = False

    def _notice(self, event: Event) -> bool:
        data = event.data
        if data == self._previous:
            return False
        if data.startswith(b"[DONE]"):
            self._done = True
            return True
        if self._first is None or self._nameless:
            self._first = data
            self._nameless = _NAMELESS.search(data) is not None
        if b'"usage"' in data and _USAGE.search(data):
            # Some servers send zeros once more after the real counts.
            if self._usage is None or _COUNTED.search(data) or not _COUNTED.search(self._usage):
                self._usage, self._before_usage = data, self._previous
        elif b'"error"' in data and _ERROR.search(data):
            self._failed = self._failed or _is_error(parse(data))
        self._previous = data
        return False

    def _read_document(self, fields: JsonFields) -> Reading:
        return self._read({path[0]: fields.value(*path) for path in self.WANTED})

    def _read_stream(self) -> Reading:
        document = dict(mapping(parse(self._first))) if self._first else {}
        last = mapping(parse(self._usage)) if self._usage else {}
        document.update((key, value) for key, value in last.items() if value)
        return self._read(document, ended=self._stream_ended())

    def _stream_ended(self) -> bool:
        """``[DONE]``, or, as some never send it, the usage after the reason for the end."""
        if self._done or self._usage is None:
            return self._done
        return bool(_FINISH.search(self._usage) or _FINISH.search(self._before_usage))

    def _read(self, document: Mapping[str, object], *, ended: bool = True) -> Reading:
        usage = mapping(document.get("usage")) or mapping(
            mapping(document.get("x_groq")).get("usage")
        )
        tally = tally_usage(usage)
        return _reading(
            document,
            tally,
            usage,
            output_missing=self._HAS_OUTPUT and "output_tokens" not in tally.quantities,
            finished=ended,
            failed=self._failed or _is_error(document),
        )


class EmbeddingsBody(ChatBody):
    """Embeddings: input tokens alone, and nothing generated."""

    DOCUMENT_TEXT = None
    STREAM_TEXT = None
    _HAS_OUTPUT = False


class StatedEndBody(ChatBody):
    """A stream that says neither ``[DONE]`` nor why it ended: its usage comes last."""

    def _stream_ended(self) -> bool:
        return self._done or self._usage is not None


class ImagesBody(StatedEndBody):
    """Images: usage where the model is billed by tokens, else what the request says.

    A stream sends pictures as events, and usage in the last one. Responses name no model.
    """

    WANTED = tuple((key,) for key in ("usage", "size", "quality", "error"))
    DOCUMENT_TEXT = None
    STREAM_TEXT = None
    _HAS_OUTPUT = False


ITEM_PATHS: tuple[Path, ...] = (
    ("output", ANY, "type"),
    ("output", ANY, "container_id"),
    ("output", ANY, "action", "type"),
    ("tools", ANY, "type"),
    ("tools", ANY, "model"),
    ("tools", ANY, "container"),
)
"""Of a response, what tells which tools it used."""
_PAGE_VISITS = ("open_page", "find_in_page")
"""Actions of a web search item that are no searches."""


def tools_in(fields: JsonFields, parent: Path, stated: object) -> Tools:
    """The tools of the response that lies at ``parent``. ``stated``: its ``tool_usage``."""
    actions = fields.values(*parent, "output", ANY, "action", "type")
    declared = fields.siblings((*parent, "tools", ANY), "type", "model", "container")
    items = fields.siblings((*parent, "output", ANY), "type", "container_id")
    return _tools([(item[0], item[1]) for item in items], list(actions), list(declared), stated)


def _tools(
    items: list[tuple[object, object]],
    actions: list[object],
    declared: list[tuple[object, ...]],
    stated: object,
) -> Tools:
    """``actions``: the types of what web search items did; ``declared``: type, model, and container
    of the tools that the request allowed."""
    models = [model for kind, model, _ in declared if kind == "image_generation"]
    return Tools(
        items=items,
        page_visits=sum(action in _PAGE_VISITS for action in actions),
        stated=mapping(stated),
        named_containers=frozenset(each for *_, each in declared if isinstance(each, str)),
        image_model=name(models[0]) if models else None,
    )


class ResponsesBody(ResponseBody):
    """responses and responses.compact: usage at the end, in the body or in the last event.

    Billed besides tokens: tool calls, which are only in ``output`` and ``tool_usage``. One that
    runs in the background goes on though its stream is cut off: it stays pending.
    """

    WANTED = (
        *((key,) for key in ("model", "id", "service_tier", "usage", "error", "status")),
        *((key,) for key in ("background", "created_at", "tool_usage")),
        *ITEM_PATHS,
    )
    DOCUMENT_TEXT = TextKeys(
        ("text", "refusal", "name", "arguments", "input", "code"),
        objects=("action",),
        # The request's own, repeated, and what tools found.
        foreign=("tools", "tool_choice", "format", "instructions", "annotations", "results"),
    )
    STREAM_TEXT = TextKeys(("delta", "name"), foreign=("tools",))

    def __init__(self, request: RequestFacts, head: ResponseHead) -> None:
        super().__init__(request, head)
        self._first: bytes | None = None
        self._last: bytes | None = None
        self._ended = False
        self._failed = False
        self._items: dict[object, Mapping[str, object]] = {}

    def _notice(self, event: Event) -> bool:
        data = event.data
        kind = event.name if event.name != b"message" else _kind(data)
        if kind.endswith(b".delta"):
            return False
        if self._first is None:
            self._first = data
        if kind in _RESPONSE_ENDS:
            self._last = data
            self._ended = True
        elif kind == b"error":
            self._failed = True
        elif kind == b"response.output_item.done" and b'_call"' in data:
            self._notice_item(mapping(parse(data)))
        elif b'"usage"' in data and _USAGE.search(data):
            self._last = data
            self._ended = self._ended or _CHUNK.encode() in data
        return kind != b"response.output_item.added"  # which has a called function's name

    def _notice_item(self, event: Mapping[str, object]) -> None:
        item = mapping(event.get("item"))
        index = event.get("output_index")
        key = index if isinstance(index, int) else name(item.get("id"))
        if len(self._items) < _MAX_ITEMS:
            kept = {field: name(item.get(field)) for field in ("type", "container_id")}
            action = name(mapping(item.get("action")).get("type"))
            self._items[key] = {**kept, "action": {"type": action}}

    def _read_document(self, fields: JsonFields) -> Reading:
        document = {path[0]: fields.value(*path) for path in self.WANTED if len(path) == 1}
        return self._read(document, tools_in(fields, (), document["tool_usage"]))

    def _read_stream(self) -> Reading:
        document = dict(_response_of(self._first))
        document.update((key, value) for key, value in _response_of(self._last).items() if value)
        # The last event repeats all items, except where a server leaves ``output`` empty.
        items = _objects(document.get("output")) or list(self._items.values())
        tools = _tools(
            [(item.get("type"), item.get("container_id")) for item in items],
            [mapping(item.get("action")).get("type") for item in items],
            [
                (tool.get("type"), tool.get("model"), tool.get("container"))
                for tool in _objects(document.get("tools"))
            ],
            document.get("tool_usage"),
        )
        return self._read(document, tools, ended=self._ended)

    def _read(self, document: Mapping[str, object], tools: Tools, *, ended: bool = True) -> Reading:
        usage = mapping(document.get("usage"))
        tally = tally_usage(usage)
        others = tally_tools(tally, tools)
        status = document.get("status")
        pending = status in _RUNNING and (ended or document.get("background") is True)
        reading = _reading(
            document,
            tally,
            usage,
            output_missing="output_tokens" not in tally.quantities,
            finished=ended or pending,
            failed=self._failed or status == "failed" or _is_error(document),
            pending=pending,
        )
        return replace(reading, others=others)


def _response_of(data: bytes | None) -> Mapping[str, object]:
    """The response in an event. Azure answers for some models with the chunks of a chat."""
    event = mapping(parse(data)) if data else {}
    if event.get("object") == _CHUNK:
        return event
    return mapping(event.get("response"))


def _objects(value: object) -> list[Mapping[str, object]]:
    return [mapping(item) for item in value] if isinstance(value, list) else []


def _kind(data: bytes) -> bytes:
    """The ``type`` of an event that has no ``event:`` line."""
    match = _TYPE_FIRST.match(data) or _TYPE.search(data)
    return match[1] if match else b""


def _is_error(document: object) -> bool:
    return bool(mapping(document).get("error"))

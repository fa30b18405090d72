"""Response bodies of the OpenAI-compatible family that OpenAI itself does not send.

They state usage in OpenAI's words (``openai_usage``), and differ in where, or in what else counts.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from acm_addon.json_fields import JsonFields, parse
from acm_addon.json_paths import Path
from acm_addon.providers.body import JsonBody, Reading, ResponseBody
from acm_addon.providers.openai_responses import ChatBody, EmbeddingsBody, StatedEndBody
from acm_addon.providers.tally import Tally, mapping, name
from acm_addon.providers.texts import TextKeys
from acm_addon.sse import Event

_INPUT_NAMES = ("prompt_tokens", "input_tokens")
_ENDED = re.compile(rb'"finish_reason"\s*+:\s*+"(?!null")')


class InputBody(EmbeddingsBody):
    """Embeddings, rankings and moderations: all that counts is what went in.

    Voyage, Jina and DashScope state ``total_tokens`` alone; rankers billed by search, Cohere's
    ``search_units``.
    """

    def _read(self, document: Mapping[str, object], *, ended: bool = True) -> Reading:
        usage = dict(mapping(document.get("usage")))
        if all(usage.get(key) is None for key in _INPUT_NAMES) and "total_tokens" in usage:
            usage["prompt_tokens"] = usage["total_tokens"]
        reading = super()._read({**document, "usage": usage}, ended=ended)
        return _with_units(reading, usage, {"search_units": "rerank_searches"})


class ConversationsBody(StatedEndBody):
    """Mistral's conversations. What connectors fed to the model (``connector_tokens``) is input
    beside ``prompt_tokens``; ``connectors`` counts the calls of each."""

    WANTED = (*ChatBody.WANTED, ("conversation_id",))

    def _read(self, document: Mapping[str, object], *, ended: bool = True) -> Reading:
        usage = dict(mapping(document.get("usage")))
        fed, asked = Tally().count(usage.get("connector_tokens")), usage.get("prompt_tokens")
        if fed and isinstance(asked, int):
            usage["prompt_tokens"] = asked + fed
        reading = super()._read({**document, "usage": usage}, ended=ended)
        calls = {
            "web_search": "web_searches",
            "code_interpreter": "code_executions",
            "image_generation": "image_generations",
        }
        return _with_units(reading, mapping(usage.get("connectors")), calls)


class DeferrableChatBody(ChatBody):
    """xAI's chat, which answers ``deferred: true`` with an id to ask again by."""

    WANTED = (*ChatBody.WANTED, ("request_id",))

    def _read(self, document: Mapping[str, object], *, ended: bool = True) -> Reading:
        reading = super()._read(document, ended=ended)
        deferred = name(document.get("request_id"))
        if reading.object_id or not deferred:
            return reading
        return replace(reading, object_id=deferred, pending=True, output_missing=False)


class PagesBody(JsonBody):
    """Mistral's OCR: billed by page, by another price where the pages are annotated."""

    WANTED = (("model",), ("usage_info",), ("document_annotation",), ("error",))

    def _read_document(self, fields: JsonFields) -> Reading:
        tally = Tally()
        usage = mapping(fields.value("usage_info"))
        tally.put("input_document_pages", usage.get("pages_processed"))
        return Reading(
            model=name(fields.value("model")),
            quantities=tally.quantities,
            bad=tally.bad,
            failed=bool(fields.value("error")),
        )


class SpokenBody(ResponseBody):
    """MiniMax's speech: the answer counts the characters that are billed."""

    WANTED = (("extra_info",), ("base_resp",))

    _last: bytes | None = None

    def _notice(self, event: Event) -> bool:
        if b'"extra_info"' in event.data:
            self._last = event.data
        return True

    def _read_document(self, fields: JsonFields) -> Reading:
        return self._read({path[0]: fields.value(*path) for path in self.WANTED})

    def _read_stream(self) -> Reading:
        ended = self._last is not None
        return self._read(mapping(parse(self._last)) if self._last else {}, ended=ended)

    def _read(self, document: Mapping[str, object], *, ended: bool = True) -> Reading:
        tally = Tally()
        characters = mapping(document.get("extra_info")).get("usage_characters")
        tally.put("input_characters", characters)
        status = mapping(document.get("base_resp")).get("status_code")
        return Reading(
            quantities=tally.quantities,
            bad=tally.bad,
            finished=ended,
            failed=status not in (None, 0),
        )


class CloudflareRunBody(ChatBody):
    """``/ai/run/<model>``: the answer and its usage stand under ``result``; a stream's last event
    has the usage at its top."""

    WANTED = (("result", "usage"), ("errors",))
    DOCUMENT_TEXT: ClassVar[TextKeys | None] = TextKeys(
        ("response", "name"), objects=("arguments",)
    )
    STREAM_TEXT: ClassVar[TextKeys | None] = DOCUMENT_TEXT

    def _read_document(self, fields: JsonFields) -> Reading:
        document = {"usage": fields.value("result", "usage"), "error": fields.value("errors")}
        return self._read(document)


class DashScopeBody(ChatBody):
    """DashScope's own shape: usage at the top, the answer under ``output``.

    Every event of a stream has usage, growing. An unfinished one's reason to end is the text
    ``"null"``. An error is a ``code`` with a ``message``.
    """

    WANTED = (("usage",), ("code",), ("message",))
    DOCUMENT_TEXT = TextKeys(("content", "reasoning_content", "text", "name", "arguments"))
    STREAM_TEXT = DOCUMENT_TEXT

    def _notice(self, event: Event) -> bool:
        self._failed = self._failed or event.name == b"error"
        return super()._notice(event)

    def _stream_ended(self) -> bool:
        return self._usage is not None and bool(_ENDED.search(self._usage))

    def _read(self, document: Mapping[str, object], *, ended: bool = True) -> Reading:
        failed = bool(document.get("code"))
        usage = dict(mapping(document.get("usage")))
        pictures = usage.get("image_count")
        known = {key: value for key, value in document.items() if key == "usage"}
        reading = super()._read(known, ended=ended)
        reading = _with_units(reading, {"images": pictures}, {"images": "images"})
        return replace(reading, failed=failed or reading.failed)


class OllamaBody(JsonBody):
    """Ollama's own API: a JSON document, or one a line, of which the last has the counts.

    ``prompt_eval_count`` is absent where the prompt was cached whole.
    """

    WANTED: ClassVar[tuple[Path, ...]] = tuple(
        (key,) for key in ("model", "done", "prompt_eval_count", "eval_count", "error")
    )
    DOCUMENT_TEXT: ClassVar[TextKeys | None] = TextKeys(
        ("response", "content", "thinking", "name"), objects=("arguments",)
    )
    _GENERATES = True

    def _read_document(self, fields: JsonFields) -> Reading:
        tally = Tally()
        tally.put("input_tokens", fields.value("prompt_eval_count"))
        tally.put("output_tokens", fields.value("eval_count"))
        done = fields.value("done") is True
        return Reading(
            model=name(fields.value("model")),
            quantities=tally.quantities,
            bad=tally.bad,
            output_missing=self._GENERATES and "output_tokens" not in tally.quantities,
            finished=done or not self._GENERATES,
            failed=bool(fields.value("error")),
        )


class OllamaEmbedBody(OllamaBody):
    DOCUMENT_TEXT = None
    _GENERATES = False


def _with_units(
    reading: Reading, counts: Mapping[str, object], units: Mapping[str, str]
) -> Reading:
    """``reading`` with further counts, where there are any."""
    tally = Tally()
    for key, unit in units.items():
        tally.put(unit, counts.get(key))
    if not tally.quantities and not tally.bad:
        return reading
    return replace(
        reading,
        quantities={**reading.quantities, **tally.quantities},
        bad=reading.bad or tally.bad,
    )

"""Calls about sound and pictures: what their readers have in common.

Their requests hold few fields that matter, or a file; their answers are one JSON document, or sound
with all that counts in the response's head. Nothing in them is for a tokenizer.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import ClassVar

from acm_addon.json_fields import JsonFields
from acm_addon.json_paths import Path
from acm_addon.multipart import MultipartForm
from acm_addon.providers.base import RequestFacts, ResponseHead
from acm_addon.providers.body import JsonBody, Reading
from acm_addon.providers.prompts import Prompt

_NUMBER = re.compile(r"\d{1,13}(?:\.\d{1,12})?")
_TEXTUAL = ("json", "text/event-stream")


class FieldsRequest:
    """Reads the wanted fields of a JSON request body, and holds nothing else of it."""

    def __init__(
        self, wanted: tuple[Path, ...], interpret: Callable[[JsonFields], RequestFacts]
    ) -> None:
        self._fields = JsonFields(wanted)
        self._interpret = interpret

    def feed(self, data: bytes) -> None:
        self._fields.feed(data)

    def facts(self) -> RequestFacts:
        return self._interpret(self._fields)

    def input_text(self) -> Prompt:
        return Prompt()


class FormRequest:
    """Reads the fields of a multipart form, and of its files no more than their ends."""

    def __init__(
        self, content_type: str, interpret: Callable[[MultipartForm], RequestFacts]
    ) -> None:
        self._form = MultipartForm(content_type)
        self._interpret = interpret

    def feed(self, data: bytes) -> None:
        self._form.feed(data)

    def facts(self) -> RequestFacts:
        return self._interpret(self._form)

    def input_text(self) -> Prompt:
        return Prompt()


class SoundBody(JsonBody):
    """Sound, or JSON without usage: what it costs stands in the head, or the request says it.

    Sound has no end of its own, and the count does not depend on how much of it arrived.
    """

    WANTED: ClassVar[tuple[Path, ...]] = ()

    def __init__(
        self,
        request: RequestFacts,
        head: ResponseHead,
        read_head: Callable[[ResponseHead], Reading] = lambda _: Reading(),
    ) -> None:
        super().__init__(request, head)
        self._in_head = read_head(head)
        kind = head.content_type.lower()
        self._sound = not any(each in kind for each in _TEXTUAL)

    def feed(self, data: bytes) -> None:
        if not self._sound:
            super().feed(data)

    def _reading(self) -> tuple[Reading, bool, bool]:
        return (self._in_head, True, False) if self._sound else super()._reading()

    def _read_document(self, fields: JsonFields) -> Reading:  # noqa: ARG002
        return self._in_head

    def _read_stream(self) -> Reading:
        return self._in_head


def header_number(head: ResponseHead, header: str) -> Decimal | None:
    """The number in a header; None where the header is absent or holds anything else."""
    value = head.headers.get(header, "").strip()
    return Decimal(value) if _NUMBER.fullmatch(value) else None

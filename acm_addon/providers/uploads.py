"""Requests that upload files: the same fields as a form (``multipart/form-data``) or as JSON."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from acm_addon.json_fields import JsonFields
from acm_addon.json_paths import Path
from acm_addon.multipart import FilePart, MultipartForm
from acm_addon.providers.base import RequestFacts, RequestHead
from acm_addon.providers.prompts import Prompt
from acm_addon.providers.tally import Tally

type Get = Callable[[str], object]
"""The value of a field by its name, None where there is none. A form's are texts."""
type Interpret = Callable[[Get, Sequence[FilePart]], RequestFacts]

_BYTES_PER_TOKEN = 4


class UploadReader:
    """Reads the wanted fields of a request, and of its files what says how long they play.

    What it holds is bounded by ``MultipartForm`` and ``JsonFields``.
    """

    def __init__(self, head: RequestHead, wanted: tuple[str, ...], interpret: Interpret) -> None:
        kind = head.content_type.strip().lower()
        self._form = MultipartForm(head.content_type) if kind.startswith("multipart/") else None
        self._fields = JsonFields(tuple((name,) for name in wanted))
        self._interpret = interpret
        self._size = 0
        self._read: RequestFacts | None = None

    def feed(self, data: bytes) -> None:
        self._size += len(data)
        self._read = None
        if self._form is None:
            self._fields.feed(data)
        else:
            self._form.feed(data)

    def facts(self) -> RequestFacts:
        """Kept until more comes: telling how long a recording plays can take a while."""
        if self._read is None:
            get: Get = self._fields.value if self._form is None else self._form.value
            files = () if self._form is None else self._form.files
            self._read = replace(
                self._interpret(get, files), input_tokens_estimate=self._estimate()
            )
        return self._read

    def input_text(self) -> Prompt:
        """Nothing: what such requests cost is not the text that they hold."""
        return Prompt()

    def _estimate(self) -> int | None:
        """Of a form none: its bytes are mostly sound or pictures."""
        return self._size // _BYTES_PER_TOKEN if self._size and self._form is None else None


def whole_number(value: object) -> int | None:
    """A count that JSON states as a number, and a form as a text of digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 12:
        value = int(value)
    return Tally().count(value)


def highest(fields: JsonFields, *paths: Path) -> int | None:
    """The highest count that a request states under several names: its provider may know only one
    of them, and some read a text of digits as the number that it is."""
    counts = (whole_number(fields.value(*path)) for path in paths)
    return max((count for count in counts if count is not None), default=None)

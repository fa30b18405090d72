"""``multipart/form-data`` request bodies (RFC 7578): which fields and files are in them. Sans-IO.

Text fields are kept up to a bound. Of a file only its size is, and its first and last bytes, which
say how long a recording is; its name is not. Never raises: what is not multipart sets
``malformed``, and the part in which that happens is as if it were not there. A body with bare LF
as line ends is malformed. What comes before the first boundary and after the last is passed over.
All that is held of a form stays below eight MiB.

The parsing is python-multipart's, but for what comes before the first boundary, where it would
see different things depending on how the bytes are cut.
"""

import re
from dataclasses import dataclass, field

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError

MAX_VALUE = 16 * 1024
"""Bytes of a text field. Of a longer one only its name is kept."""
MAX_PARTS = 64
"""Parts that are kept. Of further ones nothing is, and ``truncated`` is set."""
HEAD = 64 * 1024
"""Bytes kept of a file's start."""
TAIL = 1024 * 1024
"""Bytes kept of a file's end, of the first file alone: there, MP4 and Ogg keep their duration."""

_BOUNDARY = re.compile(
    r";\s*boundary=(?:\"([^\"\\]{1,200})\"|([^\s;\"]{1,200})(?=[\s;]|$))", re.IGNORECASE
)
"""RFC 2046 section 5.1.1 allows 70 characters; servers take more."""
_PARAMETER = re.compile(
    rb';[ \t]*+([\w*]++)[ \t]*+=[ \t]*+(?:"((?:[^"\\]++|\\.)*+)"|([^;\s"]++))', re.DOTALL
)


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file that was sent to its end."""

    name: str
    """Of the field, not of the file."""
    content_type: str
    """In lower case and without parameters; empty where the part has none."""
    size: int
    """Bytes."""
    head: bytes
    """The first ``HEAD`` bytes."""
    tail: bytes
    """The last ``TAIL`` bytes of what follows the head."""


@dataclass(slots=True)
class _Part:
    """The part that is being read. It takes any bytes, and holds no more than its bounds."""

    keeps_tail: bool
    headers: dict[bytes, bytes] = field(default_factory=dict)
    size: int = 0
    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)

    def take(self, data: bytes) -> None:
        self.size += len(data)
        room = HEAD - len(self.head)
        self.head += data[:room]
        rest = data[room:]
        if rest and self.keeps_tail:
            self.tail += rest[-TAIL:]
            # Cut now and then, not at every feed: a cut moves all that stays.
            if len(self.tail) > 2 * TAIL:
                del self.tail[:-TAIL]


class MultipartForm:
    """The same fields and files come out however the bytes are cut."""

    def __init__(self, content_type: str) -> None:
        """``content_type``: the header's value, which names the boundary."""
        self.malformed = False
        self.truncated = False
        """A text was too long, or there were too many parts."""
        self.closed = False
        """Whether the last boundary was seen."""
        self.files: list[FilePart] = []
        self._values: dict[str, list[str | None]] = {}
        self._parts = 0
        self._part: _Part | None = None
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._delimiter = b""
        self._preamble: bytes | None = b"\r\n"
        """The end of what precedes the first boundary, None once that was seen."""
        match = _BOUNDARY.search(content_type)
        boundary = (match[1] or match[2]) if match else ""
        if not boundary or not boundary.isascii() or not boundary.isprintable():
            self.malformed = True
            return
        self._delimiter = b"\r\n--" + boundary.encode()
        self._parser = self._new_parser(boundary)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the text fields, in the body's order."""
        return tuple(self._values)

    def value(self, name: str) -> str | None:
        """The last text of that name; None where there is none, or it was too long."""
        return self._values.get(name, [None])[-1]

    def values(self, name: str) -> list[str | None]:
        """Every text of that name, None for one that was too long."""
        return [*self._values.get(name, [])]

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        if self.malformed or self.closed:
            return
        if self._preamble is not None:
            data = self._after_preamble(self._preamble + data)
        if not data:
            return
        try:
            self._parser.write(data)
        except FormParserError:
            self.malformed = True
            self._part = None

    def _after_preamble(self, data: bytes) -> bytes:
        """The bytes from the first boundary on, ``b""`` while it has not come."""
        at = data.find(self._delimiter)
        if at < 0:
            self._preamble = data[-len(self._delimiter) + 1 :]
            return b""
        self._preamble = None
        return data[at + 2 :]

    def _new_parser(self, boundary: str) -> MultipartParser:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )
        # Its warnings quote bytes of the body.
        parser.logger.disabled = True
        return parser

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            self.truncated = True
        else:
            self._part = _Part(keeps_tail=not self.files)

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        if self._part is not None:
            name = bytes(self._header_name).lower()
            self._part.headers[name] = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._part is not None:
            self._part.take(data[start:end])

    def _on_part_end(self) -> None:
        part, self._part = self._part, None
        if part is None:
            return
        parameters = _parameters(part.headers.get(b"content-disposition", b""))
        name = parameters.get(b"name", b"").decode(errors="replace")
        content_type = part.headers.get(b"content-type", b"").decode(errors="replace")
        content_type = content_type.partition(";")[0].strip().lower()
        if _is_file(parameters, content_type):
            head, tail = bytes(part.head), bytes(part.tail[-TAIL:])
            self.files.append(FilePart(name, content_type, part.size, head, tail))
            return
        long = part.size > MAX_VALUE
        self.truncated = self.truncated or long
        text = None if long else part.head.decode(errors="replace")
        self._values.setdefault(name, []).append(text)

    def _on_end(self) -> None:
        self.closed = True


def _parameters(disposition: bytes) -> dict[bytes, bytes]:
    """The parameters of a Content-Disposition, by lower-case name."""
    return {
        match[1].lower(): match[2] if match[2] is not None else match[3]
        for match in _PARAMETER.finditer(disposition)
    }


def _is_file(parameters: dict[bytes, bytes], content_type: str) -> bool:
    """Whether a part is a file: it has a file name, or a type that is neither text nor JSON."""
    if b"filename" in parameters or b"filename*" in parameters:
        return True
    text = not content_type or content_type.startswith("text/") or content_type.endswith("json")
    return not text

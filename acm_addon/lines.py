"""JSON lines: bytes in, one reader a line out. Sans-IO; never raises.

For bodies of hundreds of megabytes with a document a line, such as the results of a batch. No line
is held: each is walked by a ``JsonFields`` of its own, whose bounds are the only ones, so a line of
any length is read. A line that is not JSON comes out too, and is not ``closed``.
"""

from collections.abc import Iterator

from acm_addon.json_fields import JsonFields
from acm_addon.json_paths import Path

_BLANKS = b" \t\r"


class JsonLines:
    """The same lines come out however the bytes are cut. Lines of blanks are passed over."""

    def __init__(self, wanted: tuple[Path, ...]) -> None:
        """``wanted``: as for ``JsonFields``, within each line."""
        self._wanted = wanted
        self._line: JsonFields | None = None

    def feed(self, data: bytes) -> Iterator[JsonFields]:
        """The lines that ``data`` completes, one by one: to be run through before the next feed.

        An iterator and no list, since a few bytes can be as many lines.
        """
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._take(data[start:end])
            if self._line is not None:
                # A number has no end of its own: the line's end is its end.
                self._line.feed(b"\n")
                yield self._line
                self._line = None
            start = end + 1
        self._take(data[start:])

    def pending(self) -> JsonFields | None:
        """The line that has begun and has not ended: the last one needs no line end."""
        return self._line

    def _take(self, piece: bytes) -> None:
        if self._line is None:
            piece = piece.lstrip(_BLANKS)
            if not piece:
                return
            self._line = JsonFields(self._wanted)
        self._line.feed(piece)

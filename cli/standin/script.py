"""What a request asks of the stand-in: the header ``x-standin: name=7; status=429; slow=20``."""

from dataclasses import dataclass, fields
from typing import get_args, get_type_hints

HEADER = "x-standin"


@dataclass(frozen=True, slots=True)
class Script:
    """The options of one call. Header names use hyphens: ``die-after-bytes=100``."""

    name: str | None = None
    """The caller's own name for this call: tests match it with a row, and release it, by it."""
    say: str | None = None
    """The text of the answer, or of the error message."""
    pieces: int | None = None
    """Length of the answer, in pieces of a few letters: one event each when streamed."""
    tool: bool = False
    """Answer with a tool call whose arguments carry the text."""
    slow: int = 0
    """Milliseconds to wait before each piece."""
    hold: bool = False
    """Wait before every piece but the first until ``StandIn.release(name)`` is called."""
    status: int | None = None
    """Answer with this error status in the provider's own error shape."""
    no_usage: bool = False
    error_event: bool = False
    """Break a stream off half-way with the provider's error event, status 200."""
    malformed_json: bool = False
    truncate_gzip: bool = False
    """Compress with gzip, leave the end of the compressed stream away, frame the rest correctly."""
    die_before_headers: bool = False
    """Reset the connection once the request is read."""
    die_after_bytes: int | None = None
    """Close the connection after this many bytes of the (compressed) body."""
    bad_http: bool = False
    """Answer with a head that is not HTTP, carrying the text."""
    never_answer: bool = False
    """Read the request and stay silent until the client gives up."""


_TYPES = {name: get_args(hint) or (hint,) for name, hint in get_type_hints(Script).items()}
_NAMES = {field.name for field in fields(Script)}


def parse_script(value: str) -> Script:
    """Read the header's value. Raises ValueError for an option that does not exist."""
    options: dict[str, object] = {}
    for part in filter(None, (part.strip() for part in value.split(";"))):
        key, has_value, text = part.partition("=")
        name = key.strip().replace("-", "_")
        if name not in _NAMES:
            raise ValueError(f"the stand-in has no option {key!r}")
        kinds = _TYPES[name]
        options[name] = True if not has_value else int(text) if int in kinds else text.strip()
    return Script(**options)  # type: ignore[arg-type]  # each value was built from the field's type

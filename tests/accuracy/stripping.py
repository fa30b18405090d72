"""Response bodies without the usage in them, as if the provider had reported none."""

import json
from typing import Any

_USAGE = frozenset(
    (
        *("usage", "tool_usage", "usageMetadata", "x_groq", "meta", "statistics"),
        "billableCharacterCount",
    )
)


def without_usage(data: bytes) -> bytes:
    """A JSON document, JSON lines, or a stream of events, without any usage; all else of it stays.

    Binary streams stay as they are.
    """
    if (document := _parsed(data)) is not None:
        return _dumped(document)
    return b"\n".join(map(_without_usage_in_line, data.split(b"\n")))


def _without_usage_in_line(line: bytes) -> bytes:
    if (document := _parsed(line)) is not None:
        return _dumped(document)
    field, colon, value = line.partition(b":")
    if field != b"data" or not colon or (document := _parsed(value)) is None:
        return line
    return b"data: " + _dumped(document)


def _parsed(data: bytes) -> Any:
    """The JSON container, or None for anything else."""
    try:
        document = json.loads(data)
    except ValueError:
        return None
    return document if isinstance(document, dict | list) else None


def _dumped(document: Any) -> bytes:
    return json.dumps(_stripped(document), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _stripped(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _stripped(each) for key, each in value.items() if key not in _USAGE}
    if isinstance(value, list):
        return [_stripped(each) for each in value]
    return value

"""Entries of a HAR document that stand behind a bracket that is missing.

The bracket's entry then seems to hold all those that follow. Each of them is JSON of its own, so
they can be found again; the damaged one is lost.
"""

import json
import re
from collections.abc import Iterator

_TIME_KEY = b'"startedDateTime"'
"""Every entry has it once. In a body it cannot stand so: there its quotes are escaped."""
_NEXT = re.compile(r"\}\s*+,\s*+(?=\{)")
_MOST_FAILURES = 1000
"""Places at which reading is tried and fails, so that garbage cannot take for ever."""

_decode = json.JSONDecoder().raw_decode


def is_several(data: bytes) -> bool:
    """Whether what should be one entry is damaged and holds others."""
    return data.count(_TIME_KEY) > 1 and not _is_json(data)


def closes(data: bytes) -> bool:
    """Whether an entry ends as it begins, and not with a bracket that was another's."""
    return (data[:1], data[-1:]) in ((b"{", b"}"), (b"[", b"]"))


def apart(data: bytes) -> Iterator[bytes | None]:
    """``data`` alone where it is one entry, else None for what is damaged and the entries behind.

    None comes once for each entry that is lost, as far as their number shows.
    """
    if not is_several(data):
        yield data
        return
    expected = data.count(_TIME_KEY)
    found = list(_entries(data.decode("utf-8", "surrogateescape")))
    yield from [None] * max(expected - len(found), 1)
    for entry in found:
        yield entry.encode("utf-8", "surrogateescape")


def _entries(text: str) -> Iterator[str]:
    at = failures = 0
    while failures < _MOST_FAILURES and (place := _NEXT.search(text, at)):
        at = place.end()
        try:
            value, end = _decode(text, at)
        except (ValueError, RecursionError):
            failures += 1
            continue
        if "startedDateTime" in value and "request" in value:
            yield text[at:end]
        at = max(end - 1, at)  # Its closing bracket may be what the next one follows.


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return False
    return True

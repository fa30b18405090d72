"""Which models a request asks for, read strictly: for a rule, not for a report. Pure.

A reader that follows traffic takes what it understands. A rule must not: a body that says two
things, or that cannot be read, is not good for it.
"""

import json

MAX_BODY = 8 * 1024 * 1024
"""Bytes of a body that is judged."""

type _Pairs = list[tuple[str, object]]


def models_of(body: bytes) -> tuple[str, ...] | None:
    """Every model that a JSON body names at its top: ``model``, repeated or not, and ``models``.

    None where it cannot be read. Never raises.
    """
    try:
        top = json.loads(body, object_pairs_hook=_Object)
    except (ValueError, RecursionError):
        return None
    if not isinstance(top, _Object):
        return None
    found: list[str] = []
    for name, value in top.pairs:
        if name == "model":
            found.append(value) if isinstance(value, str) else found.append("")
        elif name == "models":
            several = value if isinstance(value, list) else [None]
            found += [one if isinstance(one, str) else "" for one in several]
    return None if "" in found else tuple(found)


class _Object:
    """A JSON object with its repeated names, which a dict would drop."""

    __slots__ = ("pairs",)

    def __init__(self, pairs: _Pairs) -> None:
        self.pairs = pairs


def judgeable(content_length: str | None, encoded: bool, chunked: bool) -> bool:
    """Whether a body may be held and read as a whole, by what its head says."""
    if encoded or chunked:
        return False
    if content_length is None:
        return True  # No body.
    return content_length.isdecimal() and int(content_length) <= MAX_BODY

"""Model names as requests and responses give them, and the base dataset's match clauses."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

_RESOURCE = re.compile(r"^(?:(?:.*/)?publishers/[^/]+/)?models/(?=[^/]+$)")
_COMPACT_DATE = re.compile(r"-(20\d{2})(\d{2})(\d{2})(?=-|:|$)")
_FINE_TUNE = re.compile(r"^ft:|\.ft-|^tunedmodels/")


def candidates(model: str) -> Iterator[str]:
    """The names to look ``model`` up by, best first, in lower case.

    As it is; without a resource path (``models/gemini-2.0-flash``, Vertex's
    ``publishers/google/models/…``); with a compact date spelled out (``gpt-4o-20240806``); a
    fine-tune without its owner and id (``ft:gpt-4.1-2025-04-14`` of ``ft:…:acme::9xYz``).
    """
    name = model.strip().lower()
    yield name
    bare = _RESOURCE.sub("", name)
    if bare != name:
        yield bare
    dated = _COMPACT_DATE.sub(_spell_out, bare)
    if dated != bare:
        yield dated
    if name.startswith("ft:") and (model_and_owner := name.split(":"))[2:]:
        yield f"ft:{model_and_owner[1]}"


def is_fine_tune(name: str) -> bool:
    """Whether a name, or a price's id, is that of a fine-tune. It is not billed as its base."""
    return _FINE_TUNE.search(name) is not None


def matches(clause: Mapping[str, Any], name: str) -> bool:
    """Evaluate one match clause; ``name`` is in lower case. Raises KeyError for an unknown kind."""
    ((kind, value),) = clause.items()
    return _CLAUSES[kind](value, name)


def _spell_out(found: re.Match[str]) -> str:
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return found[0]
    return f"-{day.isoformat()}"


_CLAUSES: Mapping[str, Callable[[Any, str], bool]] = {
    "equals": lambda value, name: bool(name == value.lower()),
    "starts_with": lambda value, name: name.startswith(value.lower()),
    "ends_with": lambda value, name: name.endswith(value.lower()),
    "contains": lambda value, name: value.lower() in name,
    "regex": lambda value, name: re.search(value, name) is not None,
    "or": lambda value, name: any(matches(clause, name) for clause in value),
    "and": lambda value, name: all(matches(clause, name) for clause in value),
}

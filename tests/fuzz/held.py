"""How many bytes of content a value holds, wherever in it they are."""

from collections.abc import Iterable, Mapping
from typing import Any


def held(value: object) -> int:
    """The bytes, bytearrays, and texts that can be reached from ``value``, each counted once."""
    return _held(value, set())


def _held(value: Any, seen: set[int]) -> int:
    if id(value) in seen:
        return 0
    seen.add(id(value))
    if isinstance(value, bytes | bytearray | str):
        return len(value)
    if isinstance(value, type) or callable(value):
        return 0
    if isinstance(value, Mapping):
        return sum(_held(each, seen) for pair in value.items() for each in pair)
    if isinstance(value, Iterable) and hasattr(value, "__len__"):
        return sum(_held(each, seen) for each in value)
    return sum(_held(each, seen) for each in _attributes(value))


def _attributes(value: object) -> Iterable[object]:
    yield from getattr(value, "__dict__", {}).values()
    for kind in type(value).__mro__:
        for name in getattr(kind, "__slots__", ()):
            if hasattr(value, name):
                yield getattr(value, name)

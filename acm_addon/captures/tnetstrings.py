"""Typed netstrings, as mitmproxy writes its flows: a length, a colon, a payload, a type's letter.

mitmproxy's own reader takes all of a flow apart, and most of it are certificates and connections
that no price depends on. Here a dictionary is walked without its values being read.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

type Item = tuple[int, int, int]
"""Where a payload begins and where it ends, and the letter behind it."""

_MAX_DIGITS = 12
"""Of a length, as in mitmproxy."""
_SCALARS: Mapping[int, Callable[[bytes], Any]] = {
    ord(","): bytes,
    ord(";"): bytes.decode,
    ord("#"): int,
    ord("^"): float,
    ord("!"): {b"true": True, b"false": False}.__getitem__,
    ord("~"): {b"": None}.__getitem__,
}
_LIST, _DICTIONARY = b"]}"
NULL = ord("~")


def item_at(data: bytes, position: int) -> Item:
    """The item that begins at ``position``. Raises ValueError where none does."""
    colon = data.index(b":", position, position + _MAX_DIGITS + 1)
    digits = data[position:colon]
    end = colon + 1 + int(digits)
    if end >= len(data) or not digits.isdigit():
        raise ValueError("no item, or one that is cut off")
    return colon + 1, end, data[end]


def items(data: bytes, start: int, end: int) -> Iterator[Item]:
    """What lies one after another in a payload. Raises ValueError, as all below do."""
    while start < end:
        item = item_at(data, start)
        start = item[1] + 1
        if start > end:
            raise ValueError("an item that is longer than what holds it")
        yield item


def members(data: bytes, start: int, end: int) -> dict[str, Item]:
    """The members of the dictionary with that payload, their values unread."""
    inside = items(data, start, end)
    return {data[key[0] : key[1]].decode(): item for key, item in zip(inside, inside, strict=True)}


def value(data: bytes, start: int, end: int, kind: int) -> Any:
    """The value of an item: None, a number, text, bytes, a list, or a dictionary.

    Raises ValueError or LookupError where it is damaged, RecursionError where it is too deep.
    """
    if scalar := _SCALARS.get(kind):
        return scalar(data[start:end])
    if kind == _LIST:
        return [value(data, *item) for item in items(data, start, end)]
    if kind == _DICTIONARY:
        inside = members(data, start, end)
        return {key: value(data, *item) for key, item in inside.items()}
    raise ValueError("a type that is not known")

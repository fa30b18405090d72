"""Typed netstrings, as mitmproxy writes its flows: a length, a colon, a payload, a type's letter.

mitmproxy's own reader takes all of a flow apart, and most of it are certificates and connections
that no price depends on. Here a dictionary is walked without its values being read.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

type Item = tuple[int, int, int]
"""Where a payload begins and where it ends, and the letter behind it."""

_LENGTH = re.compile(rb"([0-9]{1,12}):")
_MEMBER = re.compile(rb"([0-9]{1,12}):([^;,]*+)[;,]([0-9]{1,12}):")
"""The key of a dictionary's member, text or (long ago) bytes, and the length of its value."""
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
    """The item that begins at ``position``. Raises ValueError or LookupError where none does."""
    length = _LENGTH.match(data, position)
    if length is None:
        raise ValueError("no item")
    end = length.end() + int(length[1])
    return length.end(), end, data[end]


def items(data: bytes, start: int, end: int) -> Iterator[Item]:
    """What lies one after another in a payload. Raises ValueError or LookupError."""
    while start < end:
        item = item_at(data, start)
        start = item[1] + 1
        if start > end:
            raise ValueError("an item that is longer than what holds it")
        yield item


def members(data: bytes, start: int, end: int) -> dict[str, Item]:
    """The members of the dictionary with that payload, their values unread.

    Raises ValueError or LookupError. One loop, as nearly all of a flow is passed here.
    """
    found: dict[str, Item] = {}
    while start < end:
        member = _MEMBER.match(data, start, end)
        if member is None:
            raise ValueError("no member of a dictionary")
        size, key, length = member.groups()
        if len(key) != int(size):
            raise ValueError("a key of another length than it says")
        begin = member.end()
        start = begin + int(length) + 1
        found[key.decode()] = begin, start - 1, data[start - 1]
    if start > end:
        raise ValueError("a member that is longer than its dictionary")
    return found


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

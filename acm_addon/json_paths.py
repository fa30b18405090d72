"""The paths of the values that are wanted of a JSON document, as a tree to walk along."""

from dataclasses import dataclass, field
from functools import lru_cache

ANY = "*"
"""In a path: every element of an array. It never matches the keys of an object."""

type Path = tuple[str, ...]
type Key = str | int
"""A step of the place where a value is: a key, or an index."""


@dataclass(slots=True)
class Node:
    """A step of the wanted paths: what lies below it, and whether it is an end."""

    wanted: bool = False
    children: dict[str, "Node"] = field(default_factory=dict)
    names: set[bytes] = field(default_factory=set)
    """The children's, as they stand in a document that escapes nothing needlessly."""


@lru_cache(maxsize=64)
def tree(wanted: tuple[Path, ...]) -> Node:
    root = Node()
    for path in wanted:
        node = root
        for step in path:
            node.names.add(step.encode())
            node = node.children.setdefault(step, Node())
        node.wanted = True
    return root


def matches(place: tuple[Key, ...], path: Path) -> bool:
    return len(place) == len(path) and all(
        step == ANY if isinstance(key, int) else step == key
        for key, step in zip(place, path, strict=True)
    )

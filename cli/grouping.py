"""What ``--by`` can say: one key or two, and how they are called."""

import re
from collections.abc import Sequence
from typing import cast

from acm_addon.ledger.crosstab import GroupKey, Tag
from cli.exits import UsageError

KEYS = ("model", "provider", "project", "key", "endpoint", "day", "hour")
TAG = "tag:"
MOST = 2

_TAG_NAME = re.compile(r"[^\s,=]{1,64}")


def parse(said: Sequence[str]) -> list[GroupKey]:
    """The keys of ``--by model,day`` or of ``--by model --by day``. Raises UsageError."""
    words = [word.strip() for one in said for word in one.split(",")]
    keys = [_key(word) for word in words]
    if len(keys) > MOST:
        raise UsageError("--by takes one key or two", "leave out what is less important")
    if len(set(keys)) < len(keys):
        raise UsageError(f"--by {words[0]} comes twice", "name two different keys, or one")
    return keys


def word(key: GroupKey) -> str:
    """As it is typed, and as the column is called in JSON and CSV: ``model``, ``tag:feature``."""
    return f"{TAG}{key.name}" if isinstance(key, Tag) else key


def _key(text: str) -> GroupKey:
    if text in KEYS:
        return cast(GroupKey, text)
    name = text.removeprefix(TAG)
    if name != text and _TAG_NAME.fullmatch(name):
        return Tag(name)
    raise UsageError(f"--by {text!r} is no key", f"there are {', '.join(KEYS)}, and tag:NAME")

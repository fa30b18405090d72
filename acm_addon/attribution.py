"""Who pays for a call, and the headers that are ours and never go upstream."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from acm_addon.model import Attribution

_OURS = (b"x-acm-", b"x-project-token")
_PROXY = (b"proxy-authorization", b"proxy-connection")
_TAGS = b"x-acm-tags"

MAX_TAGS = 10
MAX_TAG_LENGTH = 64
"""Characters, of a name and of a value each."""

_NAME = re.compile(rf"[A-Za-z0-9_.-]{{1,{MAX_TAG_LENGTH}}}")
_VALUE = re.compile(rf"[A-Za-z0-9_.:@/+-]{{1,{MAX_TAG_LENGTH}}}")

_LONGEST_HEADER = 4 * MAX_TAGS * MAX_TAG_LENGTH
"""Bytes of tags that are looked at. All the tags that a call may have fit in twice."""

type HeaderFields = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Tags:
    """What a list of tags says."""

    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    invalid: int = 0
    """How many were left out: no tags by their form, repeated, or one too many."""


def attribute(tags: Mapping[str, str] | None = None) -> Attribution:
    """Everything belongs to the default project as long as there is no other."""
    return Attribution(tags=tags) if tags else Attribution()


def tags_of(fields: HeaderFields) -> Tags:
    """The tags that a request's header fields name. Several fields are one list, as in HTTP."""
    lists = [value for name, value in fields if name.lower() == _TAGS]
    if not lists:
        return Tags()
    return parse_tags(b",".join(lists)[:_LONGEST_HEADER].decode("latin-1"))


def parse_tags(text: str) -> Tags:
    """Read ``feature=search,customer=42``. Never raises: what is no tag is left out and counted.

    Of a name that comes twice the first value counts.
    """
    values: dict[str, str] = {}
    invalid = 0
    for item in filter(None, map(str.strip, text.split(","))):
        name, _, value = (part.strip() for part in item.partition("="))
        sound = _NAME.fullmatch(name) and _VALUE.fullmatch(value)
        if sound and name not in values and len(values) < MAX_TAGS:
            values[name] = value
        else:
            invalid += 1
    return Tags(values, invalid)


def without_own_headers(fields: HeaderFields) -> HeaderFields:
    """The header fields that go upstream, in their order, with their case and duplicates."""
    kept = tuple(field for field in fields if not _is_own(field[0].lower()))
    return kept if len(kept) != len(fields) else fields


def _is_own(name: bytes) -> bool:
    return name.startswith(_OURS) or name in _PROXY

"""What a request says about who pays, and what of it is ours and never goes upstream. Pure.

A client can say it in any of these ways; ``acm_addon.gatekeeper`` decides which one counts:

- ``X-Project-Token``, a header of ours;
- the user name of its proxy URL, in the forward entrance (``Proxy-Authorization``);
- the path of its base URL, in the gateway: ``/_p/NAME/openai/v1``;
- a proxy key in the place of the provider's: a header, or Gemini's ``?key=``.

Proxy URL and path can carry tags too: as the password, and as ``/_t/feature=search/…``.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import quote, unquote

from acm_addon.vault import PROXY_KEY_PREFIX, TOKEN_PREFIX

_OURS = (b"x-acm-", b"x-project-token")
_PROXY = (b"proxy-authorization", b"proxy-connection")
_TAGS = b"x-acm-tags"
_TOKEN = b"x-project-token"
_PROXY_AUTHORIZATION = b"proxy-authorization"

_KEY_HEADERS = (
    b"authorization",
    b"x-api-key",
    b"api-key",
    b"x-goog-api-key",
    b"xi-api-key",
    b"x-gladia-key",
)
"""Where providers' clients put their API key: every header that a provider's module names."""
_SUBPROTOCOLS = b"sec-websocket-protocol"
"""Where a browser puts it, which can set no other header: ``openai-insecure-api-key.…``."""
_SWAPPED_HEADERS = (*_KEY_HEADERS, _SUBPROTOCOLS)
_KEY_PARAMETER = re.compile(r"([?&](?:k|%6[bB])(?:e|%65)(?:y|%79)=)([^&#]*)")
"""A name in a query may be percent-encoded, and is ``key`` all the same."""
_SIGNER_END = re.compile(r"/\d{8}/")
"""After the access key's id, in a request that is signed as AWS wants it: the day."""
_SECRET = rf"(?:{PROXY_KEY_PREFIX}|{TOKEN_PREFIX})[^\s,;]*"
_OURS_IN_HEADER = re.compile(_SECRET.encode())
_OURS_IN_QUERY = re.compile(_SECRET)

_WHO = "/_p/"
_WITH_TAGS = "/_t/"
_LONGEST = 1024
"""Characters of a name, token, or key that are looked at."""

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


@dataclass(frozen=True, slots=True)
class Carrier:
    """What a proxy URL or a base URL says: a project's name or token, and tags."""

    who: str | None = field(default=None, repr=False)
    tags: Tags = Tags()


def of_proxy_user(fields: HeaderFields) -> Carrier:
    """What the user and the password of the client's proxy URL say. Never raises.

    Basic credentials (RFC 7617); anything else says nothing.
    """
    for name, value in fields:
        if name.lower() == _PROXY_AUTHORIZATION and value[:6].lower() == b"basic ":
            try:
                text = base64.b64decode(value[6:].strip(), validate=True).decode()[:_LONGEST]
            except (binascii.Error, ValueError):
                return Carrier()
            user, _, password = text.partition(":")
            # Some clients send what the URL holds without decoding it.
            return Carrier(unquote(user) or None, parse_tags(unquote(password)))
    return Carrier()


def of_path(target: str) -> tuple[Carrier, str]:
    """What a gateway path begins with, and the path without it. Never raises."""
    who, tags = None, Tags()
    if target.startswith(_WHO):
        name, _, rest = target[len(_WHO) :].partition("/")
        who, target = unquote(name[:_LONGEST]) or None, "/" + rest
    if target.startswith(_WITH_TAGS):
        text, _, rest = target[len(_WITH_TAGS) :].partition("/")
        tags, target = parse_tags(unquote(text[:_LONGEST])), "/" + rest
    return Carrier(who, tags), target


def base_path(who: str | None, tags: str = "") -> str:
    """What ``of_path`` takes off again: empty, or ``/_p/NAME``, ``/_t/TAGS``, or both."""
    path = f"{_WHO}{quote(who, safe='')}" if who else ""
    return path + (f"{_WITH_TAGS}{quote(tags, safe='=,')}" if tags else "")


def token_of(fields: HeaderFields) -> str | None:
    """The project token of our own header."""
    for name, value in fields:
        if name.lower() == _TOKEN:
            return value[:_LONGEST].decode("latin-1").strip()
    return None


def own_key_of(fields: HeaderFields, target: str) -> str | None:
    """The secret of ours that stands in the place of an API key, or None.

    A project token may stand there too, by mistake: it is found as well, to be refused, so that it
    does not go to the provider.
    """
    for name, value in fields:
        if name.lower() in _SWAPPED_HEADERS and (found := _OURS_IN_HEADER.search(value)):
            return found[0][:_LONGEST].decode("latin-1")
    for _, written in _KEY_PARAMETER.findall(target):
        if found_in_query := _OURS_IN_QUERY.search(unquote(written)):
            return found_in_query[0][:_LONGEST]
    return None


def credential_of(fields: HeaderFields, target: str) -> str | None:
    """What stands in the place of an API key, whosever it is. A secret.

    Of a signed request (``AWS4-…``) the part that stays the same: who signs.
    """
    for name, value in fields:
        if name.lower() in _KEY_HEADERS:
            return _SIGNER_END.split(value.decode("latin-1"), 1)[0]
    found = _KEY_PARAMETER.search(target)
    return found[2] if found else None


def with_provider_key(fields: HeaderFields, target: str, secret: str) -> tuple[HeaderFields, str]:
    """Header fields and request target with the provider's key in the place of ours.

    Order, case, scheme (``Bearer``), and every other byte stay.
    """
    replacement = secret.encode()
    swapped = tuple(
        (name, _OURS_IN_HEADER.sub(lambda _: replacement, value))
        if name.lower() in _SWAPPED_HEADERS
        else (name, value)
        for name, value in fields
    )

    def swap(written: re.Match[str]) -> str:
        is_ours = _OURS_IN_QUERY.search(unquote(written[2]))
        return written[1] + quote(secret, safe="") if is_ours else written[0]

    return swapped, _KEY_PARAMETER.sub(swap, target)


def merged(first: Tags, second: Tags) -> Tags:
    """The tags of two lists, the first one's where both have a name; no more than may be."""
    values = {**first.values}
    left_out = 0
    for name, value in second.values.items():
        if name not in values and len(values) >= MAX_TAGS:
            left_out += 1
        else:
            values.setdefault(name, value)
    return Tags(values, first.invalid + second.invalid + left_out)

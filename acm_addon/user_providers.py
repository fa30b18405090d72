"""A user's own providers: servers that speak OpenAI's protocol, named in acm's home.

``providers.toml`` has a table for each, with its host and what it costs::

    [vllm-lab]
    host = "https://llm.lab.example:8443"
    price = "free"

``price`` is ``"free"``, or amounts such as ``{ input_mtok = "0.20", output_mtok = "0.60" }``, in
dollars and under the price table's keys; ``priced_as = "openai"`` takes the prices of a provider
that acm knows. With neither, calls are counted and have no price but those of
``prices/overrides.toml``.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.model import FREE_OF_CHARGE
from acm_addon.providers import PROVIDERS
from acm_addon.providers.base import Access, Origin, Provider
from acm_addon.providers.compatible import EVERYTHING, FREE, Compatible
from acm_addon.providers.local import SERVED
from acm_addon.routing import Directory, is_this_machine

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,40}\Z")
_RESERVED = frozenset(("v1", "acm"))
"""First segments of gateway paths that are no provider's."""
_KEYS = frozenset(("host", "price", "priced_as"))
_UNITS: Mapping[str, tuple[str, int]] = {
    "input_mtok": ("input_tokens", 1_000_000),
    "output_mtok": ("output_tokens", 1_000_000),
    "cache_read_mtok": ("cache_read_tokens", 1_000_000),
    "cache_write_mtok": ("cache_write_tokens", 1_000_000),
    "requests": ("requests", 1),
}
"""What a price may be of: the unit, and how many of it the amount is for."""
_ANY_BASE = re.compile(
    r"(?:/[^/]+){0,6}?(?=/(?:chat/completions|completions|embeddings|responses|messages|rerank"
    r"|api/(?:chat|generate|embed|embeddings))/?$)"
)
"""Servers put what they serve under many prefixes."""


@dataclass(frozen=True, slots=True)
class UserProvider:
    """One table of the file."""

    provider: Compatible
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    """Dollars by price key."""


def directory(home: Home) -> Directory:
    """Everybody that acm meters: those it knows, and the user's own.

    Raises AcmError where the user's file cannot be used.
    """
    own = user_providers(home.providers)
    return Directory((*PROVIDERS, *(each.provider for each in own)))


def user_providers(path: Path) -> tuple[UserProvider, ...]:
    """The providers of a file; none where there is no file. Raises AcmError, naming the table."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise AcmError(f"{path.name} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AcmError(f"{path.name} is not TOML: {error}", "see toml.io for the syntax") from None
    found: list[UserProvider] = []
    for name, table in tables.items():
        found.append(_provider(_Table(path.name, name, table), PROVIDERS, found))
    return tuple(found)


def price_entries(own: Iterable[UserProvider]) -> list[dict[str, Any]]:
    """Their prices as entries of ``overrides.toml``: for every model that they serve."""
    return [
        {
            "provider": each.provider.price_provider,
            "model": "*",
            "unit": _UNITS[key][0],
            "usd": str(amount),
            "per": _UNITS[key][1],
        }
        for each in own
        for key, amount in each.prices.items()
    ]


@dataclass(frozen=True, slots=True)
class _Table:
    file: str
    name: str
    values: object

    def refuse(self, problem: str, hint: str) -> AcmError:
        return AcmError(f"{self.file}: [{self.name}] {problem}", hint)


def _provider(
    table: _Table, known: Iterable[Provider], own: Iterable[UserProvider]
) -> UserProvider:
    values = table.values
    if not isinstance(values, dict):
        raise table.refuse("is no table", f'write [{table.name}] and below it host = "https://…"')
    if unknown := sorted(values.keys() - _KEYS):
        raise table.refuse(f"has a key {unknown[0]!r}", f"keys are {', '.join(sorted(_KEYS))}")
    taken = [*known, *(each.provider for each in own)]
    if not _NAME.match(table.name) or table.name in _RESERVED:
        raise table.refuse(
            "is no name for a provider", "use small letters, digits and hyphens, such as vllm-lab"
        )
    if table.name in {each.name for each in taken}:
        raise table.refuse("has the name of another provider", "`acm providers` lists them")
    origin = _origin(table, values.get("host"))
    hosts = () if is_this_machine(origin.host) else (origin.host,)
    if owner := next((each for each in taken if set(hosts) & set(each.hosts)), None):
        raise table.refuse(f"has a host of {owner.name}", "a host belongs to one provider")
    price_provider, prices = _price(table, values, known)
    return UserProvider(
        Compatible(
            table.name,
            hosts,
            price_provider,
            base=_ANY_BASE,
            metered=SERVED,
            free=EVERYTHING if price_provider == FREE_OF_CHARGE else FREE,
            at=origin,
            reach=Access(credential="whatever the server asks for", notes="One of your own."),
        ),
        prices,
    )


def _origin(table: _Table, host: object) -> Origin:
    example = 'for example host = "https://llm.lab.example:8443"'
    if not isinstance(host, str):
        raise table.refuse("has no host" if host is None else "has a host that is no text", example)
    try:
        parts = urlsplit(host)
        name, port = parts.hostname, parts.port
    except ValueError:
        raise table.refuse("has a host that is no URL", example) from None
    if parts.scheme not in ("http", "https") or not name or "*" in name:
        raise table.refuse("has a host that is no http or https URL", example)
    if parts.path.strip("/") or parts.query or parts.username:
        raise table.refuse("has a host with more than a name and a port", example)
    return Origin(name, parts.scheme, port or (443 if parts.scheme == "https" else 80))


def _price(
    table: _Table, values: Mapping[str, object], known: Iterable[Provider]
) -> tuple[str, Mapping[str, Decimal]]:
    price, priced_as = values.get("price"), values.get("priced_as")
    if price is not None and priced_as is not None:
        raise table.refuse("has both price and priced_as", "keep one of them")
    if priced_as is not None:
        ids = {each.name: each.price_provider for each in known}
        if not isinstance(priced_as, str) or priced_as not in ids.keys() | set(ids.values()):
            raise table.refuse("is priced_as a provider that acm does not know", "`acm providers`")
        return ids.get(priced_as, priced_as), {}
    if price == "free":
        return FREE_OF_CHARGE, {}
    if price is None:
        return table.name, {}
    if not isinstance(price, dict):
        raise table.refuse(
            'has a price that is neither "free" nor amounts',
            'for example price = { input_mtok = "0.20", output_mtok = "0.60" }',
        )
    return table.name, {key: _amount(table, key, amount) for key, amount in price.items()}


def _amount(table: _Table, key: str, amount: object) -> Decimal:
    if key not in _UNITS:
        raise table.refuse(f"has a price of {key!r}", f"prices are of {', '.join(_UNITS)}")
    try:
        dollars = Decimal(amount) if isinstance(amount, str) else Decimal("nan")
    except InvalidOperation:
        dollars = Decimal("nan")
    if not dollars.is_finite() or not 0 <= dollars <= 10**6:
        raise table.refuse(
            f"has a price of {key} that is no amount", f'a text in dollars: {key} = "0.20"'
        )
    return dollars

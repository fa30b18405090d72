"""Where a request goes: gateway paths and provider hosts to upstreams. Pure."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from acm_addon.providers import PROVIDERS
from acm_addon.providers.base import Origin, Provider

_BY_NAME = {provider.name: provider for provider in PROVIDERS}
_BY_HOST = {host: provider for provider in PROVIDERS for host in provider.hosts if "*" not in host}


def _pattern(host: str) -> re.Pattern[str]:
    """A leading ``*.`` stands for any subdomain, another ``*`` for letters, digits and hyphens."""
    subdomain = r"(?:.+\.)" if host.startswith("*.") else ""
    rest = re.escape(host.removeprefix("*.")).replace(r"\*", "[a-z0-9-]+")
    return re.compile(subdomain + rest)


_PATTERNS = tuple(
    (host, _pattern(host), provider)
    for provider in PROVIDERS
    for host in provider.hosts
    if "*" in host
)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a gateway request goes on to."""

    provider: Provider
    origin: Origin
    path: str
    """Path and query, as the provider knows them."""


def provider_named(name: str) -> Provider | None:
    return _BY_NAME.get(name)


@lru_cache(maxsize=4096)
def provider_of_host(host: str) -> Provider | None:
    """The provider whose API lives on ``host``, or None for any other host."""
    host = host.lower().rstrip(".")
    if provider := _BY_HOST.get(host):
        return provider
    return next((each for _, pattern, each in _PATTERNS if pattern.fullmatch(host)), None)


def declared_host(host: str) -> str | None:
    """The host as its provider's module writes it (``*.api.x.ai`` for one below it), or None.

    Of this name it is certain that it holds nothing of the client's.
    """
    host = host.lower().rstrip(".")
    if host in _BY_HOST:
        return host
    return next((name for name, pattern, _ in _PATTERNS if pattern.fullmatch(host)), None)


def gateway_route(
    target: str, headers: Mapping[str, str], default_provider: str | None = None
) -> Route | None:
    """The route of an origin-form request target, or None where no path matches.

    ``/<provider>/…`` loses its first segment and nothing else; where the next one is a host of that
    provider, as in ``/<provider>/<host>/…``, it goes there, without that segment. Plain ``/v1/…``
    is resolved by the shape of its credential (Anthropic's headers), else goes to the project's
    default provider, else to OpenAI.
    """
    first, slash, rest = target.removeprefix("/").partition("/")
    if slash and (provider := _BY_NAME.get(first)):
        return _route(provider, "/" + rest)
    if first == "v1" and slash:
        anthropic = "x-api-key" in headers or "anthropic-version" in headers
        chosen = "anthropic" if anthropic else default_provider or "openai"
        # A project may name a provider that an older version of acm does not know.
        return _route(_BY_NAME.get(chosen, _BY_NAME["openai"]), target)
    return None


def gateway_paths() -> list[str]:
    """Every path prefix that the gateway serves, for people to read."""
    return [*map(gateway_path, PROVIDERS), "/v1/…"]


def leads_to(provider: Provider) -> str:
    """The URL that ``/<provider>/`` stands for, for people to read."""
    return provider.origin.url if provider.origin else "https://<host>"


def gateway_path(provider: Provider) -> str:
    """The gateway's path to a provider, for people to read."""
    return f"/{provider.name}/…" if provider.origin else f"/{provider.name}/<host>/…"


def _route(provider: Provider, path: str) -> Route | None:
    host, slash, rest = path[1:].partition("/")
    if slash and provider_of_host(host) is provider:
        return Route(provider, Origin(host), "/" + rest)
    return None if provider.origin is None else Route(provider, provider.origin, path)


def may_be_provider(host: str, tls_first: bool) -> bool:
    """Whether a tunnel to ``host`` might be a provider's.

    A client may ask for an address instead of a name; then its TLS greeting, which comes next, will
    name the host.
    """
    if provider_of_host(host):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return tls_first

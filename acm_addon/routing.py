"""Where a request goes: gateway paths and provider hosts to upstreams. Pure."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from acm_addon.providers import PROVIDERS
from acm_addon.providers.base import Origin, Provider


@dataclass(frozen=True, slots=True)
class Route:
    """Where a gateway request goes on to."""

    provider: Provider
    origin: Origin
    path: str
    """Path and query, as the provider knows them."""


class Directory:
    """The providers that are known: by name, and by host. Immutable but for its cache."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        self.providers = tuple(providers)
        self._by_name = {provider.name: provider for provider in self.providers}
        self._by_host = {
            host: provider
            for provider in self.providers
            for host in provider.hosts
            if "*" not in host
        }
        self._patterns = tuple(
            (host, _pattern(host), provider)
            for provider in self.providers
            for host in provider.hosts
            if "*" in host
        )
        self._by_port = {
            provider.origin.port: provider
            for provider in self.providers
            if provider.origin and is_this_machine(provider.origin.host)
        }
        self._cached = lru_cache(maxsize=4096)(self._find)

    def named(self, name: str) -> Provider | None:
        return self._by_name.get(name)

    def of_host(self, host: str) -> Provider | None:
        """The provider whose API lives on ``host``, or None for any other host."""
        return self._cached(host)

    def of_address(self, host: str, port: int | None) -> Provider | None:
        """The same for a server that may be on this machine, where the port tells which it is."""
        if provider := self.of_host(host):
            return provider
        if port is None or not is_this_machine(host):
            return None
        return self._by_port.get(port)

    def declared_host(self, host: str) -> str | None:
        """The host as its provider's module writes it (``*.api.x.ai`` for one below it), or None.

        Of this name it is certain that it holds nothing of the client's.
        """
        host = host.lower().rstrip(".")
        if host in self._by_host:
            return host
        return next((name for name, pattern, _ in self._patterns if pattern.fullmatch(host)), None)

    def route(
        self, target: str, headers: Mapping[str, str], default_provider: str | None = None
    ) -> Route | None:
        """The route of an origin-form request target, or None where no path matches.

        ``/<provider>/…`` loses its first segment and nothing else; where the next one is a host of
        that provider, as in ``/<provider>/<host>/…``, it goes there, without that segment. Plain
        ``/v1/…`` is resolved by the shape of its credential (Anthropic's headers), else goes to the
        project's default provider, else to OpenAI.
        """
        first, slash, rest = target.removeprefix("/").partition("/")
        if slash and (provider := self._by_name.get(first)):
            return self._route(provider, "/" + rest)
        if first == "v1" and slash:
            anthropic = "x-api-key" in headers or "anthropic-version" in headers
            chosen = "anthropic" if anthropic else default_provider or "openai"
            # A project may name a provider that is not known any more, or not yet.
            return self._route(self._by_name.get(chosen, self._by_name["openai"]), target)
        return None

    def paths(self) -> list[str]:
        """Every path prefix that the gateway serves, for people to read."""
        return [*map(gateway_path, self.providers), "/v1/…"]

    def may_be_provider(self, host: str, tls_first: bool) -> bool:
        """Whether a tunnel to ``host`` might be a provider's.

        A client may ask for an address instead of a name; then its TLS greeting, which comes next,
        will name the host.
        """
        if self.of_host(host):
            return True
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return tls_first

    def _find(self, host: str) -> Provider | None:
        host = host.lower().rstrip(".")
        if provider := self._by_host.get(host):
            return provider
        return next((each for _, pattern, each in self._patterns if pattern.fullmatch(host)), None)

    def _route(self, provider: Provider, path: str) -> Route | None:
        host, slash, rest = path[1:].partition("/")
        usual = provider.origin
        if slash and (usual is None or host != usual.host) and self.of_host(host) is provider:
            return Route(provider, Origin(host), "/" + rest)
        if usual is None:
            return None
        # The usual host is named like any other one.
        named = slash and host == usual.host and self.of_host(host) is provider
        return Route(provider, usual, "/" + rest if named else path)


def is_this_machine(host: str) -> bool:
    """Whether a name or an address is this machine's own, as no other machine can reach it."""
    host = host.lower().rstrip(".")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def leads_to(provider: Provider) -> str:
    """The URL that ``/<provider>/`` stands for, for people to read."""
    return provider.origin.url if provider.origin else "https://<host>"


def gateway_path(provider: Provider) -> str:
    """The gateway's path to a provider, for people to read."""
    return f"/{provider.name}/…" if provider.origin else f"/{provider.name}/<host>/…"


def _pattern(host: str) -> re.Pattern[str]:
    """A leading ``*.`` stands for any subdomain, another ``*`` for letters, digits and hyphens."""
    subdomain = r"(?:.+\.)" if host.startswith("*.") else ""
    rest = re.escape(host.removeprefix("*.")).replace(r"\*", "[a-z0-9-]+")
    return re.compile(subdomain + rest)


BUILT_IN = Directory(PROVIDERS)
"""Without a user's own providers."""

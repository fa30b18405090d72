"""What a program must find in its environment for its AI calls to come through acm. Pure.

Two ways. *Forward*: the program keeps its URLs, is told of a proxy, and trusts our certificate.
*Gateway*: the program's SDK is told another base URL, and needs no certificate.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from urllib.parse import quote, urlsplit

from acm_addon.attribution import base_path
from acm_addon.control.records import DEFAULT_PROJECT
from acm_addon.process import DEFAULT_HOST
from acm_addon.providers import PROVIDERS
from acm_addon.routing import leads_to
from acm_addon.trust import TRUST_VARIABLES

LOOPBACK = ("localhost", "127.0.0.1", "::1")

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (read, not bound to)
"""Addresses that mean all of a machine's, and the one by which the machine reaches itself."""

PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy")
"""Programs read one or the other. HTTP_PROXY is left as it is: providers are reached by https, and
plain http would pass through us for nothing. So is ALL_PROXY: clients look here first."""

NO_PROXY_VARIABLES = ("NO_PROXY", "no_proxy")


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """A variable that an SDK reads its base URL from."""

    name: str
    provider: str
    path: str
    """What the SDK expects in the base URL; what it appends begins after it."""
    goes_around_proxies: bool = False
    """The SDK heeds no proxy of its environment, so that only the gateway can see it."""


BASE_URLS = (
    # openai from 1.0, Python and Node; LangChain, LiteLLM. Appends /chat/completions.
    BaseUrl("OPENAI_BASE_URL", "openai", "/v1"),
    # openai before 1.0, and tools of that time which kept the name (LangChain, LiteLLM, aider).
    BaseUrl("OPENAI_API_BASE", "openai", "/v1"),
    # anthropic, Python and Node; Claude Code. Appends /v1/messages.
    BaseUrl("ANTHROPIC_BASE_URL", "anthropic", ""),
    # google-genai, Python (_base_url.py) and Node; Gemini CLI. Appends /v1beta/models/….
    BaseUrl("GOOGLE_GEMINI_BASE_URL", "gemini", ""),
    # groq, Python and Node. Appends /openai/v1/chat/completions.
    BaseUrl("GROQ_BASE_URL", "groq", ""),
    # cerebras-cloud-sdk. Appends /v1/chat/completions.
    BaseUrl("CEREBRAS_BASE_URL", "cerebras", ""),
    # together from 3.0. Appends /v1/chat/completions, or /v2/videos; 2.x expects /v1 in it.
    BaseUrl("TOGETHER_BASE_URL", "together", ""),
    # replicate, Python. Appends /v1/predictions; its own transport switches httpx's proxies off.
    BaseUrl("REPLICATE_BASE_URL", "replicate", "", goes_around_proxies=True),
)
"""SDKs without such a variable take the gateway's URL in code: ``acm routes`` shows it."""

IGNORES_PROXIES = frozenset(
    {"node", "nodejs", "npm", "npx", "pnpm", "pnpx", "yarn", "corepack", "tsx", "ts-node"}
    | {"bun", "bunx"}
)
"""Node's fetch takes no proxy from its environment (before 22.21 not even when told to); the others
here start Node, or programs written for it. Deno is not here: it follows HTTPS_PROXY by itself."""

FOLLOWS_PROXIES = ("@openai/codex",)
"""npm packages that only start a native program, which follows HTTPS_PROXY and reads no base URL
from its environment (Codex from 0.119)."""


def forward_environment(
    port: int,
    bundle: Path,
    inherited_no_proxy: str | None,
    host: str = DEFAULT_HOST,
    *,
    who: str | None = None,
    tags: str = "",
) -> dict[str, str]:
    """Variables that lead a program through the proxy. ``bundle`` is what it shall trust.

    SDKs that heed no proxy are pointed at the gateway. ``who`` pays: a project's name or token.
    """
    base = origin(port, host) + base_path(who, tags)
    return {
        **_base_urls(base, (url for url in BASE_URLS if url.goes_around_proxies)),
        **dict.fromkeys(PROXY_VARIABLES, _proxy_url(port, host, who, tags)),
        **_no_proxy(inherited_no_proxy),
        # Node from 22.21 and 24 takes the proxy from its environment when this is set.
        "NODE_USE_ENV_PROXY": "1",
        **dict.fromkeys(TRUST_VARIABLES, str(bundle)),
    }


def gateway_environment(
    port: int,
    inherited_no_proxy: str | None = None,
    host: str = DEFAULT_HOST,
    *,
    who: str | None = None,
    tags: str = "",
) -> dict[str, str]:
    """Variables that point the SDKs at the gateway.

    The gateway is plain http on this machine: NO_PROXY keeps a proxy of the user's out of the way.
    """
    base = origin(port, host) + base_path(who, tags)
    return {**_base_urls(base, BASE_URLS), **_no_proxy(inherited_no_proxy)}


def _base_urls(base: str, urls: Iterable[BaseUrl]) -> dict[str, str]:
    return {url.name: f"{base}/{url.provider}{url.path}" for url in urls}


def own_base_urls(inherited: Mapping[str, str], port: int, host: str = DEFAULT_HOST) -> list[str]:
    """Base-URL variables by which the user chose a server that is neither the provider's nor ours.

    They must be left alone: the program's key is meant for that server.
    """
    upstreams = {provider.name: leads_to(provider) for provider in PROVIDERS}
    return [
        url.name
        for url in BASE_URLS
        if (chosen := inherited.get(url.name))
        and _place(chosen) not in (_place(upstreams[url.provider]), _place(origin(port, host)))
    ]


def other_proxy(inherited: Mapping[str, str], port: int, host: str = DEFAULT_HOST) -> str | None:
    """The variable that leads to a proxy of the user's own, through which we would not go."""
    for name in (*PROXY_VARIABLES, "ALL_PROXY", "all_proxy"):
        chosen = inherited.get(name)
        if chosen and _place(chosen) != _place(origin(port, host)):
            return name
    return None


def needs_gateway(name: str, file: PurePath | None, first_line: str) -> bool:
    """Whether a program would ignore HTTPS_PROXY, as far as its looks tell.

    ``name`` is what was typed, ``file`` where it leads with links resolved, ``first_line`` the
    file's first line.
    """
    parts = file.parts if file else ()
    if "node_modules" in parts:
        inside = "/".join(parts)
        return not any(f"node_modules/{package}/" in inside for package in FOLLOWS_PROXIES)
    if PurePath(name).name in IGNORES_PROXIES:
        return True
    return _interpreter(first_line) in IGNORES_PROXIES


def origin(port: int, host: str = DEFAULT_HOST) -> str:
    """Where programs of this machine find a proxy that listens on ``host``."""
    host = EVERYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _proxy_url(port: int, host: str, who: str | None, tags: str) -> str:
    """The user is who pays, the password its tags: clients send both as they are, decoded."""
    url = origin(port, host)
    if not who and not tags:
        return url
    user = quote(who or DEFAULT_PROJECT, safe="") + (f":{quote(tags, safe='')}" if tags else "")
    return url.replace("//", f"//{user}@", 1)


def without_loopback(no_proxy: str) -> str | None:
    """NO_PROXY without what we add to it; None where nothing else is in it."""
    kept = [entry for entry in no_proxy.split(",") if entry.strip() not in LOOPBACK]
    return ",".join(kept) or None


def leads_to_this_machine(name: str, value: str) -> bool:
    """Whether a proxy or base-URL variable has a value of the kind that we set."""
    known = name in PROXY_VARIABLES or any(name == url.name for url in BASE_URLS)
    place = _place(value)
    return known and place is not None and place[0] in LOOPBACK


def _no_proxy(inherited: str | None) -> dict[str, str]:
    """Both spellings. A ``*`` is dropped: it would turn the proxy off that the user asks for."""
    entries = [entry.strip() for entry in (inherited or "").split(",")]
    kept = _unique([*LOOPBACK, *(entry for entry in entries if entry and entry != "*")])
    return dict.fromkeys(NO_PROXY_VARIABLES, ",".join(kept))


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _place(url: str) -> tuple[str | None, int | None] | None:
    """Host and port of a URL, or None where it is none."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        return parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return None


def _interpreter(first_line: str) -> str:
    """The program that a script's first line names: ``node`` of ``#!/usr/bin/env -S node -x``."""
    if not first_line.startswith("#!"):
        return ""
    words = [word for word in first_line[2:].split() if not word.startswith("-")]
    words = [word for word in words if "=" not in word]
    names = [PurePath(word).name for word in words[:2]]
    return names[1] if names[:1] == ["env"] and len(names) > 1 else next(iter(names), "")

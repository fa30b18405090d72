import pytest

from acm_addon.providers import PROVIDERS
from acm_addon.routing import BUILT_IN, gateway_path


@pytest.mark.parametrize(
    ("target", "headers", "host", "path"),
    [
        ("/openai/v1/chat/completions", {}, "api.openai.com", "/v1/chat/completions"),
        ("/anthropic/v1/messages?beta=true", {}, "api.anthropic.com", "/v1/messages?beta=true"),
        ("/openai//v1/a%2Fb?x=/openai/y", {}, "api.openai.com", "//v1/a%2Fb?x=/openai/y"),
        (
            "/gemini/v1beta/models/gemini-2.0-flash:generateContent",
            {},
            "generativelanguage.googleapis.com",
            "/v1beta/models/gemini-2.0-flash:generateContent",
        ),
        ("/xai/eu-west-1.api.x.ai/v1/responses?a=1", {}, "eu-west-1.api.x.ai", "/v1/responses?a=1"),
        ("/openai/api.x.ai/v1", {}, "api.openai.com", "/api.x.ai/v1"),
        ("/v1/messages", {"x-api-key": "k"}, "api.anthropic.com", "/v1/messages"),
        ("/v1/messages", {"anthropic-version": "v"}, "api.anthropic.com", "/v1/messages"),
        ("/v1/responses", {"authorization": "Bearer k"}, "api.openai.com", "/v1/responses"),
    ],
)
def test_gateway_paths_lead_to_their_provider(
    target: str, headers: dict[str, str], host: str, path: str
) -> None:
    """The provider's name, and a host of its after that, are all that goes from a path. Plain /v1
    goes by the credential."""
    route = BUILT_IN.route(target, headers)

    assert route is not None
    assert (host, path) == (route.origin.host, route.path)
    assert ("https", 443) == (route.origin.scheme, route.origin.port)


@pytest.mark.parametrize(
    "target", ["/", "", "*", "/openai", "/v1", "/v2/x", "/OpenAI/v1", "/nope/v1"]
)
def test_other_paths_have_no_route(target: str) -> None:
    """What no provider owns is not guessed at."""
    assert BUILT_IN.route(target, {}) is None


def test_every_provider_has_a_gateway_path() -> None:
    """The list that a lost client reads contains the paths that work."""
    hosts = {
        gateway_path(each): each.hosts[0].replace("*", "x") for each in PROVIDERS if each.hosts
    }
    for path in BUILT_IN.paths():
        named = path.replace("<host>", hosts.get(path, ""))
        assert BUILT_IN.route(named.replace("…", "x"), {}) is not None


def test_hosts_are_matched_whole() -> None:
    """A host that merely contains a provider's name is somebody else's."""
    assert "openai" == BUILT_IN.of_host("API.OpenAI.com.").name  # type: ignore[union-attr]
    assert BUILT_IN.of_host("api.openai.com.evil.example") is None
    assert BUILT_IN.of_host("notapi.openai.com") is None
    assert BUILT_IN.of_host("") is None


def test_an_address_is_judged_by_its_tls_greeting() -> None:
    """Only an address that speaks TLS may turn out to be a provider's."""
    assert BUILT_IN.may_be_provider("api.anthropic.com", tls_first=False)
    assert BUILT_IN.may_be_provider("192.0.2.7", tls_first=True)
    assert not BUILT_IN.may_be_provider("192.0.2.7", tls_first=False)
    assert not BUILT_IN.may_be_provider("example.com", tls_first=True)


@pytest.mark.parametrize(
    ("host", "port", "name"),
    [
        ("localhost", 11434, "ollama"),
        ("127.0.0.1", 1234, "lmstudio"),
        ("::1", 8000, "vllm"),
        ("localhost", 9, None),
        ("localhost", None, None),
        ("10.0.0.8", 11434, None),
        ("api.openai.com", 8443, "openai"),
    ],
)
def test_a_server_on_this_machine_is_known_by_its_port(
    host: str, port: int | None, name: str | None
) -> None:
    """In captures, and where a client sends it through the proxy after all."""
    found = BUILT_IN.of_address(host, port)
    assert name == (found.name if found else None)

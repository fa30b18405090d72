"""A proxy that other machines reach asks for a token, and reaches AI providers alone."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from acm_addon.control import project_tokens, settings
from acm_addon.control.store import ControlStore
from acm_addon.home import Home
from acm_addon.model import Entrance
from tests.loopback.client import Connection
from tests.loopback.harness import LiveProxy
from tests.loopback.raw_upstream import RawUpstream

OPENAI = "api.openai.com"


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawUpstream]:
    with RawUpstream(tmp_path_factory.mktemp("raw")) as running:
        yield running


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, upstream: RawUpstream) -> Iterator[LiveProxy]:
    home = Home(tmp_path_factory.mktemp("proxy") / "home")
    with ControlStore(home) as store:
        settings.put(store, settings.REQUIRE_TOKEN, on=True)
    with LiveProxy(home, (upstream.port, upstream.ca_file), host="0.0.0.0") as live:
        yield live


@pytest.fixture
def token(proxy: LiveProxy) -> str:
    with ControlStore(proxy.home) as store:
        return project_tokens.issue(store, "default", None, datetime.now(UTC))[0]


def say(proxy: LiveProxy, text: str) -> bytes:
    """All that is answered to a text, until the other side closes or has answered once."""
    with socket.create_connection(("127.0.0.1", proxy.port), 20) as client:
        client.sendall(text.encode("latin-1"))
        return client.recv(65536)


def test_it_does_not_start_without_tokens(tmp_path: Path, upstream: RawUpstream) -> None:
    """The answer says how they are required."""
    home = Home(tmp_path / "home")
    live = LiveProxy(home, (upstream.port, upstream.ca_file), host="0.0.0.0")
    with pytest.raises(AssertionError, match="require-token on"):
        live.start()
    assert 3 == live.process.wait(20)


@pytest.mark.parametrize("host", ["example.com:443", "127.0.0.1:22", "[::1]:443", "openai.com:443"])
def test_a_tunnel_leads_to_providers_only(proxy: LiveProxy, token: str, host: str) -> None:
    """With a token too: this is no open proxy, also not to its own machine."""
    for user in ("", f"X-Project-Token: {token}\r\n"):
        answer = say(proxy, f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{user}\r\n")
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert b"X-ACM-Error: not_a_provider" in answer


def test_a_plain_request_leads_to_providers_only(
    proxy: LiveProxy, token: str, upstream: RawUpstream
) -> None:
    """Absolute-form, to any other host."""
    head = f"GET http://127.0.0.1:{upstream.port}/ HTTP/1.1\r\nHost: x\r\n"
    answer = say(proxy, f"{head}X-Project-Token: {token}\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert upstream.requests.empty()


def test_a_provider_is_reached_with_a_token_alone(
    proxy: LiveProxy, upstream: RawUpstream, entrance: Entrance, token: str
) -> None:
    """Also after the setting was turned off: other machines still reach this proxy."""
    with ControlStore(proxy.home) as store:
        settings.put(store, settings.REQUIRE_TOKEN, on=False)
    trust = proxy.home.ca_certificate
    with Connection(proxy.port, entrance, OPENAI, trust) as connection:
        answer = connection.ask("/v1/models", method="GET")
        assert (401, "token_required") == (answer.status, answer.header("X-ACM-Error"))
    assert upstream.requests.empty()
    with Connection(proxy.port, entrance, OPENAI, trust) as connection:
        fields = [("X-Project-Token", token)]
        assert 204 == connection.ask("/v1/models", b"", fields, "GET").status
    assert upstream.request()[0].startswith(b"GET /v1/models ")


def test_what_can_carry_no_token_reaches_no_provider(
    proxy: LiveProxy, upstream: RawUpstream
) -> None:
    """A tunnel to a provider in which something else than HTTP is spoken is closed."""
    with socket.create_connection(("127.0.0.1", proxy.port), 20) as client:
        client.sendall(b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 200 " in client.recv(65536)
        client.sendall(b"\x00\x01\x02 not http, not tls\r\n\r\n")
        assert b"" == client.recv(65536)
    assert upstream.requests.empty()

"""Requests whose signature covers the host (AWS SigV4) arrive as they were signed."""

from collections.abc import Iterator

import pytest

from acm_addon.home import Home
from acm_addon.model import Entrance
from tests.loopback.client import Connection
from tests.loopback.harness import LiveProxy
from tests.loopback.raw_upstream import RawUpstream

HOST = "bedrock-runtime.eu-west-1.amazonaws.com"
PATH = "/model/eu.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse"
BODY = b'{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}'
SIGNED = [
    ("Host", HOST),
    ("Content-Type", "application/json"),
    ("X-Amz-Date", "20261102T100000Z"),
    ("X-Amz-Security-Token", "not-a-token"),
    (
        "Authorization",
        "AWS4-HMAC-SHA256 Credential=none/20261102/eu-west-1/bedrock/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token, Signature=00ff",
    ),
    ("Content-Length", str(len(BODY))),
]


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawUpstream]:
    with RawUpstream(tmp_path_factory.mktemp("raw"), (HOST,)) as running:
        yield running


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, upstream: RawUpstream) -> Iterator[LiveProxy]:
    home = Home(tmp_path_factory.mktemp("proxy") / "home")
    with LiveProxy(home, (upstream.port, upstream.ca_file)) as live:
        yield live


def _connection(proxy: LiveProxy, entrance: Entrance) -> Connection:
    return Connection(proxy.port, entrance, HOST, proxy.home.ca_certificate)


def test_the_forward_entrance_leaves_what_is_signed_alone(
    proxy: LiveProxy, upstream: RawUpstream
) -> None:
    """The path with its escapes, every header, and the body: all that a signature covers."""
    with _connection(proxy, Entrance.FORWARD) as connection:
        connection.send_head(f"POST {PATH} HTTP/1.1", SIGNED)
        connection.socket.sendall(BODY)
        head, body = upstream.request()
    lines = [f"{name}: {value}" for name, value in SIGNED]
    assert [f"POST {PATH} HTTP/1.1", *lines] == head.decode().split("\r\n")
    assert body == BODY


def test_the_gateway_takes_a_bearer_key_to_the_host_in_its_path(
    proxy: LiveProxy, upstream: RawUpstream
) -> None:
    """The provider sees its own host, which a client of the gateway could not have signed."""
    fields = [("Host", "127.0.0.1"), ("Authorization", "Bearer none"), SIGNED[-1]]
    with _connection(proxy, Entrance.GATEWAY) as connection:
        connection.send_head(f"POST /bedrock/{HOST}{PATH} HTTP/1.1", fields)
        connection.socket.sendall(BODY)
        head, body = upstream.request()
    assert [
        f"POST {PATH} HTTP/1.1",
        f"Host: {HOST}",
        "Authorization: Bearer none",
        f"Content-Length: {len(BODY)}",
    ] == head.decode().split("\r\n")
    assert body == BODY

"""HTTP at its edges: nothing hangs, nothing is kept open, and nobody else has to wait."""

import gzip
import socket
from collections.abc import Iterator

import pytest

from acm_addon.home import Home
from acm_addon.model import Completeness
from acm_addon.server import MAX_HEAD
from cli.standin import StandIn
from tests.loopback.client import PATIENCE
from tests.loopback.harness import LiveProxy
from tests.loopback.raw_upstream import RawUpstream

POST = (
    b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: application/json\r\nContent-Length: 18\r\n\r\n" + b'{"model":"gpt-4o"}'
)


@pytest.fixture
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawUpstream]:
    with RawUpstream(tmp_path_factory.mktemp("raw")) as raw:
        yield raw


@pytest.fixture
def raw_proxy(
    tmp_path_factory: pytest.TempPathFactory, upstream: RawUpstream
) -> Iterator[LiveProxy]:
    home = Home(tmp_path_factory.mktemp("hard") / "home")
    with LiveProxy(home, (upstream.port, upstream.ca_file)) as live:
        yield live


def talk(proxy: LiveProxy, sent: bytes) -> bytes:
    """All that comes back until the proxy closes the connection."""
    with socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as connection:
        connection.sendall(sent)
        received = b""
        while data := connection.recv(65536):
            received += data
        return received


def test_trailers_end_the_call(upstream: RawUpstream, raw_proxy: LiveProxy) -> None:
    """They are not supported; the client is told so by the end of the connection, and booked."""
    upstream.response = (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
        b"Trailer: X-Sum\r\n\r\n2\r\n{}\r\n0\r\nX-Sum: 1\r\n\r\n"
    )
    assert talk(raw_proxy, POST).endswith(b"{}\r\n")
    assert 200 == raw_proxy.wait_for(lambda _: True).status


def test_a_host_that_hangs_up_before_a_word_is_said(proxy: LiveProxy) -> None:
    """The tunnel ends as well, instead of waiting for a client that waits for the host."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as tunnel:
            tunnel.sendall(b"CONNECT localhost:%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % port)
            accepted, _ = listener.accept()
            accepted.close()
            received = b""
            while data := tunnel.recv(4096):
                received += data
    assert received.startswith(b"HTTP/1.1 200 ")


def test_head_of_an_unknown_path_has_no_body(proxy: LiveProxy) -> None:
    """A body would be taken for the next answer."""
    request = b"HEAD /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    head, _, body = talk(proxy, request).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 ")
    assert b"" == body


def test_an_endless_request_head_is_refused(proxy: LiveProxy) -> None:
    """Nobody needs that many headers, and they would all be held.

    Not a byte more than it takes is sent: with bytes unread, closing would lose the answer.
    """
    start = b"GET / HTTP/1.1\r\nX: "
    answer = talk(proxy, start + b"a" * (MAX_HEAD + 1 - len(start)))
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"X-ACM-Error: request_too_large" in answer


def test_a_compressed_flood_passes_and_is_not_read(
    standin: StandIn, upstream: RawUpstream, raw_proxy: LiveProxy
) -> None:
    """200 MB of tiny events in 300 KB: the bytes pass, and the row says that they were unread."""
    flood = gzip.compress(b"data: x\n\n" * 20_000_000, compresslevel=9)
    upstream.response = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(flood), flood)
    )
    assert talk(raw_proxy, POST).endswith(flood)
    row = raw_proxy.wait_for(lambda _: True)
    assert (Completeness.PARTIAL, None) == (row.completeness, row.cost)

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

ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
    b"Connection: close\r\n\r\n{}"
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


@pytest.mark.parametrize("status", [b"100 Continue", b"103 Early Hints"])
def test_an_interim_response_ends_the_call(
    upstream: RawUpstream, raw_proxy: LiveProxy, status: bytes
) -> None:
    """It is not supported; the client does not wait for the answer behind it, and it is booked."""
    upstream.response = b"HTTP/1.1 %s\r\nX-A: b\r\n\r\n%s" % (status, ANSWER)
    assert b"" == talk(raw_proxy, POST)
    row = raw_proxy.wait_for(lambda _: True)
    assert (Completeness.SENT_UNKNOWN, None) == (row.completeness, row.cost)


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 2\r\nContent-Length: 2",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked",
    ],
)
def test_two_lengths_are_refused(
    upstream: RawUpstream, raw_proxy: LiveProxy, lengths: bytes
) -> None:
    """In either direction: two readers that differ could be told two messages."""
    request = b"POST /openai/v1/x HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n\r\n{}" % lengths
    assert b"X-ACM-Error: bad_request" in talk(raw_proxy, request)
    assert upstream.requests.empty()
    upstream.response = b"HTTP/1.1 200 OK\r\n%s\r\n\r\n{}" % lengths
    assert b"X-ACM-Error: upstream_invalid_response" in talk(raw_proxy, POST)


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (b"220 mail.example.com ESMTP\r\n\r\n", b"upstream_invalid_response"),
        (b"HTTP/1.1 200", b"upstream_invalid_response"),
        (b"", b"upstream_failed"),
    ],
)
def test_an_answer_that_is_no_http_is_told_from_none(
    upstream: RawUpstream, raw_proxy: LiveProxy, response: bytes, code: bytes
) -> None:
    """The one is a server that is not meant, the other one that went away."""
    upstream.response = response
    answer = talk(raw_proxy, POST)
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"X-ACM-Error: %s\r\n" % code in answer


def test_a_request_that_breaks_its_chunks_ends_the_connection(
    upstream: RawUpstream, raw_proxy: LiveProxy
) -> None:
    """Where its next request begins cannot be known."""
    head, _, body = POST.replace(b"Content-Length: 18", b"Transfer-Encoding: chunked").partition(
        b"\r\n\r\n"
    )
    assert b"" == talk(raw_proxy, head + b"\r\n\r\nzz\r\n" + body)


def test_a_request_without_a_host_is_refused(upstream: RawUpstream, raw_proxy: LiveProxy) -> None:
    """Of HTTP/1.0 too, which allows it."""
    for version in (b"HTTP/1.0", b"HTTP/1.1"):
        request = POST.replace(b"Host: 127.0.0.1\r\n", b"").replace(b"HTTP/1.1", version)
        assert b"X-ACM-Error: no_destination" in talk(raw_proxy, request)
    assert upstream.requests.empty()


def test_white_space_around_a_value_is_trimmed(upstream: RawUpstream, raw_proxy: LiveProxy) -> None:
    """In both directions; within it stays."""
    upstream.response = ANSWER.replace(b"\r\n\r\n", b"\r\nX-B: \t b  c \t\r\n\r\n")
    answer = talk(raw_proxy, POST.replace(b"\r\n\r\n", b"\r\nX-A: \t a  b \t\r\n\r\n"))
    assert b"\r\nX-B: b  c\r\n" in answer
    assert b"\r\nX-A: a  b" in upstream.request()[0]


def test_a_client_that_closes_its_half_is_gone(upstream: RawUpstream, raw_proxy: LiveProxy) -> None:
    """Nothing is answered into a connection whose other end may not read."""
    with socket.create_connection(("127.0.0.1", raw_proxy.port), PATIENCE) as connection:
        connection.sendall(POST)
        connection.shutdown(socket.SHUT_WR)
        assert b"" == connection.recv(65536)


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

"""What one side sends is what the other receives, but for the differences that are listed here."""

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest

from acm_addon.home import Home
from acm_addon.model import Entrance
from tests.loopback.client import Connection
from tests.loopback.harness import LiveProxy
from tests.loopback.raw_upstream import RawUpstream

HOST = "api.openai.com"
EVERY_BYTE = bytes(range(256)) * 5

type Fields = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Permitted:
    """One difference that may be there, and why."""

    side: Literal["request", "response"]
    entrances: tuple[Entrance, ...]
    fields: re.Pattern[str]
    """The header fields that it touches."""
    becomes: str | None
    """Their new value; None where they are removed."""
    why: str


BOTH = tuple(Entrance)
PERMITTED = (
    Permitted(
        "request",
        BOTH,
        re.compile(r"x-acm-.*|x-project-token", re.I),
        None,
        "they are meant for acm",
    ),
    Permitted(
        "request",
        BOTH,
        re.compile(r"proxy-authorization|proxy-connection", re.I),
        None,
        "they are meant for a proxy (RFC 9110, 11.7.1), and would show it to the provider",
    ),
    Permitted(
        "request",
        BOTH,
        re.compile(r"expect", re.I),
        None,
        "acm answers 100 Continue itself and sends the body at once",
    ),
    Permitted(
        "request",
        (Entrance.GATEWAY,),
        re.compile(r"host", re.I),
        HOST,
        "the gateway's own name means nothing to the provider",
    ),
)
"""Beside these: the gateway's prefix leaves the path, and chunks are framed anew."""


def permitted(side: str, entrance: Entrance, fields: Fields) -> Fields:
    """The header fields as they may arrive."""
    for difference in PERMITTED:
        if side == difference.side and entrance in difference.entrances:
            fields = [
                (name, difference.becomes or value) if touched else (name, value)
                for name, value in fields
                if not (touched := difference.fields.fullmatch(name)) or difference.becomes
            ]
    return fields


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RawUpstream]:
    with RawUpstream(tmp_path_factory.mktemp("raw")) as running:
        yield running


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, upstream: RawUpstream) -> Iterator[LiveProxy]:
    home = Home(tmp_path_factory.mktemp("proxy") / "home")
    with LiveProxy(home, (upstream.port, upstream.ca_file)) as live:
        yield live


ODD_FIELDS: Fields = [
    ("user-agent", "raw/1.0 (one; two)"),
    ("X-Dup", "1"),
    ("Authorization", "Bearer not-a-key"),
    ("x-dup", "2"),
    ("aCCept-enCoding", "gzip, br"),
    ("X-DUP", "1"),
    ("Cookie", "a=b"),
    ("Cookie", "c=d"),
    ("X-Empty", ""),
    ("X-Latin", "caf\xe9"),
    ("X-Inner", "two  spaces, and\ta tab"),
    ("TE", "trailers"),
    ("Connection", "keep-alive"),
    ("Keep-Alive", "timeout=5"),
    ("Accept", "*/*"),
    ("Content-Type", "application/json"),
    ("OpenAI-Beta", "assistants=v2"),
    ("Via", "1.1 elsewhere"),
    ("X-Forwarded-For", "10.1.2.3"),
]
OUR_FIELDS: Fields = [
    ("X-ACM-Tags", "feature=search"),
    ("Proxy-Authorization", "Basic ZGVmYXVsdDpi"),
    ("Proxy-Connection", "keep-alive"),
]
BODIES = {
    "json": b'{ "model" :"gpt-4o",\r\n\t"messages":[] , "x": 1e400, "x": "\\ud800" }\n',
    "every byte": EVERY_BYTE,
    "none": b"",
}
PATH = "/v1/chat/completions?b=2&a=1&a=%2F%20+&empty=&&x"


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_request_arrives_as_it_was_sent(
    upstream: RawUpstream, connection: Connection, body: bytes
) -> None:
    """Request line, header order, case, duplicates, and body bytes are kept."""
    authority = HOST if connection.entrance is Entrance.FORWARD else "127.0.0.1:1"
    length = [("content-LENGTH", str(len(body)))] if body else []
    fields = [*ODD_FIELDS[:3], ("hOST", authority), *ODD_FIELDS[3:], *OUR_FIELDS, *length]
    connection.send_head(f"POST {connection.target(PATH)} HTTP/1.1", fields)
    connection.socket.sendall(body)
    head, arrived = upstream.request()
    line, *lines = head.decode("latin-1").split("\r\n")
    assert f"POST {PATH} HTTP/1.1" == line
    expected = permitted("request", connection.entrance, fields)
    assert [f"{name}: {value}" for name, value in expected] == lines
    assert body == arrived


def test_a_chunked_request_arrives_whole(upstream: RawUpstream, connection: Connection) -> None:
    """The frames may differ; the bytes inside, and the header that announces them, do not."""
    fields = [("Host", HOST), ("Transfer-Encoding", "chunked"), ("X-After", "1")]
    connection.send_head(f"POST {connection.target('/v1/files')} HTTP/1.1", fields)
    for start in range(0, len(EVERY_BYTE), 100):
        piece = EVERY_BYTE[start : start + 100]
        connection.socket.sendall(f"{len(piece):X}\r\n".encode() + piece + b"\r\n")
    connection.socket.sendall(b"0\r\n\r\n")
    head, arrived = upstream.request()
    expected = permitted("request", connection.entrance, fields)
    lines = head.decode("latin-1").split("\r\n")[1:]
    assert [f"{name}: {value}" for name, value in expected] == lines
    assert arrived == EVERY_BYTE


def test_a_request_that_waits_for_a_continue_gets_one(
    upstream: RawUpstream, connection: Connection
) -> None:
    """The client is told to go on; Expect itself goes no further."""
    fields = [("Host", HOST), ("Expect", "100-continue"), ("Content-Length", "1280")]
    connection.send_head(f"POST {connection.target('/v1/files')} HTTP/1.1", fields)
    assert connection.read_head().status == 100
    connection.socket.sendall(EVERY_BYTE)
    head, arrived = upstream.request()
    expected = permitted("request", connection.entrance, fields)
    lines = head.decode("latin-1").split("\r\n")[1:]
    assert [f"{name}: {value}" for name, value in expected] == lines
    assert arrived == EVERY_BYTE
    assert connection.read_head().status == 204


ODD_ANSWER: Fields = [
    ("content-type", "text/event-stream"),
    ("Set-Cookie", "a=1; Path=/"),
    ("x-Request-ID", "req_1"),
    ("Set-Cookie", "b=2"),
    ("SERVER", "cloudflare"),
    ("X-Empty", ""),
    ("X-Latin", "caf\xe9"),
    ("Connection", "keep-alive"),
    ("Keep-Alive", "timeout=5"),
    ("Alt-Svc", 'h3=":443"; ma=86400'),
    ("Strict-Transport-Security", "max-age=1"),
    ("access-control-expose-headers", "X-Request-ID"),
    ("access-control-expose-headers", "CF-Ray"),
]


def answer(fields: Fields, body: bytes, status: str = "200 Quite Alright") -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def chunked(body: bytes, size: int) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%X\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


COMPRESSED = gzip.compress(EVERY_BYTE)
ANSWERS = {
    "length": ([*ODD_ANSWER, ("content-LENGTH", "1280")], EVERY_BYTE, EVERY_BYTE),
    "chunks": (
        [("Transfer-Encoding", "chunked"), *ODD_ANSWER],
        chunked(EVERY_BYTE, 99),
        EVERY_BYTE,
    ),
    "gzip": (
        [("Content-Encoding", "gzip"), ("Content-Length", str(len(COMPRESSED))), *ODD_ANSWER],
        COMPRESSED,
        COMPRESSED,
    ),
    "not what it says": (
        [("Content-Encoding", "br"), ("Content-Length", "1280"), *ODD_ANSWER],
        EVERY_BYTE,
        EVERY_BYTE,
    ),
    "empty": ([("Content-Length", "0"), *ODD_ANSWER], b"", b""),
}


@pytest.mark.parametrize("case", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models", "/v1/some/other"])
def test_a_response_arrives_as_it_was_sent(
    upstream: RawUpstream, connection: Connection, case: tuple[Fields, bytes, bytes], path: str
) -> None:
    """Status line, header order, case, duplicates, and body bytes are kept, metered or not."""
    fields, wire, body = case
    upstream.response = answer(fields, wire)
    response = connection.ask(path, b'{"model": "gpt-4o"}')
    upstream.request()
    line, *lines = response.head.decode("latin-1").split("\r\n")
    assert line == "HTTP/1.1 200 Quite Alright"
    expected = permitted("response", connection.entrance, fields)
    assert [f"{name}: {value}" for name, value in expected] == lines
    assert body == response.body


def test_a_response_that_ends_with_its_connection(
    upstream: RawUpstream, connection: Connection
) -> None:
    """Neither length nor chunks: the body ends where the connection does."""
    upstream.response = answer(ODD_ANSWER, EVERY_BYTE)
    connection.send("/v1/chat/completions", b'{"model": "gpt-4o"}')
    head = connection.read_head()
    body = connection.take(len(EVERY_BYTE))
    assert body == EVERY_BYTE
    lines = head.head.decode("latin-1").split("\r\n")[1:]
    assert [f"{name}: {value}" for name, value in ODD_ANSWER] == lines
    with pytest.raises(EOFError):
        connection.take(1)


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_a_response_without_a_body(
    upstream: RawUpstream, connection: Connection, status: str
) -> None:
    """Nothing is added to an answer that has no body."""
    fields = [("X-Request-Id", "req_2"), ("ETag", '"x"')]
    upstream.response = answer(fields, b"", status)
    connection.send("/v1/models", method="GET")
    head = connection.read_head()
    lines = head.head.decode("latin-1").split("\r\n")
    assert [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields)] == lines

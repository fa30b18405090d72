"""When something breaks: the client sees what it would without us, and the row what is known."""

import gzip
import json
import socket
import threading
import uuid
import zlib
from collections.abc import Iterator

import psutil
import pytest

from acm_addon.home import Home
from acm_addon.model import Completeness, Entrance, PriceStatus, Reason, UsageSource
from cli.standin import StandIn
from tests.loopback.client import Connection, Response
from tests.loopback.harness import LiveProxy

CHAT = "/v1/chat/completions"
OPENAI = "api.openai.com"
MEGABYTE = 1024 * 1024


class Talk:
    """One call with a model of its own, so that its row can be found."""

    def __init__(self, connection: Connection, script: str, **fields: object) -> None:
        self.connection = connection
        self.model = f"gpt-4o-{uuid.uuid4()}"
        ask = {
            "model": self.model,
            "messages": [{"role": "user", "content": "Tell me of the sea."}],
            **fields,
        }
        headers = [
            ("Content-Type", "application/json"),
            ("x-standin", f"name={self.model}; {script}"),
        ]
        connection.send(CHAT, json.dumps(ask).encode(), headers)


def refusal_of(response: Response) -> str:
    """The message of an answer that is acm's own: JSON, in the provider's error shape."""
    assert response.header("content-type") == "application/json"
    assert response.header("server") is None
    return str(json.loads(response.body)["error"]["message"])


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory: pytest.TempPathFactory, standin: StandIn) -> Iterator[LiveProxy]:
    """A proxy whose upstream refuses every connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    home = Home(tmp_path_factory.mktemp("nowhere") / "home")
    with LiveProxy(home, (closed, standin.ca_file)) as live:
        yield live


def test_upstream_refuses(nowhere: LiveProxy) -> None:
    """502 in the provider's shape; nothing was sent, and the row says so."""
    with Connection(nowhere.port, Entrance.GATEWAY, OPENAI) as connection:
        talk = Talk(connection, "")
        response = connection.read()
    assert response.status == 502
    assert response.header("x-acm-error") == "upstream_unreachable"
    assert refusal_of(response)
    row = nowhere.wait_for(lambda row: row.entrance is Entrance.GATEWAY)
    assert row.completeness is Completeness.REFUSED
    assert row.reason is Reason.UPSTREAM_FAILED
    assert row.status is None
    assert row.requested_model in {talk.model, None}
    assert row.cost in {0, None}


def test_upstream_refuses_a_tunnel(nowhere: LiveProxy) -> None:
    """Through CONNECT the client learns it at the latest with its first request."""
    with socket.create_connection(("127.0.0.1", nowhere.port), 20) as client:
        client.sendall(b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com\r\n\r\n")
        assert client.recv(4096).split(b" ")[1] in {b"502", b"200"}


def test_upstream_dies_before_it_answers(proxy: LiveProxy, connection: Connection) -> None:
    """502 in the provider's shape; what became of the call is not known."""
    talk = Talk(connection, "die-before-headers")
    response = connection.read()
    assert response.status == 502
    assert response.header("x-acm-error") == "upstream_failed"
    assert refusal_of(response)
    row = proxy.row_of(talk.model)
    assert row.completeness is Completeness.SENT_UNKNOWN
    assert row.reason is Reason.UPSTREAM_FAILED
    assert row.status is None


def test_upstream_dies_mid_stream(proxy: LiveProxy, connection: Connection) -> None:
    """The client gets what came, and no proper end; the row is partial, and estimated."""
    talk = Talk(connection, "pieces=50; die-after-bytes=3000", stream=True)
    head = connection.read_head()
    assert head.status == 200
    got = bytearray()
    with pytest.raises(EOFError):
        for data in connection.body_of(head):
            got += data
    assert 0 < len(got) <= 3000
    row = proxy.row_of(talk.model)
    assert row.completeness is Completeness.PARTIAL
    assert row.reason is Reason.UPSTREAM_FAILED
    assert row.usage_source is UsageSource.ESTIMATED
    assert 0 < row.usage["output_tokens"] < 60


def test_upstream_never_answers_and_the_client_gives_up(
    proxy: LiveProxy, standin: StandIn, connection: Connection
) -> None:
    """A timeout of the client's: sent, outcome unknown."""
    before = {row.id for row in proxy.settled_rows()}
    talk = Talk(connection, "never-answer")
    standin.calls.wait_for(talk.model)
    connection.socket.close()
    row = proxy.wait_for(lambda row: row.id not in before)
    # The stand-in counts a call when its head is there; its body may not have passed yet.
    assert row.requested_model in {talk.model, None}
    assert row.completeness is Completeness.SENT_UNKNOWN
    assert row.reason is Reason.CLIENT_LEFT
    assert row.status is None


def test_client_leaves_mid_stream(
    proxy: LiveProxy, standin: StandIn, connection: Connection
) -> None:
    """What was generated until then is estimated and marked; upstream learns of it."""
    talk = Talk(connection, "hold; pieces=30", stream=True)
    body = connection.body_of(connection.read_head())
    for _ in range(5):
        next(body)
        standin.release(talk.model)
    connection.socket.close()
    row = proxy.row_of(talk.model)
    assert row.completeness is Completeness.PARTIAL
    assert row.reason is Reason.CLIENT_LEFT
    assert row.usage_source is UsageSource.ESTIMATED
    assert row.status == 200
    seen = standin.calls.named(talk.model)
    assert seen is not None
    assert not seen.finished


def test_truncated_gzip(proxy: LiveProxy, connection: Connection) -> None:
    """The bytes pass as they are; the row does not pretend to have read them."""
    talk = Talk(connection, "truncate-gzip")
    response = connection.read()
    assert response.status == 200
    with pytest.raises((EOFError, zlib.error)):
        gzip.decompress(response.body)
    row = proxy.row_of(talk.model)
    assert row.completeness is Completeness.PARTIAL
    assert row.usage_source is not UsageSource.REPORTED
    assert row.reason is not None


def test_malformed_answer(proxy: LiveProxy, connection: Connection) -> None:
    """Half a JSON document passes as it is, and is not a complete row."""
    talk = Talk(connection, "malformed-json")
    response = connection.read()
    assert response.body.endswith(b"\x00{")
    row = proxy.row_of(talk.model)
    assert row.status == 200
    assert row.usage_source is not UsageSource.REPORTED
    assert row.reason is not None


def test_malformed_request(proxy: LiveProxy, standin: StandIn, connection: Connection) -> None:
    """It is the provider's to refuse."""
    name = f"malformed-{uuid.uuid4()}"
    headers = [("Content-Type", "application/json"), ("x-standin", f"name={name}")]
    response = connection.ask(CHAT, b'{"model": "gpt-4o", "messages": [', headers)
    assert response.status == 400
    assert response.header("x-acm-error") is None
    row = proxy.row_of_call(standin.calls.wait_for(name, finished=True))
    assert row.status == 400
    assert row.reason is Reason.PROVIDER_ERROR
    assert not row.lines


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_error_status(proxy: LiveProxy, connection: Connection, status: int) -> None:
    """The provider's error passes unchanged; it costs nothing that is known of."""
    talk = Talk(connection, f"status={status}")
    response = connection.read()
    assert status == response.status
    assert json.loads(response.body)["error"]["message"] == "The stand-in was asked to fail."
    row = proxy.row_of(talk.model)
    assert status == row.status
    assert row.reason is Reason.PROVIDER_ERROR
    assert not row.usage
    assert not row.lines


def test_error_event_inside_a_stream(proxy: LiveProxy, connection: Connection) -> None:
    """Status 200, and yet a failure: the row has both."""
    talk = Talk(connection, "error-event", stream=True)
    assert b"server_error" in connection.read().body
    row = proxy.row_of(talk.model)
    assert row.status == 200
    assert row.reason is Reason.PROVIDER_ERROR


def test_stream_without_usage(proxy: LiveProxy, connection: Connection) -> None:
    """Nothing is reported, so a tokenizer counts, and the row says so."""
    talk = Talk(connection, "", stream=True)
    assert connection.read().body.endswith(b"data: [DONE]\n\n")
    row = proxy.row_of(talk.model)
    assert row.completeness is Completeness.COMPLETE
    assert row.usage_source is UsageSource.ESTIMATED
    assert row.usage["input_tokens"] > 0
    assert row.usage["output_tokens"] > 0


def test_unknown_model_is_not_free(proxy: LiveProxy, connection: Connection) -> None:
    """Usage is kept, the price is not known, and that is not zero."""
    connection.ask(
        CHAT,
        b'{"model": "model-of-nobody", "messages": []}',
        [("Content-Type", "application/json")],
    )
    row = proxy.row_of("model-of-nobody")
    assert row.usage_source is UsageSource.REPORTED
    assert row.price_status is PriceStatus.UNPRICED
    assert row.cost is None


@pytest.mark.parametrize(
    "path", ["/", "/nobody/v1/chat/completions", "/v2/chat/completions", "/openai", "/favicon.ico"]
)
def test_unknown_path(proxy: LiveProxy, path: str) -> None:
    """404 in JSON, with the paths that exist; nothing is recorded."""
    before = len(proxy.settled_rows())
    with Connection(proxy.port, Entrance.GATEWAY, OPENAI) as connection:
        connection.send_head(f"POST {path} HTTP/1.1", [("Host", "x"), ("Content-Length", "2")])
        connection.socket.sendall(b"{}")
        response = connection.read()
    assert response.status == 404
    assert response.header("x-acm-error") is not None
    assert response.header("x-should-retry") == "false"
    assert "/openai/" in response.body.decode()
    assert refusal_of(response)
    assert before == len(proxy.settled_rows())


def test_what_is_not_http(proxy: LiveProxy) -> None:
    """A head that cannot be read is answered with JSON too."""
    with socket.create_connection(("127.0.0.1", proxy.port), 20) as client:
        client.sendall(b"POST /v1/models HTTP/1.1\r\nno colon here\r\n\r\n")
        answer = client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"X-ACM-Error" in answer
    assert b"<html" not in answer


@pytest.mark.slow
def test_memory_stays_flat_under_a_large_body(
    proxy: LiveProxy, standin: StandIn, connection: Connection
) -> None:
    """200 MB pass through; the proxy's memory grows by no more than what it may keep of a body."""
    name = f"large-{uuid.uuid4()}"
    front = f'{{"model": "{name}", "messages": [{{"role": "user", "content": "'.encode()
    back = b'"}]}'
    filling = b"a large body. " * (MEGABYTE // 14)
    size = len(front) + 200 * len(filling) + len(back)
    fields = [
        ("Host", OPENAI),
        ("Content-Type", "application/json"),
        ("Content-Length", str(size)),
        ("x-standin", f"name={name}"),
    ]
    process = psutil.Process(proxy.process.pid)
    before = process.memory_info().rss
    with Peak(process) as peak:
        connection.send_head(f"POST {connection.target(CHAT)} HTTP/1.1", fields)
        connection.socket.sendall(front)
        for _ in range(200):
            connection.socket.sendall(filling)
        connection.socket.sendall(back)
        assert connection.read().status == 200
    assert peak.rss - before < 60 * MEGABYTE
    seen = standin.calls.wait_for(name, finished=True)
    assert seen.usage is not None
    row = proxy.row_of_call(seen)
    assert row.usage["input_tokens"] == seen.usage["input_tokens"]


class Peak:
    """The highest resident memory of a process while the block runs."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.rss = 0

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            self.rss = max(self.rss, self._process.memory_info().rss)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

"""Nothing of what passes through is kept: not in a file, not in a log, not in what is printed."""

import base64
import contextlib
import json
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from acm_addon.home import Home
from acm_addon.model import LIVE, Entrance
from cli.standin import StandIn
from tests.loopback.client import Connection
from tests.loopback.harness import LiveProxy

CLIENT = "127.77.1.9"
OPENAI, ANTHROPIC = "api.openai.com", "api.anthropic.com"
GEMINI = "generativelanguage.googleapis.com"
JSON = ("Content-Type", "application/json")


class Canaries:
    """Unique strings, each named after the place in which it travels."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}

    def __call__(self, place: str) -> str:
        return self.planted.setdefault(place, f"canary{secrets.token_hex(12)}")


def found(canaries: Canaries, folders: list[Path]) -> list[str]:
    """``file: place`` of every canary, and of the client's address, below ``folders``."""
    needles = {place: text.encode() for place, text in canaries.planted.items()}
    needles["client address"] = CLIENT.encode()
    needles |= {f"{place} (base64)": inner_base64(text) for place, text in needles.items()}
    return [
        f"{path}: {place}"
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for content in [path.read_bytes()]
        for place, needle in needles.items()
        if needle in content
    ]


def inner_base64(text: bytes) -> bytes:
    """What base64 makes of a text whose start falls on a group of three."""
    return base64.b64encode(text[: len(text) // 3 * 3])


@pytest.fixture
def proxy(tmp_path: Path, standin: StandIn) -> Iterator[LiveProxy]:
    """At the most talkative log level. Its temporary files fall below the searched folder."""
    (tmp_path / "tmp").mkdir()
    live = LiveProxy(Home(tmp_path / "home"), (standin.tls_port, standin.ca_file), log="debug")
    live.environment["TMPDIR"] = str(tmp_path / "tmp")
    with live:
        yield live


class Visitor:
    """Sends canaries through one entrance, from an address of its own."""

    def __init__(self, proxy: LiveProxy, entrance: Entrance, canaries: Canaries) -> None:
        self._proxy, self._entrance, self._canary = proxy, entrance, canaries

    def connect(self, host: str) -> Connection:
        trust = self._proxy.home.ca_certificate
        return Connection(self._proxy.port, self._entrance, host, trust, CLIENT)

    def headers(self, script: str = "") -> list[tuple[str, str]]:
        say = f"say={self._canary('completion')} and more; {script}"
        return [
            JSON,
            ("Authorization", f"Bearer {self._canary('authorization')}"),
            ("x-api-key", self._canary("api key header")),
            ("User-Agent", self._canary("user agent")),
            ("Cookie", f"session={self._canary('cookie')}"),
            ("X-ACM-Whatever", self._canary("own header")),
            ("X-Custom", self._canary("custom header")),
            ("x-standin", say),
        ]

    def body(self, **fields: object) -> bytes:
        tool_call = {
            "id": self._canary("tool call id"),
            "type": "function",
            "function": {"name": "f", "arguments": json.dumps({"a": self._canary("arguments")})},
        }
        ask = {
            "model": "gpt-4o",
            "user": self._canary("user field"),
            "max_tokens": 100,
            "messages": [
                {"role": "system", "content": self._canary("system prompt")},
                {"role": "user", "content": self._canary("prompt")},
                {"role": "assistant", "tool_calls": [tool_call]},
            ],
            **fields,
        }
        return json.dumps(ask).encode()

    def succeed(self) -> None:
        for host, path, model in (
            (OPENAI, "/v1/chat/completions", "gpt-4o"),
            (OPENAI, "/v1/responses", "gpt-4o"),
            (OPENAI, "/v1/embeddings", "text-embedding-3-small"),
            (ANTHROPIC, "/v1/messages", "claude-sonnet-4-5"),
        ):
            for script, stream in (("", False), ("tool", False), ("", True), ("tool", True)):
                with self.connect(host) as connection:
                    body = self.body(model=model, stream=stream)
                    response = connection.ask(path, body, self.headers(script))
                    assert response.status == 200
        key = self._canary("query key")
        for method in ("generateContent", "streamGenerateContent"):
            with self.connect(GEMINI) as connection:
                contents = [{"parts": [{"text": self._canary("gemini prompt")}]}]
                response = connection.ask(
                    f"/v1beta/models/gemini-2.5-flash:{method}?key={key}&alt=sse",
                    json.dumps({"contents": contents}).encode(),
                    self.headers(),
                )
                assert response.status == 200

    def upload(self) -> None:
        parts = (
            '--b\r\nContent-Disposition: form-data; name="file"; '
            f'filename="{self._canary("file name")}.txt"\r\n\r\n'
            f"{self._canary('file content')}\r\n--b--\r\n"
        )
        headers = [("Content-Type", "multipart/form-data; boundary=b"), *self.headers()[1:]]
        for path in ("/v1/files", "/v1/audio/transcriptions", "/v1/unknown/endpoint"):
            with self.connect(OPENAI) as connection:
                connection.ask(path, parts.encode(), headers)
        with self.connect(OPENAI) as connection:
            path = f"/v1/files/{self._canary('path segment')}/content"
            connection.ask(path, b"", self.headers(), "GET")
            path = f"/v1/{self._canary('unknown path')}"
            connection.ask(path, b"{}", self.headers())

    def fail(self) -> None:
        for script in ("status=400", "status=500", "error-event", "malformed-json", "no-usage"):
            with self.connect(OPENAI) as connection:
                body = self.body(stream=script == "error-event")
                connection.ask("/v1/chat/completions", body, self.headers(script))

    def break_off(self) -> None:
        scripts = ("die-before-headers", "die-after-bytes=700", "truncate-gzip", "bad-http")
        for script in scripts:
            with self.connect(OPENAI) as connection, contextlib.suppress(EOFError, OSError):
                body = self.body(stream=True)
                connection.ask("/v1/chat/completions", body, self.headers(script))
        for script in ("hold; name=left", "never-answer"):
            with self.connect(OPENAI) as connection:
                body = self.body(stream=True)
                connection.send("/v1/chat/completions", body, self.headers(script))
                if "hold" in script:
                    next(connection.body_of(connection.read_head()))

    def talk_nonsense(self) -> None:
        """Requests that end in their head or body, and heads and bodies that are malformed."""
        host = OPENAI if self._entrance is Entrance.FORWARD else "127.0.0.1"
        secret = f"Authorization: Bearer {self._canary('malformed header')}\r\n"
        chunked = "Transfer-Encoding: chunked\r\n"
        line = "POST {} HTTP/1.1\r\nHost: " + host + "\r\n"
        unfinished = (
            line + secret,
            line + secret + "Content-Length: 10000\r\n\r\n" + self._canary("half a body"),
        )
        broken = (
            line + secret + "no colon here\r\n\r\n",
            line + secret + "Content-Length: many\r\n\r\n",
            line + secret + chunked + "\r\nZZ\r\n" + self._canary("bad chunk") + "\r\n",
            line.replace("HTTP/1.1", "HTTP/9.9") + secret + "\r\n",
            self._canary("not http") + "\r\n" + secret + "\r\n",
        )
        for text in unfinished + broken:
            with self.connect(OPENAI) as connection, contextlib.suppress(EOFError, OSError):
                target = connection.target(f"/v1/responses?key={self._canary('malformed query')}")
                connection.socket.sendall(text.replace("{}", target).encode())
                if text in broken:
                    connection.read()


def talk_to_the_port(proxy: LiveProxy, canaries: Canaries) -> None:
    """What no entrance is for: broken CONNECTs, broken TLS, unroutable paths."""
    for text in (
        f"CONNECT {canaries('connect host')}.invalid:443 HTTP/1.1\r\n"
        f"Proxy-Authorization: Basic {canaries('proxy password')}\r\n\r\n",
        f"CONNECT {canaries('connect nonsense')} HTTP/1.1\r\n\r\n",
        f"GET /{canaries('unrouted path')}?key={canaries('unrouted key')} HTTP/1.1\r\n"
        "Host: x\r\n\r\n",
        f"GET http://{canaries('absolute host')}.invalid/?q=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT api.openai.com:443 HTTP/1.1\r\n\r\n\x16\x03\x01\x00\xff" + canaries("not tls"),
    ):
        with (
            socket.create_connection(("127.0.0.1", proxy.port), 20, (CLIENT, 0)) as client,
            contextlib.suppress(OSError),
        ):
            client.sendall(text.encode("latin-1"))
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass


def test_no_canary_is_found_anywhere(
    tmp_path: Path, standin: StandIn, proxy: LiveProxy, capfd: pytest.CaptureFixture[str]
) -> None:
    """Success, error, cut-off, malformed traffic, a crash, and the restart after it."""
    canaries = Canaries()
    for entrance in LIVE:
        visitor = Visitor(proxy, entrance, canaries)
        visitor.succeed()
        visitor.upload()
        visitor.fail()
        visitor.break_off()
        visitor.talk_nonsense()
    talk_to_the_port(proxy, canaries)
    proxy.wait_for(lambda row: row.model == "gemini-2.5-flash")
    with Visitor(proxy, Entrance.FORWARD, canaries).connect(OPENAI) as connection:
        visitor = Visitor(proxy, Entrance.FORWARD, canaries)
        script = "hold; name=crash"
        connection.send("/v1/chat/completions", visitor.body(stream=True), visitor.headers(script))
        next(connection.body_of(connection.read_head()))
        proxy.kill()
    assert [] == found(canaries, [tmp_path])
    proxy.start().stop()
    assert [] == found(canaries, [tmp_path])
    assert len(proxy.rows()) > 40
    assert len(canaries.planted) > 25
    printed = "".join(capfd.readouterr())
    assert not [place for place, text in canaries.planted.items() if text in printed]
    assert proxy.output.stat().st_size > 0


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """A canary that did leak would be seen, as text, as base64, and in a subfolder."""
    canaries = Canaries()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "log").write_bytes(b"\x00" + canaries("a").encode() + b"\xff")
    (tmp_path / "other").write_bytes(base64.b64encode(b"abc" + canaries("b").encode()))
    (tmp_path / "third").write_text(f"from {CLIENT}:1234")
    expected = ["b (base64)", "a", "client address"]
    assert expected == [line.partition(": ")[2] for line in found(canaries, [tmp_path])]

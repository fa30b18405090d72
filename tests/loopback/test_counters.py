"""What the live proxy notices besides calls, and writes down without a word of the client's."""

import json
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from acm_addon.home import Home
from acm_addon.model import Entrance
from cli.standin import StandIn
from tests.loopback.client import PATIENCE, Connection
from tests.loopback.harness import LiveProxy

CHAT = b'{"model": "gpt-4o", "messages": []}'


def counters(proxy: LiveProxy) -> dict[str, Any]:
    path = proxy.home.run / "counters.json"
    deadline = time.monotonic() + PATIENCE
    while not path.exists():  # Written soon after the proxy is ready.
        assert time.monotonic() < deadline
        time.sleep(0.02)
    found = json.loads(path.read_text())
    assert isinstance(found, dict)
    return found


def eventually(proxy: LiveProxy, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The counters once they are as wanted: they are published every second."""
    deadline = time.monotonic() + PATIENCE
    while not wanted(found := counters(proxy)):
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def tunnel(proxy: LiveProxy, authority: str) -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", proxy.port), PATIENCE)
    opened.sendall(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
    assert opened.recv(4096).startswith(b"HTTP/1.1 200 ")
    return opened


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_lesson_26_a_client_that_rejects_our_certificate_is_counted(
    proxy: LiveProxy, version: ssl.TLSVersion
) -> None:
    """openai/codex#46489, anthropics/claude-code#10458: it left without a word. By provider host,
    for an OpenSSL client of either TLS version."""
    host = "api.anthropic.com"
    before = eventually(proxy, lambda _: True)["rejected_ca"].get(host, 0)
    context = ssl.create_default_context()
    context.maximum_version = version
    with tunnel(proxy, f"{host}:443") as client, pytest.raises(ssl.SSLCertVerificationError):
        context.wrap_socket(client, server_hostname=host)
    found = eventually(proxy, lambda now: now["rejected_ca"].get(host, 0) > before)
    assert before + 1 == found["rejected_ca"][host]


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
def test_node_leaves_without_a_word(proxy: LiveProxy) -> None:
    """It sends no alert: that it hangs up is all there is to count."""
    script = (
        "const net=require('net'),tls=require('tls');"
        f"const s=net.connect({proxy.port},'127.0.0.1',()=>"
        "s.write('CONNECT api.groq.com:443 HTTP/1.1\\r\\nHost: api.groq.com\\r\\n\\r\\n'));"
        "s.once('data',()=>tls.connect({socket:s,servername:'api.groq.com'})"
        ".on('error',e=>{console.log(e.code);s.destroy()}));"
    )
    done = subprocess.run(
        ["node", "-e", script],
        env=proxy.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert "UNABLE_TO_VERIFY_LEAF_SIGNATURE" in done.stdout or "SELF_SIGNED" in done.stdout
    found = eventually(proxy, lambda now: "api.groq.com" in now["silent"])
    assert 1 == found["silent"]["api.groq.com"]
    assert "api.groq.com" not in found["rejected_ca"]


def test_a_connection_that_asks_for_nothing_is_counted(proxy: LiveProxy) -> None:
    """The handshake is whole, and then the client leaves."""
    host = "api.cerebras.ai"
    context = ssl.create_default_context(cafile=proxy.home.ca_certificate)
    with tunnel(proxy, f"{host}:443") as client:
        context.wrap_socket(client, server_hostname=host).close()
    assert 1 == eventually(proxy, lambda now: host in now["silent"])["silent"][host]


def test_a_client_that_trusts_us_is_not_counted(proxy: LiveProxy) -> None:
    """A handshake with a request behind it is as it should be."""
    host = "api.openai.com"
    with Connection(proxy.port, Entrance.FORWARD, host, proxy.home.ca_certificate) as client:
        client.ask("/v1/chat/completions", CHAT)
    calls = len(proxy.settled_rows())
    found = eventually(proxy, lambda now: now["calls"] >= calls)
    assert host not in found["rejected_ca"]
    assert host not in found["silent"]


def test_an_endpoint_that_is_not_read_is_told_by_its_shape(proxy: LiveProxy) -> None:
    """No id, no query, no model: only words of the API."""
    with Connection(
        proxy.port, Entrance.FORWARD, "api.openai.com", proxy.home.ca_certificate
    ) as client:
        client.ask("/v1/canary-endpoint/abc-123/runs?key=canary", b"{}")
    shape = "openai POST /v1/{}/{}/runs"
    found = eventually(proxy, lambda now: shape in now["not_understood"])
    assert "canary" not in json.dumps(found)


def test_a_provider_connection_that_is_no_http_is_counted(proxy: LiveProxy) -> None:
    """It passes through, and nobody knows what it cost."""
    host = "api.mistral.ai"
    with tunnel(proxy, f"{host}:443") as client:
        client.sendall(b"\x00\x01\x02\x03 not http at all\r\n\r\n")
        found = eventually(proxy, lambda now: host in now["passed_unread"])
    assert 1 == found["passed_unread"][host]


def test_tags_of_the_header_are_in_the_row(proxy: LiveProxy, connection: Connection) -> None:
    """Sound tags are kept, and the others are counted."""
    before = eventually(proxy, lambda _: True)["invalid_tags"]
    model = f"gpt-4o-tagged-{connection.entrance}"
    body = json.dumps({"model": model, "messages": []}).encode()
    tags = "feature=search,customer=42,not a tag,canary"
    connection.ask("/v1/chat/completions", body, [("X-ACM-Tags", tags)])
    row = proxy.row_of(model)
    assert {"feature": "search", "customer": "42"} == row.tags
    eventually(proxy, lambda now: now["invalid_tags"] >= before + 2)


def test_the_proxy_answers_a_ping(proxy: LiveProxy) -> None:
    """With its version, so that a doctor knows whom it talks to; it is no unknown path."""
    before = counters(proxy)["unrouted"]
    with socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as client:
        client.sendall(b"GET /acm/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'{"acm": "' in answer
    assert before == counters(proxy)["unrouted"]


def test_the_counters_outlive_the_proxy(tmp_path: Path, standin: StandIn) -> None:
    """A proxy that ends writes down what it counted in its last second."""
    with LiveProxy(Home(tmp_path / "home"), (standin.tls_port, standin.ca_file)) as live:
        with Connection(live.port, Entrance.GATEWAY, "api.openai.com") as client:
            client.ask("/v1/chat/completions", CHAT)
            client.ask("/v1/canary", b"{}")
        live.stop()
        found = counters(live)
    assert 2 == found["calls"]
    assert {"openai POST /v1/{}": 1} == found["not_understood"]

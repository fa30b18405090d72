"""A user's own provider behind the real proxy: a server on this machine, named in a file."""

import json
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from acm_addon.home import Home
from acm_addon.model import Entry, PriceStatus
from acm_addon.process import proxy_command
from cli.standin import StandIn
from tests.loopback.harness import PATIENCE, LiveProxy, clean_environment

_USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
_ANSWER = json.dumps({"id": "own", "model": "qwen3", "choices": [], "usage": _USAGE}).encode()


class _Server(BaseHTTPRequestHandler):
    """Answers everything alike."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(_ANSWER)))
        self.end_headers()
        self.wfile.write(_ANSWER)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Server) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def _row(tmp_path: Path, standin: StandIn, port: int, price: str) -> Entry:
    """What is booked of a call to the server, where it costs what ``price`` says."""
    home = Home(tmp_path / "home").ensure()
    home.providers.write_text(f'[lab]\nhost = "http://127.0.0.1:{port}"\n{price}\n')
    with LiveProxy(home, (standin.tls_port, standin.ca_file)) as proxy:
        body = json.dumps({"model": "qwen3", "messages": []}).encode()
        request = urllib.request.Request(f"{proxy.url}/lab/v1/chat/completions", body)
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            assert _ANSWER == response.read()
        return proxy.row_of("qwen3")


def test_what_is_free_is_counted(tmp_path: Path, standin: StandIn, port: int) -> None:
    row = _row(tmp_path, standin, port, 'price = "free"')
    assert ("lab", "chat.completions", 0, PriceStatus.FREE) == (
        row.provider,
        row.endpoint,
        row.cost,
        row.price_status,
    )
    assert {"input_tokens": 10, "output_tokens": 5} == row.usage


def test_what_has_a_price_is_priced(tmp_path: Path, standin: StandIn, port: int) -> None:
    """10 tokens at 200 nano-dollars and 5 at 600."""
    row = _row(tmp_path, standin, port, 'price = { input_mtok = "0.20", output_mtok = "0.60" }')
    assert (5000, PriceStatus.PRICED) == (row.cost, row.price_status)


def test_a_mistake_in_the_file_is_why_the_proxy_does_not_start(tmp_path: Path) -> None:
    """It says where, and ends with the code for not having started."""
    home = Home(tmp_path / "home").ensure()
    home.providers.write_text("[lab]\n")
    ended = subprocess.run(
        [*proxy_command(), "--port", "0"],
        env=clean_environment(home),
        capture_output=True,
        timeout=PATIENCE * 3,
        check=False,
    )
    assert 3 == ended.returncode
    assert b"providers.toml: [lab] has no host" in ended.stderr
    assert b"Traceback" not in ended.stderr

"""A running proxy follows the price table, and fetches only where the schedule is on."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest

from acm_addon import price_schedule
from acm_addon.home import Home
from acm_addon.model import Entry
from acm_addon.price_store import current_table
from cli.standin import StandIn
from tests.loopback.harness import PATIENCE, ROOT, LiveProxy, clean_environment
from tests.published import published


def acm(home: Home, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=ROOT,
        env=clean_environment(home),
        check=True,
        capture_output=True,
    )


def call(proxy: LiveProxy, model: str) -> Entry:
    """Ask for a model through the gateway: its row."""
    request = urllib.request.Request(
        f"{proxy.url}/openai/v1/chat/completions",
        json.dumps({"model": model, "messages": [{"role": "user", "content": "Hi"}]}).encode(),
        {"Content-Type": "application/json", "Authorization": "Bearer sk-test"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        answer.read()
    return proxy.row_of(model)


def in_use(proxy: LiveProxy) -> str | None:
    """The table that the proxy said last it took over."""
    said = re.findall(r"prices are those of table (\w+) now", proxy.output.read_text())
    return said[-1] if said else None


def test_new_prices_count_without_a_restart(proxy: LiveProxy) -> None:
    """A discount and a price of a model that nobody knew, set while the proxy runs."""
    before = call(proxy, "gpt-4o")
    acm(proxy.home, "prices", "set", "--discount", "50", "--provider", "openai")
    acm(
        *(proxy.home, "prices", "set", "--provider", "openai", "--model", "gpt-77"),
        *("--rate", "input_tokens=1000000", "--rate", "output_tokens=1000000"),
    )
    wanted = current_table(proxy.home).version
    deadline = time.monotonic() + PATIENCE
    while in_use(proxy) != wanted:
        assert time.monotonic() < deadline, proxy.output.read_text()
        time.sleep(0.05)

    half, new = call(proxy, "gpt-4o-2024-08-06"), call(proxy, "gpt-77")
    assert before.cost is not None
    assert half.cost is not None
    unit_prices = [{line.unit: line.unit_price for line in row.lines} for row in (before, half)]
    assert unit_prices[0]["input_tokens"] == 2 * unit_prices[1]["input_tokens"]
    assert (wanted, wanted) == (half.price_version, new.price_version)
    assert new.known_cost == 10**9 * (new.usage["input_tokens"] + new.usage["output_tokens"])

    acm(proxy.home, "reprice", "--yes")  # While the proxy runs, and goes on booking.
    assert wanted == proxy.row_of("gpt-4o").price_version
    assert wanted == call(proxy, "gpt-4o-mini").price_version
    acm(proxy.home, "prices", "verify")


@pytest.fixture
def origin() -> Iterator[tuple[str, Event]]:
    """Where price data is published, and whether anybody asked."""
    asked, content = Event(), published()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.set()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/data.json", asked
        server.shutdown()


def test_the_proxy_fetches_only_where_the_schedule_is_on(
    tmp_path: Path, standin: StandIn, origin: tuple[str, Event]
) -> None:
    """Then in a process of its own, whose data it takes over."""
    url, asked = origin
    proxy = LiveProxy(Home(tmp_path / "home"), (standin.tls_port, standin.ca_file))
    proxy.environment["ACM_PRICES_URL"] = url
    with proxy:
        row = call(proxy, "gpt-4o")
        assert not asked.is_set()
        price_schedule.turn(proxy.home, on=True)
        assert asked.wait(PATIENCE)
        deadline = time.monotonic() + 3 * PATIENCE
        while not (version := in_use(proxy)):
            assert time.monotonic() < deadline, proxy.output.read_text()
            time.sleep(0.05)
        assert version != row.price_version
        assert proxy.home.price_base.exists()
        assert version == call(proxy, "gpt-4o-2024-08-06").price_version

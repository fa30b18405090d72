"""Two hundred calls at once from four programs, on a budget that pays for forty of them."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from acm_addon.budgets import Budget, Scope
from acm_addon.control import budgets
from acm_addon.control.store import ControlStore
from acm_addon.home import Home
from acm_addon.model import Entrance
from acm_addon.windows import Period
from cli import clients
from cli.standin import StandIn
from tests.loopback.harness import ROOT, LiveProxy

PROGRAMS, CALLS, PAID = 4, 50, 40
HELPER = """
import collections, json, sys, threading
from acm_addon.model import Entrance
from tests.loopback.client import Connection
port, calls, stream = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "stream"
body = json.dumps({"model": "gpt-4o", "max_tokens": 220, "stream": stream,
                   "stream_options": {"include_usage": True} if stream else None,
                   "messages": [{"role": "user", "content": "Hi"}]}).encode()
headers = [("Content-Type", "application/json"), ("x-standin", "pieces=200")]
got = collections.Counter()
def call():
    try:
        with Connection(port, Entrance.GATEWAY, "api.openai.com") as client:
            client.socket.settimeout(120)
            answer = client.ask("/v1/chat/completions", body, headers)
            got[str(answer.status) + (answer.header("X-ACM-Error") or "")] += 1
    except (OSError, EOFError):
        got["broken"] += 1
threads = [threading.Thread(target=call) for _ in range(calls)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps(got))
"""


@dataclass(frozen=True, slots=True)
class Figures:
    spent: int
    held: int


def figures(home: Home) -> Figures:
    """What the ledger says at one moment: of the rows themselves, and of the holds."""
    with closing(sqlite3.connect(home.ledger, timeout=20)) as conn:
        spent, held = conn.execute(
            "SELECT (SELECT IFNULL(SUM(cost), 0) FROM calls),"
            " (SELECT IFNULL(SUM(amount), 0) FROM holds)"
        ).fetchone()
    return Figures(spent, held)


def programs(proxy: LiveProxy, calls: int, how: str, count: int) -> list[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HELPER, str(proxy.port), str(calls), how]
    return [
        subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=proxy.environment
        )
        for _ in range(count)
    ]


def answers(running: list[subprocess.Popen[str]]) -> dict[str, int]:
    got: Counter[str] = Counter()
    for program in running:
        out, _ = program.communicate(timeout=120)
        got.update(json.loads(out))
    return dict(got)


def limit_for(proxy: LiveProxy, how: str) -> int:
    """Forty times what one call costs, set as a hard budget of all time."""
    assert {"200": 1} == answers(programs(proxy, 1, how, 1))
    (row,) = proxy.settled_rows()
    assert row.cost
    limit = PAID * row.cost
    with ControlStore(proxy.home) as store:
        budget = Budget(0, Scope(), Period.TOTAL, "UTC", limit, hard=True, wait_seconds=100)
        budgets.put(store, budget)
    return limit


@pytest.mark.slow
@pytest.mark.parametrize("how", ["whole", "stream"])
def test_the_limit_holds_and_is_used(tmp_path: Path, standin: StandIn, how: str) -> None:
    """Spent and held never exceed it at any moment; calls wait for holds to settle instead of
    failing, so that nearly all of it is spent; every other call is refused and never leaves."""
    before = len(standin.calls.all())
    with LiveProxy(Home(tmp_path / "home"), (standin.tls_port, standin.ca_file)) as proxy:
        limit = limit_for(proxy, how)
        running = programs(proxy, CALLS, how, PROGRAMS)
        worst = 0
        while any(program.poll() is None for program in running):
            now = figures(proxy.home)
            worst = max(worst, now.spent + now.held)
            time.sleep(0.01)
        got = answers(running)
        rows = proxy.settled_rows()
        end = figures(proxy.home)
    assert worst <= limit
    assert 0.9 * limit <= end.spent <= limit
    assert 0 == end.held
    assert PROGRAMS * CALLS == got["200"] + got["429budget_exceeded"]
    served = sum(row.status == 200 for row in rows)
    assert served - 1 == got["200"]
    assert served == len(standin.calls.all()) - before


@pytest.mark.slow
@pytest.mark.parametrize("how", ["whole", "stream"])
def test_a_kill_in_the_middle_spends_no_more(tmp_path: Path, standin: StandIn, how: str) -> None:
    """What the killed calls may have cost stays held: what the provider really served, before and
    after, is within the limit."""
    before = len(standin.calls.all())
    proxy = LiveProxy(Home(tmp_path / "home"), (standin.tls_port, standin.ca_file))
    with proxy:
        limit = limit_for(proxy, how)
        running = programs(proxy, CALLS, how, PROGRAMS)
        deadline = time.monotonic() + 60
        while len(standin.calls.all()) < before + PAID // 4 and time.monotonic() < deadline:
            time.sleep(0.001)
        proxy.kill()
        answers(running)
        with proxy:
            assert answers(programs(proxy, CALLS, how, PROGRAMS)).keys() <= {
                "200",
                "429budget_exceeded",
            }
            proxy.settled_rows()
            end = figures(proxy.home)
    assert end.spent + end.held <= limit
    served = len(standin.calls.all()) - before
    assert served * limit // PAID <= limit


@pytest.mark.parametrize("stream", [False, True])
def test_sdks_raise_their_usual_error_after_one_request(
    tmp_path: Path,
    standin: StandIn,
    entrance: Entrance,
    stream: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A rate-limit error, and no retry, whichever way they come."""
    import anthropic
    import openai

    for name in list(os.environ):
        if re.search(r"(?i)_proxy$|^(openai|anthropic)_|^ssl_cert", name):
            monkeypatch.delenv(name)
    with LiveProxy(Home(tmp_path / "home"), (standin.tls_port, standin.ca_file)) as proxy:
        with ControlStore(proxy.home) as store:
            budgets.put(store, Budget(0, Scope(), Period.MONTH, "UTC", 1000, hard=True))
        if entrance is Entrance.FORWARD:
            chosen = clients.forward_environment(proxy.port, proxy.home.ca_certificate, None)
        else:
            chosen = clients.gateway_environment(proxy.port)
        for name, value in chosen.items():
            monkeypatch.setenv(name, value)
        message = {"role": "user", "content": "Hello"}
        with openai.OpenAI(api_key="sk-own") as client, pytest.raises(openai.RateLimitError):
            client.chat.completions.create(
                model="gpt-4o",
                messages=[message],  # type: ignore[list-item]
                stream=stream,
            )
        with (
            anthropic.Anthropic(api_key="sk-ant-own") as other,
            pytest.raises(anthropic.RateLimitError),
        ):
            other.messages.create(
                model="claude-sonnet-4-6",
                max_tokens=10,
                messages=[message],  # type: ignore[list-item]
                stream=stream,
            )
        rows = proxy.settled_rows()
    assert ["anthropic", "openai"] == sorted(row.provider for row in rows)
    assert all(row.reason == "budget_exceeded" for row in rows)

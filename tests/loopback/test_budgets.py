"""Hard budgets through the real proxy: what does not fit never leaves, and says why."""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from acm_addon.budgets import Budget, Scope, Unknown, WhenLocked
from acm_addon.control import budgets, projects
from acm_addon.control.store import ControlStore
from acm_addon.home import Home
from acm_addon.model import NANO, Completeness, Entrance, Reason
from acm_addon.windows import Period
from cli.standin import StandIn
from cli.standin.script import HEADER
from tests.loopback.client import Connection, Response
from tests.loopback.harness import LiveProxy

OPENAI = "api.openai.com"
CHAT = "/v1/chat/completions"
JSON = ("Content-Type", "application/json")
BOT = ("X-ACM-Tags", "team=bot")
SCOPE = Scope(tags={"team": "bot"})


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, standin: StandIn) -> Iterator[LiveProxy]:
    home = Home(tmp_path_factory.mktemp("budgets") / "home")
    with LiveProxy(home, (standin.tls_port, standin.ca_file)) as live:
        yield live


@pytest.fixture
def store(proxy: LiveProxy) -> Iterator[ControlStore]:
    """The control data, as the command line changes them under the running proxy. Without budgets
    again after the test."""
    with ControlStore(proxy.home) as opened:
        yield opened
        for budget in budgets.everything(opened):
            budgets.remove(opened, str(budget.id))


def put(store: ControlStore, limit: int, **changes: Any) -> Budget:
    """A hard monthly budget for what is tagged ``team=bot``."""
    budget = Budget(0, SCOPE, Period.MONTH, "UTC", limit, hard=True)
    return budgets.put(store, replace(budget, **changes))


def body(model: str = "gpt-4o", **more: Any) -> bytes:
    ask = {"role": "user", "content": "Hello"}
    return json.dumps({"model": model, "messages": [ask], "max_tokens": 50, **more}).encode()


def ask(connection: Connection, model: str = "gpt-4o", *headers: tuple[str, str]) -> Response:
    return connection.ask(CHAT, body(model), [JSON, BOT, *headers])


def test_a_call_that_does_not_fit_never_leaves(
    proxy: LiveProxy, store: ControlStore, connection: Connection, standin: StandIn
) -> None:
    """429 in the provider's shape, with the budget's figures; recorded as refused; the connection
    serves the next call, which the budget is not about."""
    budget = put(store, 1000)
    seen = len(standin.calls.all())
    answer = ask(connection, f"gpt-4o-over-{connection.entrance}")
    assert (429, "price_unknown") == (answer.status, answer.header("X-ACM-Error"))
    answer = ask(connection)
    assert (429, "budget_exceeded") == (answer.status, answer.header("X-ACM-Error"))
    assert "false" == answer.header("x-should-retry")
    until = budget.window(datetime.now(UTC)).until
    retry = timedelta(seconds=int(answer.header("Retry-After") or 0))
    assert abs(datetime.now(UTC) + retry - until) < timedelta(seconds=30)
    message = json.loads(answer.body)["error"]["message"]
    for part in ("tag:team=bot/month", "limit $0.000001,", "spent $0.00", f"{until:%Y-%m-%d}"):
        assert part in message
    assert seen == len(standin.calls.all())
    row = proxy.wait_for(lambda row: row.reason is Reason.BUDGET_EXCEEDED)
    assert (Completeness.REFUSED, 0, None) == (row.completeness, row.cost, row.status)
    assert 200 == connection.ask(CHAT, body(), [JSON]).status


def test_what_a_call_cost_is_spent(
    proxy: LiveProxy, store: ControlStore, connection: Connection
) -> None:
    """Its hold is released with its row, to the nano-dollar."""
    tag = f"paid-{connection.entrance}"
    budget = put(store, NANO, scope=Scope(tags={"who": tag}))
    headers = [JSON, ("X-ACM-Tags", f"who={tag}")]
    for _ in range(3):
        assert 200 == connection.ask(CHAT, body(), headers).status
    rows = [row for row in proxy.settled_rows() if row.tags.get("who") == tag]
    assert 3 == len(rows)
    with closing(sqlite3.connect(proxy.home.ledger)) as conn:
        spent = conn.execute(
            "SELECT spent FROM budget_windows WHERE budget = ?", (budget.id,)
        ).fetchone()
        held = conn.execute(
            "SELECT SUM(amount) FROM holds WHERE budget = ?", (budget.id,)
        ).fetchone()
    assert ((sum(row.cost or 0 for row in rows),), (None,)) == (spent, held)


def test_a_call_waits_for_a_hold_to_shrink(
    proxy: LiveProxy, store: ControlStore, standin: StandIn
) -> None:
    """The second goes on when the first has ended, which cost less than it held; meanwhile other
    traffic on the same proxy passes."""
    # Each call may cost some $0.0007 and costs some $0.00005.
    put(store, 900_000, scope=Scope(tags={"team": "wait"}))
    tag = ("X-ACM-Tags", "team=wait")
    answers: list[int] = []

    def call(*headers: tuple[str, str]) -> None:
        with Connection(proxy.port, Entrance.GATEWAY, OPENAI) as client:
            answers.append(client.ask(CHAT, body(stream=True), [JSON, tag, *headers]).status)

    with Connection(proxy.port, Entrance.GATEWAY, OPENAI) as first:
        script = (HEADER, "name=held; hold; pieces=2")
        first.send(CHAT, body(stream=True), [JSON, tag, script])
        assert 200 == first.read_head().status
        second = threading.Thread(target=call, args=((HEADER, "name=second"),))
        second.start()
        with Connection(proxy.port, Entrance.GATEWAY, OPENAI) as other:
            assert 200 == other.ask(CHAT, body(), [JSON]).status
        assert not any(seen.name == "second" for seen in standin.calls.all())
        for _ in range(50):
            standin.release("held")
        second.join()
    assert [200] == answers


def test_a_call_that_waits_leaves_when_the_budget_is_raised(
    proxy: LiveProxy, store: ControlStore, standin: StandIn
) -> None:
    """No other request has to come along for that."""
    scope = Scope(tags={"team": "raised"})
    put(store, 900_000, scope=scope)
    headers = [JSON, ("X-ACM-Tags", "team=raised")]
    with (
        Connection(proxy.port, Entrance.GATEWAY, OPENAI) as first,
        Connection(proxy.port, Entrance.GATEWAY, OPENAI) as second,
    ):
        held = (HEADER, "name=raised; hold; pieces=2")
        first.send(CHAT, body(stream=True), [*headers, held])
        assert 200 == first.read_head().status
        second.send(CHAT, body(stream=True), [*headers, (HEADER, "name=goes; pieces=2")])
        time.sleep(0.3)
        assert not any(seen.name == "goes" for seen in standin.calls.all())
        put(store, NANO, scope=scope)
        assert 200 == second.read_head().status
        for _ in range(50):
            standin.release("raised")


def test_a_wait_in_vain_ends(proxy: LiveProxy, store: ControlStore, standin: StandIn) -> None:
    """After the budget's patience: 429, which a program may try again."""
    put(store, 900_000, scope=Scope(tags={"team": "vain"}), wait_seconds=0.05)
    tag = ("X-ACM-Tags", "team=vain")
    with (
        Connection(proxy.port, Entrance.GATEWAY, OPENAI) as first,
        Connection(proxy.port, Entrance.GATEWAY, OPENAI) as second,
    ):
        first.send(CHAT, body(stream=True), [JSON, tag, (HEADER, "name=vain; hold; pieces=2")])
        assert 200 == first.read_head().status
        answer = second.ask(CHAT, body(), [JSON, tag])
        assert (429, "budget_exceeded") == (answer.status, answer.header("X-ACM-Error"))
        assert ("1", None) == (answer.header("Retry-After"), answer.header("x-should-retry"))
        for _ in range(50):
            standin.release("vain")


@pytest.mark.parametrize(
    ("unknown", "status"), [(Unknown.ALLOW, 200), (Unknown.HOLD, 429), (Unknown.BLOCK, 429)]
)
def test_a_price_that_is_not_known(
    store: ControlStore, connection: Connection, unknown: Unknown, status: int
) -> None:
    """The budget decides."""
    put(store, 1000, unknown=unknown, unknown_hold=1001)
    assert status == ask(connection, "nobody-knows-it").status


def test_a_body_of_unknown_length_is_not_held(
    store: ControlStore, connection: Connection, standin: StandIn
) -> None:
    """What it asks for is not known before it leaves: that is an unknown price."""
    put(store, NANO)
    seen = len(standin.calls.all())
    connection.send_head(
        f"POST {connection.target(CHAT)} HTTP/1.1",
        [("Host", OPENAI), JSON, BOT, ("Transfer-Encoding", "chunked")],
    )
    connection.socket.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body()), body()))
    assert "price_unknown" == connection.read().header("X-ACM-Error")
    assert seen == len(standin.calls.all())


def test_a_body_that_is_too_large_is_judged_by_its_length(
    proxy: LiveProxy, store: ControlStore, entrance: Entrance
) -> None:
    """Where the path names the model: one that fits passes, one that does not is refused."""
    host = "generativelanguage.googleapis.com"
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    data = b'{"contents": [{"parts": [{"text": "Hi"}]}]' + b" " * 9_000_000 + b"}"
    # 2.25 million tokens at $0.30 a million, and an assumed answer.
    scope, tag = Scope(tags={"team": "large"}), ("X-ACM-Tags", "team=large")
    put(store, 2 * NANO, scope=scope)
    with Connection(proxy.port, entrance, host, proxy.home.ca_certificate) as client:
        assert 200 == client.ask(path, data, [JSON, tag]).status
        put(store, NANO // 2, scope=scope)
        assert "budget_exceeded" == client.ask(path, data, [JSON, tag]).header("X-ACM-Error")


@pytest.mark.parametrize(("when", "status"), [(WhenLocked.REFUSE, 503), (WhenLocked.ALLOW, 200)])
def test_a_locked_ledger(
    proxy: LiveProxy, store: ControlStore, connection: Connection, when: WhenLocked, status: int
) -> None:
    """The budget decides; a soft one, and traffic without one, never notices."""
    put(store, NANO, when_locked=when)
    put(store, NANO, hard=False, scope=Scope(provider="openai"))
    assert 200 == ask(connection).status
    with closing(sqlite3.connect(proxy.home.ledger, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = ask(connection)
        assert 200 == connection.ask(CHAT, body(), [JSON]).status
        other.execute("ROLLBACK")
    assert status == answer.status
    assert (None if status == 200 else "ledger_locked") == answer.header("X-ACM-Error")
    assert 200 == ask(connection).status


def test_a_client_that_leaves_while_it_waits_pays_nothing(
    proxy: LiveProxy, store: ControlStore, standin: StandIn
) -> None:
    """Its call never leaves."""
    put(store, 900_000, scope=Scope(tags={"team": "gone"}))
    tag = ("X-ACM-Tags", "team=gone")
    with Connection(proxy.port, Entrance.GATEWAY, OPENAI) as first:
        first.send(CHAT, body(stream=True), [JSON, tag, (HEADER, "name=stays; hold; pieces=2")])
        assert 200 == first.read_head().status
        with Connection(proxy.port, Entrance.GATEWAY, OPENAI) as second:
            second.send(CHAT, body("gpt-4o-2024-11-20"), [JSON, tag, (HEADER, "name=leaves")])
        for _ in range(50):
            standin.release("stays")
        first.socket.settimeout(20)
        row = proxy.row_of("gpt-4o-2024-11-20")
    assert (Completeness.REFUSED, Reason.CLIENT_LEFT, 0) == (row.completeness, row.reason, row.cost)
    assert not any(seen.name == "leaves" for seen in standin.calls.all())


def test_a_renamed_project_keeps_its_budget(
    proxy: LiveProxy, store: ControlStore, connection: Connection
) -> None:
    """And what is spent of it."""
    name = f"old-{connection.entrance}"
    projects.create(store, name, None, datetime.now(UTC))
    budget = put(store, NANO, scope=Scope(project=name))
    assert budget == budgets.get(store, budget.label)


def test_a_kill_leaves_the_hold_standing(tmp_path: Path, standin: StandIn) -> None:
    """What the killed call may have cost is held until somebody knows better, also after the drain
    has booked its row without a cost. A budget that is removed and set anew lets go of it."""
    live = LiveProxy(Home(tmp_path / "home"), (standin.tls_port, standin.ca_file))
    with live:
        with ControlStore(live.home) as store:
            put(store, 900_000)
        with Connection(live.port, Entrance.GATEWAY, OPENAI) as first:
            first.send(CHAT, body(stream=True), [JSON, BOT, (HEADER, "name=dies; hold; pieces=2")])
            assert 200 == first.read_head().status
            live.kill()
        with live, Connection(live.port, Entrance.GATEWAY, OPENAI) as second:
            row = live.wait_for(lambda row: row.reason is Reason.PROXY_STOPPED)
            assert row.cost is None
            answer = second.ask(CHAT, body(), [JSON, BOT])
            assert (429, "false") == (answer.status, answer.header("x-should-retry"))
            assert 200 == second.ask(CHAT, body(), [JSON]).status
            with ControlStore(live.home) as store:
                budgets.remove(store, "1")
                put(store, 900_000)
            assert 200 == second.ask(CHAT, body(), [JSON, BOT]).status


def test_without_a_ceiling_the_overshoot_is_bounded(
    proxy: LiveProxy, store: ControlStore, connection: Connection
) -> None:
    """By what the running call cost beyond what it held, which is what such calls wrote before;
    the next one is refused."""
    model = "gpt-4o-2024-08-06" if connection.entrance is Entrance.GATEWAY else "gpt-4o-2024-05-13"
    tag = f"long-{connection.entrance}"
    data = body(model, max_tokens=None)

    def call(pieces: int) -> Response:
        headers = [JSON, ("X-ACM-Tags", f"who={tag}"), (HEADER, f"pieces={pieces}")]
        return connection.ask(CHAT, data, headers)

    assert 200 == call(10).status
    proxy.row_of(model)
    # Room for what the first call wrote, and for no more than its input beside.
    limit = 2 * NANO // 1000
    put(store, limit, scope=Scope(tags={"who": tag}))
    assert 200 == call(500).status
    assert "budget_exceeded" == call(10).header("X-ACM-Error")
    costs = [row.cost or 0 for row in proxy.settled_rows() if row.tags.get("who") == tag]
    assert limit < sum(costs) < limit + max(costs)

"""kill -9 under load: every call that the provider saw is in the ledger, and none twice."""

import contextlib
import itertools
import json
import random
import threading
import time
from pathlib import Path

import pytest

from acm_addon.home import Home
from acm_addon.model import LIVE, Completeness, Entrance
from cli.standin import StandIn
from tests.loopback.client import Connection
from tests.loopback.harness import LiveProxy

KILLS = 10
CLIENTS = 8
NEVER_CONFIRMED = {Completeness.SENT_UNKNOWN, Completeness.REFUSED}


class Load:
    """Clients that send calls, each with a model name of its own, until their proxy is gone."""

    def __init__(self, proxy: LiveProxy, numbers: "itertools.count[int]", seed: int) -> None:
        self._proxy, self._numbers = proxy, numbers
        self._random = random.Random(seed)
        self._threads = [
            threading.Thread(target=self._run, args=(LIVE[number % 2],))
            for number in range(CLIENTS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def _run(self, entrance: Entrance) -> None:
        trust = self._proxy.home.ca_certificate
        with contextlib.suppress(OSError, EOFError):
            while True:
                with Connection(self._proxy.port, entrance, "api.openai.com", trust) as connection:
                    for _ in range(5):
                        self._call(connection)

    def _call(self, connection: Connection) -> None:
        name = f"load-{next(self._numbers)}"
        pieces, slow = self._random.randint(1, 20), self._random.choice((0, 1, 5))
        ask = {"model": name, "stream": self._random.random() < 0.7, "messages": []}
        headers = [
            ("Content-Type", "application/json"),
            ("x-standin", f"name={name}; pieces={pieces}; slow={slow}"),
        ]
        connection.ask("/v1/chat/completions", json.dumps(ask).encode(), headers)


@pytest.mark.slow
def test_lesson_07_no_call_is_lost_and_none_is_booked_twice(
    standin: StandIn, tmp_path: Path
) -> None:
    """litellm#38157, #34805, #35531, #33872: rows were lost at shutdown. After ten kills and one
    restart the ledger agrees with the provider's own count.

    A row without a model is one whose process died between begin and the end of its request; it
    can stand for a call that the provider saw, and there must be enough of them.
    """
    home = Home(tmp_path / "home")
    upstream = (standin.tls_port, standin.ca_file)
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    chance, numbers = random.Random(seed), itertools.count()
    for round_number in range(KILLS):
        with LiveProxy(home, upstream) as proxy:
            load = Load(proxy, numbers, seed + round_number)
            before = len(standin.calls.all())
            load.start()
            standin.calls.wait_for_count(before + chance.randint(1, 60))
            time.sleep(chance.random() * 0.05)  # Anywhere between two calls, or inside one.
            proxy.kill()
            load.join()
    with LiveProxy(home, upstream) as last:
        last.stop()
        rows = last.rows()
    seen = {call.name for call in standin.calls.all()}
    assert len(seen) == len(standin.calls.all())
    named = [row.requested_model for row in rows if row.requested_model]
    assert len(set(named)) == len(named)
    assert len({row.id for row in rows}) == len(rows)
    nameless = [row for row in rows if row.requested_model is None]
    assert len(seen - set(named)) <= len(nameless)
    extras = [row for row in rows if row.requested_model not in seen]
    assert {row.completeness for row in extras} <= NEVER_CONFIRMED
    answered = {call.name for call in standin.calls.all() if call.finished}
    assert len(answered) > KILLS
    assert not any(home.journal.glob("*.journal")), "the journal was not drained"

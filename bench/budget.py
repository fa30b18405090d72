"""What attribution and a hard budget add to a call: the same call through two proxies, in turn.

One knows no project and no budget. On the other the call carries a project's token and a tag, and
falls under two hard budgets of the project, for the day and the month.
"""

import asyncio
import statistics
import time
from datetime import UTC, datetime

from acm_addon.budgets import Budget, Scope
from acm_addon.control import budgets, project_tokens, projects
from acm_addon.control.store import ControlStore
from acm_addon.home import Home
from acm_addon.model import NANO
from acm_addon.windows import Period
from bench import load, servers

_PAIRS = 2000
_WARM_UP = 200
_PATH = "/openai/v1/chat/completions"


def main() -> None:
    print("Added to a call by a token, a tag, and two hard budgets (one keep-alive connection)")
    token = ""

    def prepare(home: Home) -> None:
        nonlocal token
        with ControlStore(home) as store:
            projects.create(store, "bot", None, datetime.now(UTC))
            token, _ = project_tokens.issue(store, "bot", None, datetime.now(UTC))
            for period in (Period.DAY, Period.MONTH):
                limit = 1_000_000 * NANO
                budget = Budget(0, Scope(project="bot"), period, "UTC", limit, hard=True)
                budgets.put(store, budget)

    with (
        servers.upstream() as upstream,
        servers.acm(upstream) as plain,
        servers.acm(upstream, prepare) as budgeted,
    ):
        said = f"x-project-token: {token}\r\nx-acm-tags: feature=search\r\n"
        without, within = asyncio.run(
            _pairs((plain, load.request(_PATH)), (budgeted, load.request(_PATH, headers=said)))
        )
    added = [b - a for a, b in zip(without, within, strict=True)]
    print(
        f"  median {statistics.median(added):.3f} ms added (without"
        f" {statistics.median(without):.3f} ms, with {statistics.median(within):.3f} ms,"
        f" p99 of the pairs {statistics.quantiles(added, n=100)[98]:.3f} ms)"
    )


async def _pairs(
    first: tuple[int, bytes], second: tuple[int, bytes]
) -> tuple[list[float], list[float]]:
    """Milliseconds of each call, by turns on two connections. The first calls warm both up."""
    connections = [await asyncio.open_connection("127.0.0.1", port) for port, _ in (first, second)]
    taken: tuple[list[float], list[float]] = [], []
    for number in range(_WARM_UP + _PAIRS):
        for (reader, writer), (_, raw), times in zip(
            connections, (first, second), taken, strict=True
        ):
            started = time.perf_counter()
            writer.write(raw)
            await load.read_answer(reader)
            if number >= _WARM_UP:
                times.append((time.perf_counter() - started) * 1000)
    for _, writer in connections:
        writer.close()
    return taken

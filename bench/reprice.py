"""``acm reprice``: processor time for calls that all change, and for calls that all stay.

The calls have usage of their own each, as dense as a million in 30 days, of several models.
Measured on the whole command. ``ACM_BENCH_CALLS=1000000`` measures another number of them.
"""

import os
import random
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from acm_addon.booking import book
from acm_addon.home import Home
from acm_addon.ledger.sqlite import SqliteLedger
from acm_addon.model import Attribution, Entrance, Entry, Exchange, Usage, UsageSource, new_id
from acm_addon.pricing import PriceTable
from bench.commands import acm

_CALLS = 100_000
_BATCH = 2_000
_SECONDS_APART = 2.592
"""On average: a million calls in 30 days."""
_START = datetime(2026, 10, 20, tzinfo=UTC)
_MODELS = (
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-mini"),
    ("openai", "gpt-5-mini"),
    ("anthropic", "claude-sonnet-4-5"),
)


def main() -> None:
    calls = int(os.environ.get("ACM_BENCH_CALLS", _CALLS))
    print(f"Reprice: {calls:,} calls, processor time of the whole command")
    with tempfile.TemporaryDirectory(prefix="acm-bench-") as folder:
        home = Home(Path(folder)).ensure()
        _fill(home, calls)
        for name, discount in (("all change", "10"), ("none changes", None)):
            if discount:
                acm(home.root, "prices", "set", "--discount", discount)
            seconds, _ = acm(home.root, "reprice", "--yes")
            print(f"  {name:<12}  {seconds:,.1f} s, {seconds / calls * 1e6:,.0f} s for a million")
        seconds, _ = acm(home.root, "prices", "verify")
        print(f"  {'verify':<12}  {seconds / calls * 1e6:,.0f} s for a million")


def _fill(home: Home, calls: int) -> None:
    chance = random.Random(1)
    table = PriceTable.current()
    table.freeze(home.prices)
    times = sorted(chance.uniform(0, _SECONDS_APART * calls) for _ in range(calls))
    with closing(SqliteLedger(home.ledger)) as ledger:
        for start in range(0, calls, _BATCH):
            ledger.book(
                [_entry(chance, seconds, table) for seconds in times[start : start + _BATCH]], {}
            )


def _entry(chance: random.Random, seconds: float, table: PriceTable) -> Entry:
    time = _START + timedelta(seconds=seconds)
    provider, model = chance.choice(_MODELS)
    tokens = chance.randint(50, 20_000)
    exchange = Exchange(
        id=new_id(time.timestamp()),
        time=time,
        entrance=Entrance.FORWARD,
        provider=provider,
        endpoint="chat.completions",
        attribution=Attribution(tags={"feature": chance.choice(("search", "chat"))}),
        upstream=provider,
        model=model,
        status=200,
        latency_ms=chance.randint(200, 20_000),
    )
    usage = {
        "input_tokens": tokens,
        "cache_read_tokens": tokens // 3,
        "output_tokens": chance.randint(1, 2_000),
    }
    return book(exchange, Usage(usage, UsageSource.REPORTED), table, provider)


if __name__ == "__main__":
    main()

"""``python -m bench.fill_ledger CALLS``: a ledger in ``ACM_HOME`` with that many made-up calls."""

import random
import sys
from datetime import timedelta
from decimal import Decimal

from acm_addon.home import acm_home
from acm_addon.ledger.sqlite import SqliteLedger
from acm_addon.model import (
    Attribution,
    Completeness,
    CostLine,
    Entrance,
    Entry,
    PriceStatus,
    UsageSource,
    new_id,
    utc_now,
)

_DAYS = 30
_BATCH = 1000
_MODELS = (("openai", "gpt-4o"), ("openai", "gpt-5-mini"), ("anthropic", "claude-sonnet-4-5"))


def main() -> None:
    calls = int(sys.argv[1])
    ledger = SqliteLedger(acm_home().ensure().ledger)
    chance = random.Random(1)
    for _ in range(0, calls, _BATCH):
        ledger.book([_entry(chance) for _ in range(_BATCH)], {})
    ledger.close()


def _entry(chance: random.Random) -> Entry:
    time = utc_now() - timedelta(seconds=chance.uniform(0, _DAYS * 86_400))
    provider, model = chance.choice(_MODELS)
    tokens = chance.randint(50, 20_000)
    amount = tokens * 2_500
    line = CostLine(f"{provider}/{model}", "input_tokens", tokens, Decimal("0.0000025"), amount)
    return Entry(
        id=new_id(time.timestamp()),
        time=time,
        latency_ms=chance.randint(200, 20_000),
        first_byte_ms=chance.randint(100, 2_000),
        entrance=Entrance.FORWARD,
        provider=provider,
        endpoint="chat.completions",
        requested_model=model,
        model=model,
        tier=None,
        region=None,
        project=Attribution().project,
        key=None,
        tags={},
        status=200,
        stream=True,
        request_id=None,
        object_id=None,
        usage={"input_tokens": tokens},
        usage_source=UsageSource.REPORTED,
        completeness=Completeness.COMPLETE,
        price_status=PriceStatus.PRICED,
        cost=amount,
        computed_cost=amount,
        provider_cost=None,
        known_cost=amount,
        lines=(line,),
        price_version="bench",
        reason=None,
    )


if __name__ == "__main__":
    main()

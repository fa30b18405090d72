"""How long one call takes to price: the bill of a usage, with the plan at hand as in a proxy."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from acm_addon.model import Quantities, Usage
from acm_addon.pricing import PriceTable, price

_ROUNDS = 1_000
_CALLS_A_ROUND = 20
"""Reading the clock takes a good part of what one call does."""
_AT = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)

_CALLS: Mapping[str, tuple[str, str, Quantities, Mapping[str, str]]] = {
    "a plain chat": ("openai", "gpt-4o", {"input_tokens": 900, "output_tokens": 120}, {}),
    "a cached chat with a tier": (
        "openai",
        "gpt-5.4",
        {
            "input_tokens": 9000,
            "cache_read_tokens": 8000,
            "output_tokens": 500,
            "output_reasoning_tokens": 300,
        },
        {"service_tier": "priority"},
    ),
    "an agent's turn": (
        "anthropic",
        "claude-opus-4-6",
        {
            "input_tokens": 90_000,
            "cache_read_tokens": 80_000,
            "cache_write_tokens": 6_000,
            "cache_write_5m_tokens": 6_000,
            "cache_write_1h_tokens": 0,
            "output_tokens": 1_500,
            "web_searches": 1,
        },
        {"service_tier": "standard", "inference_geo": "us"},
    ),
    "an image": ("openai", "dall-e-3", {"images": 1}, {"size": "1024x1024", "quality": "hd"}),
}


def main() -> None:
    """Microseconds of processor time for one call, at the median of many."""
    table = PriceTable.current()
    print("price one call (goal: at most 20 µs at the median)")
    for name, (provider, model, quantities, context) in _CALLS.items():
        usage = Usage(quantities)

        def once(
            usage: Usage = usage,
            provider: str = provider,
            model: str = model,
            context: Mapping[str, str] = context,
        ) -> None:
            price(
                usage,
                provider=provider,
                model=model,
                at=_AT,
                context=context,
                table=table,
                project="shop",
            )

        print(f"  {name}: {_median_microseconds(once):.1f} µs")


def _median_microseconds(once: Callable[[], None]) -> float:
    once()
    gc.disable()
    try:
        times = []
        for _ in range(_ROUNDS):
            start = time.thread_time_ns()
            for _ in range(_CALLS_A_ROUND):
                once()
            times.append((time.thread_time_ns() - start) / _CALLS_A_ROUND)
    finally:
        gc.enable()
    return statistics.median(times) / 1000

"""Requests per second through one worker, against stock mitmdump with an empty addon."""

import asyncio
import statistics

from bench import load, servers

_ROUNDS = 5
_SECONDS = 3.0


def main() -> None:
    print("Requests per second: acm with accounting on / stock mitmdump with an empty addon")
    with (
        servers.upstream() as upstream,
        servers.acm(upstream) as acm,
        servers.mitmdump(upstream) as stock,
    ):
        for connections in (1, 32):
            _compare(acm, stock, connections)


def _compare(acm: int, stock: int, connections: int) -> None:
    ratios: list[float] = []
    for round_number in range(_ROUNDS + 1):
        ours = _measure(acm, "/openai/v1/chat/completions", connections)
        theirs = _measure(stock, "/v1/chat/completions", connections)
        if round_number:  # the first warms both up
            ratios.append(ours.requests_per_second / theirs.requests_per_second)
    print(
        f"  {connections:>2} connections: {statistics.median(ratios):.2f}x"
        f" (min {min(ratios):.2f}, max {max(ratios):.2f}; last round"
        f" {ours.requests_per_second:.0f}/s p50 {ours.median_ms:.2f} ms p99 {ours.p99_ms:.2f} ms"
        f" against {theirs.requests_per_second:.0f}/s p50 {theirs.median_ms:.2f} ms"
        f" p99 {theirs.p99_ms:.2f} ms)"
    )


def _measure(port: int, path: str, connections: int) -> load.Result:
    return asyncio.run(load.throughput(port, load.request(path), connections, _SECONDS))

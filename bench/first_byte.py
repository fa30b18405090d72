"""Time to the first streamed byte: through acm, against a direct call, in turn."""

import asyncio
import statistics

from bench import load, servers

_PAIRS = 40


def main() -> None:
    print("Added time to the first streamed byte (one stream, new connection each)")
    with servers.upstream() as upstream, servers.acm(upstream) as acm:
        direct: list[float] = []
        through: list[float] = []
        for _ in range(_PAIRS):
            direct.append(_measure(upstream, "/v1/chat/completions"))
            through.append(_measure(acm, "/openai/v1/chat/completions"))
    added = [b - a for a, b in zip(direct, through, strict=True)]
    print(
        f"  median {statistics.median(added):.2f} ms added"
        f" (direct {statistics.median(direct):.2f} ms, through acm"
        f" {statistics.median(through):.2f} ms, worst pair {max(added):.2f} ms)"
    )


def _measure(port: int, path: str) -> float:
    return asyncio.run(load.first_byte_ms(port, load.request(path, stream=True)))

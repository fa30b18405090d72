"""``python -m bench.proxy PORT UPSTREAM_PORT``: the real proxy, its OpenAI on plain loopback HTTP.

Both proxies under measurement then do the same work: plain HTTP on both sides.
"""

import sys
from dataclasses import dataclass

from acm_addon import providers
from acm_addon.providers.base import Origin
from acm_addon.providers.openai import OPENAI, OpenAI


@dataclass(frozen=True, slots=True)
class LocalOpenAI(OpenAI):
    """OpenAI, played by a server of ours."""

    port: int = 0

    @property
    def origin(self) -> Origin:
        return Origin("127.0.0.1", "http", self.port)


def main() -> None:
    port, upstream_port = sys.argv[1:3]
    local = LocalOpenAI(port=int(upstream_port))
    providers.PROVIDERS = tuple(
        local if provider is OPENAI else provider for provider in providers.PROVIDERS
    )
    from acm_addon.__main__ import main as serve

    sys.argv = ["acm_addon", "--port", port]
    sys.exit(serve())


if __name__ == "__main__":
    main()

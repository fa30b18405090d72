"""``python -m bench.proxy PORT UPSTREAM_PORT``: the real proxy, its OpenAI on plain loopback HTTP.

Both proxies under measurement then do the same work: plain HTTP on both sides.
"""

import dataclasses
import sys

from acm_addon import providers


def main() -> None:
    port, upstream_port = sys.argv[1:3]
    providers.PROVIDERS = tuple(
        dataclasses.replace(provider, upstream=f"http://127.0.0.1:{upstream_port}")
        if provider.name == "openai"
        else provider
        for provider in providers.PROVIDERS
    )
    from acm_addon.__main__ import main as serve

    sys.argv = ["acm_addon", "--port", port]
    sys.exit(serve())


if __name__ == "__main__":
    main()

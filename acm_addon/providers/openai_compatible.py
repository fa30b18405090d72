"""Providers that speak OpenAI's API at hosts of their own, one line a member.

- Cached input is inside input, under several names (``openai_usage`` reads them all).
- Reasoning is inside output, but for xAI chat, where total minus prompt is the output, and
  Perplexity's deep research, which states reasoning and citations apart.
- Streams carry usage in the last chunk where asked; Groq also in ``x_groq``, Perplexity and a few
  others in every chunk.
- Billed besides tokens: searches and other server-side tools. OpenRouter, Perplexity, and xAI state
  the whole cost of a call, which is booked before anything that we compute.
- Credential: ``Authorization: Bearer``. Gateway and forward entrance both work.
"""

import re

from acm_addon.providers.openai import METERED_PATHS, OpenAIShaped

_FREE = re.compile(r"/(?:files|uploads|models)(?:/.*)?|/(?:batches|batch/jobs)/.*")
"""Only what creates nothing with any of them; moderations, for one, cost money at Mistral."""


def _member(
    name: str,
    host: str,
    price_provider: str,
    *,
    prefixes: tuple[str, ...] = ("/v1",),
    more_hosts: tuple[str, ...] = (),
    more_metered: dict[str, str] | None = None,
) -> OpenAIShaped:
    return OpenAIShaped(
        name=name,
        hosts=(host, *more_hosts),
        price_provider=price_provider,
        prefixes=prefixes,
        metered={**METERED_PATHS, **(more_metered or {})},
        free=_FREE,
    )


FAMILY: tuple[OpenAIShaped, ...] = (
    _member("cerebras", "api.cerebras.ai", "cerebras"),
    _member("deepseek", "api.deepseek.com", "deepseek", prefixes=("/v1", "/beta")),
    _member("fireworks", "api.fireworks.ai", "fireworks", prefixes=("/inference/v1",)),
    _member("groq", "api.groq.com", "groq", prefixes=("/openai/v1",)),
    _member(
        "mistral",
        "api.mistral.ai",
        "mistral",
        more_hosts=("codestral.mistral.ai",),
        more_metered={
            "/fim/completions": "fim.completions",
            "/agents/completions": "agents.completions",
        },
    ),
    _member("moonshot", "api.moonshot.ai", "moonshotai", more_hosts=("api.moonshot.cn",)),
    _member("openrouter", "openrouter.ai", "openrouter", prefixes=("/api/v1",)),
    _member("perplexity", "api.perplexity.ai", "perplexity"),
    _member("together", "api.together.xyz", "together", more_hosts=("api.together.ai",)),
    _member(
        "xai",
        "api.x.ai",
        "x-ai",
        more_hosts=("*.api.x.ai",),
        more_metered={"/images/generations": "images.generations"},
    ),
    _member("zai", "api.z.ai", "zai", prefixes=("/api/paas/v4", "/api/coding/paas/v4", "/api/v1")),
)

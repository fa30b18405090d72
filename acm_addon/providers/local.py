"""Servers on one's own machine, and Ollama's in the cloud: counted, and free of charge at home.

- OpenAI's protocol (``/v1``): cached input inside input, reasoning inside output; usage in a
  stream's last chunk.
- Ollama's own (``/api``): ``prompt_eval_count`` and ``eval_count``, in the last line of a stream.
- Nothing is billed: rows have usage and cost 0, ``price_status`` is ``free``. Ollama's cloud is
  billed by plan, which no response says.
- Credential: none, or ``Authorization: Bearer``. The gateway alone leads there: what goes to this
  machine passes every proxy by.
"""

from collections.abc import Mapping

from acm_addon.model import FREE_OF_CHARGE
from acm_addon.providers.base import Access, Origin
from acm_addon.providers.compatible import EVERYTHING, MESSAGES, Compatible
from acm_addon.providers.openai_elsewhere import METERED_PATHS

SERVED: Mapping[str, str] = {
    **METERED_PATHS,
    "/messages": MESSAGES,
    "/rerank": "rerank",
    "/api/chat": "chat",
    "/api/generate": "generate",
    "/api/embed": "embed",
    "/api/embeddings": "embed",
}
"""What such servers generate, by path."""
_NO_CREDENTIAL = Access(
    credential="none, or Authorization: Bearer",
    notes="Gateway alone: clients go around a proxy to reach this machine.",
)


def _local(name: str, port: int) -> Compatible:
    """A server at its usual port."""
    return Compatible(
        name,
        (),
        FREE_OF_CHARGE,
        metered=SERVED,
        free=EVERYTHING,
        at=Origin("127.0.0.1", "http", port),
        reach=_NO_CREDENTIAL,
    )


LOCAL = (
    _local("gpustack", 80),
    _local("llamacpp", 8080),
    _local("lmstudio", 1234),
    _local("ollama", 11434),
    _local("vllm", 8000),
)
OLLAMA_CLOUD = Compatible(
    "ollama-cloud",
    ("ollama.com",),
    "ollama-cloud",
    metered=SERVED,
    reach=Access(notes="Billed by plan: what a call costs is not known."),
)

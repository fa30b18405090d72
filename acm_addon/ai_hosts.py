"""Hosts of AI providers whose traffic is not metered yet: it is passed on unread, and counted.

A host is counted by the pattern that it matches, for the names of Vertex and Bedrock hosts
hold a region. A provider module that comes to open one of them makes its line here void.
"""

_HOSTS = (
    "api.ai21.com",
    "api.assemblyai.com",
    "api.cohere.ai",
    "api.cohere.com",
    "api.deepgram.com",
    "api.deepinfra.com",
    "api.elevenlabs.io",
    "api.endpoints.anyscale.com",
    "api.hyperbolic.xyz",
    "api.inference.huggingface.co",
    "api.jina.ai",
    "api.lumalabs.ai",
    "api.minimax.io",
    "api.novita.ai",
    "api.replicate.com",
    "api.runwayml.com",
    "api.sambanova.ai",
    "api.stability.ai",
    "api.voyageai.com",
    "aiplatform.googleapis.com",
    "dashscope.aliyuncs.com",
    "dashscope-intl.aliyuncs.com",
    "fal.run",
    "integrate.api.nvidia.com",
    "models.github.ai",
    "models.inference.ai.azure.com",
    "queue.fal.run",
    "router.huggingface.co",
)
_SUFFIXES = ("-aiplatform.googleapis.com",)
_BEDROCK = ("bedrock-runtime.", ".amazonaws.com")


def ai_host(host: str) -> str | None:
    """The pattern of a known AI host, such as ``*.openai.azure.com``; None for every other host."""
    host = host.lower().rstrip(".")
    if host in _HOSTS:
        return host
    if host.startswith(_BEDROCK[0]) and host.endswith(_BEDROCK[1]):
        return "*".join(_BEDROCK)
    return next((f"*{suffix}" for suffix in _SUFFIXES if host.endswith(suffix)), None)

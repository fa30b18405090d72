"""Hosts of AI providers whose traffic is not metered yet: it is passed on unread, and counted.

A provider module that comes to open one of them makes its line here void.
"""

_HOSTS = (
    "api.ai21.com",
    "api.deepinfra.com",
    "api.endpoints.anyscale.com",
    "api.hyperbolic.xyz",
    "api.inference.huggingface.co",
    "api.jina.ai",
    "api.lumalabs.ai",
    "api.minimax.io",
    "api.novita.ai",
    "api.runwayml.com",
    "api.sambanova.ai",
    "api.stability.ai",
    "api.voyageai.com",
    "dashscope.aliyuncs.com",
    "dashscope-intl.aliyuncs.com",
    "integrate.api.nvidia.com",
    "models.github.ai",
    "models.inference.ai.azure.com",
    "router.huggingface.co",
)


def ai_host(host: str) -> str | None:
    """The name of a known AI host; None for every other host."""
    host = host.lower().rstrip(".")
    return host if host in _HOSTS else None

"""Hosts of AI providers whose traffic is not metered yet: it is passed on unread, and counted.

A host is counted by the pattern that it matches, for the names of Azure hosts are the
user's own. A provider module that comes to open one of them makes its line here void.
"""

_HOSTS = (
    "api.endpoints.anyscale.com",
    "api.lumalabs.ai",
    "api.runwayml.com",
    "api.stability.ai",
)
_SUFFIXES = (
    ".cognitiveservices.azure.com",
    ".inference.ai.azure.com",
    ".openai.azure.com",
    ".services.ai.azure.com",
)


def ai_host(host: str) -> str | None:
    """The pattern of a known AI host, such as ``*.openai.azure.com``; None for every other host."""
    host = host.lower().rstrip(".")
    if host in _HOSTS:
        return host
    return next((f"*{suffix}" for suffix in _SUFFIXES if host.endswith(suffix)), None)

"""Hosts of AI providers whose traffic is not metered yet: it is passed on unread, and counted.

A provider module that comes to open one of them makes its line here void.
"""

_HOSTS = (
    "api.endpoints.anyscale.com",
    "api.lumalabs.ai",
    "api.runwayml.com",
    "api.stability.ai",
)


def ai_host(host: str) -> str | None:
    """The name of a known AI host; None for every other host."""
    host = host.lower().rstrip(".")
    return host if host in _HOSTS else None

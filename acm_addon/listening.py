"""Which addresses the proxy may listen on: this machine's own, or all with tokens required."""

import ipaddress

from acm_addon.control import settings
from acm_addon.control.store import ControlStore
from acm_addon.home import Home
from acm_addon.presence import StartError


def is_loopback(host: str) -> bool:
    """Whether an address to listen on is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check(home: Home, host: str) -> None:
    """Raises StartError where other machines would reach a proxy that asks them for nothing."""
    if is_loopback(host):
        return
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise StartError(
            f"{host!r} is no address to listen on", "give an IP address, such as 0.0.0.0"
        ) from None
    with ControlStore(home) as store:
        required = settings.get(store, settings.REQUIRE_TOKEN)
    if not required:
        raise StartError(
            f"acm does not listen on {host} without tokens: other machines could use it",
            "`acm config set require-token on` first, and `acm project token new` for each project",
        )

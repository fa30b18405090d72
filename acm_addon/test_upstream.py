"""The switch for tests and the demo: every provider host is played by one local server.

It is an option of the process alone, it takes loopback addresses only, and it is loud: in the log
at the start, in the state file, and so in ``acm status``.
"""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from mitmproxy.connection import Address, Server

from acm_addon.errors import AcmError
from acm_addon.routing import Directory


@dataclass(slots=True)
class TestUpstream:
    """Where provider hosts are played, and the root certificate that signs for them."""

    __test__ = False

    address: tuple[str, int]
    root: Path
    _meant: dict[str, Address] = field(default_factory=dict)

    @classmethod
    def parse(cls, address: str, root: str | None) -> "TestUpstream":
        """From ``HOST:PORT`` and a PEM file.

        Raises AcmError for an address that is not loopback, and for a missing root.
        """
        host, _, port = address.rpartition(":")
        try:
            loopback = ipaddress.ip_address(host).is_loopback
            number = int(port)
        except ValueError:
            raise AcmError(
                "--test-upstream takes an address and a port", "for example 127.0.0.1:8443"
            ) from None
        if not loopback:
            raise AcmError(
                "--test-upstream takes a loopback address only",
                "it exists for tests and the demo; leave it out to reach the real providers",
            )
        if root is None or not Path(root).is_file():
            raise AcmError(
                "--test-upstream needs a readable --test-upstream-ca",
                "name the PEM file of the root that signs for the local server",
            )
        return cls((host, number), Path(root))

    def redirect(self, server: Server, directory: Directory) -> None:
        """Connect a provider's connection to the local server."""
        if server.address and directory.of_host(server.address[0]):
            self._meant[server.id] = server.address
            server.address = self.address

    def restore(self, server: Server) -> None:
        """Give the connection its name back, so that certificates are checked against it."""
        if meant := self._meant.pop(server.id, None):
            # mitmproxy forbids the change on an open connection; only the label changes here.
            server.__dict__["address"] = meant

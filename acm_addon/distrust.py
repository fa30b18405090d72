"""Clients that do not trust our authority: they break off, and their calls never happen.

Most say so with a TLS alert. Node judges the certificate late and leaves without a word, in the
handshake or after it; so do clients that open a connection in advance and never use it.
"""

from mitmproxy import connection, tls

from acm_addon.counters import Counters, add
from acm_addon.routing import Directory

_ALERTS = ("unknown ca", "bad certificate", "certificate unknown")
"""What OpenSSL calls the alerts of a client that rejects a certificate."""
_GONE = "The client disconnected during the handshake."
"""How mitmproxy speaks of a client that hangs up when it has seen our certificate."""


class Distrust:
    """Counts by provider host. Holds a name for each open TLS connection that has not spoken."""

    def __init__(self, counters: Counters, directory: Directory) -> None:
        self._counters = counters
        self._directory = directory
        self._silent: dict[str, str] = {}
        """Provider host by the connection's id."""

    def handshake_failed(self, data: tls.TlsData) -> None:
        host, error = self._provider_host(data), data.conn.error or ""
        if host and any(alert in error for alert in _ALERTS):
            add(self._counters.rejected_ca, host)
        elif host and error.startswith(_GONE):
            add(self._counters.silent, host)

    def opened(self, data: tls.TlsData) -> None:
        """The handshake is done."""
        if host := self._provider_host(data):
            self._silent[data.conn.id] = host

    def spoke(self, client: connection.Client) -> None:
        """A request came: the client took the certificate."""
        self._silent.pop(client.id, None)

    def closed(self, client: connection.Client) -> None:
        if host := self._silent.pop(client.id, None):
            add(self._counters.silent, host)

    def _provider_host(self, data: tls.TlsData) -> str | None:
        """The provider's host that the client asked for, as the provider's module writes it."""
        address = data.context.server.address
        asked = data.context.client.sni or (address[0] if address else "")
        return self._directory.declared_host(asked)

"""What a connection speaks: HTTP that we follow, or a tunnel that we pass on unread."""

from collections.abc import Callable
from typing import ClassVar

from mitmproxy import tls
from mitmproxy.addons.next_layer import NextLayer
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers import TCPLayer
from mitmproxy.proxy.layers.http import HttpStream

from acm_addon.ai_hosts import ai_host
from acm_addon.routing import Directory
from acm_addon.server import speak_json


class Closed(layer.Layer):
    """Ends the connection: what it speaks can carry no token."""

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        if isinstance(event, events.Start):
            yield commands.CloseConnection(self.context.client)


class Layers(NextLayer):
    """mitmproxy's choice, but for tunnels, and with our JSON errors."""

    name: ClassVar[str] = "nextlayer"
    """mitmproxy looks for its own addon under this name."""

    def __init__(
        self,
        tunnelled: Callable[[str | None], None],
        token_required: Callable[[], bool],
        directory: Directory,
    ) -> None:
        """``tunnelled`` is told of each tunnel, with the AI host that it leads to, if any.

        ``token_required`` says whether nothing may reach a provider that carries no token.
        """
        self._tunnelled = tunnelled
        self._token_required = token_required
        self._directory = directory

    def next_layer(self, nextlayer: layer.NextLayer) -> None:
        if self._is_tunnel(nextlayer):
            nextlayer.layer = TCPLayer(nextlayer.context, ignore=True)
            self._tunnelled(ai_host(_destination(nextlayer)))
            return
        super().next_layer(nextlayer)
        if isinstance(nextlayer.layer, TCPLayer):
            # Not HTTP, though it goes to a provider: mitmproxy would collect all of it.
            if self._token_required():
                nextlayer.layer = Closed(nextlayer.context)
                return
            nextlayer.layer = TCPLayer(nextlayer.context, ignore=True)
            self._tunnelled(self._directory.declared_host(_destination(nextlayer)))
        speak_json(nextlayer.layer)

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """A client that resolved names itself asked for an address: its SNI names the host."""
        address = data.context.server.address
        if address is None or self._directory.of_host(address[0]):
            return
        if self._directory.of_host(data.client_hello.sni or "") is None:
            data.ignore_connection = True
            self._tunnelled(ai_host(data.client_hello.sni or ""))

    def _is_tunnel(self, nextlayer: layer.NextLayer) -> bool:
        """Whether a CONNECT has just been answered, to a host that is no provider's."""
        context = nextlayer.context
        if not isinstance(context.layers[-1], HttpStream) or context.server.address is None:
            return False
        tls_first = nextlayer.data_client()[:1] == b"\x16"
        return not self._directory.may_be_provider(context.server.address[0], tls_first)


def _destination(nextlayer: layer.NextLayer) -> str:
    """The host that a connection leads to: by its TLS greeting, else as it was asked for."""
    address = nextlayer.context.server.address
    return nextlayer.context.client.sni or (address[0] if address else "")

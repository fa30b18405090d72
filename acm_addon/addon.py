"""The hooks. Each says what happens at that moment and leaves the work to ``acm_addon.watch``."""

from mitmproxy import http, tls
from mitmproxy.proxy import layer, layers, server_hooks
from mitmproxy.proxy.layers.http import HttpStream

from acm_addon.routing import may_be_provider, provider_of_host
from acm_addon.server import speak_json
from acm_addon.test_upstream import TestUpstream
from acm_addon.watch import Watch


class Acm:
    """mitmproxy's view of acm."""

    def __init__(self, watch: Watch, test_upstream: TestUpstream | None) -> None:
        self._watch = watch
        self._test_upstream = test_upstream

    def next_layer(self, nextlayer: layer.NextLayer) -> None:
        """Tunnel what is not a provider's, unread; everything else gets our JSON errors."""
        context = nextlayer.context
        if isinstance(context.layers[-1], HttpStream) and context.server.address:
            tls_first = nextlayer.data_client()[:1] == b"\x16"
            if not may_be_provider(context.server.address[0], tls_first):
                nextlayer.layer = layers.TCPLayer(context, ignore=True)
                self._watch.tunnelled()
        speak_json(nextlayer.layer)

    def tls_clienthello(self, data: tls.ClientHelloData) -> None:
        """A client that resolved names itself asked for an address: its SNI names the host."""
        address = data.context.server.address
        if address is None or provider_of_host(address[0]):
            return
        if provider_of_host(data.client_hello.sni or "") is None:
            data.ignore_connection = True
            self._watch.tunnelled()

    def http_connect_error(self, flow: http.HTTPFlow) -> None:
        flow.response = self._watch.connect_failed(flow)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        self._watch.request_head(flow)

    def request(self, flow: http.HTTPFlow) -> None:
        self._watch.request_end(flow)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        self._watch.response_head(flow)

    def response(self, flow: http.HTTPFlow) -> None:
        self._watch.response_end(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        self._watch.broken_off(flow)

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        self._watch.websocket_message(flow)

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        self._watch.websocket_end(flow)

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
        if self._test_upstream:
            self._test_upstream.redirect(data.server)

    def server_connected(self, data: server_hooks.ServerConnectionHookData) -> None:
        if self._test_upstream:
            self._test_upstream.restore(data.server)

    def server_connect_error(self, data: server_hooks.ServerConnectionHookData) -> None:
        if self._test_upstream:
            self._test_upstream.restore(data.server)

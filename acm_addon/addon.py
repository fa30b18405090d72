"""The hooks. Each says what happens at that moment and leaves the work to ``acm_addon.watch``."""

from collections.abc import Awaitable

from mitmproxy import connection, http, tls
from mitmproxy.proxy import server_hooks

from acm_addon.distrust import Distrust
from acm_addon.routing import Directory
from acm_addon.test_upstream import TestUpstream
from acm_addon.watch import Watch


class Acm:
    """mitmproxy's view of acm."""

    def __init__(
        self,
        watch: Watch,
        distrust: Distrust,
        directory: Directory,
        test_upstream: TestUpstream | None,
    ) -> None:
        self._watch = watch
        self._directory = directory
        self._distrust = distrust
        self._test_upstream = test_upstream

    def http_connect(self, flow: http.HTTPFlow) -> None:
        self._watch.connect(flow)

    def http_connect_error(self, flow: http.HTTPFlow) -> None:
        flow.response = self._watch.connect_failed(flow)

    def tls_failed_client(self, data: tls.TlsData) -> None:
        self._distrust.handshake_failed(data)

    def tls_established_client(self, data: tls.TlsData) -> None:
        self._distrust.opened(data)

    def client_disconnected(self, client: connection.Client) -> None:
        self._distrust.closed(client)
        self._watch.client_gone(client)

    def requestheaders(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        self._distrust.spoke(flow.client_conn)
        return self._watch.request_head(flow)

    def request(self, flow: http.HTTPFlow) -> Awaitable[None] | None:
        return self._watch.request_end(flow)

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
            self._test_upstream.redirect(data.server, self._directory)

    def server_connected(self, data: server_hooks.ServerConnectionHookData) -> None:
        if self._test_upstream:
            self._test_upstream.restore(data.server)

    def server_connect_error(self, data: server_hooks.ServerConnectionHookData) -> None:
        if self._test_upstream:
            self._test_upstream.restore(data.server)

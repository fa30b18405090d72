"""Small looks at a flow: its heads as providers' modules read them, where it goes, who left it."""

from mitmproxy import http

from acm_addon.model import Reason
from acm_addon.providers.base import Origin, RequestHead, headers_by_name


def plain(headers: http.Headers) -> dict[str, str]:
    """As providers' modules read them."""
    return headers_by_name(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.fields
    )


def head_of(request: http.Request) -> RequestHead:
    headers = plain(request.headers)
    path, _, query = request.path.partition("?")
    upgrade = headers.get("upgrade", "").lower()
    return RequestHead(
        request.method,
        path,
        query,
        request.host,
        headers,
        websocket=request.method == "GET" and upgrade == "websocket",
    )


def send_to(request: http.Request, origin: Origin, path: str) -> None:
    """Redirect a gateway request, leaving its header fields as they are but for Host's value."""
    scheme, host, port = origin.scheme, origin.host, origin.port
    request.data.scheme = scheme.encode()
    request.data.host = host
    request.data.port = port
    request.data.path = path.encode("utf-8", "surrogateescape")
    name = host if port == (443 if scheme == "https" else 80) else f"{host}:{port}"
    request.headers.fields = tuple(
        (key, name.encode() if key.lower() == b"host" else value)
        for key, value in request.headers.fields
    )


def connected(flow: http.HTTPFlow) -> bool:
    """Whether the provider was there to be sent something: connected, and its certificate good."""
    server = flow.server_conn
    done = server.timestamp_tls_setup if server.tls else server.timestamp_tcp_setup
    return done is not None


def who_left(flow: http.HTTPFlow) -> Reason:
    reset = flow.error is not None and flow.error.msg.startswith("stream reset by client")
    if reset or not flow.client_conn.connected:
        return Reason.CLIENT_LEFT
    return Reason.UPSTREAM_FAILED

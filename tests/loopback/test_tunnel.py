"""A host that is no AI provider's is none of our business."""

import socket
import ssl

from cli.standin import StandIn
from tests.loopback.client import PATIENCE
from tests.loopback.harness import LiveProxy


def test_another_host_is_tunnelled_unopened(standin: StandIn, proxy: LiveProxy) -> None:
    """The client sees the host's own certificate, and the ledger nothing."""
    before = len(proxy.settled_rows())
    with socket.create_connection(("127.0.0.1", standin.tls_port), PATIENCE) as direct:
        certificate = peer_certificate(direct, standin)
    with socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as tunnel:
        authority = f"localhost:{standin.tls_port}"
        tunnel.sendall(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
        assert tunnel.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert certificate == peer_certificate(tunnel, standin)
    assert before == len(proxy.settled_rows())


def test_a_tunnel_to_an_address_stays_closed_too(standin: StandIn, proxy: LiveProxy) -> None:
    """An address whose TLS greeting names no provider is passed through unread."""
    with socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as tunnel:
        authority = f"127.0.0.1:{standin.tls_port}"
        tunnel.sendall(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n".encode())
        assert tunnel.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert b"stand-in" in peer_certificate(tunnel, standin)


def peer_certificate(connection: socket.socket, standin: StandIn) -> bytes:
    """The certificate that the other end shows, which must be one of the stand-in's own root."""
    context = ssl.create_default_context(cafile=standin.ca_file)
    with context.wrap_socket(connection, server_hostname="localhost") as tls:
        certificate = tls.getpeercert(binary_form=True)
    assert certificate is not None
    return certificate

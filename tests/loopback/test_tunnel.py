"""A host that is no AI provider's is none of our business."""

import socket
import ssl
import threading

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


def test_a_server_that_speaks_first_is_heard(proxy: LiveProxy) -> None:
    """Mail and databases greet their client; a tunnel that waits for the client would hang."""
    with Greeter() as port, socket.create_connection(("127.0.0.1", proxy.port), PATIENCE) as tunnel:
        tunnel.sendall(f"CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        stream = tunnel.makefile("rwb")
        assert stream.readline().startswith(b"HTTP/1.1 200 ")
        assert b"\r\n" == stream.readline()
        assert b"220 ready\r\n" == stream.readline()
        stream.write(b"\x00\x16not http\r\n")
        stream.flush()
        assert b"\x00\x16not http\r\n" == stream.readline()


class Greeter:
    """A server that greets, and then says what it is told."""

    def __enter__(self) -> int:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return int(self._listener.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self._thread.join(PATIENCE)

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, connection.makefile("rwb") as stream:
            stream.write(b"220 ready\r\n")
            stream.flush()
            stream.write(stream.readline())
            stream.flush()


def peer_certificate(connection: socket.socket, standin: StandIn) -> bytes:
    """The certificate that the other end shows, which must be one of the stand-in's own root."""
    context = ssl.create_default_context(cafile=standin.ca_file)
    with context.wrap_socket(connection, server_hostname="localhost") as tls:
        certificate = tls.getpeercert(binary_form=True)
    assert certificate is not None
    return certificate

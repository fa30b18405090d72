"""A TLS server on a raw socket: it keeps what it gets to the byte, and sends what it is told."""

import contextlib
import queue
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from cli.standin.certificates import make_tls
from cli.standin.families import HOSTS

PATIENCE = 20.0


class TlsServer(ABC):
    """One request and one response a connection, on a port of its own, until the block ends."""

    def __init__(self, folder: Path, hosts: Sequence[str] = HOSTS) -> None:
        self._context, self.ca_file = make_tls(folder, hosts)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._follow, args=(plain,), daemon=True).start()

    def _follow(self, plain: socket.socket) -> None:
        plain.settimeout(PATIENCE)
        with contextlib.suppress(OSError), plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._context.wrap_socket(plain, server_side=True) as connection:
                self._answer(connection)
                connection.unwrap()

    @abstractmethod
    def _answer(self, connection: ssl.SSLSocket) -> None: ...


class RawUpstream(TlsServer):
    """Answers each request with ``response``."""

    def __init__(self, folder: Path, hosts: Sequence[str] = HOSTS) -> None:
        super().__init__(folder, hosts)
        self.response = b"HTTP/1.1 204 No Content\r\n\r\n"
        self.requests: queue.Queue[tuple[bytes, bytes]] = queue.Queue()
        """Head without its blank line, and body without its framing."""

    def request(self) -> tuple[bytes, bytes]:
        """The next request that came."""
        return self.requests.get(timeout=PATIENCE)

    def _answer(self, connection: ssl.SSLSocket) -> None:
        self.requests.put(self._read(connection))
        connection.sendall(self.response)

    def _read(self, connection: ssl.SSLSocket) -> tuple[bytes, bytes]:
        with connection.makefile("rb") as stream:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                line = stream.readline()
                if not line:
                    raise ConnectionAbortedError
                head += line
            lowered = head.lower()
            if b"transfer-encoding: chunked" in lowered:
                body = b""
                while size := int(stream.readline(), 16):
                    body += stream.read(size)
                    stream.readline()
                stream.readline()
            else:
                length = next(
                    (
                        int(line.partition(b":")[2])
                        for line in lowered.split(b"\r\n")
                        if line.startswith(b"content-length:")
                    ),
                    0,
                )
                body = stream.read(length)
            return head.removesuffix(b"\r\n\r\n"), body

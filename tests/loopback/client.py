"""A client on a raw socket: what it sends and what it gets is known to the byte."""

import base64
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from acm_addon.model import Entrance
from acm_addon.routing import BUILT_IN

PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    head: bytes
    """Status line and headers as they came, without the blank line."""
    body: bytes
    """Without its framing; compressed if it came so."""

    @property
    def fields(self) -> list[tuple[str, str]]:
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        return [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.fields if key.lower() == name.lower()), None)


class Connection:
    """One connection to a host, through one of the entrances."""

    def __init__(
        self,
        port: int,
        entrance: Entrance,
        host: str,
        trust: Path | None = None,
        source: str = "127.0.0.1",
        *,
        proxy_user: str = "",
    ) -> None:
        self.entrance, self.host = entrance, host
        self._buffer = bytearray()
        self.socket: socket.socket = socket.create_connection(
            ("127.0.0.1", port), PATIENCE, source_address=(source, 0)
        )
        if entrance is Entrance.FORWARD:
            basic = base64.b64encode(f"{proxy_user}:".encode()).decode()
            user = f"Proxy-Authorization: Basic {basic}\r\n" if proxy_user else ""
            self.socket.sendall(
                f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n{user}\r\n".encode()
            )
            assert b" 200 " in self._head()
            context = ssl.create_default_context(cafile=trust)
            self.socket = context.wrap_socket(self.socket, server_hostname=host)
        self._authority = host if entrance is Entrance.FORWARD else f"127.0.0.1:{port}"

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def target(self, path: str) -> str:
        """A provider's path as it is asked for at this entrance."""
        if self.entrance is Entrance.FORWARD:
            return path
        provider = BUILT_IN.of_host(self.host)
        assert provider is not None
        usual = provider.origin is not None and provider.origin.host == self.host
        return f"/{provider.name}{path}" if usual else f"/{provider.name}/{self.host}{path}"

    def send(
        self,
        path: str,
        body: bytes = b"",
        headers: list[tuple[str, str]] | None = None,
        method: str = "POST",
    ) -> None:
        fields = [("Host", self._authority), *(headers or [])]
        if body:
            fields.append(("Content-Length", str(len(body))))
        self.send_head(f"{method} {self.target(path)} HTTP/1.1", fields)
        self.socket.sendall(body)

    def send_head(self, line: str, fields: list[tuple[str, str]]) -> None:
        lines = [line, *(f"{name}: {value}" for name, value in fields)]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    def ask(
        self,
        path: str,
        body: bytes = b"",
        headers: list[tuple[str, str]] | None = None,
        method: str = "POST",
    ) -> Response:
        self.send(path, body, headers, method)
        return self.read()

    def read(self) -> Response:
        """A whole response."""
        head = self.read_head()
        return Response(head.status, head.head, b"".join(self.body_of(head)))

    def read_head(self) -> Response:
        """A response of which only the head has come."""
        head = self._head()
        return Response(int(head.split(b" ", 2)[1]), head, b"")

    def body_of(self, head: Response) -> Iterator[bytes]:
        """The body in the pieces in which it arrives. Raises EOFError where it is cut off."""
        if (length := head.header("content-length")) is not None:
            yield self.take(int(length))
        elif "chunked" in (head.header("transfer-encoding") or ""):
            while size := int(self._line(), 16):
                yield self.take(size)
                self.take(2)
            self._line()

    def _head(self) -> bytes:
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer[:] = rest
        return head

    def _line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._receive()
        line, _, rest = bytes(self._buffer).partition(b"\r\n")
        self._buffer[:] = rest
        return line

    def take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._receive()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _receive(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(f"the other side closed after {bytes(self._buffer[:200])!r}")
        self._buffer += data

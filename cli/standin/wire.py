"""HTTP/1.1 as far as a stand-in needs it: heads, bodies of a length or in chunks, framing."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

KEPT = 16 * 1024 * 1024
"""Bytes of a request body that are kept; the rest is counted and dropped."""

PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Head:
    """A request line and its headers."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    """Names in lower case."""

    def get(self, name: str) -> str:
        """All values of a header, joined; empty where it is absent."""
        return ", ".join(value for key, value in self.headers if key == name)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Body:
    data: bytes
    """The first ``KEPT`` bytes."""
    size: int


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """The next request on the connection; None when the client has closed it, or sent no HTTP."""
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    line, *rest = raw.decode("latin-1").split("\r\n")[:-2]
    if line.count(" ") < 2:
        return None
    method, target, _ = line.split(" ", 2)
    pairs = (field.partition(":") for field in rest)
    return Head(method, target, tuple((name.lower(), value.strip()) for name, _, value in pairs))


async def read_body(head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Body:
    """The whole request body. Raises IncompleteReadError when the client leaves in its middle."""
    if head.get("expect").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    kept, size = bytearray(), 0

    async def take(length: int) -> None:
        nonlocal size
        while length:
            data = await reader.readexactly(min(length, PIECE))
            kept.extend(data[: max(0, KEPT - len(kept))])
            size += len(data)
            length -= len(data)

    if "chunked" in head.get("transfer-encoding").lower():
        while length := int((await reader.readline()).partition(b";")[0], 16):
            await take(length)
            await reader.readexactly(2)
        while await reader.readline() not in {b"\r\n", b""}:
            pass
    else:
        await take(int(head.get("content-length") or 0))
    return Body(bytes(kept), size)


def head_bytes(status: int, headers: list[tuple[str, str]]) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n" if data else b""

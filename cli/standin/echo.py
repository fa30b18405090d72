"""A websocket that sends back what it gets (RFC 6455), so that pass-through can be tested."""

import asyncio
import base64
import hashlib
import struct

from cli.standin.wire import Head, head_bytes

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CLOSE, PING, PONG = 0x8, 0x9, 0xA


def accept_key(key: str) -> str:
    """The ``Sec-WebSocket-Accept`` value that answers a client's key."""
    digest = hashlib.sha1(key.encode() + MAGIC, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


async def echo(head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection until it is closed."""
    headers = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept_key(head.get("sec-websocket-key"))),
    ]
    writer.write(head_bytes(101, headers))
    while True:
        try:
            first, payload = await read_frame(reader)
        except asyncio.IncompleteReadError:
            return
        opcode = first & 0x0F
        writer.write(frame(first & 0xF0 | (PONG if opcode == PING else opcode), payload))
        await writer.drain()
        if opcode == CLOSE:
            return


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """The first byte (flags and opcode) and the unmasked payload of the next frame."""
    first, second = await reader.readexactly(2)
    length = second & 0x7F
    if length == 126:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
    elif length == 127:
        (length,) = struct.unpack("!Q", await reader.readexactly(8))
    mask = await reader.readexactly(4) if second & 0x80 else bytes(4)
    payload = await reader.readexactly(length)
    return first, bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def frame(first: int, payload: bytes, mask: bytes | None = None) -> bytes:
    """One frame; masked, as clients must, where a mask is given."""
    flag, length = 0x80 if mask else 0, len(payload)
    if length < 126:
        head = struct.pack("!BB", first, flag | length)
    elif length < 65536:
        head = struct.pack("!BBH", first, flag | 126, length)
    else:
        head = struct.pack("!BBQ", first, flag | 127, length)
    if not mask:
        return head + payload
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))

"""Websockets pass through both entrances, frame for frame."""

import base64
import json
import os
import struct

import pytest

from acm_addon.model import Completeness, Reason
from cli.standin.echo import accept_key, frame
from tests.loopback.client import Connection
from tests.loopback.harness import LiveProxy

TEXT, BINARY, CLOSE = 0x81, 0x82, 0x88
MASK = bytes.fromhex("37fa213d")


@pytest.mark.parametrize(
    "payload", [b"short", b"m" * 300, b"l" * 70_000], ids=["7 bit", "16 bit", "64 bit"]
)
def test_an_echo_comes_back(proxy: LiveProxy, connection: Connection, payload: bytes) -> None:
    """Text, binary and control frames return as they went; the row says that it is unmetered."""
    before = {row.id for row in proxy.settled_rows()}
    upgrade(connection, "/v1/unknown")
    for first in (TEXT, BINARY):
        connection.socket.sendall(frame(first, payload, MASK))
        assert (first, payload) == read_message(connection)
    connection.socket.sendall(frame(CLOSE, struct.pack("!H", 1000), MASK))
    assert CLOSE == read_message(connection)[0]
    row = proxy.wait_for(lambda row: row.endpoint == "websocket" and row.id not in before)
    assert row.status == 101
    assert row.reason is Reason.WEBSOCKET
    assert row.cost is None


def test_lesson_15_what_responses_on_a_websocket_consumed_is_booked(
    proxy: LiveProxy, connection: Connection
) -> None:
    """litellm#38674: websockets were logged as 0 tokens. The sum of their usage, whole messages and
    ones in two fragments; one row a connection."""
    before = {row.id for row in proxy.settled_rows()}
    upgrade(connection, "/v1/realtime?model=gpt-realtime")
    usage = {"input_tokens": 40, "output_tokens": 10}
    done = json.dumps({"type": "response.done", "response": {"usage": usage}}).encode()
    connection.socket.sendall(frame(TEXT, done, MASK))
    assert (TEXT, done) == read_message(connection)
    connection.socket.sendall(frame(TEXT & 0x0F, done[:9], MASK) + frame(0x80, done[9:], MASK))
    assert (TEXT, done) == read_message(connection)
    connection.socket.sendall(frame(CLOSE, struct.pack("!H", 1000), MASK))
    assert CLOSE == read_message(connection)[0]
    row = proxy.wait_for(lambda row: row.endpoint == "realtime" and row.id not in before)
    assert {"input_tokens": 80, "output_tokens": 20} == row.usage
    assert ("gpt-realtime", Completeness.COMPLETE, 640_000) == (
        row.model,
        row.completeness,
        row.cost,
    )


def upgrade(connection: Connection, path: str) -> None:
    """Open a websocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    headers = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", key),
    ]
    connection.send(path, headers=headers, method="GET")
    head = connection.read_head()
    assert head.status == 101
    assert accept_key(key) == head.header("sec-websocket-accept")


def read_message(connection: Connection) -> tuple[int, bytes]:
    """The next data or close message: its opcode with FIN, and its payload of all fragments."""
    opcode, payload = 0, b""
    while True:
        first, second = connection.take(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", connection.take(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", connection.take(8))
        payload += connection.take(length)
        opcode = opcode or first & 0x0F
        if first & 0x80:
            return 0x80 | opcode, payload

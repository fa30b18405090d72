"""Every piece of a stream reaches the client before the provider makes the next one."""

import json
import uuid
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard

from cli.standin import StandIn
from tests.loopback.client import Connection
from tests.loopback.harness import LiveProxy

PIECES = 12

DECODERS: dict[str, Callable[[], Callable[[bytes], bytes]]] = {
    "identity": lambda: bytes,
    "gzip": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS).decompress,
    "deflate": lambda: zlib.decompressobj().decompress,
    "br": lambda: brotli.Decompressor().process,
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj().decompress,
}


@pytest.mark.parametrize("coding", sorted(DECODERS))
def test_a_provider_that_waits_for_each_acknowledgement_gets_through(
    coding: str, standin: StandIn, proxy: LiveProxy, connection: Connection
) -> None:
    """The provider sends piece n+1 only once the client has read piece n, to the stream's end."""
    name = f"held-{uuid.uuid4()}"
    ask = {
        "model": name,
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": "Slowly, please."}],
    }
    headers = [
        ("Content-Type", "application/json"),
        ("Accept-Encoding", coding),
        ("x-standin", f"name={name}; hold; pieces={PIECES}"),
    ]
    connection.send("/v1/chat/completions", json.dumps(ask).encode(), headers)
    head = connection.read_head()
    decode, text = DECODERS[coding](), b""
    for data in connection.body_of(head):
        text += decode(data)
        if text.endswith(b"\n\n"):
            standin.release(name)
    expected = None if coding == "identity" else coding
    assert expected == head.header("content-encoding")
    assert text.endswith(b"data: [DONE]\n\n")
    # Role, the pieces, finish, usage, [DONE].
    assert PIECES + 4 == text.count(b"\n\n")
    seen = standin.calls.wait_for(name)
    assert seen.usage == {
        unit: proxy.row_of(name).usage.get(unit, 0) for unit in (seen.usage or {})
    }

"""``python -m bench.upstream``: an HTTP/1.1 server that answers at once.

A request that asks for a stream gets server-sent events, one every few milliseconds; any other gets
one chat completion. Prints its port when it listens.
"""

import asyncio
import json
import sys

_USAGE = {"prompt_tokens": 120, "completion_tokens": 48, "total_tokens": 168}
_BODY = json.dumps(
    {
        "id": "chatcmpl-bench",
        "object": "chat.completion",
        "model": "gpt-4o-2024-08-06",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "word " * 48},
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
    }
).encode()
_JSON = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(_BODY)
) + _BODY
_SSE_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
_EVENTS = 20
_PAUSE_SECONDS = 0.005


class Upstream(asyncio.Protocol):
    """Answers each request whose head and body have arrived."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            length = 0
            if (at := head.find(b"content-length:")) >= 0:
                length = int(head[at + 15 :].split(b"\r\n", 1)[0])
            if len(self._received) < end + 4 + length:
                return
            streamed = b'"stream": true' in self._received[end : end + 4 + length]
            self._received = self._received[end + 4 + length :]
            if streamed:
                self._transport.write(_SSE_HEAD)
                self._stream(0)
            else:
                self._transport.write(_JSON)

    def _stream(self, sent: int) -> None:
        if self._transport.is_closing():
            return
        if sent == _EVENTS:
            usage = json.dumps({"id": "c", "model": "gpt-4o", "choices": [], "usage": _USAGE})
            self._chunk(b"data: " + usage.encode() + b"\n\ndata: [DONE]\n\n")
            self._transport.write(b"0\r\n\r\n")
            return
        event = {"id": "c", "model": "gpt-4o", "choices": [{"delta": {"content": "word "}}]}
        self._chunk(b"data: " + json.dumps(event).encode() + b"\n\n")
        asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._stream, sent + 1)

    def _chunk(self, data: bytes) -> None:
        self._transport.write(b"%x\r\n%s\r\n" % (len(data), data))


async def _main() -> None:
    server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    sys.exit(asyncio.run(_main()))

"""A load generator on plain sockets: keep-alive connections, one request at a time on each."""

import asyncio
import json
import statistics
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    requests_per_second: float
    median_ms: float
    p99_ms: float


def request(path: str, stream: bool = False, headers: str = "") -> bytes:
    """A chat completion request, as bytes. ``headers`` are further lines of its head."""
    message = {"role": "user", "content": "a word " * 100}
    body = json.dumps({"model": "gpt-4o", "stream": stream, "messages": [message]}).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: api.openai.com\r\nauthorization: Bearer bench\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    )
    return head.encode() + body


async def throughput(port: int, raw: bytes, connections: int, seconds: float) -> Result:
    """Send ``raw`` over and over on every connection, and count the answers."""
    durations: list[float] = []
    deadline = time.perf_counter() + seconds

    async def drive() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (started := time.perf_counter()) < deadline:
            writer.write(raw)
            await read_answer(reader)
            durations.append(time.perf_counter() - started)
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(drive() for _ in range(connections)))
    elapsed = time.perf_counter() - started
    quantiles = statistics.quantiles(durations, n=100)
    return Result(len(durations) / elapsed, quantiles[49] * 1000, quantiles[98] * 1000)


async def first_byte_ms(port: int, raw: bytes) -> float:
    """Milliseconds from a request's last byte to the first body byte of its streamed answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        started = time.perf_counter()
        writer.write(raw)
        await reader.readuntil(b"\r\n\r\n")
        await reader.read(1)
        elapsed = time.perf_counter() - started
        await reader.readuntil(b"0\r\n\r\n")
        return elapsed * 1000
    finally:
        writer.close()


async def read_answer(reader: asyncio.StreamReader) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError("the answer is not a 200")
    length = int(head[head.index(b"content-length:") + 15 :].split(b"\r\n", 1)[0])
    await reader.readexactly(length)

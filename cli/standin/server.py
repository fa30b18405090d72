"""The stand-in itself: two ports, a count of the calls it has seen, and its own thread.

``GET /standin/calls`` gives the count as JSON; ``StandIn.calls`` is it in the same process.
"""

import asyncio
import contextlib
import dataclasses
import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from cli.standin import wire
from cli.standin.answer import Answer, Ask, as_json
from cli.standin.certificates import make_tls
from cli.standin.echo import echo
from cli.standin.encoding import Encoder, choose_encoder
from cli.standin.families import HOSTS, Family, family_of, read_json
from cli.standin.script import HEADER, Script, parse_script
from cli.standin.seen import Calls, Seen

CONTROL = "/standin/calls"
READ_LIMIT = 256 * 1024
"""Bytes of a request head that we take."""


class StandIn:
    """``with StandIn(folder) as standin:`` serves on 127.0.0.1 until the block ends.

    ``folder`` gets ``standin-ca.pem``, the root to trust. ``hosts`` are the names that its
    certificate is valid for. ``first_byte`` and ``between`` are seconds to wait before a body and
    between its pieces, so that a demonstration looks alive.
    """

    def __init__(
        self,
        folder: Path,
        hosts: Sequence[str] = HOSTS,
        *,
        first_byte: float = 0.0,
        between: float = 0.0,
    ) -> None:
        self._tls, self.ca_file = make_tls(folder, hosts)
        self._first_byte, self._between = first_byte, between
        self._numbers = itertools.count(1)
        self.calls = Calls()
        self._gates: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(0))
        self._loop = asyncio.new_event_loop()
        self._stopping: asyncio.Event = asyncio.Event()
        self._ready = threading.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="stand-in", daemon=True)
        self.plain_port = self.tls_port = 0

    # In the caller's thread.

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    @property
    def plain_url(self) -> str:
        return f"http://127.0.0.1:{self.plain_port}"

    def release(self, name: str) -> None:
        """Let a held call send its next piece."""
        self._loop.call_soon_threadsafe(self._release, name)

    # In the stand-in's thread.

    def _release(self, name: str) -> None:
        self._gates[name].release()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        plain = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=READ_LIMIT)
        tls = await asyncio.start_server(
            self._connected, "127.0.0.1", 0, limit=READ_LIMIT, ssl=self._tls
        )
        self.plain_port, self.tls_port = (
            server.sockets[0].getsockname()[1] for server in (plain, tls)
        )
        self._ready.set()
        await self._stopping.wait()
        for server in (plain, tls):
            server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while (head := await wire.read_head(reader)) and await self._answer(
                head, reader, writer
            ):
                pass
        writer.close()

    async def _answer(
        self, head: wire.Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request. False when the connection is over."""
        if head.get("upgrade").lower() == "websocket":
            await echo(head, reader, writer)
            return False
        try:
            script = parse_script(head.get(HEADER))
        except ValueError as error:
            script = Script(status=400, say=str(error))
        family = family_of(head)
        number = next(self._numbers)
        if family.billable(head.method, head.path):
            self.calls.put(Seen(number, script.name, family.name, head.path))
        body = await wire.read_body(head, reader, writer)
        if script.die_before_headers:
            writer.transport.abort()
            return False
        if script.never_answer:
            await reader.read()
            return False
        if script.bad_http:
            writer.write(f"HTTP/1.1 okay {script.say}\r\n{script.say}\r\n\r\n".encode())
            return False
        if head.path == CONTROL:
            calls = [dataclasses.asdict(seen) for seen in self.calls.all()]
            answer = Answer([as_json({"calls": calls})])
        else:
            answer = _make_answer(head, body, family, script, number)
        self.calls.update(
            number,
            status=answer.status,
            object_id=answer.object_id,
            model=answer.model,
            usage=answer.usage,
        )
        going_on = await self._send(head, answer, script, number, writer)
        self.calls.update(number, finished=going_on)
        return going_on

    async def _send(
        self,
        head: wire.Head,
        answer: Answer,
        script: Script,
        number: int,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Send head and pieces, each compressed and flushed. False when it was cut short."""
        accepted = "gzip" if script.truncate_gzip else head.get("accept-encoding")
        encoder = choose_encoder(accepted)
        await asyncio.sleep(self._first_byte)
        writer.write(wire.head_bytes(answer.status, _headers(answer, encoder, number)))
        left = script.die_after_bytes
        for index, piece in enumerate(answer.pieces):
            await self._pause(index, script)
            data = encoder.push(piece)
            if script.truncate_gzip and index == len(answer.pieces) - 1:
                data = data[: len(data) // 2]
            if left is not None and len(data) >= left:
                writer.write(wire.chunk(data[:left]))
                return False
            left = None if left is None else left - len(data)
            writer.write(wire.chunk(data))
            await writer.drain()
        end = b"" if script.truncate_gzip else encoder.finish()
        writer.write(wire.chunk(end) + b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _pause(self, index: int, script: Script) -> None:
        if script.hold and index:
            assert script.name is not None, "a held call needs a name to be released by"
            await self._gates[script.name].acquire()
        if delay := script.slow / 1000 or (self._between if index else 0):
            await asyncio.sleep(delay)


def _make_answer(
    head: wire.Head, body: wire.Body, family: Family, script: Script, number: int
) -> Answer:
    if script.status is not None:
        return family.error(script.status, script.say or "The stand-in was asked to fail.")
    value = read_json(body, head.get("content-type"))
    if value is None:
        return family.error(400, "We could not parse the JSON body of your request.")
    ask = Ask(
        head.path,
        head.query,
        dict(head.headers),
        value,
        body.size,
        number,
        int(time.time()),
        script,
    )
    answer = family.answer(head.method, ask)
    if script.malformed_json:
        whole = b"".join(answer.pieces)
        return dataclasses.replace(answer, pieces=[whole[: len(whole) // 2] + b"\x00{"], usage=None)
    return answer


def _headers(answer: Answer, encoder: Encoder, number: int) -> list[tuple[str, str]]:
    headers = [
        ("Date", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())),
        ("Content-Type", answer.content_type),
        ("Transfer-Encoding", "chunked"),
        ("x-request-id", f"req_standin{number:08d}"),
        *answer.headers,
    ]
    if encoder.name != "identity":
        headers.append(("Content-Encoding", encoder.name))
    return headers

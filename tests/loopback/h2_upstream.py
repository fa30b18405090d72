"""A provider that speaks HTTP/2: it translates for a stand-in, which does not."""

import asyncio
import contextlib
import ssl
import threading
from pathlib import Path
from typing import Self

import h2.config
import h2.connection
import h2.events

from cli.standin import StandIn
from cli.standin.certificates import make_tls
from cli.standin.families import HOSTS


class Http2Upstream:
    """Serves TLS with ALPN h2 alone, on 127.0.0.1, until the block ends."""

    def __init__(self, folder: Path, standin: StandIn) -> None:
        self._context, self.ca_file = make_tls(folder, HOSTS)
        self._context.set_alpn_protocols(["h2"])
        self._behind = standin.plain_port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.requests = 0
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        serving = asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._context)
        server = self._loop.run_until_complete(serving)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(asyncio.sleep(0))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        connection = h2.connection.H2Connection(config)
        connection.initiate_connection()
        heads: dict[int, list[tuple[str, str]]] = {}
        bodies: dict[int, bytes] = {}
        writer.write(connection.data_to_send())
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while data := await reader.read(65536):
                for event in connection.receive_data(data):
                    if isinstance(event, h2.events.RequestReceived):
                        heads[event.stream_id] = list(event.headers)
                        bodies[event.stream_id] = b""
                    elif isinstance(event, h2.events.DataReceived):
                        bodies[event.stream_id] += event.data
                        connection.acknowledge_received_data(
                            event.flow_controlled_length, event.stream_id
                        )
                    elif isinstance(event, h2.events.StreamEnded):
                        number = event.stream_id
                        await self._translate(
                            connection, number, heads[number], bodies[number], writer
                        )
                writer.write(connection.data_to_send())
                await writer.drain()

    async def _translate(
        self,
        connection: h2.connection.H2Connection,
        stream: int,
        head: list[tuple[str, str]],
        body: bytes,
        writer: asyncio.StreamWriter,
    ) -> None:
        """Ask the stand-in, and pass its answer on, piece by piece."""
        self.requests += 1
        pseudo = dict(head)
        lines = [f"{pseudo[':method']} {pseudo[':path']} HTTP/1.1", f"Host: {pseudo[':authority']}"]
        skipped = ("host", "content-length")
        lines += [f"{k}: {v}" for k, v in head if not k.startswith(":") and k not in skipped]
        lines += [f"Content-Length: {len(body)}"]
        reader, behind = await asyncio.open_connection("127.0.0.1", self._behind)
        behind.write("\r\n".join([*lines, "", ""]).encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
        fields = [
            (k.lower(), v.strip()) for k, _, v in (line.partition(":") for line in answer[1:])
        ]
        fields = [field for field in fields if field[0] != "transfer-encoding"]
        connection.send_headers(stream, [(":status", answer[0].split(" ")[1]), *fields])
        while size := int(await reader.readline(), 16):
            connection.send_data(stream, await reader.readexactly(size))
            writer.write(connection.data_to_send())
            await reader.readexactly(2)
        connection.end_stream(stream)
        writer.write(connection.data_to_send())
        behind.close()

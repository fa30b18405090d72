"""How connections are served: a proxy mode of our own on top of mitmproxy's.

Three things differ from mitmproxy's regular mode. Hooks go straight to the few addons we run,
without a task for each. What is written at once is sent at once. And what mitmproxy itself answers
to a client (an unreachable upstream, a malformed request) is JSON in the provider's error shape,
never its HTML.

``handle_stream`` repeats the one private detail of mitmproxy 12.2.3 that this needs, the choice of
the connection handler; the version is pinned for it.
"""

import asyncio
import collections
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, cast

import mitmproxy_rs
from mitmproxy import ctx, hooks, http
from mitmproxy.connection import Connection, ConnectionState
from mitmproxy.net.http import http1
from mitmproxy.proxy import commands, events, layer, layers, server_hooks
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layer import CommandGenerator
from mitmproxy.proxy.layers.http import HttpLayer
from mitmproxy.proxy.layers.http._base import ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    RequestData,
    RequestHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._hooks import HttpConnectedHook
from mitmproxy.proxy.layers.http._http1 import Http1Server
from mitmproxy.proxy.layers.http._http2 import Http2Server
from mitmproxy.proxy.mode_servers import AsyncioServerInstance, ProxyConnectionHandler
from mitmproxy.proxy.mode_specs import RegularMode

from acm_addon import refusals
from acm_addon.logs import fault, logger

log = logger("server")

MAX_UPSTREAM_CONNECTIONS = 1000
"""Per client connection. With mitmproxy's 5 an HTTP/2 client queues before an HTTP/1 upstream."""

MAX_HEAD = 256 * 1024
"""Bytes of a request head. mitmproxy would take any number."""

_ABSOLUTE_FORM = "_acm_absolute_form"
_REFUSED = "_acm_refused"


def is_absolute_form(request: http.Request) -> bool:
    """Whether the client sent a full URL in its request line, as it does to a forward proxy."""
    return getattr(request, _ABSOLUTE_FORM, False)


def discard_body(request: http.Request) -> None:
    """Read the rest of a request that we answer ourselves without keeping its body."""
    setattr(request, _REFUSED, True)


class AcmMode(RegularMode):
    """The mode ``acm``: one port for gateway requests, CONNECT, and absolute-form requests."""


class AcmInstance(AsyncioServerInstance[AcmMode]):
    def make_top_layer(self, context: Context) -> layer.Layer:
        return layers.modes.HttpProxy(context)

    async def handle_stream(
        self,
        reader: asyncio.StreamReader | mitmproxy_rs.Stream,
        writer: asyncio.StreamWriter | mitmproxy_rs.Stream | None = None,
    ) -> None:
        handler = AcmConnectionHandler(ctx.master, reader, writer, ctx.options, self.mode)
        handler.serve(self.make_top_layer(handler.layer.context))
        with self.manager.register_connection(handler.client.id, handler):
            await handler.handle_client()


class JoinedWriter:
    """A stream writer that sends what one event brought about in one piece.

    mitmproxy writes the head and the first bytes of a body apart, with a system call for each.
    Nothing waits: the handler calls ``send`` as soon as it has dealt with the event.
    """

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._pieces: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)

    def write(self, data: bytes) -> None:
        self._pieces.append(data)

    def write_eof(self) -> None:
        self.send()
        self._writer.write_eof()

    def close(self) -> None:
        self.send()
        self._writer.close()

    def send(self) -> None:
        if self._pieces:
            pieces, self._pieces = self._pieces, []
            self._writer.write(b"".join(pieces))


type Hook = Callable[[Any], Awaitable[None] | None]
type HookTable = dict[str, tuple[Hook, ...]]


class InlineHooks:
    """Stands in front of a connection's layers, and runs their hooks where they are started.

    mitmproxy makes a task of every hook, so that a hook may wait for something. Ours hardly ever
    do, and the tasks cost a third of a call's time. To the layers it looks the same: a hook that
    blocks is answered when the event at hand has been dealt with. One that has to wait gives what
    it waits for, and only then becomes a task of mitmproxy's; all else on the connection goes on.
    """

    def __init__(self, top: layer.Layer, hooks: HookTable) -> None:
        self._top = top
        self._hooks = hooks
        self._undecided: Connection | None = None
        """The host of a CONNECT through which the client has not said anything yet."""
        self._awaited: dict[int, list[Awaitable[None]]] = {}
        """What hooks wait for, by the identity of the command that started them."""

    @property
    def context(self) -> Context:
        return self._top.context

    def handle_event(self, event: events.Event) -> CommandGenerator[None]:
        due: collections.deque[events.Event] = collections.deque([event])
        while due:
            try:
                yield from self._handle(due.popleft(), due)
            except Exception as error:
                # mitmproxy gives up on some valid HTTP (trailers) like this, and then hangs.
                log.error("a fault in the connection's layers: %s", fault(error))
                yield commands.CloseConnection(self.context.client)
        if isinstance(event, events.ConnectionClosed) and event.connection is self._undecided:
            # The host is gone before the client has said a word; mitmproxy would wait for one.
            yield commands.CloseConnection(self.context.client)

    def _handle(
        self, event: events.Event, due: collections.deque[events.Event]
    ) -> CommandGenerator[None]:
        for command in self._top.handle_event(event):
            if not isinstance(command, commands.StartHook):
                yield command
                continue
            methods = self._hooks.get(command.name, ())
            waits = [wait for hook in methods if (wait := hook(*command.args())) is not None]
            if isinstance(command, HttpConnectedHook):
                self._undecided = command.flow.server_conn
            elif isinstance(command, layer.NextLayerHook) and command.data.layer:
                self._undecided = None
            if waits:
                self._awaited[id(command)] = waits
                yield command
            elif command.blocking:
                due.append(events.HookCompleted(command))

    async def wait_for(self, hook: commands.StartHook) -> bool:
        """Whether it is a hook that was started here; then it is through."""
        waits = self._awaited.pop(id(hook), None)
        for wait in waits or ():
            await wait
        return waits is not None


class AcmConnectionHandler(ProxyConnectionHandler):
    """Calls hooks from a table of the addons that implement them, and joins writes."""

    _hooks: ClassVar[HookTable] = {}

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)  # type: ignore[no-untyped-call]
        self._join_writes(self.client)
        self.max_conns = collections.defaultdict(
            lambda: asyncio.Semaphore(MAX_UPSTREAM_CONNECTIONS)
        )

    @classmethod
    def use_addons(cls, addons: list[object]) -> None:
        """Fix the table: every hook of these addons, in their order, from now on.

        Raises ValueError for a hook that is a coroutine: each call would be a task.
        """
        table: dict[str, list[Hook]] = {}
        for addon in addons:
            for name in set(dir(addon)) & hooks.all_hooks.keys():
                hook = getattr(addon, name)
                if inspect.iscoroutinefunction(hook):
                    raise ValueError(f"the hook {name} must not be a coroutine")
                table.setdefault(name, []).append(hook)
        cls._hooks = {name: tuple(methods) for name, methods in table.items()}

    def serve(self, top: layer.Layer) -> None:
        """Make ``top`` the outermost layer of this connection."""
        self.layer = cast(layer.Layer, InlineHooks(top, self._hooks))

    async def server_event(self, event: events.Event) -> None:
        await super().server_event(event)
        for io in self.transports.values():
            if io.writer:
                cast(JoinedWriter, io.writer).send()

    async def handle_hook(self, hook: commands.StartHook) -> None:
        """Hooks that wait, and the few that the handler starts itself, of connections coming and
        going. These do not wait."""
        if await cast(InlineHooks, self.layer).wait_for(hook):
            return
        (data,) = hook.args()
        for method in self._hooks.get(hook.name, ()):
            method(data)
        if isinstance(hook, server_hooks.ServerConnectedHook):
            self._join_writes(hook.data.server)

    def _join_writes(self, connection: Connection) -> None:
        io = self.transports[connection]
        io.writer = cast(asyncio.StreamWriter, JoinedWriter(cast(asyncio.StreamWriter, io.writer)))


class AcmHttp1Server(Http1Server):
    """The client side of an HTTP/1 connection, with errors as JSON."""

    def read_headers(self, event: events.ConnectionEvent) -> CommandGenerator[None]:
        for command in super().read_headers(event):
            if isinstance(command, ReceiveHttp) and isinstance(command.event, RequestHeaders):
                request = command.event.request
                if request.data.authority and request.method != "CONNECT":
                    setattr(request, _ABSOLUTE_FORM, True)
            if (
                isinstance(command, commands.SendData)
                and self.state == self.read_headers
                and command.data.startswith(b"HTTP/1.1 400")
            ):
                # mitmproxy's page for a request head that it cannot parse.
                yield commands.SendData(self.conn, self._error(400, "bad_request"))
                continue
            yield command
        if self.state == self.read_headers and len(self.buf) > MAX_HEAD:
            yield commands.SendData(self.conn, self._error(431, "request_too_large"))
            yield commands.CloseConnection(self.conn)
            self.state = self.done

    def read_body(self, event: events.Event) -> CommandGenerator[None]:
        if getattr(self.request, _REFUSED, False):
            return self._discard(super().read_body(event))
        return super().read_body(event)

    def _discard(self, reading: CommandGenerator[None]) -> CommandGenerator[None]:
        for command in reading:
            if not (isinstance(command, ReceiveHttp) and isinstance(command.event, RequestData)):
                yield command

    def send(self, event: Any) -> CommandGenerator[None]:
        if isinstance(event, ResponseProtocolError) and not self.response:
            status = event.code.http_status_code()
            if status is not None and self.conn.state & ConnectionState.CAN_WRITE:
                code = refusals.code_of_failure(event.code.name, event.message)
                return self._send_error(status, code)
        return super().send(event)

    def _send_error(self, status: int, code: str) -> CommandGenerator[None]:
        yield commands.SendData(self.conn, self._error(status, code))
        yield commands.CloseConnection(self.conn)

    def _error(self, status: int, code: str) -> bytes:
        host = self.request.host if self.request else ""
        response = refusals.failure_response(status, code, host)
        return bytes(http1.assemble_response(response))


class AcmHttp2Server(Http2Server):
    """The client side of an HTTP/2 connection, with errors as JSON."""

    def _handle_event(self, event: events.Event) -> CommandGenerator[None]:
        if isinstance(event, ResponseProtocolError) and self._can_answer(event.stream_id):
            status = event.code.http_status_code()
            if status is not None:
                code = refusals.code_of_failure(event.code.name, event.message)
                host = self.context.server.address[0] if self.context.server.address else ""
                response = refusals.failure_response(status, code, host)
                self.h2_conn.send_headers(
                    event.stream_id,
                    [(b":status", b"%d" % status)]
                    + [(k.lower(), v) for k, v in response.headers.fields if k != b"Connection"],
                )
                self.h2_conn.send_data(event.stream_id, response.content or b"", end_stream=True)
                yield commands.SendData(self.conn, self.h2_conn.data_to_send())
                return
        yield from super()._handle_event(event)

    def _can_answer(self, stream_id: int) -> bool:
        if self.is_closed(stream_id) or not self.is_open_for_us(stream_id):
            return False
        return not self.h2_conn.streams[stream_id].state_machine.headers_sent


def speak_json(chosen: layer.Layer | None) -> None:
    """Give the HTTP layer that was chosen for a connection our client side instead of its own."""
    while chosen is not None and not isinstance(chosen, HttpLayer):
        chosen = getattr(chosen, "child_layer", None)
    if chosen is None:
        return
    client = chosen.context.client
    server = AcmHttp2Server if client.alpn == b"h2" else AcmHttp1Server
    # mitmproxy's own client replay uses the same door: what is there already is kept.
    chosen.connections[client] = server(chosen.context.fork())

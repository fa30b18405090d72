"""Recordings through the live proxy: played by a local provider, asked for by a client.

Bodies travel as they once did: in their original content coding, and in pieces that end inside
characters, lines, and frames.
"""

import gzip
import ssl
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain, cycle
from pathlib import Path

import brotli
import zstandard

from acm_addon.captures.recordings import captured
from acm_addon.captures.replay import Importing, entry_of
from acm_addon.entry_json import entry_to_json
from acm_addon.model import Attribution, Completeness, Entrance, Entry, Source
from acm_addon.pricing import PriceTable
from tests.accuracy.recordings import Recording, body
from tests.loopback.client import Connection
from tests.loopback.harness import LiveProxy
from tests.loopback.raw_upstream import TlsServer

_CODINGS: Mapping[str, Callable[[bytes], bytes]] = {
    "gzip": partial(gzip.compress, mtime=0),  # the same bytes whenever they are made
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
}
_NOT_REPLAYED = frozenset(
    (
        "host",
        "connection",
        "keep-alive",
        "content-length",
        "transfer-encoding",
        "content-encoding",
        "upgrade",
        "te",
        "trailer",
        "expect",
        "x-request-id",
    )
)
"""What belongs to the connection, which is ours; and the id by which a row is found again."""
_SIZES = (1, 2, 1, 7, 3, 64, 1, 31, 509, 5)
_SOURCE = Source("recordings")
_MANY_PIECES = 200
_REASONS = {200: "OK", 429: "Too Many Requests"}
_STREAMS = ("sse", "json-array-stream", "ndjson")

type Row = dict[str, object]


class ReplayUpstream(TlsServer):
    """Every provider's host at once, over TLS: answers with the recording that the client names."""

    def __init__(self, folder: Path, records: Sequence[Recording]) -> None:
        self._records = {record["id"]: record for record in records}
        super().__init__(folder, sorted({record["provider_host"] for record in records}))

    def _answer(self, connection: ssl.SSLSocket) -> None:
        record = self._records[_read_request(connection)]
        for piece in response_pieces(record):
            connection.sendall(piece)


def response_pieces(record: Recording) -> Iterator[bytes]:
    """The response as it is written: a head, and a body in awkward pieces."""
    data = encoded(record)
    streamed = record["transport"] in _STREAMS
    fields = [*_fields(record, "response"), ("x-request-id", record["id"])]
    if coding := record["original_content_encoding"]:
        fields.append(("Content-Encoding", coding))
    length = ("Transfer-Encoding", "chunked") if streamed else ("Content-Length", str(len(data)))
    fields += [length, ("Connection", "close")]
    line = f"HTTP/1.1 {record['status']} {_REASONS.get(record['status'], 'Recorded')}"
    yield _head(line, fields)
    for piece in pieces(data):
        yield b"%x\r\n%b\r\n" % (len(piece), piece) if streamed else piece
    if streamed:
        yield b"0\r\n\r\n"


def encoded(record: Recording) -> bytes:
    """The response body in the coding in which it once travelled.

    Raises KeyError for a coding that we cannot make.
    """
    data = body(record, "response")
    coding = record["original_content_encoding"]
    return _CODINGS[coding](data) if coding else data


def pieces(data: bytes) -> Iterator[bytes]:
    """``data`` in pieces of uneven sizes, at first of a byte or two, and never many of them."""
    start = 0
    least = len(data) // _MANY_PIECES
    for size in chain(_SIZES, cycle(size + least for size in _SIZES)):
        if start >= len(data):
            return
        yield data[start : start + size]
        start += size


def replay(proxy: LiveProxy, records: Sequence[Recording], entrance: Entrance) -> dict[str, Entry]:
    """Ask for every recording through an entrance, and return the rows by recording.

    Raises AssertionError where the client did not get the very bytes that the provider sent, and
    where a call has two rows.
    """
    with ThreadPoolExecutor(max_workers=2) as threads:
        list(threads.map(lambda record: _ask(proxy, record, entrance), records))
    rows = [row for row in proxy.settled_rows() if row.entrance is entrance]
    by_recording = {row.request_id or "": row for row in rows}
    assert len(rows) == len(by_recording)
    return by_recording


def _started(proxy: LiveProxy) -> set[str | None]:
    """Recordings of work that goes on, by whichever entrance they were asked for first.

    Its object has one row, so that the other entrance adds none.
    """
    rows = proxy.rows()
    return {row.request_id for row in rows if row.completeness is Completeness.PENDING}


def _ask(proxy: LiveProxy, record: Recording, entrance: Entrance) -> None:
    host = record["provider_host"]
    with Connection(proxy.port, entrance, host, proxy.home.ca_certificate) as connection:
        fields = [*_fields(record, "request"), ("X-Recording", record["id"])]
        answer = connection.ask(
            record["path"], body(record, "request"), fields, method=record["method"]
        )
    assert (record["status"], encoded(record)) == (answer.status, answer.body), record["id"]


def differences(record: Recording, live: Entry, table: PriceTable) -> dict[str, object]:
    """Where a live row is not the one that ``acm import`` gives for the same exchange.

    All fields are compared but the id, the times, the entrance, and the source. Prices are those of
    the live row's time.
    """
    fields = [*_fields(record, "response"), ("x-request-id", record["id"])]
    read = captured(record | {"response_headers": fields, "time": live.time.isoformat()})
    imported = entry_of(read, b"", _SOURCE, Importing(table, Attribution(), live.time))
    assert isinstance(imported, Entry)
    expected, ours = _comparable(imported), _comparable(live)
    return {key: (expected[key], ours[key]) for key in expected if expected[key] != ours[key]}


def _comparable(row: Entry) -> Row:
    values = entry_to_json(row)
    for key in ("id", "time", "latency_ms", "first_byte_ms", "entrance", "source"):
        del values[key]
    return values


def compare(
    proxy: LiveProxy, records: Sequence[Recording], entrance: Entrance
) -> dict[str, dict[str, object] | None]:
    """The recordings whose rows differ, with the differences; None for a row that is missing."""
    rows = replay(proxy, records, entrance)
    table = PriceTable.current()
    started = _started(proxy)
    found = {
        record["id"]: differences(record, rows[record["id"]], table)
        if record["id"] in rows
        else None
        for record in records
        if record["id"] in rows or record["id"] not in started
    }
    return {key: wrong for key, wrong in found.items() if wrong is None or wrong}


def _fields(record: Recording, side: str) -> list[tuple[str, str]]:
    fields = record[f"{side}_headers"] or []
    return [(name, value) for name, value in fields if name.lower() not in _NOT_REPLAYED]


def _head(line: str, fields: Sequence[tuple[str, str]]) -> bytes:
    lines = [line, *(f"{name}: {value}" for name, value in fields)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _read_request(connection: ssl.SSLSocket) -> str:
    """Read a whole request; returns the recording that it names."""
    with connection.makefile("rb") as stream:
        fields: dict[str, str] = {}
        stream.readline()
        while line := stream.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            fields[name.lower()] = value.strip()
        stream.read(int(fields.get("content-length", 0)))
    return fields["x-recording"]

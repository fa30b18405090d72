"""Fuzz targets: any bytes in, an assertion if a parser breaks its promise.

The promises are the same for all: it never raises, it holds no more than its bound, and it sees the
same whether bytes come whole, one by one, or in pieces. The bounds are made small here, so that
small inputs reach them.
"""

import io
import json
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from unittest.mock import patch

from acm_addon import (
    audio,
    decoding,
    eventstream,
    frames,
    include_usage,
    json_fields,
    lines,
    multipart,
    rate_limits,
    sse,
)
from acm_addon.captures import flows
from acm_addon.captures.base import NotACallError
from acm_addon.captures.har_entries import HarEntries
from acm_addon.captures.reading import UNREADABLE
from acm_addon.captures.replay import Importing, entry_of
from acm_addon.model import Attribution, Source
from acm_addon.pricing import PriceTable
from acm_addon.providers import PROVIDERS
from acm_addon.providers.base import Endpoint, Provider, RequestHead, ResponseHead
from tests.fuzz.held import held

type Target = Callable[[bytes], None]

_NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
_PRICES = PriceTable.current()
_PIECES = (1, 7, 64)
_OVERHEAD = 4096
"""Bytes of names, flags, and half a line, beside what a bound is about."""


def _cut(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size or len(data) or 1):
        yield data[start : start + (size or len(data))]


def _same_for_all_cuts(see: Callable[[bytes, int], object], data: bytes) -> None:
    whole = see(data, 0)
    for size in _PIECES:
        assert whole == see(data, size), size


def _see_sse(data: bytes, size: int) -> object:
    parser = sse.SseParser()
    events = []
    for piece in _cut(data, size):
        events += parser.feed(piece)
    assert held(parser) <= sse.MAX_EVENT + 8 + _OVERHEAD
    return events, parser.dropped, parser.pending()


@patch.object(sse, "MAX_EVENT", 48)
def fuzz_sse(data: bytes) -> None:
    _same_for_all_cuts(_see_sse, data)


def _see_stripped(data: bytes, size: int) -> object:
    stripper = include_usage.UsageStripper()
    left = []
    for piece in _cut(data, size):
        left.append(stripper.feed(piece))
        assert held(stripper) <= include_usage.MAX_EVENT
    return b"".join((*left, stripper.end()))


@patch.object(include_usage, "MAX_EVENT", 64)
def fuzz_include_usage(data: bytes) -> None:
    """As a stream, and as a request: what is asked for stands beside what was there."""
    _same_for_all_cuts(_see_stripped, data)
    if asked := include_usage.asking_for_usage(data):
        options = json.loads(asked)["stream_options"]
        assert options["include_usage"] is True
        assert include_usage.asking_for_usage(asked) is None


def _see_har(data: bytes, size: int) -> object:
    reader = HarEntries(limit=48)
    entries = []
    for piece in _cut(data, size):
        entries += reader.feed(piece)
        assert held(reader) <= 48 + _OVERHEAD
    return entries, reader.astray, reader.inside_entry, reader.inside_entry and reader.held()


def fuzz_har_entries(data: bytes) -> None:
    _same_for_all_cuts(_see_har, data)


def _not_converted(flow: bytes) -> bytes:
    raise ValueError(f"{len(flow)} bytes of another version")


@patch.object(flows, "MAX_ENTRY", 4096)
def fuzz_flows(data: bytes) -> None:
    """A flow is a call, or none, or cannot be read, as an import counts them. A call makes a row
    whatever is in it."""
    file = io.BytesIO(data)
    while (flow := flows.next_flow(file)) != b"":
        assert len(flow or b"") <= 4096 + 16
        try:
            call = flows.captured(flow or b"", _not_converted)
        except (NotACallError, *UNREADABLE):
            continue
        importing = Importing(_PRICES, Attribution(), _NOW)
        entry_of(call, bytes(32), Source("flows", index=0), importing)


def fuzz_frames(data: bytes) -> None:
    """A journal: what is read in pieces is what is read at once, and a sound frame is found."""
    whole = frames.scan(data, final=True)
    assert len(data) == whole.consumed
    for cut in range(0, len(data), 7):
        first = frames.scan(data[:cut], final=False)
        second = frames.scan(data[first.consumed :], final=True)
        found = [*first.frames, *second.frames]
        assert [one.payload for one in whole.frames] == [one.payload for one in found]
    sound = frames.frame(data.replace(b"\x1e", b""))
    assert frames.scan(data + sound, final=True).frames[-1].payload == sound[frames.HEADER : -1]


def _see_eventstream(data: bytes, size: int) -> object:
    parser = eventstream.EventStreamParser()
    messages = []
    for piece in _cut(data, size):
        messages += parser.feed(piece)
    assert held(parser) <= eventstream.MAX_MESSAGE + _OVERHEAD
    return messages, parser.damaged, parser.dropped, parser.unfinished


@patch.object(eventstream, "MAX_MESSAGE", 256)
@patch.object(eventstream, "MAX_HEADERS", 128)
def fuzz_eventstream(data: bytes) -> None:
    """As it is, and with right CRCs, which no fuzzer finds by itself."""
    _same_for_all_cuts(_see_eventstream, data)
    _same_for_all_cuts(_see_eventstream, _with_right_crcs(data))


def _with_right_crcs(data: bytes) -> bytes:
    repaired = bytearray(data)
    start = 0
    while len(repaired) - start >= 16:
        total = int.from_bytes(repaired[start : start + 4])
        repaired[start + 8 : start + 12] = zlib.crc32(repaired[start : start + 8]).to_bytes(4)
        end = start + total
        if total < 16 or end > len(repaired):
            break
        repaired[end - 4 : end] = zlib.crc32(repaired[start : end - 4]).to_bytes(4)
        start = end
    return bytes(repaired)


_FORM_TYPES = (
    "multipart/form-data; boundary=B",
    'multipart/form-data; boundary="----form bound"',
    "multipart/form-data; boundary=" + "-" * 70,
    "multipart/form-data; boundary=\r\n",
    "multipart/form-data",
)


def _see_multipart(content_type: str) -> Callable[[bytes, int], object]:
    def see(data: bytes, size: int) -> object:
        form = multipart.MultipartForm(content_type)
        for piece in _cut(data, size):
            form.feed(piece)
        bound = multipart.MAX_PARTS * (multipart.MAX_VALUE + multipart.HEAD) + 4 * multipart.TAIL
        assert held(form) <= bound + _OVERHEAD
        texts = [(name, form.value(name), form.values(name)) for name in form.names]
        return texts, form.files, form.malformed, form.truncated, form.closed

    return see


@patch.multiple(multipart, MAX_VALUE=16, MAX_PARTS=4, HEAD=8, TAIL=12)
def fuzz_multipart(data: bytes) -> None:
    content_type = _FORM_TYPES[data[0] % len(_FORM_TYPES)] if data else ""
    _same_for_all_cuts(_see_multipart(content_type), data[1:])


_WANTED: tuple[json_fields.Path, ...] = (
    ("usage",),
    ("model",),
    ("a", "b"),
    ("list", json_fields.ANY, "type"),
    (json_fields.ANY, "usage"),
)


def _values(fields: json_fields.JsonFields) -> object:
    values = [[*map(repr, fields.values(*path))] for path in _WANTED]
    return values, fields.closed, fields.malformed, fields.truncated


def _see_json(data: bytes, size: int) -> object:
    fields = json_fields.JsonFields(_WANTED)
    for piece in _cut(data, size):
        fields.feed(piece)
    assert held(fields) <= json_fields.MAX_TOTAL + json_fields.MAX_VALUE + 3 * _OVERHEAD
    return _values(fields)


_SMALL_JSON = {"MAX_VALUE": 48, "MAX_TOTAL": 96, "MAX_DEPTH": 12, "MAX_TOKEN": 24}


@patch.multiple(json_fields, **_SMALL_JSON)
def fuzz_json_fields(data: bytes) -> None:
    _same_for_all_cuts(_see_json, data)


def _see_lines(data: bytes, size: int) -> object:
    reader = lines.JsonLines(_WANTED)
    seen = [_values(line) for piece in _cut(data, size) for line in reader.feed(piece)]
    pending = reader.pending()
    return seen, pending and _values(pending)


@patch.multiple(json_fields, **_SMALL_JSON)
def fuzz_lines(data: bytes) -> None:
    _same_for_all_cuts(_see_lines, data)


_CODINGS = ("gzip", "deflate", "br", "zstd", "gzip, br", "deflate, gzip")


def _decoded(coding: str, data: bytes, size: int) -> tuple[bytes, bool]:
    decoder = decoding.ContentDecoder(coding)
    decoded = b"".join(decoder.feed(piece) for piece in _cut(data, size))
    return decoded, decoder.broken


@patch.multiple(decoding, MAX_OUTPUT=64 * 1024)
def fuzz_decoding(data: bytes) -> None:
    """Broken bytes may come to light earlier in smaller pieces, after more that was good."""
    coding = _CODINGS[data[0] % len(_CODINGS)] if data else ""
    whole, broken = _decoded(coding, data[1:], 0)
    assert len(whole) <= len(data) or len(whole) <= decoding.MAX_OUTPUT
    for size in _PIECES:
        pieces, pieces_broken = _decoded(coding, data[1:], size)
        assert pieces.startswith(whole) or whole.startswith(pieces)
        if not broken and not pieces_broken:
            assert whole == pieces, (coding, size)


def fuzz_audio(data: bytes) -> None:
    """A duration is above zero and finite, wherever the file was cut to its ends."""
    cut = data[0] if data else 0
    head, rest = data[1 : 1 + 4 * cut], data[1 + 4 * cut :]
    for tail, gap in ((rest, 0), (rest, 100_000), (rest[-cut:], len(rest[:-cut]))):
        found = audio.duration(head, tail, len(head) + len(tail) + gap)
        assert found is None or 0 < found.seconds <= audio.MAX_SECONDS


_PREFIXES = ("", "/v1", "/v2", "/api/v1", "/v1beta", "/v1beta/models/m", "/model/m", "/v1/models/m")
_PATHS = (
    "",
    "/chat/completions",
    "/completions",
    "/responses",
    "/embeddings",
    "/images/generations",
    "/images/edits",
    "/audio/speech",
    "/audio/transcriptions",
    "/audio/translations",
    "/images/variations",
    "/batches",
    "/containers",
    "/threads/runs",
    "/videos/extensions",
    "/messages",
    "/chat",
    "/embed",
    "/rerank",
    "/ocr",
    "/predictions",
    "/listen",
    "/speak",
    "/read",
    "/stt",
    "/tts/sse",
    "/text-to-speech/v",
    "/text-to-dialogue",
    "/speech-to-text",
    "/music",
    "/dubbing",
    "/transcript",
    "/pre-recorded",
    "/converse",
    "/converse-stream",
    "/invoke",
    "/invoke-with-response-stream",
    ":generateContent",
    ":streamGenerateContent",
    ":embedContent",
    ":batchEmbedContents",
    ":predict",
    "/interactions",
    "/cachedContents",
    "/agents/a",
    "/async-invoke",
    "/messages/batches",
)
_RESULTS = (
    "/v1/batches/b",
    "/v1/files/f/content",
    "/v1/fine_tuning/jobs/j",
    "/v1/responses/r",
    "/v1/threads/t/runs/r",
    "/v1/videos/v",
    "/v1/messages/batches/b",
    "/v1/messages/batches/b/results",
    "/v1/embed-jobs/j",
    "/v1beta/batches/b",
    "/v1beta/models/m/operations/o",
    "/download/v1beta/files/f:download",
)
"""Where results of earlier work are shown."""


def _endpoints() -> Iterator[tuple[Provider, Endpoint]]:
    """Every endpoint of every provider that these paths lead to, whatever its prefix is."""
    for provider in PROVIDERS:
        paths = (prefix + path for prefix in _PREFIXES for path in _PATHS)
        heads = [RequestHead("POST", path) for path in paths]
        heads += [RequestHead("GET", path) for path in _RESULTS]
        found = map(provider.classify, heads)
        kinds = {
            (each.name, each.billing, bool(each.price_context), each.object_id is None): each
            for each in found
        }
        for endpoint in kinds.values():
            yield provider, endpoint


ENDPOINTS = tuple(_endpoints())
CONTENT_TYPES = (
    "application/json",
    "text/event-stream",
    "application/x-ndjson",
    "application/stream+json",
    "application/vnd.amazon.eventstream",
    "text/plain",
    "application/octet-stream",
    "audio/wav",
    "audio/mpeg",
    "",
)


def _see_response(
    provider: Provider, endpoint: Endpoint, kind: str
) -> Callable[[bytes, int], object]:
    def see(data: bytes, size: int) -> object:
        sent = {"content-type": "application/json"}
        request = provider.request_reader(endpoint, RequestHead("POST", "/", headers=sent))
        for piece in _cut(data, size):
            request.feed(piece)
        answer = ResponseHead(200, {"content-type": kind})
        reader = provider.response_reader(endpoint, request.facts(), answer)
        for piece in _cut(data, size):
            reader.feed(piece)
        texts = request.input_text(), reader.output_text()
        assert held(reader) + held(request) <= 16 * len(data) + 16 * _OVERHEAD
        assert all(amount >= 0 for amount in reader.facts().quantities.values())
        return request.facts(), reader.facts(), texts

    return see


def fuzz_providers(data: bytes) -> None:
    """The same bytes as the request and as the response of every kind of call."""
    provider, endpoint = ENDPOINTS[int.from_bytes(data[:2]) % len(ENDPOINTS)]
    kind = CONTENT_TYPES[data[2] % len(CONTENT_TYPES)] if len(data) > 2 else ""
    _same_for_all_cuts(_see_response(provider, endpoint, kind), data[3:])


def fuzz_rate_limits(data: bytes) -> None:
    """Lines of a name and a value, as the head of an answer to a call that came too early."""
    lines = data.decode("latin-1").split("\n")
    headers = {name: value for name, _, value in (line.partition(":") for line in lines)}
    found = rate_limits.read("openai", "key", 429, headers, _NOW)
    if found is not None:
        both = rate_limits.merged(found, found)
        assert len(both.quotas) <= rate_limits.MOST_QUOTAS
        assert all(quota.reset is None or quota.reset.tzinfo for quota in both.quotas)
        seconds = rate_limits.seconds_to_wait(both, _NOW)
        assert seconds is None or seconds > 0


TARGETS: dict[str, Target] = {
    "sse": fuzz_sse,
    "eventstream": fuzz_eventstream,
    "multipart": fuzz_multipart,
    "json_fields": fuzz_json_fields,
    "lines": fuzz_lines,
    "decoding": fuzz_decoding,
    "audio": fuzz_audio,
    "providers": fuzz_providers,
    "rate_limits": fuzz_rate_limits,
    "include_usage": fuzz_include_usage,
    "har_entries": fuzz_har_entries,
    "flows": fuzz_flows,
    "frames": fuzz_frames,
}

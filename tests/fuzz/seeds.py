"""What fuzzing begins with: small valid inputs of every format."""

import gzip
import zlib
from collections.abc import Iterator

import brotli
import zstandard
from mitmproxy.io import tnetstring

from acm_addon.captures.flows import FORMAT_VERSION
from acm_addon.frames import frame
from tests.accuracy.recordings import FIXTURES, body, headers, recordings
from tests.accuracy.stations import classify
from tests.audio_files import flac, m4a, mp3, opus, wav, webm
from tests.event_messages import message
from tests.fuzz.targets import CONTENT_TYPES, ENDPOINTS

FORM = (
    b'--B\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n'
    b"Content-Type: audio/wav\r\n\r\nRIFF and so on\r\n--B--\r\n"
)
_TEXT = b'{"model":"m","usage":{"a":1},"a":{"b":"x"},"list":[{"type":"t"}]}'
_STREAM = b'event: e\r\ndata: {"usage":1}\r\n\r\n: ping\n\ndata: a\ndata: b\n\ndata: [DONE]\n\n'
_AUDIO = (wav(0.01), mp3(3), mp3(1, 9), flac(99), opus(2), m4a(1500), webm(2.0), webm(None, (5, 9)))


def _responses() -> Iterator[bytes]:
    """Responses of our own recordings, behind three bytes that choose who reads them."""
    for record in recordings(FIXTURES):
        known = classify(record)
        if known in ENDPOINTS:
            kind = headers(record, "response").get("content-type", "").partition(";")[0]
            chosen = ENDPOINTS.index(known).to_bytes(2) + bytes([CONTENT_TYPES.index(kind)])
            yield chosen + body(record, "response")


def _flow(path: bytes, content: bytes, *messages: bytes) -> bytes:
    """What mitmproxy writes of a call, without all that is passed over."""
    headers = [[b"Content-Type", b"application/json"]]
    request = {
        "host": "api.openai.com",
        "port": 443,
        "method": b"POST",
        "path": path,
        "http_version": b"HTTP/1.1",
        "headers": headers,
        "content": b'{"model":"gpt-4o"}',
        "timestamp_start": 1795348800.25,
    }
    response = {
        "status_code": 101 if messages else 200,
        "headers": headers,
        "content": content,
        "timestamp_start": 1795348800.5,
        "timestamp_end": None,
    }
    said = {"messages": [[1, False, each, 1795348801.0, False, False] for each in messages]}
    return tnetstring.dumps(
        {
            "websocket": said if messages else None,
            "response": response,
            "request": request,
            "error": None,
            "type": "http",
            "version": FORMAT_VERSION,
        }
    )


SEEDS: dict[str, list[bytes]] = {
    "sse": [_STREAM, b"\xef\xbb\xbf" + _STREAM, b"data: " + b"x" * 60 + b"\n\n" + _STREAM],
    "eventstream": [
        message({":event-type": "chunk", ":content-type": "application/json"}, b"{}") * 2,
        message({}, b"x" * 300) + message({":exception-type": "throttlingException"}, b""),
        message({":event-type": "chunk"}, b"{}")[:-1] + b"?",
    ],
    "multipart": [b"\0" + FORM, b"\0preamble\r\n" + FORM + b"epilogue", b"\0" + FORM[:-9]],
    "json_fields": [
        _TEXT,
        b"[" + _TEXT + b"]",
        b'{"usage":' + b"[" * 20,
        b'{"' + b"k" * 30 + b'":1}',
    ],
    "lines": [_TEXT + b"\n" + _TEXT, b"\n \r\n1\nnull\n{\n" + _TEXT + b"\r\n"],
    "decoding": [
        b"\0" + gzip.compress(_TEXT, mtime=0),
        b"\1" + zlib.compress(_TEXT),
        b"\2" + brotli.compress(_TEXT),
        b"\3" + zstandard.ZstdCompressor().compress(_TEXT),
        b"\4" + brotli.compress(gzip.compress(_TEXT, mtime=0)),
        b"\0" + gzip.compress(bytes(70_000), mtime=0),
    ],
    "audio": [bytes([cut]) + file for file in _AUDIO for cut in (255, 12)],
    "providers": list(_responses()),
    "rate_limits": [
        b"retry-after:20\nx-ratelimit-limit-requests:60\nx-ratelimit-reset-requests:6m0.5s",
        b"retry-after-ms:250\nx-ratelimit-reset:1795348800\nx-ratelimit-remaining:1",
        b"retry-after:Sun, 22 Nov 2026 12:01:00 GMT"
        b"\nanthropic-ratelimit-tokens-reset:2026-11-22T12:00:30Z",
    ],
    "include_usage": [
        b'{"model":"m","stream":true}',
        b'{"stream_options":{"other":1},"stream":true}',
        b'data: {"choices":[1],"usage":null}\n\ndata: {"choices":[],"usage":{"a":1}}\r\n\r\n',
        b"data: " + b"x" * 60 + b',"usage":null}\r\r: ping\n\n',
    ],
    "har_entries": [
        b'{"log":{"version":"1.2","entries":[{"a":"}\\""},{"b":[1,{}]}],"x":[]}}',
        b'{"log":{"entries":[{"a":"' + b"x" * 60 + b'"},{"b":{"c":"d"',
    ],
    "flows": [
        _flow(b"/v1/chat/completions", b'{"model":"gpt-4o","usage":{"prompt_tokens":1}}'),
        _flow(b"/v1/realtime?model=gpt-realtime", b"", b'{"type":"session.created"}'),
        _flow(b"/v1/embeddings", b"") + b"7:garbage,5:short",
    ],
    "frames": [frame(b'{"a":1}') * 2, frame(b"{}") + b"\x1e0000" + frame(b"{}")[:-2]],
}

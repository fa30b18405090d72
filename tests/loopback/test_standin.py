"""The stand-in gives what a real client of the provider can read, and counts what it has given."""

import json
import ssl
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from cli.standin import StandIn
from cli.standin.echo import accept_key, frame
from cli.standin.encoding import choose_encoder
from cli.standin.script import Script, parse_script

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"
ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello there"}]}


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with StandIn(tmp_path_factory.mktemp("standin")) as running:
        yield running


def post(url: str, body: object, context: ssl.SSLContext | None = None, **headers: str) -> bytes:
    data = json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(
        url, data, {"content-type": "application/json", **named}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10, context=context) as response:
        return bytes(response.read())


def events(stream: bytes) -> list[Any]:
    lines = (line[6:] for line in stream.split(b"\n") if line.startswith(b"data: "))
    return [json.loads(line) for line in lines if line != b"[DONE]"]


def test_counts_a_billable_call_and_what_it_reported(standin: StandIn) -> None:
    """The count holds the id and the usage that the client was given."""
    body = json.loads(post(standin.plain_url + CHAT, ASK, x_standin="name=counted"))
    seen = standin.calls.wait_for("counted", finished=True)
    assert body["id"] == seen.object_id
    assert seen.usage is not None
    assert body["usage"]["prompt_tokens"] == seen.usage["input_tokens"]
    assert body["usage"]["completion_tokens"] == seen.usage["output_tokens"]


def test_answers_at_a_control_path(standin: StandIn) -> None:
    """Another process can read the count."""
    post(standin.plain_url + CHAT, ASK, x_standin="name=controlled")
    with urllib.request.urlopen(standin.plain_url + "/standin/calls", timeout=10) as response:
        calls = json.loads(response.read())["calls"]
    assert "controlled" in {call["name"] for call in calls}


def test_listing_models_is_not_counted(standin: StandIn) -> None:
    """What the providers do not bill is not in the count."""
    before = len(standin.calls.all())
    with urllib.request.urlopen(standin.plain_url + "/v1/models", timeout=10) as response:
        assert json.loads(response.read())["object"] == "list"
    assert before == len(standin.calls.all())


def test_serves_tls_for_the_hosts_it_stands_in_for(standin: StandIn) -> None:
    """Its certificate is good for a client that trusts its root, and for no other."""
    context = ssl.create_default_context(cafile=standin.ca_file)
    assert post(f"https://localhost:{standin.tls_port}{CHAT}", ASK, context)
    with pytest.raises(urllib.error.URLError):
        post(f"https://localhost:{standin.tls_port}{CHAT}", ASK)


@pytest.mark.parametrize("asked", [True, False])
def test_streams_usage_only_when_asked(standin: StandIn, asked: bool) -> None:
    """Like the provider: the last chunk carries usage with include_usage, else none does."""
    ask: dict[str, Any] = {**ASK, "stream": True, "stream_options": {"include_usage": asked}}
    chunks = events(post(standin.plain_url + CHAT, ask))
    assert asked == any(chunk.get("usage") for chunk in chunks)


def test_anthropic_stream_ends_with_the_whole_usage(standin: StandIn) -> None:
    """message_start has a stub of the output; message_delta has the count."""
    ask = {"model": "claude-sonnet-4-5", "max_tokens": 10, "messages": [], "stream": True}
    sent = events(post(standin.plain_url + MESSAGES, ask, x_standin="name=claude"))
    seen = standin.calls.wait_for("claude", finished=True)
    assert seen.usage is not None
    delta = next(value for value in sent if value["type"] == "message_delta")
    assert seen.usage["output_tokens"] == delta["usage"]["output_tokens"]
    assert sent[-1]["type"] == "message_stop"


def test_gemini_array_is_one_json_document(standin: StandIn) -> None:
    """Without alt=sse the stream is a JSON array, in pieces."""
    path = "/v1beta/models/gemini-2.5-flash:streamGenerateContent"
    whole = json.loads(post(standin.plain_url + path, {"contents": []}))
    assert whole[-1]["usageMetadata"]["candidatesTokenCount"] == len(whole)
    as_events = events(post(standin.plain_url + path + "?alt=sse", {"contents": []}))
    assert [part["candidates"] for part in whole] == [part["candidates"] for part in as_events]


def test_refuses_an_option_that_it_does_not_have(standin: StandIn) -> None:
    """A typing error in a test is seen, not ignored."""
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(standin.plain_url + CHAT, ASK, x_standin="statsu=429")
    assert b"statsu" in refused.value.read()


def test_reads_every_option() -> None:
    """Options carry their types; hyphens stand for underscores."""
    assert Script(name="a", status=429, hold=True, die_after_bytes=7) == parse_script(
        "name=a; status=429;hold ; die-after-bytes=7"
    )


DECODERS: dict[str, Callable[[], Callable[[bytes], bytes]]] = {
    "identity": lambda: bytes,
    "gzip": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS).decompress,
    "deflate": lambda: zlib.decompressobj().decompress,
    "br": lambda: brotli.Decompressor().process,
    "zstd": lambda: zstandard.ZstdDecompressor().decompressobj().decompress,
}


@pytest.mark.parametrize("coding", sorted(DECODERS))
@given(pieces=st.lists(st.binary(min_size=1, max_size=200), max_size=8))
def test_every_piece_can_be_read_as_soon_as_it_is_sent(coding: str, pieces: list[bytes]) -> None:
    """Whatever the coding, a decoder gives each piece back before the next one is made."""
    encoder, decode = choose_encoder(coding), DECODERS[coding]()
    for piece in pieces:
        assert piece == decode(encoder.push(piece))


def test_websocket_arithmetic() -> None:
    """RFC 6455, sections 1.3 and 5.7, gives these."""
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert bytes.fromhex("810548656c6c6f") == frame(0x81, b"Hello")
    assert bytes.fromhex("818537fa213d7f9f4d5158") == frame(
        0x81, b"Hello", bytes.fromhex("37fa213d")
    )

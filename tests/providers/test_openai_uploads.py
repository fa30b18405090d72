"""OpenAI's audio and images: forms, files, and answers that are files themselves."""

import json
from decimal import Decimal
from typing import Any

import pytest

from acm_addon.model import Reason, UsageSource
from acm_addon.providers.base import RequestHead, RequestReader, ResponseHead, ResponseReader
from acm_addon.routing import BUILT_IN
from tests.audio_files import mp3, wav

_TRANSCRIBE = "/v1/audio/transcriptions"
_SPEAK = "/v1/audio/speech"
_JSON = "application/json"
_SSE = "text/event-stream; charset=utf-8"
_TOKENS = {
    "type": "tokens",
    "total_tokens": 49,
    "input_tokens": 37,
    "input_token_details": {"text_tokens": 2, "audio_tokens": 35},
    "output_tokens": 12,
}
_QUANTITIES = {
    "input_tokens": 37,
    "output_tokens": 12,
    "input_text_tokens": 2,
    "input_audio_tokens": 35,
}


def _form(file: bytes | None, name: str = "file", **fields: str) -> tuple[bytes, str]:
    """A form's body and its content type."""
    body = b"".join(
        f'--B\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    )
    if file is not None:
        head = f'--B\r\nContent-Disposition: form-data; name="{name}"; filename="a"\r\n\r\n'
        body += head.encode() + file + b"\r\n"
    return body + b"--B--\r\n", "multipart/form-data; boundary=B"


def _run(
    path: str,
    request: tuple[bytes, str],
    response: bytes,
    content_type: str = _JSON,
    *,
    status: int = 200,
    piece: int = 0,
    provider: str = "openai",
) -> tuple[RequestReader, ResponseReader]:
    """Both readers, fed whole or in pieces."""
    known = BUILT_IN.named(provider)
    assert known is not None
    data, kind = request
    head = RequestHead("POST", path, headers={"content-type": kind})
    endpoint = known.classify(head)
    reader = known.request_reader(endpoint, head)
    for start in range(0, len(data), piece or len(data)):
        reader.feed(data[start : start + (piece or len(data))])
    answer = ResponseHead(status, {"content-type": content_type})
    body = known.response_reader(endpoint, reader.facts(), answer)
    for start in range(0, len(response), piece or len(response) or 1):
        body.feed(response[start : start + (piece or len(response))])
    return reader, body


@pytest.mark.parametrize("piece", [0, 1, 7])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_transcription_reports_tokens(piece: int, streamed: bool) -> None:
    """Sound and text apart, in the body or in the last event."""
    body = json.dumps({"text": "Hi", "usage": _TOKENS})
    if streamed:
        done = {"type": "transcript.text.done", "text": "Hi", "usage": _TOKENS}
        piece_of_text = {"type": "transcript.text.segment", "id": "seg_0", "text": "Hi"}
        body = "".join(f"data: {json.dumps(event)}\n\n" for event in (piece_of_text, done))
    form = _form(wav(0.1), model="gpt-4o-transcribe", stream="true")
    request, response = _run(
        _TRANSCRIBE, form, body.encode(), _SSE if streamed else _JSON, piece=piece
    )
    facts = response.facts()
    assert (_QUANTITIES, UsageSource.REPORTED) == (facts.quantities, facts.usage_source)
    assert (True, False, None) == (facts.finished, facts.output_missing, facts.object_id)
    assert ("gpt-4o-transcribe", True) == (request.facts().model, request.facts().stream)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"text": "Hi", "usage": {"type": "duration", "seconds": 4}}, 4),
        ({"text": "Hi", "usage": {"type": "duration", "seconds": 3.25}}, Decimal("3.25")),
        ({"text": "Hi", "duration": 3.25}, Decimal("3.25")),
        ({"text": "Hi", "duration": 3.3, "usage": {"type": "duration", "seconds": 4}}, 4),
    ],
)
def test_a_transcription_reports_seconds(body: dict[str, Any], seconds: Decimal) -> None:
    """In its usage; a verbose answer without usage has at least the duration."""
    _, response = _run(_TRANSCRIBE, _form(None, model="whisper-1"), json.dumps(body).encode())
    facts = response.facts()
    assert ({"input_audio_seconds": seconds}, UsageSource.REPORTED) == (
        facts.quantities,
        facts.usage_source,
    )


@pytest.mark.parametrize("kind", ["text/plain; charset=utf-8", "text/vtt", "application/x-subrip"])
def test_plain_text_is_billed_by_the_recording(kind: str) -> None:
    """SRT, VTT and plain text say nothing: the uploaded file does. Their end is the transfer's."""
    form = _form(wav(3.25), model="whisper-1", response_format="srt")
    _, response = _run("/v1/audio/translations", form, b"1\n00:00:00,000 -->", kind)
    facts = response.facts()
    assert ({"input_audio_seconds": Decimal("3.25")}, UsageSource.DERIVED) == (
        facts.quantities,
        facts.usage_source,
    )
    assert (False, True, None) == (facts.finished, facts.unframed, facts.reason)


@pytest.mark.parametrize(
    ("provider", "path", "kind", "answer"),
    [
        ("groq", "/openai" + _TRANSCRIBE, "text/plain", b"Hi"),
        ("together", _TRANSCRIBE, _JSON, b'{"text": "Hi"}'),
        ("xai", "/v1/stt", _JSON, b'{"text": "Hi"}'),
    ],
)
def test_relatives_that_state_nothing_are_billed_by_the_recording(
    provider: str, path: str, kind: str, answer: bytes
) -> None:
    """What they transcribe is in the request there too."""
    form = _form(wav(3.25), model="whisper-large-v3")
    _, response = _run(path, form, answer, kind, provider=provider)
    facts = response.facts()
    assert {"input_audio_seconds": Decimal("3.25")} == facts.quantities
    assert (UsageSource.DERIVED, True) == (facts.usage_source, facts.finished or facts.unframed)


def test_a_recording_without_a_stated_length_makes_an_estimate() -> None:
    """An MP3 without a header of its frames is as long as its size and bit rate say."""
    form = _form(mp3(4000), model="whisper-1", response_format="text")
    _, response = _run(_TRANSCRIBE, form, b"Hi", "text/plain")
    assert UsageSource.ESTIMATED is response.facts().usage_source


def test_a_recording_that_cannot_be_read_leaves_nothing() -> None:
    form = _form(b"?" * 100, model="whisper-1")
    _, response = _run(_TRANSCRIBE, form, b"Hi", "text/plain")
    facts = response.facts()
    assert ({}, UsageSource.NONE, Reason.NO_USAGE) == (
        facts.quantities,
        facts.usage_source,
        facts.reason,
    )


def test_a_refused_transcription_costs_nothing() -> None:
    form = _form(wav(3.25), model="whisper-1")
    _, response = _run(_TRANSCRIBE, form, b'{"error":{"code":"x"}}', status=400)
    assert ({}, Reason.PROVIDER_ERROR) == (response.facts().quantities, response.facts().reason)


@pytest.mark.parametrize(
    "hostile", ["-1", "1e308", '"7"', "null", "true", "[]", "{}", "1e999999999999", "NaN"]
)
def test_hostile_seconds_are_dropped(hostile: str) -> None:
    body = '{"usage":{"type":"duration","seconds":%s}}' % hostile  # noqa: UP031
    _, response = _run(_TRANSCRIBE, _form(None, model="whisper-1"), body.encode())
    assert {} == response.facts().quantities


def _speech(model: str, **fields: str) -> tuple[bytes, str]:
    return json.dumps({"model": model, "input": "Höhe", "voice": "alloy", **fields}).encode(), _JSON


@pytest.mark.parametrize("model", ["tts-1", "tts-1-hd"])
def test_speech_is_billed_by_characters(model: str) -> None:
    """Of the input; the sound says nothing, and its end is the transfer's."""
    _, response = _run(_SPEAK, _speech(model), wav(0.5), "audio/mpeg")
    facts = response.facts()
    assert ({"input_characters": 4}, UsageSource.DERIVED) == (facts.quantities, facts.usage_source)
    assert (False, True) == (facts.finished, facts.unframed)


@pytest.mark.parametrize("piece", [0, 3])
def test_speech_by_a_token_model_is_estimated_by_how_long_it_plays(piece: int) -> None:
    _, response = _run(_SPEAK, _speech("gpt-4o-mini-tts"), wav(0.5), "audio/wav", piece=piece)
    facts = response.facts()
    assert ({"output_audio_seconds": Decimal("0.5")}, UsageSource.ESTIMATED) == (
        facts.quantities,
        facts.usage_source,
    )


def test_bare_samples_have_no_header_to_read() -> None:
    """24,000 a second, of two bytes each."""
    _, response = _run(_SPEAK, _speech("gpt-4o-mini-tts"), bytes(36_000), "audio/pcm")
    assert {"output_audio_seconds": Decimal("0.75")} == response.facts().quantities


def test_streamed_speech_reports_tokens() -> None:
    """In its last event, whatever the sound."""
    usage = {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}
    done = {"type": "speech.audio.done", "usage": usage}
    stream = f'data: {{"type":"speech.audio.delta","audio":"UklG"}}\n\ndata: {json.dumps(done)}\n\n'
    request = _speech("gpt-4o-mini-tts", stream_format="sse")
    _, response = _run(_SPEAK, request, stream.encode(), _SSE)
    facts = response.facts()
    assert ({"input_tokens": 14, "output_tokens": 101}, True) == (facts.quantities, facts.finished)
    _, cut = _run(_SPEAK, request, stream.encode()[:60], _SSE)
    assert cut.facts().finished is False


_EDIT = "/v1/images/edits"
_PICTURE = b"\x89PNG"


@pytest.mark.parametrize("piece", [0, 1])
def test_an_edit_reports_tokens(piece: int) -> None:
    """The form names the model, and the answer the size and the quality as made."""
    usage = {
        "input_tokens": 432,
        "input_tokens_details": {"image_tokens": 388, "text_tokens": 44},
        "output_tokens": 1364,
        "output_tokens_details": {"image_tokens": 1056, "text_tokens": 308},
        "total_tokens": 1796,
    }
    body = {"created": 1, "data": [], "quality": "medium", "size": "1024x1024", "usage": usage}
    form = _form(_PICTURE, name="image[]", model="gpt-image-1.5", prompt="x", quality="auto")
    request, response = _run(_EDIT, form, json.dumps(body).encode(), piece=piece)
    facts = response.facts()
    assert {
        "input_tokens": 432,
        "output_tokens": 1364,
        "input_text_tokens": 44,
        "input_image_tokens": 388,
        "output_text_tokens": 308,
        "output_image_tokens": 1056,
    } == facts.quantities
    assert {"quality": "medium", "size": "1024x1024"} == facts.price_context
    assert "gpt-image-1.5" == request.facts().model


def test_a_streamed_edit_has_its_usage_in_the_last_event() -> None:
    """Partial pictures count in it."""
    usage = {"input_tokens": 9, "output_tokens": 300, "total_tokens": 309}
    events = (
        {"type": "image_edit.partial_image", "partial_image_index": 0, "quality": "auto"},
        {"type": "image_edit.completed", "quality": "low", "size": "1024x1024", "usage": usage},
    )
    stream = "".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n" for each in events)
    form = _form(_PICTURE, name="image", model="gpt-image-1", stream="true", partial_images="1")
    request, response = _run(_EDIT, form, stream.encode(), _SSE)
    facts = response.facts()
    assert ({"input_tokens": 9, "output_tokens": 300}, True) == (facts.quantities, facts.finished)
    assert ("low", True) == (facts.price_context["quality"], request.facts().stream)


def test_pictures_without_usage_are_billed_by_what_was_asked_for() -> None:
    """Their number, their size, and the model of the form, or the one that was the default."""
    form = _form(_PICTURE, name="image", n="2", size="256x256")
    request, response = _run("/v1/images/variations", form, b'{"created":1,"data":[]}')
    facts = response.facts()
    assert ({"images": 2}, UsageSource.DERIVED) == (facts.quantities, facts.usage_source)
    assert ("dall-e-2", "256x256") == (
        request.facts().model,
        request.facts().price_context["size"],
    )


@pytest.mark.parametrize("many", ["-1", "x", "", "9" * 30, "1.5", "²"])
def test_a_number_of_pictures_that_is_none_is_one(many: str) -> None:
    request, _ = _run(_EDIT, _form(_PICTURE, name="image", n=many), b"{}")
    assert {"images": 1} == request.facts().derived


def test_the_author_of_an_svg_stands_apart() -> None:
    """Drawing one takes a second model."""
    usage = {"input_tokens": 9, "output_tokens": 300, "total_tokens": 309}
    drawn = {"model": "gpt-6-sol", "input_tokens": 5, "output_tokens": 70, "reasoning_tokens": 20}
    body = {"usage": usage, "svg_usage": {**drawn, "total_tokens": 75}}
    request = json.dumps({"model": "gpt-image-2.5-flare"}).encode(), _JSON
    _, response = _run("/v1/images/generations", request, json.dumps(body).encode())
    (author,) = response.facts().others
    assert "gpt-6-sol" == author.model
    assert {"input_tokens": 5, "output_tokens": 70, "output_reasoning_tokens": 20} == (
        author.quantities
    )


def test_the_deployment_decides_what_an_azure_picture_costs() -> None:
    """The body of such a request names no model."""
    path = "/openai/deployments/dall-e-3/images/generations"
    request, _ = _run(path, (b'{"prompt":"x"}', _JSON), b"{}", provider="azure")
    assert {"size": "1024x1024", "quality": "standard"} == request.facts().price_context
    path = "/openai/deployments/tts-1/audio/speech"
    _, response = _run(path, _speech("x"), wav(0.5), "audio/mpeg", provider="azure")
    assert {"input_characters": 4} == response.facts().quantities

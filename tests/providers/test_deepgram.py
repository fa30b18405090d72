"""Deepgram, on hand-written bodies."""

from decimal import Decimal
from typing import Any

import pytest

from acm_addon.model import Completeness, ModelUsage, Reason, UsageSource
from tests.providers.exchanges import ended, exchanged

LISTEN = "/v1/listen?model=nova-3"
_INFO = {"name": "general-nova-3", "version": "2025-07-31.0", "arch": "nova-3"}


def _transcript(**metadata: object) -> dict[str, Any]:
    known = {"request_id": "r-1", "duration": 2.5, "channels": 2, "model_info": {"u": _INFO}}
    return {"metadata": known | metadata, "results": {"channels": [{"duration": 99}]}}


@pytest.mark.parametrize("piece", [0, 1, 7])
def test_a_transcript_is_billed_by_its_seconds(piece: int) -> None:
    """Channels that were not told apart are one."""
    outcome = ended(
        exchanged("deepgram", "POST", LISTEN, _transcript(), request=b"RIFF", piece=piece)
    )
    assert {"input_audio_seconds": Decimal("2.5")} == outcome.usage.quantities
    assert UsageSource.REPORTED is outcome.usage.source
    assert ("nova-3", "r-1") == (outcome.exchange.model, outcome.exchange.object_id)


def test_every_channel_that_was_asked_for_is_billed() -> None:
    """And what else the price depends on is told, without any text of the client's."""
    asked = "multichannel=true&diarize_model=latest&keyterm=secret&redact=false&language=multi"
    path = f"{LISTEN}&{asked}"
    outcome = ended(exchanged("deepgram", "POST", path, _transcript()))
    assert {"input_audio_seconds": 5} == outcome.usage.quantities
    assert {
        "multichannel": "true",
        "diarize": "true",
        "keyterm": "true",
        "language": "multi",
    } == outcome.exchange.price_context


@pytest.mark.parametrize(
    ("info", "model"),
    [
        ({"name": "medical-nova-3", "arch": "nova-3"}, "nova-3-medical"),
        ({"name": "own", "arch": "nova-3"}, "nova-3"),
        ({"name": "general-nova-3"}, "nova-3"),
        (None, "nova-3"),
    ],
)
def test_the_model_is_named_as_requests_name_it(info: object, model: str) -> None:
    body = _transcript(model_info={"u": info})
    assert model == ended(exchanged("deepgram", "POST", LISTEN, body)).exchange.model


def test_what_is_understood_has_tokens_of_its_own() -> None:
    """Beside the seconds of a transcript, and alone for a text."""
    tokens = {"model_uuid": "u", "input_tokens": 20, "output_tokens": 8}
    heard = ended(
        exchanged("deepgram", "POST", LISTEN, _transcript(summary_info=tokens, topics_info=tokens))
    )
    counts = {"input_tokens": 20, "output_tokens": 8}
    assert (ModelUsage("summarize", counts), ModelUsage("topics", counts)) == heard.usage.others
    read = {"metadata": {"request_id": "r", "summary_info": tokens, "intents_info": tokens}}
    outcome = ended(exchanged("deepgram", "POST", "/v1/read", read, request={"text": "Hi"}))
    assert {"input_tokens": 40, "output_tokens": 16} == outcome.usage.quantities


def test_speech_is_billed_by_the_characters_of_the_header() -> None:
    """Else by those of the request, marked derived."""
    sound = {"content-type": "audio/mpeg", "dg-model-name": "aura-2-zeus-en"}
    path, asked = "/v1/speak?model=aura-2-zeus-en", {"text": "Größe"}
    told = sound | {"dg-char-count": "7"}
    usage = ended(exchanged("deepgram", "POST", path, b"mp3", request=asked, answered=told)).usage
    assert ({"input_characters": 7}, UsageSource.REPORTED) == (usage.quantities, usage.source)
    outcome = ended(exchanged("deepgram", "POST", path, b"mp3", request=asked, answered=sound))
    assert {"input_characters": 5} == outcome.usage.quantities
    assert (UsageSource.DERIVED, "aura-2-zeus-en") == (
        outcome.usage.source,
        outcome.exchange.model,
    )


def test_a_call_with_a_callback_stays_pending() -> None:
    path = f"{LISTEN}&callback=https%3A%2F%2Fexample.com"
    outcome = ended(exchanged("deepgram", "POST", path, {"request_id": "r-2"}, request=b"RIFF"))
    assert (Completeness.PENDING, "r-2") == (
        outcome.exchange.completeness,
        outcome.exchange.object_id,
    )


@pytest.mark.parametrize("bad", [-1, "12", True, 1e308, []])
@pytest.mark.parametrize("key", ["duration", "channels"])
def test_hostile_numbers_are_marked(key: str, bad: object) -> None:
    path = f"{LISTEN}&multichannel=true"
    usage = ended(exchanged("deepgram", "POST", path, _transcript(**{key: bad}))).usage
    assert Reason.BAD_USAGE is usage.reason


def test_an_error_and_a_cut_answer() -> None:
    error = {"err_code": "Bad Request", "err_msg": "no", "request_id": "r"}
    failed = ended(exchanged("deepgram", "POST", LISTEN, error, status=400))
    assert (Reason.PROVIDER_ERROR, {}) == (failed.exchange.reason, failed.usage.quantities)
    cut = ended(exchanged("deepgram", "POST", LISTEN, b'{"metadata":{"duration":2.5,"chan'))
    assert Completeness.PARTIAL is cut.exchange.completeness

"""ElevenLabs, on hand-written bodies."""

from decimal import Decimal

import pytest

from acm_addon.model import Completeness, Reason, UsageSource
from tests.providers.exchanges import JSON, ended, exchanged, settled

SPEAK = "/v1/text-to-speech/voice"
TRANSCRIBE = "/v1/speech-to-text"
_SOUND = {"content-type": "audio/mpeg", "character-cost": "9"}
_FORM = {"content-type": "multipart/form-data; boundary=b"}
_SCRIBE = b'--b\r\nContent-Disposition: form-data; name="model_id"\r\n\r\nscribe_v2\r\n--b--\r\n'


@pytest.mark.parametrize("piece", [0, 1, 3])
def test_speech_is_counted_in_characters_of_its_text(piece: int) -> None:
    """Code points, derived: the header's number is of credits, half as many for this model."""
    asked = {"text": "Größe: a 🦙 river.", "model_id": "eleven_flash_v2_5"}
    outcome = ended(
        exchanged(
            "elevenlabs",
            "POST",
            SPEAK,
            b"\xff\xfb" * 50,
            request=asked,
            answered=_SOUND,
            piece=piece,
        )
    )
    assert {"input_characters": 17} == outcome.usage.quantities
    assert UsageSource.DERIVED is outcome.usage.source
    assert Completeness.COMPLETE is outcome.exchange.completeness
    assert "eleven_flash_v2_5" == outcome.exchange.model


def test_a_dialogue_is_the_sum_of_its_lines() -> None:
    lines = [{"text": "One.", "voice_id": "a"}, {"text": "Three.", "voice_id": "b"}]
    call = exchanged(
        "elevenlabs",
        "POST",
        "/v1/text-to-dialogue",
        b"mp3",
        request={"inputs": lines},
        answered=_SOUND,
    )
    outcome = ended(call)
    assert {"input_characters": 10} == outcome.usage.quantities
    assert "eleven_v3" == outcome.exchange.model


@pytest.mark.parametrize("body", [b'{"audio_base64":"AA=="}', b'{"a":1}\n{"a":2}\n'])
def test_json_around_the_sound_has_an_end(body: bytes) -> None:
    """One document, or one after another; cut off, it is partial, and costs the same."""
    path = f"{SPEAK}/stream/with-timestamps"
    whole = ended(exchanged("elevenlabs", "POST", path, body, request={"text": "Hi"}))
    cut = ended(exchanged("elevenlabs", "POST", path, body[:-3], request={"text": "Hi"}))
    assert Completeness.COMPLETE is whole.exchange.completeness
    assert Completeness.PARTIAL is cut.exchange.completeness
    assert {"input_characters": 2} == whole.usage.quantities == cut.usage.quantities


def test_sound_without_a_text_is_counted_in_credits() -> None:
    """They are what the provider says it charged."""
    call = exchanged(
        "elevenlabs",
        "POST",
        "/v1/speech-to-speech/v",
        b"mp3",
        request=_SCRIBE,
        sent=_FORM,
        answered=_SOUND,
    )
    usage = ended(call).usage
    assert ({"credits": 9}, UsageSource.REPORTED) == (usage.quantities, usage.source)


@pytest.mark.parametrize(
    ("path", "asked", "seconds"),
    [
        ("/v1/sound-generation", {"text": "a river", "duration_seconds": 2.5}, Decimal("2.5")),
        ("/v1/music", {"prompt": "a river", "music_length_ms": 10500}, Decimal("10.5")),
        (
            "/v1/music/stream",
            {"composition_plan": {"sections": [{"duration_ms": 3000}, {"duration_ms": 4000}]}},
            Decimal(7),
        ),
    ],
)
def test_the_length_that_was_asked_for(path: str, asked: object, seconds: Decimal) -> None:
    """Where the header is missing."""
    sound = {"content-type": "audio/mpeg"}
    usage = ended(
        exchanged("elevenlabs", "POST", path, b"mp3", request=asked, answered=sound)
    ).usage
    assert {"output_audio_seconds": seconds} == usage.quantities
    assert UsageSource.DERIVED is usage.source


@pytest.mark.parametrize("piece", [0, 1, 7])
def test_a_transcript_is_as_long_as_it_says(piece: int) -> None:
    answer = {"text": "Hi", "words": [{"end": 0.5}], "audio_duration_secs": 1.25}
    outcome = ended(
        exchanged(
            "elevenlabs", "POST", TRANSCRIBE, answer, request=_SCRIBE, sent=_FORM, piece=piece
        )
    )
    assert {"input_audio_seconds": Decimal("1.25")} == outcome.usage.quantities
    assert UsageSource.REPORTED is outcome.usage.source
    assert "scribe_v2" == outcome.exchange.model


def test_else_it_is_as_long_as_its_last_word_for_every_channel() -> None:
    """Derived: what follows the last word is not known."""
    single = {"words": [{"end": 0.5}, {"end": None}, {"end": 2.5}, {"end": 1.5}]}
    usage = ended(exchanged("elevenlabs", "POST", TRANSCRIBE, single)).usage
    assert {"input_audio_seconds": Decimal("2.5")} == usage.quantities
    assert UsageSource.DERIVED is usage.source
    channels = [
        {"channel_index": 0, "words": [{"end": 2}]},
        {"channel_index": 1, "words": [{"end": 1}]},
    ]
    usage = ended(exchanged("elevenlabs", "POST", TRANSCRIBE, {"transcripts": channels})).usage
    assert {"input_audio_seconds": 4} == usage.quantities


def test_a_transcript_for_a_webhook_is_pending_until_it_is_seen() -> None:
    accepted = {"message": "Request processed", "request_id": "r", "transcription_id": "t"}
    outcome = ended(
        exchanged("elevenlabs", "POST", TRANSCRIBE, accepted, request=_SCRIBE, sent=_FORM)
    )
    assert (Completeness.PENDING, "t") == (
        outcome.exchange.completeness,
        outcome.exchange.object_id,
    )
    shown = {"text": "Hi", "words": [], "audio_duration_secs": 3}
    result = settled(exchanged("elevenlabs", "GET", f"{TRANSCRIBE}/transcripts/t", shown))
    assert result is not None
    assert ({"input_audio_seconds": 3}, "t") == (
        result.usage.quantities,
        result.exchange.object_id,
    )


def test_a_dub_counts_its_source_for_each_language() -> None:
    ordered = {"dubbing_id": "d", "expected_duration_sec": 10}
    outcome = ended(exchanged("elevenlabs", "POST", "/v1/dubbing", ordered))
    assert (Completeness.PENDING, "d") == (
        outcome.exchange.completeness,
        outcome.exchange.object_id,
    )
    shown = {"dubbing_id": "d", "status": "dubbing", "target_languages": ["de", "fr"]}
    assert settled(exchanged("elevenlabs", "GET", "/v1/dubbing/d", shown)) is None
    done = shown | {"status": "dubbed", "media_metadata": {"duration": 12.5}}
    result = settled(exchanged("elevenlabs", "GET", "/v1/dubbing/d", done))
    assert result is not None
    assert {"input_audio_seconds": 25} == result.usage.quantities
    failed = settled(exchanged("elevenlabs", "GET", "/v1/dubbing/d", shown | {"status": "failed"}))
    assert failed is not None
    assert {} == failed.usage.quantities


@pytest.mark.parametrize("bad", [-1, "12", True, 1e308])
def test_hostile_numbers_are_marked(bad: object) -> None:
    usage = ended(exchanged("elevenlabs", "POST", TRANSCRIBE, {"audio_duration_secs": bad})).usage
    assert ({}, Reason.BAD_USAGE) == (usage.quantities, usage.reason)


def test_an_error_costs_nothing_that_we_derive() -> None:
    detail = {"detail": {"status": "quota_exceeded", "message": "no"}}
    outcome = ended(
        exchanged(
            "elevenlabs", "POST", SPEAK, detail, request={"text": "Hi"}, status=401, answered=JSON
        )
    )
    assert (Reason.PROVIDER_ERROR, {}) == (outcome.exchange.reason, outcome.usage.quantities)

"""AssemblyAI, Gladia, Rev.ai, and Cartesia, on hand-written bodies."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from acm_addon.model import Completeness, Reason, UsageSource
from tests.providers.exchanges import ended, exchanged, settled

_CREATED = "2026-11-01T10:00:00.000Z"
_JOBS: dict[str, tuple[str, dict[str, Any], dict[str, Any], str]] = {
    "assemblyai": (
        "/v2/transcript",
        {"status": "processing", "speech_model": "slam-1", "audio_duration": None},
        {"status": "completed", "audio_duration": 281},
        "slam-1",
    ),
    "gladia": (
        "/v2/pre-recorded",
        {"status": "queued", "request_params": {"model": "solaria-1"}, "created_at": _CREATED},
        {"status": "done", "result": {"metadata": {"audio_duration": 140.5, "billing_time": 281}}},
        "solaria-1",
    ),
    "revai": (
        "/speechtotext/v1/jobs",
        {"status": "in_progress", "created_on": _CREATED},
        {"status": "transcribed", "duration_seconds": 281},
        "machine",
    ),
}
"""By provider: path, an unfinished job, what changes when it is done, the model."""


@pytest.mark.parametrize("piece", [0, 1])
@pytest.mark.parametrize("provider", _JOBS)
def test_a_job_is_pending_until_a_look_shows_its_end(provider: str, piece: int) -> None:
    """Ordering states no usage; the end states the seconds that are billed."""
    path, job, end, model = _JOBS[provider]
    job = job | {"id": "j-1"}
    ordered = ended(exchanged(provider, "POST", path, job, request={}, piece=piece))
    assert (Completeness.PENDING, "j-1", {}) == (
        ordered.exchange.completeness,
        ordered.exchange.object_id,
        ordered.usage.quantities,
    )
    assert settled(exchanged(provider, "GET", f"{path}/j-1", job, piece=piece)) is None
    outcome = settled(exchanged(provider, "GET", f"{path}/j-1", job | end, piece=piece))
    assert outcome is not None
    assert {"input_audio_seconds": 281} == outcome.usage.quantities
    assert UsageSource.REPORTED is outcome.usage.source
    assert (model, "j-1") == (outcome.exchange.model, outcome.exchange.object_id)
    if provider != "assemblyai":
        assert datetime(2026, 11, 1, 10, tzinfo=UTC) == outcome.exchange.time


@pytest.mark.parametrize(
    ("provider", "failed"), [("assemblyai", "error"), ("gladia", "error"), ("revai", "failed")]
)
def test_a_failed_job_settles_without_usage(provider: str, failed: str) -> None:
    path, job, _, _ = _JOBS[provider]
    shown = job | {"id": "j-1", "status": failed}
    outcome = settled(exchanged(provider, "GET", f"{path}/j-1", shown))
    assert outcome is not None
    assert {} == outcome.usage.quantities


def test_extras_that_cost_more_are_in_the_price_context() -> None:
    path, job, end, _ = _JOBS["assemblyai"]
    shown = job | end | {"id": "j-1", "speaker_labels": True, "summarization": False}
    outcome = settled(exchanged("assemblyai", "GET", f"{path}/j-1", shown))
    assert outcome is not None
    assert {"speaker_labels": "true"} == outcome.exchange.price_context


@pytest.mark.parametrize("bad", [-1, "12", True, 1e308, []])
def test_hostile_numbers_are_marked(bad: object) -> None:
    shown = {"id": "j-1", "status": "transcribed", "duration_seconds": bad}
    outcome = settled(exchanged("revai", "GET", "/speechtotext/v1/jobs/j-1", shown))
    assert outcome is not None
    assert ({}, Reason.BAD_USAGE) == (outcome.usage.quantities, outcome.usage.reason)


def test_an_error_of_a_look_settles_nothing() -> None:
    assert settled(exchanged("revai", "GET", "/speechtotext/v1/jobs/j", {}, status=404)) is None


def test_cartesia_states_the_seconds_of_what_it_hears() -> None:
    form = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nink-whisper\r\n--b--\r\n'
    sent = {"content-type": "multipart/form-data; boundary=b"}
    answer = {"text": "Hi", "duration": 2.479}
    outcome = ended(exchanged("cartesia", "POST", "/stt", answer, request=form, sent=sent))
    assert {"input_audio_seconds": Decimal("2.479")} == outcome.usage.quantities
    assert ("ink-whisper", UsageSource.REPORTED) == (outcome.exchange.model, outcome.usage.source)


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        ("/tts/bytes", "audio/wav", b"RIFF"),
        ("/tts/sse", "text/event-stream", b'data: {"type":"chunk"}\n\ndata: {"type":"done"}\n\n'),
    ],
)
def test_cartesia_speaks_by_the_character(path: str, kind: str, body: bytes) -> None:
    asked = {"model_id": "sonic-3", "transcript": "Größe"}
    call = exchanged("cartesia", "POST", path, body, request=asked, answered={"content-type": kind})
    outcome = ended(call)
    assert {"input_characters": 5} == outcome.usage.quantities
    assert (UsageSource.DERIVED, "sonic-3") == (outcome.usage.source, outcome.exchange.model)
    assert Completeness.COMPLETE is outcome.exchange.completeness

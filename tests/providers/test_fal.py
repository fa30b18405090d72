"""fal, on hand-written bodies."""

import json
from decimal import Decimal

import pytest

from acm_addon.model import Completeness, Reason, UsageSource
from tests.providers.exchanges import JSON, ended, exchanged, settled

QUEUE = "queue.fal.run"
_PICTURE = {"url": "https://fal.media/a.png", "width": 1000, "height": 500}


def _units(value: str) -> dict[str, str]:
    return {**JSON, "x-fal-billable-units": value}


def test_billed_units_are_the_headers() -> None:
    """Whatever the answer holds: they are in the unit that the model is priced by."""
    call = exchanged(
        "fal", "POST", "/fal-ai/flux/dev", {"images": [_PICTURE]}, answered=_units("3.008")
    )
    outcome = ended(call)
    assert {"billable_units": Decimal("3.008")} == outcome.usage.quantities
    assert (UsageSource.REPORTED, "fal-ai/flux/dev") == (
        outcome.usage.source,
        outcome.exchange.model,
    )


@pytest.mark.parametrize("header", ["", "free", "-1", "1e999", "NaN", "1" * 40])
@pytest.mark.parametrize("piece", [0, 1, 5])
def test_without_the_header_the_output_is_counted(header: str, piece: int) -> None:
    """Marked derived; a header that is no number says nothing."""
    body = {"images": [_PICTURE, _PICTURE], "has_nsfw_concepts": [False]}
    call = exchanged("fal", "POST", "/fal-ai/flux/dev", body, answered=_units(header), piece=piece)
    usage = ended(call).usage
    assert {"images": 2, "megapixels": Decimal(1)} == usage.quantities
    assert UsageSource.DERIVED is usage.source


def test_video_and_single_pictures() -> None:
    """Pixels are only known where every picture has a size."""
    video = {"video": {"url": "https://fal.media/a.mp4", "duration": 5.5}}
    assert {"video_seconds": Decimal("5.5")} == ended(
        exchanged("fal", "POST", "/fal-ai/veo3", video)
    ).usage.quantities
    single = {"image": {"url": "https://fal.media/a.png", "content_type": "image/png"}}
    quantities = ended(exchanged("fal", "POST", "/fal-ai/upscaler", single)).usage.quantities
    assert {"images": 1} == quantities


def test_the_last_event_of_a_stream_counts() -> None:
    """Every event holds the output so far."""
    events = [{"images": []}, {"images": [_PICTURE]}, {"images": [_PICTURE, _PICTURE]}]
    stream = b"".join(b"data: " + json.dumps(event).encode() + b"\r\n\r\n" for event in events)
    sse = {"content-type": "text/event-stream"}
    outcome = ended(exchanged("fal", "POST", "/fal-ai/flux/dev/stream", stream, answered=sse))
    assert 2 == outcome.usage.quantities["images"]
    assert "fal-ai/flux/dev" == outcome.exchange.model


def test_a_queued_request_is_pending_until_its_result_is_seen() -> None:
    """Once by its id: submitting, status, and a result that is not there yet settle nothing."""
    queued = {"request_id": "r-1", "status": "IN_QUEUE", "queue_position": 2}
    submitted = ended(exchanged("fal", "POST", "/fal-ai/veo3", queued, host=QUEUE, status=200))
    assert Completeness.PENDING is submitted.exchange.completeness
    assert ("queue", "r-1") == (submitted.exchange.endpoint, submitted.exchange.object_id)
    early = exchanged("fal", "GET", "/fal-ai/veo3/requests/r-1", queued, host=QUEUE, status=202)
    assert settled(early) is None
    wrong = exchanged("fal", "GET", "/fal-ai/veo3/requests/r-1", {}, host=QUEUE, status=400)
    assert settled(wrong) is None
    done = exchanged(
        "fal",
        "GET",
        "/fal-ai/veo3/requests/r-1/response",
        {"video": {"url": "https://fal.media/a.mp4"}, "request_id": "another"},
        host=QUEUE,
        answered=_units("8"),
    )
    outcome = settled(done)
    assert outcome is not None
    assert ("r-1", None) == (outcome.exchange.object_id, outcome.exchange.model)
    assert {"billable_units": 8} == outcome.usage.quantities


def test_a_result_that_says_nothing_of_its_size_stays_pending() -> None:
    silent = exchanged("fal", "GET", "/fal-ai/wizper/requests/r-1", {"text": "Hi"}, host=QUEUE)
    assert settled(silent) is None


def test_hostile_sizes_are_marked() -> None:
    body = {"images": [{"width": -5, "height": 1e308}], "video": {"duration": "long"}}
    usage = ended(exchanged("fal", "POST", "/fal-ai/flux/dev", body)).usage
    assert Reason.BAD_USAGE is usage.reason
    assert "megapixels" not in usage.quantities


def test_an_error_costs_nothing_that_we_derive() -> None:
    detail = {"detail": [{"msg": "no"}]}
    outcome = ended(exchanged("fal", "POST", "/fal-ai/flux/dev", detail, status=422))
    assert (Reason.PROVIDER_ERROR, {}) == (outcome.exchange.reason, outcome.usage.quantities)

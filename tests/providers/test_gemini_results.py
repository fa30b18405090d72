"""Gemini's asynchronous work, pictures, and cached content, on hand-written bodies."""

import json
from decimal import Decimal

import pytest

from acm_addon.model import Reason
from acm_addon.providers.base import (
    Billing,
    RequestFacts,
    RequestHead,
    ResponseFacts,
    ResponseHead,
)
from acm_addon.providers.gemini import GEMINI

_BATCH = "/v1beta/batches/b1"
_FILE = "/download/v1beta/files/batch-b1:download"
_USAGE = {"promptTokenCount": 10, "candidatesTokenCount": 4, "thoughtsTokenCount": 6}
_EXPECTED = {"input_tokens": 20, "output_tokens": 20, "output_reasoning_tokens": 12}
_PRICED = {"processing": "batch"}


def _facts(
    method: str, path: str, body: bytes, *, billing: Billing = Billing.RESULT
) -> ResponseFacts:
    endpoint = GEMINI.classify(RequestHead(method, path))
    assert billing is endpoint.billing
    whole = GEMINI.response_reader(endpoint, RequestFacts(), ResponseHead(200))
    bytewise = GEMINI.response_reader(endpoint, RequestFacts(), ResponseHead(200))
    whole.feed(body)
    for position in range(len(body)):
        bytewise.feed(body[position : position + 1])
    assert whole.facts() == bytewise.facts()
    return whole.facts()


def _batch(state: str, **more: object) -> bytes:
    metadata = {
        "model": "models/gemini-2.5-flash",
        "state": f"BATCH_STATE_{state}",
        "createTime": "2026-08-19T14:34:12.267870162Z",
    }
    return json.dumps({"name": "batches/b1", "metadata": metadata, **more}).encode()


def test_a_batch_that_runs_is_pending() -> None:
    """Its name is what it is known by, where it is created and where one looks at it."""
    path = "/v1beta/models/gemini-2.5-flash:batchGenerateContent"
    created = _facts("POST", path, _batch("PENDING"), billing=Billing.PENDING)
    looked = _facts("GET", _BATCH, _batch("RUNNING"))
    assert created == looked
    assert ("batches/b1", True, "gemini-2.5-flash") == (
        looked.object_id,
        looked.pending,
        looked.model,
    )
    assert looked.created is not None
    assert 34 == looked.created.minute
    assert "batches/b1" == GEMINI.classify(RequestHead("GET", _BATCH)).object_id


def _answers(key: str = "usageMetadata", count: object = None) -> dict[str, object]:
    answer = {"response": {key: _USAGE if count is None else count}}
    return {"inlinedResponses": {"inlinedResponses": [answer, {"error": {"code": 3}}, answer]}}


@pytest.mark.parametrize("both", [True, False])
def test_a_batch_that_holds_its_answers(both: bool) -> None:
    """They are counted once, though they may stand in two places. Errors are not billed."""
    answers = _answers()
    facts = _facts("GET", _BATCH, _batch("SUCCEEDED", response=answers))
    if both:
        metadata = {"model": "models/gemini-2.5-flash", "output": answers}
        body = {"name": "batches/b1", "metadata": metadata, "response": answers}
        facts = _facts("GET", _BATCH, json.dumps(body).encode())
    assert (_EXPECTED, _PRICED, False) == (facts.quantities, facts.price_context, facts.pending)


def test_a_batch_that_links_to_a_file() -> None:
    """It is settled by whoever downloads the file."""
    facts = _facts("GET", _BATCH, _batch("SUCCEEDED", response={"responsesFile": "files/batch-b1"}))
    assert (("files/batch-b1",), True) == (facts.links, facts.pending)
    assert "files/batch-b1" == GEMINI.classify(RequestHead("GET", _FILE)).object_id


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "EXPIRED"])
def test_a_batch_that_came_to_nothing(state: str) -> None:
    facts = _facts("GET", _BATCH, _batch(state))
    assert (False, {}, True) == (facts.pending, facts.quantities, facts.failed)


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_file_of_answers(end: bytes) -> None:
    line = {"key": "x", "response": {"usageMetadata": _USAGE, "modelVersion": "gemini-2.5-flash"}}
    lines = [line, {"key": "y", "error": {"code": 3}}, line]
    body = b"\n".join(json.dumps(each).encode() for each in lines) + end
    facts = _facts("GET", _FILE, body)
    assert (_EXPECTED, "gemini-2.5-flash", _PRICED) == (
        facts.quantities,
        facts.model,
        facts.price_context,
    )
    assert (True, False, None) == (facts.unframed, facts.pending, facts.reason)


@pytest.mark.parametrize("body", [b"\0\1\2mp4\n\xff", b"a,b\n1,2\n", b'{"a":1}\n'])
def test_any_other_file_settles_nothing(body: bytes) -> None:
    assert _facts("GET", _FILE, body).pending


_OPERATION = "models/veo-3.1/operations/o1"


@pytest.mark.parametrize(
    ("body", "pending", "failed"),
    [
        ({}, True, False),
        ({"done": True, "response": {"videos": [{"mimeType": "video/mp4"}]}}, False, False),
        ({"done": True, "error": {"code": 3, "message": "no"}}, False, True),
        (
            {"done": True, "response": {"generateVideoResponse": {"raiMediaFilteredCount": 1}}},
            False,
            True,
        ),
    ],
)
def test_a_video_says_nothing_of_its_length(
    body: dict[str, object], pending: bool, failed: bool
) -> None:
    """Its order did. What failed, or was filtered, cost nothing."""
    whole = json.dumps({"name": _OPERATION, **body}).encode()
    facts = _facts("GET", f"/v1beta/{_OPERATION}", whole)
    assert (_OPERATION, {}) == (facts.object_id, facts.quantities)
    assert (pending, failed) == (facts.pending, facts.failed)


def test_pictures_are_counted_as_they_come() -> None:
    """One that was filtered out is not there, and not billed."""
    predictions = [
        {"mimeType": "image/png", "bytesBase64Encoded": "QUJD"},
        {"raiFilteredReason": ""},
    ]
    body = json.dumps({"predictions": predictions}).encode()
    path = "/v1beta/models/imagen-4.0-generate-001:predict"
    facts = _facts("POST", path, body, billing=Billing.METERED)
    assert ({"images": 1}, False) == (facts.quantities, facts.output_missing)


def _cached(tokens: object = 1200, expires: str = "2026-05-13T21:26:49Z") -> bytes:
    content = {
        "name": "cachedContents/c1",
        "model": "models/gemini-2.5-flash",
        "createTime": "2026-05-13T19:56:49.957864Z",
        "expireTime": expires,
        "usageMetadata": {"totalTokenCount": tokens},
    }
    return json.dumps(content).encode()


def test_cached_content_is_input_and_is_stored() -> None:
    """By its tokens and the hours until it expires."""
    facts = _facts("POST", "/v1beta/cachedContents", _cached(), billing=Billing.METERED)
    assert {
        "input_tokens": 1200,
        "cache_storage_token_hours": Decimal("1799.666667"),
    } == facts.quantities
    assert "gemini-2.5-flash" == facts.model


@pytest.mark.parametrize("expires", ["", "never", "2026-05-13T19:56:48Z"])
def test_odd_times_store_nothing(expires: str) -> None:
    body = _cached(expires=expires)
    facts = _facts("POST", "/v1beta/cachedContents", body, billing=Billing.METERED)
    assert {"input_tokens": 1200} == facts.quantities


@pytest.mark.parametrize("hostile", [-1, "7", True, [1], 1e300])
def test_hostile_counts(hostile: object) -> None:
    facts = _facts("POST", "/v1beta/cachedContents", _cached(hostile), billing=Billing.METERED)
    assert ({}, Reason.BAD_USAGE) == (facts.quantities, facts.reason)


def test_an_upload_is_announced_for_free() -> None:
    """The request that carries the file is the one that may be billed."""
    path = "/upload/v1beta/fileSearchStores/s:uploadToFileSearchStore"
    announced = RequestHead("POST", path, headers={"x-goog-upload-command": "start"})
    assert Billing.FREE is GEMINI.classify(announced).billing
    assert Billing.UNKNOWN is GEMINI.classify(RequestHead("POST", path)).billing

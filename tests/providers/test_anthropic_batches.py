"""Message batches, on hand-written bodies and on recorded ones."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from acm_addon.model import ModelUsage, Reason, UsageSource
from acm_addon.providers.anthropic import ANTHROPIC
from acm_addon.providers.base import (
    Billing,
    RequestFacts,
    RequestHead,
    ResponseFacts,
    ResponseHead,
)
from acm_addon.providers.by_model import MAX_MODELS
from tests.accuracy.expected import covered, expected_quantities
from tests.accuracy.recordings import Recording, body, headers, recordings
from tests.accuracy.stations import head_of
from tests.providers.exchanges import exchanged

_ID = "msgbatch_01"
_RESULTS = f"/v1/messages/batches/{_ID}/results"


def _facts(path: str, data: bytes, *, piece: int = 0, status: int = 200) -> ResponseFacts:
    endpoint = ANTHROPIC.classify(RequestHead("GET", path))
    assert (Billing.RESULT, "batches", _ID) == (
        endpoint.billing,
        endpoint.name,
        endpoint.object_id,
    )
    reader = ANTHROPIC.response_reader(endpoint, RequestFacts(), ResponseHead(status))
    for start in range(0, len(data), piece or len(data) or 1):
        reader.feed(data[start : start + (piece or len(data))])
    return reader.facts()


def _line(kind: str, model: str = "claude-haiku-4-5", **usage: Any) -> bytes:
    result: dict[str, Any] = {"type": kind}
    if usage:
        result["message"] = {"content": [], "model": model, "usage": usage}
    return json.dumps({"custom_id": "x", "result": result}).encode()


_LINES = (
    _line("succeeded", input_tokens=20, cache_read_input_tokens=5, output_tokens=5),
    _line("errored"),
    _line("succeeded", "claude-opus-4-8", input_tokens=7, output_tokens=1),
    _line("succeeded", input_tokens=19, output_tokens=4, inference_geo="not_available"),
)


@pytest.mark.parametrize("piece", [0, 1, 7])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_results_are_one_row_by_model_at_the_batch_rate(piece: int, end: bytes) -> None:
    """What errored is not billed."""
    facts = _facts(_RESULTS, b"\n".join(_LINES) + end, piece=piece)
    batch = {"processing": "batch"}
    assert {"input_tokens": 44, "output_tokens": 9, "cache_read_tokens": 5} == facts.quantities
    assert ("claude-haiku-4-5", batch) == (facts.model, facts.price_context)
    opus = ModelUsage("claude-opus-4-8", {"input_tokens": 7, "output_tokens": 1}, batch)
    assert (opus,) == facts.others
    assert (True, False, UsageSource.REPORTED, None) == (
        facts.unframed,
        facts.pending,
        facts.usage_source,
        facts.reason,
    )


def test_asking_twice_counts_once() -> None:
    """The line without an end is read whenever somebody asks, and stays unread."""
    endpoint = ANTHROPIC.classify(RequestHead("GET", _RESULTS))
    reader = ANTHROPIC.response_reader(endpoint, RequestFacts(), ResponseHead(200))
    reader.feed(b"\n".join(_LINES[:3]))
    first = reader.facts()
    assert first == reader.facts()
    reader.feed(b"\n" + _LINES[3])
    assert 44 == reader.facts().quantities["input_tokens"]


def test_results_that_break_off_in_a_line_are_not_whole() -> None:
    facts = _facts(_RESULTS, b"\n".join(_LINES)[:-3])
    assert (False, False) == (facts.finished, facts.unframed)


def test_a_part_of_the_results_settles_nothing() -> None:
    """It was asked for by a range, and ends where a line does."""
    assert _facts(_RESULTS, _LINES[0] + b"\n", status=206).pending


@pytest.mark.parametrize("failure", [None, Reason.UPSTREAM_FAILED, Reason.CLIENT_LEFT])
def test_results_that_break_off_between_lines_settle_nothing(failure: Reason | None) -> None:
    """They look whole, and would settle the batch for too little."""
    call = exchanged("anthropic", "GET", _RESULTS, _LINES[0] + b"\n")
    result = call.result(failure)
    assert (failure is None) is (result is not None and result.settles is not None)
    call.give_up()
    assert call.result() is None, "what came too fast was read up to the end of a line"


def test_results_without_a_success_are_no_usage() -> None:
    facts = _facts(_RESULTS, _line("expired") + b"\n" + _line("canceled"))
    assert ({}, Reason.NO_USAGE, False) == (facts.quantities, facts.reason, facts.pending)


def test_a_line_that_is_damaged_makes_the_usage_bad() -> None:
    facts = _facts(_RESULTS, _LINES[0] + b'\n{"result":}\n' + _LINES[3])
    assert (39 + 5, Reason.BAD_USAGE) == (facts.quantities["input_tokens"], facts.reason)


@pytest.mark.parametrize("hostile", [-1, "7", True, [1], 1e300])
def test_hostile_counts(hostile: object) -> None:
    facts = _facts(_RESULTS, _line("succeeded", input_tokens=hostile, output_tokens=3))
    assert ({"output_tokens": 3}, Reason.BAD_USAGE) == (facts.quantities, facts.reason)


def test_models_without_end_are_bounded() -> None:
    lines = [
        _line("succeeded", f"m{number}", input_tokens=1, output_tokens=1)
        for number in range(MAX_MODELS + 5)
    ]
    facts = _facts(_RESULTS, b"\n".join(lines))
    assert (MAX_MODELS - 1, Reason.BAD_USAGE) == (len(facts.others), facts.reason)


def test_an_error_is_no_result() -> None:
    error = b'{"type":"error","error":{"type":"not_found_error","message":"no"}}'
    facts = _facts(_RESULTS, error, status=404)
    assert (True, True) == (facts.failed, facts.pending)


@pytest.mark.parametrize(
    ("status", "succeeded", "pending"),
    [("in_progress", 0, True), ("ended", 2, True), ("ended", 0, False)],
)
def test_a_batch_says_nothing_of_usage(status: str, succeeded: int, pending: bool) -> None:
    """It stays pending until its results pass by, unless nothing came of it."""
    batch = {
        "id": _ID,
        "processing_status": status,
        "created_at": "2026-11-02T10:00:00.5+00:00",
        "request_counts": {"succeeded": succeeded, "errored": 1},
    }
    facts = _facts(f"/v1/messages/batches/{_ID}", json.dumps(batch).encode())
    assert (_ID, pending, {}) == (facts.object_id, facts.pending, facts.quantities)
    assert datetime(2026, 11, 2, 10, 0, 0, 500000, tzinfo=UTC) == facts.created


def test_creating_a_batch_says_its_id() -> None:
    endpoint = ANTHROPIC.classify(RequestHead("POST", "/v1/messages/batches"))
    assert Billing.PENDING is endpoint.billing
    reader = ANTHROPIC.response_reader(endpoint, RequestFacts(), ResponseHead(200))
    reader.feed(b'{"id":"msgbatch_01","processing_status":"in_progress"}')
    assert (_ID, True) == (reader.facts().object_id, reader.facts().finished)


_RECORDED = [
    record
    for record in recordings()
    if record["path_pattern"] == "/v1/messages/batches/{id}/results" and record["usage_reported"]
]


@pytest.mark.parametrize("record", _RECORDED, ids=lambda record: record["id"])
def test_recorded_results(record: Recording) -> None:
    """The sums are those of the recording's makers."""
    endpoint = ANTHROPIC.classify(head_of(record))
    head = ResponseHead(record["status"], headers(record, "response"))
    reader = ANTHROPIC.response_reader(endpoint, RequestFacts(), head)
    reader.feed(body(record, "response"))
    facts = reader.facts()
    assert covered(record, expected_quantities(record)) == facts.quantities
    assert facts.unframed

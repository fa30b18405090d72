"""Work that is created now and shown later: pending until it has ended, settled by what it says."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.model import Completeness, Reason, UsageSource
from acm_addon.providers.base import RequestFacts, ResponseHead
from acm_addon.providers.openai_batch_file import BatchFileBody
from acm_addon.tap import Outcome, Result
from tests.providers.exchanges import ended, exchanged, settled

type Run = Callable[..., Any]

_BATCH = {
    "id": "batch_1",
    "object": "batch",
    "model": "gpt-5-nano-2025-08-07",
    "status": "completed",
    "output_file_id": "file-out",
    "error_file_id": None,
    "created_at": 1787150474,
    "request_counts": {"total": 2, "completed": 2, "failed": 0},
    "usage": {"input_tokens": 36, "output_tokens": 224, "total_tokens": 260},
}
_ZEROS = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}


def _shown(
    path: str,
    body: object,
    *,
    method: str = "GET",
    status: int = 200,
    failure: Reason | None = None,
    content_type: str = "application/json",
) -> Result | None:
    """What a look at ``path`` shows. ``body``: bytes, or what is dumped as JSON."""
    answered = {"content-type": content_type}
    call = exchanged("openai", method, path, body, status=status, answered=answered)
    return call.result(failure)


def test_a_batch_is_pending_when_it_is_created() -> None:
    """Its id is what its result is found by later."""
    answer = {**_BATCH, "status": "validating"}
    outcome = ended(exchanged("openai", "POST", "/v1/batches", answer, request={}))
    assert (Completeness.PENDING, "batch_1") == (
        outcome.exchange.completeness,
        outcome.exchange.object_id,
    )
    assert {} == outcome.usage.quantities
    assert outcome.texts is None


def test_a_finished_batch_settles_at_the_batch_price() -> None:
    """By its sums, its model, and the time when it was created."""
    shown = _shown("/v1/batches/batch_1", _BATCH)
    assert shown is not None
    assert ("batch_1", ("file-out",)) == (shown.object_id, shown.links)
    assert shown.settles is not None
    exchange, usage = shown.settles.exchange, shown.settles.usage
    assert {"input_tokens": 36, "output_tokens": 224} == usage.quantities
    assert UsageSource.REPORTED is usage.source
    assert ("gpt-5-nano-2025-08-07", "batches") == (exchange.model, exchange.endpoint)
    assert {"processing": "batch"} == exchange.price_context
    assert datetime(2026, 8, 19, 14, 41, 14, tzinfo=UTC) == exchange.time


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"status": "in_progress", "usage": _ZEROS}, id="not finished"),
        pytest.param({"status": "cancelling"}, id="not cancelled yet"),
        pytest.param({"usage": None}, id="without usage, as before September 2025"),
        pytest.param({"usage": _ZEROS}, id="succeeded, and nothing was counted"),
        pytest.param({"status": 7}, id="no status"),
    ],
)
def test_a_batch_that_does_not_say_what_it_used_settles_nothing(change: dict[str, Any]) -> None:
    """Its output file is known from then on, and will."""
    shown = _shown("/v1/batches/batch_1", {**_BATCH, **change})
    assert shown is not None
    assert (None, ("file-out",)) == (shown.settles, shown.links)


@pytest.mark.parametrize(
    ("status", "usage", "expected"),
    [
        ("failed", _ZEROS, {"input_tokens": 0, "output_tokens": 0}),
        ("cancelled", None, {}),
        ("expired", {**_ZEROS, "input_tokens": 5}, {"input_tokens": 5, "output_tokens": 0}),
    ],
)
def test_a_batch_that_did_nothing_is_over(
    status: str, usage: object, expected: dict[str, int]
) -> None:
    """It settles with what it reports; without usage it does not stay pending for ever."""
    nothing = {"output_file_id": None, "request_counts": {"completed": 0}}
    shown = _shown("/v1/batches/batch_1", {**_BATCH, **nothing, "status": status, "usage": usage})
    assert shown is not None
    assert shown.settles is not None
    assert expected == shown.settles.usage.quantities


def test_a_batch_that_cannot_be_found_shows_nothing() -> None:
    assert _shown("/v1/batches/batch_1", {"error": {"code": "x"}}, status=404) is None


def _line(number: int, model: str | None = "gpt-5-nano", **usage: object) -> bytes:
    body = {"id": f"resp_{number}", "model": model, "output": [], "usage": usage or None}
    line = {
        "id": f"r{number}",
        "custom_id": str(number),
        "response": {"status_code": 200, "body": body},
    }
    return json.dumps(line).encode() + b"\n"


_RESULTS = _line(1, input_tokens=18, output_tokens=109) + _line(
    2, input_tokens=18, output_tokens=115
)
_FAILED = b'{"id":"r3","custom_id":"3","response":{"status_code":400,"body":{"error":{}}}}\n'
_FILE = "/v1/files/file-out/content"
_BINARY = "application/octet-stream"


def test_an_output_file_settles_its_batch() -> None:
    """By the sums of its lines; the file's own id leads to the batch."""
    shown = _shown(_FILE, _RESULTS + _FAILED, content_type=_BINARY)
    assert shown is not None
    assert shown.settles is not None
    assert "file-out" == shown.object_id
    assert {"input_tokens": 36, "output_tokens": 224} == shown.settles.usage.quantities
    assert {"processing": "batch"} == shown.settles.exchange.price_context
    assert not shown.settles.usage.incomplete


def test_models_of_one_batch_stand_apart() -> None:
    """Each has its own prices, and all of them the batch's."""
    lines = _RESULTS + _line(3, "gpt-5", prompt_tokens=4, completion_tokens=1)
    shown = _shown(_FILE, lines, content_type=_BINARY)
    assert shown is not None
    assert shown.settles is not None
    assert "gpt-5-nano" == shown.settles.exchange.model
    (other,) = shown.settles.usage.others
    assert ("gpt-5", {"input_tokens": 4, "output_tokens": 1}) == (other.model, other.quantities)
    assert {"processing": "batch"} == other.price_context


def test_a_result_without_usage_makes_the_sum_incomplete() -> None:
    shown = _shown(_FILE, _RESULTS + _line(3), content_type=_BINARY)
    assert shown is not None
    assert shown.settles is not None
    assert shown.settles.usage.incomplete


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(_FAILED, id="a file of errors"),
        pytest.param(b'{"custom_id":"1","method":"POST","url":"/v1/responses","body":{}}', id="in"),
        pytest.param(b'{"prompt":"x","completion":"y"}\n', id="training data"),
        pytest.param(_RESULTS + b"step,loss\n", id="results, and something else"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00", id="a picture"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_no_result_of_a_batch_settles_nothing(data: bytes) -> None:
    """The content of any other file costs nothing, and a file of errors says nothing."""
    shown = _shown(_FILE, data, content_type=_BINARY)
    assert shown is None or shown.settles is None


def test_a_download_that_broke_off_settles_nothing() -> None:
    """Where lines end no body says that it is whole."""
    lines = _RESULTS[: _RESULTS.index(b"\n") + 1]
    assert _shown(_FILE, lines, failure=Reason.CLIENT_LEFT) is None
    assert _shown(_FILE, lines, status=206) is None


@given(st.lists(st.integers(0, 10**6), max_size=5), st.integers(1, 50), st.booleans())
def test_a_file_gives_the_same_sums_however_it_is_cut(
    counts: list[int], piece: int, ended: bool
) -> None:
    """Whole or in pieces, with or without a last line end."""
    data = b"".join(_line(n, input_tokens=n, output_tokens=1) for n in counts)
    data = data if ended else data.rstrip(b"\n")
    reader = BatchFileBody(RequestFacts(), ResponseHead(200))
    for start in range(0, len(data), piece):
        reader.feed(data[start : start + piece])
    facts = reader.facts()
    expected = {"input_tokens": sum(counts), "output_tokens": len(counts)} if counts else {}
    assert (expected, not counts) == (facts.quantities, facts.pending)


@given(st.binary(max_size=300), st.integers(1, 7))
def test_any_file_is_read_without_a_fault(data: bytes, piece: int) -> None:
    """The same facts, whole or in pieces."""
    whole, cut = (BatchFileBody(RequestFacts(), ResponseHead(200)) for _ in range(2))
    whole.feed(data)
    for start in range(0, len(data), piece):
        cut.feed(data[start : start + piece])
    assert whole.facts() == cut.facts()


_RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1787150474,
    "model": "gpt-5",
    "background": True,
    "status": "completed",
    "service_tier": "flex",
    "error": None,
    "output": [],
    "usage": {"input_tokens": 9, "output_tokens": 4, "total_tokens": 13},
}


def _event(kind: str, **fields: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


@pytest.mark.parametrize("streamed", [False, True])
def test_a_background_response_settles_when_it_is_retrieved(streamed: bool) -> None:
    """Whole or as a stream, whose first events may be left out."""
    body: object = _RESPONSE
    if streamed:
        body = _event("response.output_text.delta", delta="Hi") + _event(
            "response.completed", response=_RESPONSE
        )
    shown = _shown("/v1/responses/resp_1", body)
    assert shown is not None
    assert shown.settles is not None
    assert {"input_tokens": 9, "output_tokens": 4} == shown.settles.usage.quantities
    assert ("resp_1", "flex") == (shown.object_id, shown.settles.exchange.tier)


def test_a_response_that_ran_in_the_foreground_is_a_copy() -> None:
    """It was billed when it was created (field lesson 10)."""
    assert _shown("/v1/responses/resp_1", {**_RESPONSE, "background": False}) is None


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_a_background_response_that_goes_on_settles_nothing(status: str) -> None:
    shown = _shown("/v1/responses/resp_1", {**_RESPONSE, "status": status, "usage": None})
    assert shown is not None
    assert shown.settles is None


@pytest.mark.parametrize("status", ["failed", "cancelled", "incomplete"])
def test_a_background_response_that_failed_is_over(status: str) -> None:
    """A look at what failed has not failed itself; nor does the work stay pending."""
    failed = {**_RESPONSE, "status": status, "error": {"code": "server_error"}, "usage": None}
    shown = _shown("/v1/responses/resp_1/cancel", failed, method="POST")
    assert shown is not None
    assert shown.settles is not None
    assert {} == shown.settles.usage.quantities


def _cut_off(begun: object, request: object) -> Outcome:
    """A response whose stream the client left when it had only begun."""
    events = {"content-type": "text/event-stream"}
    data = _event("response.created", response=begun)
    call = exchanged("openai", "POST", "/v1/responses", data, request=request, answered=events)
    return call.finish(0.0, Reason.CLIENT_LEFT, left=True)


def test_a_background_stream_that_is_cut_off_is_pending() -> None:
    """The work goes on without its client, and is settled by whoever looks at it later."""
    begun = {**_RESPONSE, "status": "queued", "usage": None}
    exchange = _cut_off(begun, {"background": True, "stream": True}).exchange
    assert (Completeness.PENDING, "resp_1") == (exchange.completeness, exchange.object_id)


def test_a_foreground_stream_that_is_cut_off_is_partial() -> None:
    begun = {**_RESPONSE, "status": "in_progress", "usage": None, "background": False}
    exchange = _cut_off(begun, {"stream": True}).exchange
    assert Completeness.PARTIAL is exchange.completeness


_VIDEO = {
    "id": "video_1",
    "object": "video",
    "created_at": 1787150474,
    "model": "sora-2-pro",
    "status": "completed",
    "seconds": "8",
    "size": "1024x1792",
}


def test_a_video_settles_by_its_seconds_and_its_size() -> None:
    shown = _shown("/v1/videos/video_1", _VIDEO)
    assert shown is not None
    assert shown.settles is not None
    assert {"video_seconds": 8} == shown.settles.usage.quantities
    assert {"resolution": "1024p"} == shown.settles.exchange.price_context


def test_a_video_that_failed_was_not_made() -> None:
    shown = _shown("/v1/videos/video_1", {**_VIDEO, "status": "failed", "error": {"code": "x"}})
    assert shown is not None
    assert shown.settles is not None
    assert {} == shown.settles.usage.quantities


def test_azure_makes_several_videos_in_one_job() -> None:
    job = {
        "id": "task_1",
        "status": "succeeded",
        "model": "sora",
        "n_seconds": 5,
        "n_variants": 2,
        "width": 1280,
        "height": 720,
    }
    path = "/openai/v1/video/generations/jobs/task_1"
    outcome = settled(exchanged("azure", "GET", path, job))
    assert outcome is not None
    assert {"video_seconds": 10} == outcome.usage.quantities
    assert {"resolution": "720p"} == outcome.exchange.price_context


def test_an_extension_is_billed_by_its_own_seconds() -> None:
    """The job's are those of the whole video, so that it is booked by what was asked for."""
    request = {"seconds": "4", "video": {"id": "video_0"}}
    body = {**_VIDEO, "status": "queued", "seconds": "12"}
    outcome = ended(exchanged("openai", "POST", "/v1/videos/extensions", body, request=request))
    assert ({"video_seconds": 4}, UsageSource.DERIVED) == (
        outcome.usage.quantities,
        outcome.usage.source,
    )
    assert ("sora-2-pro", Completeness.COMPLETE) == (
        outcome.exchange.model,
        outcome.exchange.completeness,
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": "succeeded", "trained_tokens": 1234}, {"training_tokens": 1234}),
        ({"status": "cancelled", "trained_tokens": None}, {}),
        (
            {
                "status": "succeeded",
                "trained_tokens": 5,
                "method": {"type": "reinforcement", "reinforcement": {}},
            },
            {},
        ),
    ],
)
def test_a_fine_tuning_job_settles_by_its_tokens(
    change: dict[str, Any], expected: dict[str, int]
) -> None:
    """Reinforcement is billed by time, which it does not state."""
    job = {"id": "ftjob-1", "model": "gpt-4.1-mini-2025-04-14", "created_at": 1787150474}
    shown = _shown("/v1/fine_tuning/jobs/ftjob-1", {**job, **change})
    assert shown is not None
    assert shown.settles is not None
    assert expected == shown.settles.usage.quantities
    running = _shown("/v1/fine_tuning/jobs/ftjob-1", {**job, "status": "running"})
    assert running is not None
    assert running.settles is None


_RUN = {"id": "run_1", "object": "thread.run", "model": "gpt-4", "created_at": 1714255664}
_RUN_USAGE = {"prompt_tokens": 6, "completion_tokens": 16, "total_tokens": 22}
_RUNS = "openai/v1/threads/t/runs"


@pytest.mark.parametrize("piece", [0, 1, 5])
def test_a_streamed_run(run: Run, piece: int) -> None:
    """The last event of the run counts; those of its steps repeat parts of it."""
    step = {"id": "step_1", "usage": {"prompt_tokens": 1, "completion_tokens": 1}}
    queued = {**_RUN, "status": "queued"}
    stream = (
        b'event: thread.created\ndata: {"id":"thread_1"}\n\n'
        + f"event: thread.run.created\ndata: {json.dumps(queued)}\n\n".encode()
        + f"event: thread.run.step.completed\ndata: {json.dumps(step)}\n\n".encode()
    )
    ended = {**_RUN, "status": "incomplete", "usage": _RUN_USAGE}
    end = f"event: thread.run.incomplete\ndata: {json.dumps(ended)}\n\n".encode()
    done = b"event: done\ndata: [DONE]\n\n"
    facts = run(_RUNS, stream + end + done, piece=piece).response.facts()
    assert {"input_tokens": 6, "output_tokens": 16} == facts.quantities
    assert ("gpt-4", "run_1", False) == (facts.model, facts.object_id, facts.pending)
    cut = run(_RUNS, stream, piece=piece).response.facts()
    assert ("run_1", True, True) == (cut.object_id, cut.pending, cut.finished)


def test_a_run_is_pending_until_it_is_seen_at_its_end(run: Run) -> None:
    body = json.dumps({**_RUN, "status": "queued", "usage": None}).encode()
    assert run(_RUNS, body).response.facts().pending
    shown = _shown("/v1/threads/t/runs/run_1", {**_RUN, "status": "requires_action"})
    assert shown is not None
    assert shown.settles is None
    ended = {**_RUN, "status": "completed", "usage": _RUN_USAGE}
    shown = _shown("/v1/threads/t/runs/run_1/submit_tool_outputs", ended, method="POST")
    assert shown is not None
    assert shown.settles is not None
    assert {"input_tokens": 6, "output_tokens": 16} == shown.settles.usage.quantities


def test_a_container_is_billed_when_it_is_created(run: Run) -> None:
    """By its memory, where that is not the usual."""
    body = b'{"id":"cntr_1","object":"container","memory_limit":"4g"}'
    call = run("openai/v1/containers", body, b'{"name":"mine","memory_limit":"4g"}')
    facts = call.response.facts()
    assert ({"container_sessions": 1}, UsageSource.DERIVED) == (
        facts.quantities,
        facts.usage_source,
    )
    assert {"memory_limit": "4g"} == call.request.facts().price_context


@pytest.mark.parametrize("hostile", ["-1", "1e308", '"x"', "[]", "{}", "true", "9" * 400])
def test_hostile_numbers_are_dropped(hostile: str) -> None:
    """No look at any work makes a count of what is none."""
    for path, body in (
        ("/v1/batches/b", '{"id":"b","status":"completed","usage":{"input_tokens":%s}}'),
        ("/v1/videos/v", '{"id":"v","status":"completed","seconds":%s,"created_at":%s}'),
        ("/v1/fine_tuning/jobs/j", '{"id":"j","status":"succeeded","trained_tokens":%s}'),
        ("/v1/threads/t/runs/r", '{"id":"r","status":"failed","usage":{"prompt_tokens":%s}}'),
    ):
        shown = _shown(path, body.replace("%s", hostile).encode())
        assert shown is not None
        assert shown.settles is not None
        assert {} == shown.settles.usage.quantities

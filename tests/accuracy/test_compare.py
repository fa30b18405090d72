"""The comparison itself, over fixtures of our own that cover every family."""

import subprocess
import sys
from dataclasses import replace

import pytest

from acm_addon.model import UsageSource
from acm_addon.pricing import PriceTable
from acm_addon.providers import MEDIA, PROVIDERS
from acm_addon.providers.base import Billing
from tests.accuracy.compare import REASONS, Agreement, judge, judge_all
from tests.accuracy.estimator import Estimate, Kind, estimates, spread
from tests.accuracy.page import page
from tests.accuracy.recordings import FIXTURES, ROOT, Recording, body, recordings
from tests.accuracy.stations import booked, classify, is_metered, outcome
from tests.accuracy.stripping import without_usage

_OWN = recordings(FIXTURES)
_TABLE = PriceTable.current()


@pytest.mark.parametrize("record", _OWN, ids=lambda record: record["id"])
def test_our_own_recordings_agree(record: Recording) -> None:
    """Every quantity and every stated cost of every family, plain and streamed."""
    verdict = judge(record, _TABLE)
    assert () == verdict.differences
    assert record["usage_reported"] == (verdict.agreement is not Agreement.NOTHING_REPORTED)


def test_every_family_has_a_recording_of_our_own() -> None:
    """What is claimed to be read is compared also where there are no recordings of others."""
    classified = [known for record in _OWN if (known := classify(record))]
    read = (Billing.METERED, Billing.RESULT)
    names = {provider.name for provider, endpoint in classified if endpoint.billing in read}
    # Servers on one's own machine have no host by which a recording could be theirs.
    assert {provider.name for provider in PROVIDERS if provider.hosts} == names
    metered = [record for record in _OWN if is_metered(record)]
    known = [known for record in metered if (known := classify(record))]
    assert {
        ("openai", "chat.completions", "sse"),
        ("openai", "responses", "json"),
        ("openai", "responses", "sse"),
        ("openai", "embeddings", "json"),
        ("openai", "completions", "sse"),
        ("openai", "images.generations", "json"),
        ("openai", "images.generations", "sse"),
        ("openai", "images.edits", "json"),
        ("openai", "audio.transcriptions", "json"),
        ("openai", "audio.transcriptions", "sse"),
        ("openai", "audio.speech", "sse"),
        ("openai", "threads.runs", "sse"),
        ("azure", "chat.completions", "sse"),
        ("azure", "responses", "json"),
        ("azure", "messages", "json"),
        ("anthropic", "messages", "json"),
        ("anthropic", "messages", "sse"),
        ("gemini", "generateContent", "json"),
        ("gemini", "streamGenerateContent", "sse"),
        ("gemini", "streamGenerateContent", "json-array-stream"),
    } <= {
        (provider.name, endpoint.name, record["transport"])
        for record, (provider, endpoint) in zip(metered, known, strict=True)
    }


def test_the_second_opinion_shares_no_code_with_the_readers() -> None:
    probe = "import sys, tests.accuracy.expected; print('acm_addon' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert "False\n" == ended.stdout


def test_a_wrong_quantity_and_a_wrong_cost_are_named() -> None:
    record = next(each for each in _OWN if each["provider"] == "openrouter")
    other = record["reported_usage"] | {"output_tokens": 5, "cost_usd": 0.0000032}
    verdict = judge(record | {"reported_usage": other}, _TABLE)
    assert Agreement.DIFFERENT is verdict.agreement
    assert ("output_tokens: 5, ours 4", "provider_cost: 3200, ours 3100") == verdict.differences


def test_a_look_at_a_result_is_judged_by_what_it_settles() -> None:
    """A batch, its output file, and a background response that is retrieved."""
    shown = {verdict.record["path"]: verdict for verdict in judge_all(_OWN)}
    for path in ("/v1/batches/batch_own", "/v1/files/file-own2/content", "/v1/responses/resp_own"):
        assert Agreement.EQUAL is shown[path].agreement, path


def test_what_is_not_read_has_a_reason() -> None:
    """A reason is about the kind of call, and never empty."""
    chat = next(each for each in _OWN if each["id"] == "own-openai-00")
    host = "api.example.com"
    changed = {
        "host": {"provider_host": host},
        "websocket": {"transport": "websocket"},
        "unread": {"path": "/v1/evals/eval_own/runs"},
        "cut": {"response_body_encoding": "text-truncated"},
        "counting": {"path": "/v1/responses/input_tokens"},
        "asynchronous": {"method": "GET", "path": "/v1/batches/batch_own"},
        "copy": {"method": "GET", "path": "/v1/responses/resp_own"},
        "managing": {"path": "/v1/files"},
    }
    assert REASONS.keys() == changed.keys()
    for reason, change in changed.items():
        record = chat | {"path_pattern": change.get("path", chat["path"])} | change
        assert reason == judge(record, _TABLE).reason


@pytest.mark.parametrize("record", _OWN, ids=lambda record: record["id"])
def test_usage_can_be_taken_out(record: Recording) -> None:
    """What is left is the same answer, and nothing in it says how long it is."""
    if not is_metered(record) or record["status"] >= 400 or _is_no_text(record):
        return
    if record["provider"] in {provider.name for provider in MEDIA}:
        return  # nothing there is counted in tokens of a text
    if record["transport"] == "aws-eventstream" or record["usage_headers"]:
        return  # It stays as it is.
    row = booked(outcome(record, without_usage(body(record, "response"))), _TABLE)
    assert UsageSource.ESTIMATED == row.usage_source
    assert b'"total_tokens"' not in without_usage(body(record, "response"))


def _is_no_text(record: Recording) -> bool:
    """Pictures, sound, pages and runs are not counted in the tokens of the answer's text; Ollama
    has no ``usage`` to take out."""
    others = ("images", "/audio/", "/ocr", "/stt", "/runs", "/api/chat")
    return any(part in record["path"] for part in others)


def test_estimates_say_how_much_of_the_truth_was_in_sight() -> None:
    """Hidden reasoning is no fault of the tokenizer, and tools are a matter of their own."""
    kinds = {(each.id, each.unit): each.kind for each in estimates(_OWN)}
    assert Kind.UNSEEN is kinds["own-gemini-00", "output_tokens"]
    assert Kind.TEXT is kinds["own-gemini-00", "input_tokens"]
    assert Kind.TEXT is kinds["own-anthropic-00", "output_tokens"]


def test_a_spread_weighs_the_sum_and_the_calls() -> None:
    """Errors cancel in the sum, and not in the median."""
    low = Estimate("a", "Claude", "input_tokens", 100, 50, Kind.TEXT)
    high = replace(low, id="b", reported=100, estimated=150)
    both = spread([low, high])
    assert (2, 0.0, 0.5, 0.5) == (both.calls, both.sum, both.median, both.p90)


def test_a_spread_counts_what_could_not_be_counted() -> None:
    """A call without an estimate is one of the calls, and has no error."""
    low = Estimate("a", "Claude", "input_tokens", 100, 50, Kind.TEXT)
    none = replace(low, id="b", estimated=None)
    both = spread([low, none])
    assert (2, 1, 0.5) == (both.calls, both.uncounted, both.median)
    with pytest.raises(ValueError, match="no estimates"):
        spread([none])


def test_the_page_names_what_differs_and_no_place_on_this_machine() -> None:
    """The page is the same wherever it is written."""
    wrong = _OWN[0] | {"reported_usage": _OWN[0]["reported_usage"] | {"output_tokens": 1}}
    text = page(judge_all([wrong, *_OWN[1:]]), estimates(_OWN))
    assert _OWN[0]["id"] in text
    assert "output_tokens: 1, ours 7" in text
    assert str(ROOT) not in text
    assert text == page(judge_all([wrong, *_OWN[1:]]), estimates(_OWN))

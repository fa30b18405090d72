"""Every recorded response of an endpoint that we meter, against a second opinion on its usage.

The second opinion reads ``reported_usage``, which the recordings' makers extracted, and knows the
provider's conventions from their notes; it shares no code with the readers.
"""

import base64
import json
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from acm_addon.model import UsageSource
from acm_addon.providers import PROVIDERS
from acm_addon.providers.base import Billing, Endpoint, Provider, ResponseFacts

_FOLDER = Path(
    os.environ.get("ACM_RECORDINGS")
    or Path(__file__).resolve().parents[2].parent / "shared" / "recordings"
)
_BY_HOST = {host: provider for provider in PROVIDERS for host in provider.hosts}

type Recording = dict[str, Any]


def _recordings() -> Iterator[Recording]:
    for file in sorted(_FOLDER.glob("*.jsonl")):
        with file.open() as lines:
            for line in lines:
                record = json.loads(line)
                if record["provider_host"] in _BY_HOST and record["transport"] != "websocket":
                    yield record


def _classify(record: Recording) -> tuple[Provider, Endpoint]:
    provider = _BY_HOST[record["provider_host"]]
    return provider, provider.classify(record["method"], record["path"].partition("?")[0])


def _metered() -> list[Recording]:
    return [each for each in _recordings() if _classify(each)[1].billing is Billing.METERED]


_METERED = _metered()
_REPORTED = [
    record
    for record in _METERED
    if record["usage_reported"] and record["response_body_encoding"] != "text-truncated"
]

needs_recordings = pytest.mark.skipif(
    not _METERED, reason=f"no recordings in {_FOLDER}; set ACM_RECORDINGS to their folder"
)


def _body(record: Recording, side: str) -> bytes:
    body = record[f"{side}_body"] or ""
    if record[f"{side}_body_encoding"] == "base64":
        return base64.b64decode(body)
    return body.encode()


def _content_type(record: Recording, side: str) -> str:
    headers = record[f"{side}_headers"] or []
    return next((value for key, value in headers if key.lower() == "content-type"), "")


def _read(record: Recording, body: bytes, piece: int | None = None) -> ResponseFacts:
    provider, endpoint = _classify(record)
    request = provider.request_reader(endpoint, _content_type(record, "request"))
    request.feed(_body(record, "request"))
    reader = provider.response_reader(
        endpoint, request.facts(), record["status"], _content_type(record, "response")
    )
    for start in range(0, len(body), piece or len(body) or 1):
        reader.feed(body[start : start + (piece or len(body))])
    reader.output_text()
    assert reader.output_tokens_so_far() >= 0
    return reader.facts()


# The second opinion.

_PLAIN = {
    "reasoning_tokens": "output_reasoning_tokens",
    "input_text_tokens": "input_text_tokens",
    "input_audio_tokens": "input_audio_tokens",
    "input_image_tokens": "input_image_tokens",
    "input_video_tokens": "input_video_tokens",
    "output_text_tokens": "output_text_tokens",
    "output_audio_tokens": "output_audio_tokens",
    "output_image_tokens": "output_image_tokens",
    "cache_write_tokens": "cache_write_tokens",
    "cached_input_tokens": "cache_read_tokens",
}


_AUDIO_APART = ("dev-mistral-0008", "dev-mistral-0009")
"""Where prompt_tokens leaves audio out, as total_tokens shows."""


def _expected(record: Recording) -> dict[str, int]:
    reported = record["reported_usage"]
    if record["provider"] == "anthropic":
        return _expected_of_anthropic(reported)
    expected = {ours: reported[theirs] for theirs, ours in _PLAIN.items() if theirs in reported}
    expected |= {key: reported[key] for key in ("input_tokens", "output_tokens") if key in reported}
    if record["provider"] == "gemini" and "openai" not in record["path"]:
        return _expected_of_gemini(reported, expected)
    if record["provider"] == "xai" and "chat" in record["path"]:
        expected["output_tokens"] += reported["reasoning_tokens"]
    if record["provider"] == "gemini":
        expected["output_tokens"] = reported["total_tokens"] - reported["input_tokens"]
    if (cached := reported["raw"].get("num_cached_tokens")) is not None:
        expected["cache_read_tokens"] = cached
    if record["id"] in _AUDIO_APART:
        expected["input_tokens"] += expected["input_audio_tokens"]
    if (seconds := reported["raw"].get("prompt_audio_seconds")) is not None:
        expected["input_audio_seconds"] = seconds
    searches = reported["raw"].get("server_tool_use_details", {}).get("web_search_requests")
    if searches is not None:
        expected["web_searches"] = searches
    return expected


def _expected_of_anthropic(reported: Recording) -> dict[str, int]:
    def whole_input(usage: Recording, read: str, written: str) -> int:
        return sum(usage.get(key, 0) for key in ("input_tokens", read, written))

    expected = {
        "input_tokens": whole_input(reported, "cached_input_tokens", "cache_write_tokens"),
        "output_tokens": reported["output_tokens"],
    }
    for theirs, ours in {
        **_PLAIN,
        "cache_write_5m_tokens": "cache_write_5m_tokens",
        "cache_write_1h_tokens": "cache_write_1h_tokens",
        "web_search_requests": "web_searches",
    }.items():
        if theirs in reported:
            expected[ours] = reported[theirs]
    fell_back = any(each["type"] == "fallback_message" for each in reported.get("iterations", []))
    for each in reported.get("iterations", []):
        inputs = whole_input(each, "cache_read_input_tokens", "cache_creation_input_tokens")
        if each["type"] == "compaction":
            expected["input_tokens"] += inputs
            expected["output_tokens"] += each["output_tokens"]
            expected["cache_read_tokens"] += each["cache_read_input_tokens"]
            expected["cache_write_tokens"] += each["cache_creation_input_tokens"]
            for ttl in ("5m", "1h"):
                written = each["cache_creation"][f"ephemeral_{ttl}_input_tokens"]
                expected[f"cache_write_{ttl}_tokens"] += written
        if each["type"] == "advisor_message" or (fell_back and each["type"] == "message"):
            expected["other_model_input_tokens"] = inputs
            expected["other_model_output_tokens"] = each["output_tokens"]
    return expected


def _expected_of_gemini(reported: Recording, expected: dict[str, int]) -> dict[str, int]:
    if "reasoning_tokens" in reported:
        expected["output_tokens"] = reported.get("output_tokens", 0) + reported["reasoning_tokens"]
    if "tool_use_prompt_tokens" in reported:
        expected["input_tokens"] += reported["tool_use_prompt_tokens"]
        expected["input_tool_tokens"] = reported["tool_use_prompt_tokens"]
    # Modalities straight from the provider's object: the normalised keys leave some out.
    kinds = "TEXT AUDIO IMAGE VIDEO DOCUMENT"
    for unit in [unit for unit in expected if unit.split("_")[1] in kinds.lower()]:
        del expected[unit]
    raw = reported["raw"]
    for key, pattern in (
        ("promptTokensDetails", "input_{}_tokens"),
        ("promptTokenDetails", "input_{}_tokens"),
        ("toolUsePromptTokensDetails", "input_{}_tokens"),
        ("toolUsePromptTokensDetails", "input_{}_tool_tokens"),
        ("candidatesTokensDetails", "output_{}_tokens"),
        ("cacheTokensDetails", "cache_{}_read_tokens"),
    ):
        for detail in raw.get(key, []):
            kind = detail["modality"].lower().replace("document", "image")
            unit = pattern.format(kind)
            expected[unit] = expected.get(unit, 0) + detail["tokenCount"]
    return expected


_IN_NO_USAGE = ("web_searches", "storage_searches", "code_executions", "image_generations")
"""Counted from the output, which ``reported_usage`` does not cover."""


def _without_uncovered(record: Recording, quantities: dict[str, Any]) -> dict[str, Any]:
    skipped: tuple[str, ...] = ()
    if record["provider"] != "anthropic":
        skipped = _IN_NO_USAGE
    if record["provider"] == "xai":
        skipped = (*skipped, "social_searches")
    return {unit: count for unit, count in quantities.items() if unit not in skipped}


@needs_recordings
@pytest.mark.parametrize("record", _REPORTED, ids=lambda record: record["id"])
def test_quantities_equal_the_reported_usage(record: Recording) -> None:
    """Every quantity of a recorded response is what the provider reported, made inclusive."""
    facts = _read(record, _body(record, "response"))
    expected = _expected(record)
    if "cost_usd_ticks" in record["reported_usage"] and not expected:
        assert facts.provider_cost is not None
        return
    assert _without_uncovered(record, expected) == _without_uncovered(
        record, dict(facts.quantities)
    )
    assert facts.usage_source is UsageSource.REPORTED


@needs_recordings
def test_there_is_something_to_compare() -> None:
    """The comparison covers a good part of every provider's recordings."""
    assert len(_REPORTED) > 400


@needs_recordings
@pytest.mark.parametrize("record", _METERED, ids=lambda record: record["id"])
def test_cut_and_garbled_bodies_never_raise(record: Recording) -> None:
    """A body cut anywhere, or followed by garbage, still gives facts, and never a false end."""
    body = _body(record, "response")
    for part in (0, 1, len(body) // 4, len(body) // 2, max(0, len(body) - 30)):
        _read(record, body[:part])
    half = _read(record, body[: len(body) // 2])
    if record["transport"] == "json":
        assert half.finished is False
    _read(record, body[: len(body) // 2] + b'\x00\xff"}]{' + body)


_SMALL = [record for record in _METERED if len(record["response_body"] or "") < 6000]


@needs_recordings
@pytest.mark.parametrize("record", _SMALL[::5], ids=lambda record: record["id"])
def test_cuts_make_no_difference(record: Recording) -> None:
    """The facts are the same whether a body comes whole, byte by byte, or in odd pieces."""
    body = _body(record, "response")
    whole = _read(record, body)
    assert whole == _read(record, body, 1)
    assert whole == _read(record, body, 7)


@needs_recordings
def test_complete_streams_are_finished() -> None:
    """Of recorded streams with usage, all but those that really broke off are finished."""
    unfinished = [
        record["id"]
        for record in _REPORTED
        if record["transport"] == "sse" and not _read(record, _body(record, "response")).finished
    ]
    assert unfinished == []


@needs_recordings
def test_stated_costs_are_exact() -> None:
    """A provider's own figure arrives as nano-dollars, rounded once from the exact decimal."""
    compared = 0
    for record in _REPORTED:
        reported = record["reported_usage"]
        if "cost_usd_ticks" in reported:
            expected = round(Fraction(reported["cost_usd_ticks"], 10))
        elif "cost_usd" in reported and not reported["raw"].get("is_byok"):
            expected = round(Fraction(str(reported["cost_usd"])) * 10**9)
        else:
            continue
        assert expected == _read(record, _body(record, "response")).provider_cost, record["id"]
        compared += 1
    assert compared > 50


@needs_recordings
def test_every_recorded_path_is_classified() -> None:
    """No recorded path of these providers falls through to a name that says nothing."""
    unnamed = {
        record["path_pattern"]
        for record in _recordings()
        if _classify(record)[1].name == "other" and record["transport"] != "websocket"
    }
    assert unnamed == set()

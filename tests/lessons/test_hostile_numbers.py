"""Numbers that no honest provider sends, in every place of every family's usage.

Each place is one of a real usage, so that what stands there has a part in the price, or none. A row
of such a call either has the cost that it had before, or none, and says why.
"""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from acm_addon.model import Entry, PriceStatus, Reason, UsageSource
from tests.wire import SSE, Wire, as_json, row

type Place = tuple[str | int, ...]
type Document = dict[str, Any]

_ASKED = [{"role": "user", "content": "Speak."}]


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    name: str
    wire: Wire
    document: Document
    usage: Place
    """Where in the document the usage is."""
    totals: tuple[str, ...]
    """Without which a part of the call is not counted."""

    def with_usage(self, usage: object) -> Document:
        document = copy.deepcopy(self.document)
        _at(document, self.usage[:-1])[self.usage[-1]] = usage
        return document

    @property
    def real_usage(self) -> Document:
        usage: Document = copy.deepcopy(_at(self.document, self.usage))
        return usage


_CHAT_USAGE = {
    "prompt_tokens": 1000,
    "completion_tokens": 200,
    "total_tokens": 1200,
    "prompt_tokens_details": {"cached_tokens": 300, "audio_tokens": 100, "text_tokens": 900},
    "completion_tokens_details": {
        "reasoning_tokens": 50,
        "audio_tokens": 40,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
_RESPONSES_USAGE = {
    "input_tokens": 1000,
    "input_tokens_details": {"cached_tokens": 300, "cache_write_tokens": 200},
    "output_tokens": 200,
    "output_tokens_details": {"reasoning_tokens": 50},
    "total_tokens": 1200,
}
_MESSAGES_USAGE = {
    "input_tokens": 500,
    "cache_read_input_tokens": 300,
    "cache_creation_input_tokens": 200,
    "cache_creation": {"ephemeral_5m_input_tokens": 150, "ephemeral_1h_input_tokens": 50},
    "output_tokens": 200,
    "output_tokens_details": {"thinking_tokens": 50},
    "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
    "service_tier": "standard",
    "inference_geo": "global",
}
_GEMINI_USAGE = {
    "promptTokenCount": 1000,
    "cachedContentTokenCount": 300,
    "candidatesTokenCount": 200,
    "thoughtsTokenCount": 50,
    "toolUsePromptTokenCount": 10,
    "totalTokenCount": 1260,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 800},
        {"modality": "AUDIO", "tokenCount": 200},
    ],
    "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 300}],
    "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 200}],
    "toolUsePromptTokensDetails": [{"modality": "TEXT", "tokenCount": 10}],
}


def _chat(name: str, host: str, path: str, model: str, usage: Document) -> Family:
    message = {"role": "assistant", "content": "The sea is not full."}
    document = {"id": "c1", "model": model, "choices": [{"message": message}], "usage": usage}
    wire = Wire(host, path, b"", as_json({"model": model, "messages": _ASKED}))
    return Family(name, wire, document, ("usage",), ("prompt_tokens", "completion_tokens"))


_FAMILIES = (
    _chat("chat", "api.openai.com", "/v1/chat/completions", "gpt-4o-audio-preview", _CHAT_USAGE),
    _chat(
        "deepseek",
        "api.deepseek.com",
        "/chat/completions",
        "deepseek-chat",
        {
            "prompt_tokens": 1000,
            "prompt_cache_hit_tokens": 300,
            "prompt_cache_miss_tokens": 700,
            "completion_tokens": 200,
            "total_tokens": 1200,
        },
    ),
    Family(
        "responses",
        Wire(
            "api.openai.com",
            "/v1/responses",
            b"",
            as_json({"model": "gpt-5.6-sol", "input": "Speak."}),
        ),
        {
            "id": "r1",
            "model": "gpt-5.6-sol",
            "status": "completed",
            "output": [],
            "usage": _RESPONSES_USAGE,
        },
        ("usage",),
        ("input_tokens", "output_tokens"),
    ),
    Family(
        "messages",
        Wire(
            "api.anthropic.com",
            "/v1/messages",
            b"",
            as_json({"model": "claude-opus-4-6", "messages": _ASKED}),
        ),
        {
            "id": "m1",
            "model": "claude-opus-4-6",
            "content": [{"type": "text", "text": "The sea is not full."}],
            "usage": _MESSAGES_USAGE,
        },
        ("usage",),
        ("input_tokens", "output_tokens"),
    ),
    Family(
        "gemini",
        Wire(
            "generativelanguage.googleapis.com",
            "/v1beta/models/gemini-2.5-flash:generateContent",
            b"",
            as_json({"contents": [{"parts": [{"text": "Speak."}]}]}),
        ),
        {
            "candidates": [
                {"content": {"parts": [{"text": "It is not full."}]}, "finishReason": "STOP"}
            ],
            "modelVersion": "gemini-2.5-flash",
            "responseId": "g1",
            "usageMetadata": _GEMINI_USAGE,
        },
        ("usageMetadata",),
        ("promptTokenCount",),
    ),
)
every_family = pytest.mark.parametrize("family", _FAMILIES, ids=lambda family: family.name)

_NO_COUNTS = st.one_of(
    st.integers(max_value=-1),
    st.integers(min_value=10**13, max_value=10**400),
    st.just(1e308),
    st.floats(min_value=0.01, max_value=0.99),
    st.sampled_from(["NaN", "12", "", "-1", True, False, [], {}, [7], {"tokens": 7}, [[]]]),
    st.text(max_size=8),
)
_RAW = ("NaN", "Infinity", "-Infinity", "1e999999999", "-0.5", "1E+400", "0x10", "--1", "1" * 5000)
"""What is hardly a number in JSON, as it stands in the body."""


@cache
def _honest(family: Family) -> Entry:
    return _row(family, family.real_usage)


def _row(family: Family, usage: object) -> Entry:
    return _read(family, as_json(family.with_usage(usage)))


def _read(family: Family, body: bytes) -> Entry:
    wire = family.wire
    return row(Wire(wire.host, wire.path, body, wire.request))


def _at(document: Any, place: Place) -> Any:
    for key in place:
        document = document[key]
    return document


def _places(value: object, at: Place = ()) -> Iterator[Place]:
    """Every number, object, list, and text inside of ``value``."""
    if at:
        yield at
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _places(each, (*at, key))
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _places(each, (*at, index))


def _replaced(usage: Document, place: Place, value: object) -> Document:
    _at(usage, place[:-1])[place[-1]] = value
    return usage


def _says_nothing(value: object, instead_of: object) -> bool:
    """Whether it is details without any that we know: as good as none."""
    return (
        value == []
        if isinstance(instead_of, list)
        else isinstance(value, dict) and isinstance(instead_of, dict)
    )


def _check(entry: Entry, honest: Entry) -> None:
    if entry.cost == honest.cost and entry.lines == honest.lines:
        return
    assert entry.cost is None or entry.usage_source is UsageSource.ESTIMATED
    assert entry.price_status is not PriceStatus.FREE
    assert entry.reason is not None or entry.usage_source is UsageSource.ESTIMATED
    assert all(line.amount >= 0 for line in entry.lines)


@every_family
def test_an_honest_usage_is_priced(family: Family) -> None:
    """Without which the rest would prove nothing."""
    honest = _honest(family)
    assert (PriceStatus.PRICED, None) == (honest.price_status, honest.reason)
    assert honest.cost
    assert UsageSource.REPORTED is honest.usage_source


@every_family
@given(data=st.data())
@settings(max_examples=150)
def test_what_is_no_count_is_never_a_wrong_cost(family: Family, data: st.DataObject) -> None:
    """In any place: the row is marked, or the place has no part in the price."""
    place = data.draw(st.sampled_from(list(_places(family.real_usage))))
    value = data.draw(_NO_COUNTS)
    assume(not _says_nothing(value, _at(family.real_usage, place)))
    _check(_row(family, _replaced(family.real_usage, place, value)), _honest(family))


@every_family
@pytest.mark.parametrize("raw", _RAW)
def test_hardly_a_number(family: Family, raw: str) -> None:
    """What no JSON library would write."""
    for place in _places(family.real_usage):
        usage = _replaced(family.real_usage, place, "@here@")
        body = json.dumps(family.with_usage(usage)).replace('"@here@"', raw).encode()
        _check(_read(family, body), _honest(family))


@every_family
@pytest.mark.parametrize("total", [None, "left out"])
def test_a_total_that_is_missing_is_no_zero(family: Family, total: str | None) -> None:
    """Null or absent: marked, or estimated, and never the price of the rest alone."""
    for name in family.totals:
        usage = family.real_usage
        if total is None:
            usage[name] = None
        else:
            del usage[name]
        entry = _row(family, usage)
        if entry.usage_source is not UsageSource.ESTIMATED:
            # What is left of ``total_tokens`` is the output all the same.
            assert entry.cost in {None, _honest(family).cost}
            assert entry.cost is not None or entry.reason is Reason.BAD_USAGE


@every_family
@pytest.mark.parametrize("usage", [None, 0, "", "usage", [], {}, [{}], True, -1, 1e308])
def test_usage_that_is_none(family: Family, usage: object) -> None:
    """What was consumed is counted, or unknown."""
    entry = _row(family, usage)
    assert entry.usage_source in {UsageSource.ESTIMATED, UsageSource.NONE}
    assert entry.cost != 0


@every_family
def test_a_part_beyond_its_whole_is_marked(family: Family) -> None:
    """Ten thousand of any detail of a thousand: no cost, unless it is outside of the total."""
    outside = {"cached_tokens", "audio_tokens", "total_tokens", "prompt_cache_hit_tokens"}
    beside = {"web_search_requests", "cache_read_input_tokens", "cache_creation_input_tokens"}
    totals = {*family.totals, "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount"}
    for place in _places(family.real_usage):
        if not isinstance(_at(family.real_usage, place), int):
            continue
        if {str(each) for each in place} & (outside | beside | totals):
            continue
        if place == ("toolUsePromptTokenCount",):
            continue
        _check(_row(family, _replaced(family.real_usage, place, 10_000)), _honest(family))


@given(data=st.data())
@settings(max_examples=60)
def test_hostile_counts_in_a_stream(data: st.DataObject) -> None:
    """Anthropic's last event overwrites its first one, field by field: the bad field is seen."""
    family = next(each for each in _FAMILIES if each.name == "messages")
    place = data.draw(st.sampled_from(list(_places(_MESSAGES_USAGE))))
    value = data.draw(_NO_COUNTS)
    assume(not _says_nothing(value, _at(_MESSAGES_USAGE, place)))
    usage = _replaced(family.real_usage, place, value)
    message = {"id": "m1", "model": "claude-opus-4-6", "usage": {**_MESSAGES_USAGE}}
    events: tuple[tuple[str, Document], ...] = (
        ("message_start", {"message": message}),
        ("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": usage}),
        ("message_stop", {}),
    )
    body = b"".join(
        b"event: %b\ndata: %b\n\n" % (kind.encode(), as_json({"type": kind, **fields}))
        for kind, fields in events
    )
    wire = family.wire
    _check(row(Wire(wire.host, wire.path, body, wire.request, content_type=SSE)), _honest(family))


@pytest.mark.parametrize("name", ["prompt_tokens", "completion_tokens"])
@pytest.mark.parametrize("value", [-5, "12", {}, [1], True, 0.5, 10**20])
def test_a_hostile_last_report_is_not_passed_over(name: str, value: object) -> None:
    """Where every chunk reports, an earlier one must not stand in for a last one that is bad."""
    family = _FAMILIES[0]
    last = {"prompt_tokens": 0, "completion_tokens": 0, name: value}
    reports = ({**_CHAT_USAGE, "completion_tokens": 90, "total_tokens": 1090}, last)
    chunks = [{**family.document, "choices": [], "usage": usage} for usage in reports]
    body = b"".join(b"data: " + as_json(chunk) + b"\n\n" for chunk in chunks)
    wire = family.wire
    entry = row(
        Wire(wire.host, wire.path, body + b"data: [DONE]\n\n", wire.request, content_type=SSE)
    )
    assert (None, Reason.BAD_USAGE) == (entry.cost, entry.reason)

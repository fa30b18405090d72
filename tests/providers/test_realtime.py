"""Websockets: what a connection consumed is the sum of what its responses report."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.model import ModelUsage, Reason, UsageSource
from acm_addon.providers.base import Billing, RequestHead, ResponseFacts, WebSocketReader
from acm_addon.providers.gemini_live import LiveReader
from acm_addon.providers.realtime import RealtimeReader
from acm_addon.routing import BUILT_IN


def read(reader: WebSocketReader, *received: Any) -> ResponseFacts:
    for message in received:
        reader.received(message if isinstance(message, bytes) else json.dumps(message).encode())
    return reader.facts()


def done(kind: str = "response.done", **response: Any) -> dict[str, Any]:
    usage = {
        "input_tokens": 40,
        "output_tokens": 10,
        "total_tokens": 50,
        "input_token_details": {"audio_tokens": 26, "text_tokens": 14, "cached_tokens": 6},
        "output_token_details": {"audio_tokens": 7, "text_tokens": 3},
    }
    return {"type": kind, "response": {"id": "resp_1", "usage": usage, **response}}


CREATED = {"type": "session.created", "session": {"id": "sess_1", "model": "gpt-realtime"}}
STARTED = {"type": "response.created", "response": {"id": "resp_1", "usage": None}}
DELTA = {"type": "response.output_audio.delta", "delta": "A" * 4000}
HEARD = {
    "type": "conversation.item.input_audio_transcription.completed",
    "transcript": 'I said "response.done".',
    "usage": {"type": "duration", "seconds": 3},
}


def test_responses_are_added_up() -> None:
    """Two responses of one session, and what is inside their totals."""
    facts = read(RealtimeReader(None), CREATED, STARTED, DELTA, done(), STARTED, done())
    assert {
        "input_tokens": 80,
        "output_tokens": 20,
        "cache_read_tokens": 12,
        "input_text_tokens": 28,
        "input_audio_tokens": 52,
        "output_text_tokens": 6,
        "output_audio_tokens": 14,
    } == facts.quantities
    assert ("gpt-realtime", "sess_1", UsageSource.REPORTED) == (
        facts.model,
        facts.object_id,
        facts.usage_source,
    )
    assert facts.finished


def test_a_running_response_is_not_finished() -> None:
    """A connection that ends in the middle of an answer was cut off; what was reported stands."""
    reader = RealtimeReader("gpt-realtime")
    facts = read(reader, CREATED, STARTED, done(), STARTED, DELTA)
    assert (40, False) == (facts.quantities["input_tokens"], facts.finished)
    assert 10 + 1000 < reader.output_tokens_so_far() < 10 + 1100


def test_a_session_without_a_response_cost_nothing() -> None:
    """That is known, and not unknown."""
    facts = read(RealtimeReader("gpt-realtime"), CREATED)
    assert {"input_tokens": 0, "output_tokens": 0} == facts.quantities
    assert facts.finished


def test_transcription_is_the_usage_of_another_model() -> None:
    """Of the one that the session names, whichever of its two places it is named in."""
    now = {"audio": {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}}}
    before = {"input_audio_transcription": {"model": "gpt-4o-mini-transcribe"}}
    for session in (now, before):
        update = {"type": "session.updated", "session": session}
        facts = read(RealtimeReader(None), CREATED, update, HEARD, HEARD, done())
        assert 40 == facts.quantities["input_tokens"]
        assert (ModelUsage("gpt-4o-mini-transcribe", {"input_audio_seconds": 6}),) == facts.others


def test_a_session_that_only_transcribes() -> None:
    """It has no usage but that, and it is its own."""
    session = {"type": "transcription", "input_audio_transcription": {"model": "whisper-1"}}
    facts = read(RealtimeReader(None), {"type": "session.created", "session": session}, HEARD)
    assert ("whisper-1", {"input_audio_seconds": 3}, ()) == (
        facts.model,
        facts.quantities,
        facts.others,
    )


def test_responses_over_a_websocket_by_several_models() -> None:
    """Each at its own prices."""
    facts = read(
        RealtimeReader(None),
        done("response.completed", model="gpt-5-codex", service_tier="default"),
        done("response.completed", model="gpt-5-mini"),
        done("response.incomplete", model="gpt-5-codex"),
        {"type": "response.failed", "response": {"model": "gpt-5-codex", "usage": None}},
    )
    assert ("gpt-5-codex", 80, "default") == (
        facts.model,
        facts.quantities["input_tokens"],
        facts.tier,
    )
    assert [("gpt-5-mini", 40)] == [
        (other.model, other.quantities["input_tokens"]) for other in facts.others
    ]


def test_seconds_and_text_messages_of_xai() -> None:
    """Its usage is beside the response, and text that the user writes is billed by the message."""
    reader = RealtimeReader("grok-voice-latest")
    for role, kind in (("user", "input_text"), ("user", "input_audio"), ("assistant", "text")):
        item = {"type": "message", "role": role, "content": [{"type": kind}]}
        reader.sent(json.dumps({"type": "conversation.item.create", "item": item}).encode())
    usage = {"input_tokens": 8, "output_tokens": 3, "billable_audio_seconds": 2.5}
    facts = read(reader, {"type": "response.done", "response": {"usage": {}}, "usage": usage})
    assert {
        "input_tokens": 8,
        "output_tokens": 3,
        "audio_seconds": Decimal("2.5"),
        "input_text_messages": 1,
    } == facts.quantities


@pytest.mark.parametrize(
    "usage",
    [
        {"input_tokens": -1, "output_tokens": 5},
        {"input_tokens": "many", "output_tokens": 5},
        {"input_tokens": 1, "output_tokens": 1, "billable_audio_seconds": "NaN"},
    ],
)
def test_hostile_usage_is_marked(usage: dict[str, Any]) -> None:
    facts = read(RealtimeReader(None), done(usage=usage))
    assert facts.reason is Reason.BAD_USAGE


def test_turns_of_gemini_live_are_added_up() -> None:
    """Each report counts its own turn. What is said is its response, and thoughts are apart."""
    reader = LiveReader()
    reader.sent(json.dumps({"setup": {"model": "models/gemini-live-2.5-flash"}}).encode())
    usage = {
        "promptTokenCount": 100,
        "responseTokenCount": 20,
        "thoughtsTokenCount": 4,
        "responseTokensDetails": [{"modality": "AUDIO", "tokenCount": 20}],
    }
    turn = {"serverContent": {"turnComplete": True}, "usageMetadata": usage}
    facts = read(reader, {"serverContent": {"modelTurn": {}}}, turn, turn)
    assert ("gemini-live-2.5-flash", True) == (facts.model, facts.finished)
    assert {
        "input_tokens": 200,
        "output_tokens": 48,
        "output_reasoning_tokens": 8,
        "output_audio_tokens": 40,
    } == facts.quantities
    assert not read(reader, {"serverContent": {"modelTurn": {}}}).finished


@pytest.mark.parametrize(
    ("provider", "path", "query", "name", "model"),
    [
        ("openai", "/v1/realtime", "model=gpt-realtime", "realtime", "gpt-realtime"),
        ("openai", "/v1/responses", "", "responses", None),
        ("xai", "/v1/realtime", "", "realtime", None),
        (
            "gemini",
            "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
            "key=k",
            "live",
            None,
        ),
    ],
)
def test_websockets_that_are_metered(
    provider: str, path: str, query: str, name: str, model: str | None
) -> None:
    found = BUILT_IN.named(provider)
    assert found is not None
    head = RequestHead("GET", path, query, websocket=True)
    endpoint = found.classify(head)
    assert (name, Billing.METERED, model) == (endpoint.name, endpoint.billing, endpoint.model)
    assert found.websocket_reader(endpoint) is not None


def test_other_websockets_are_recorded_only() -> None:
    for provider, path in (("openai", "/v1/other"), ("anthropic", "/v1/x"), ("gemini", "/ws/x")):
        found = BUILT_IN.named(provider)
        assert found is not None
        endpoint = found.classify(RequestHead("GET", path, websocket=True))
        assert ("websocket", Billing.UNKNOWN) == (endpoint.name, endpoint.billing)


MESSAGES = st.lists(
    st.binary(max_size=60)
    | st.sampled_from([json.dumps(one).encode() for one in (CREATED, STARTED, HEARD, done())]),
    max_size=8,
)


@given(MESSAGES, st.integers(0, 60))
def test_any_messages_survive(messages: list[bytes], cut: int) -> None:
    """Garbage, and good messages that are cut, raise nothing and count nothing below zero."""
    for reader in (RealtimeReader(None), LiveReader()):
        for message in messages:
            reader.sent(message[cut:])
            reader.received(message)
            reader.received(message[: len(message) - cut])
        assert all(amount >= 0 for amount in reader.facts().quantities.values())
        assert reader.output_tokens_so_far() >= 0

"""Estimates, from the real tap and the real tokenizer."""

import json

from acm_addon.estimate import estimated_usage
from acm_addon.model import Reason, UsageSource
from acm_addon.tap import exhaust
from tests.taps import answered, call, ended

STREAM = b"".join(
    b"data: " + json.dumps(event).encode() + b"\n\n"
    for event in (
        {"id": "c", "model": "gpt-4o", "choices": [{"index": 0, "delta": {"content": word}}]}
        for word in ("Hello", " there", ",", " friend")
    )
)


def test_a_stream_without_usage_is_counted() -> None:
    """Input and output are counted from their texts, and the row says that they are estimates.

    Of the input one token is the word, and seven are what the chat format puts around it.
    """
    outcome = ended(answered(STREAM + b"data: [DONE]\n\n", content_type="text/event-stream"))

    usage = estimated_usage(outcome)

    assert UsageSource.ESTIMATED == usage.source
    assert {"input_tokens": 8, "output_tokens": 4} == dict(usage.quantities)
    assert usage.reason is None


def test_a_stream_cut_off_counts_what_was_received() -> None:
    """What was generated before the cut was billed; no more than that is claimed."""
    outcome = ended(answered(STREAM, content_type="text/event-stream"), failure=Reason.CLIENT_LEFT)

    assert 4 == estimated_usage(outcome).quantities["output_tokens"]


def test_a_text_without_messages_is_counted_as_it_is() -> None:
    """Legacy completions and embeddings have no chat format to allow for."""
    body = json.dumps({"id": "c", "model": "davinci-002", "choices": [{"text": "Hi"}]})
    one = call("/v1/completions")
    exhaust(one.request_data(b'{"model":"davinci-002","prompt":"Hello"}'))
    one.request_done()
    one.response_started(200, {"content-type": "application/json"})
    exhaust(one.response_data(body.encode(), 100.25))

    usage = estimated_usage(ended(one))

    assert {"input_tokens": 1, "output_tokens": 1} == dict(usage.quantities)

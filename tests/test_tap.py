"""The call in flight, against the real OpenAI readers."""

import gzip
import json

import pytest

from acm_addon.model import Completeness, Reason, UsageSource
from acm_addon.providers.base import Billing
from acm_addon.tap import exhaust
from tests.taps import RESPONSE, answered, asked, call, ended


def test_a_whole_call() -> None:
    """Reported usage, the served model, ids, and monotonic durations in milliseconds."""
    outcome = ended(answered(RESPONSE.encode(), x_request_id="req_1"))

    assert {"input_tokens": 8, "output_tokens": 2} == dict(outcome.usage.quantities)
    assert UsageSource.REPORTED == outcome.usage.source
    exchange = outcome.exchange
    assert (Completeness.COMPLETE, None) == (exchange.completeness, exchange.reason)
    assert ("gpt-4o", "gpt-4o-2024-08-06") == (exchange.requested_model, exchange.model)
    assert ("req_1", "chatcmpl-1") == (exchange.request_id, exchange.object_id)
    assert (500, 250) == (exchange.latency_ms, exchange.first_byte_ms)
    assert outcome.texts is None


def test_a_compressed_answer_is_read() -> None:
    """The wire's encoding makes no difference to the row."""
    outcome = ended(answered(gzip.compress(RESPONSE.encode()), content_encoding="gzip"))

    assert 8 == outcome.usage.quantities["input_tokens"]


def test_an_answer_cut_off_is_partial() -> None:
    """Half a body has no usage to report: partial, with its texts offered to the tokenizer."""
    outcome = ended(answered(RESPONSE.encode()[:60]), Reason.UPSTREAM_FAILED)

    assert Completeness.PARTIAL == outcome.exchange.completeness
    assert Reason.UPSTREAM_FAILED == outcome.exchange.reason
    assert outcome.texts is not None


def test_a_truncated_body_without_an_error_is_partial() -> None:
    """The connection ended as if all were well, and the document did not."""
    outcome = ended(answered(RESPONSE.encode()[:60]))

    assert Completeness.PARTIAL == outcome.exchange.completeness


def test_broken_compression_is_partial_and_unreadable() -> None:
    """A body that we cannot decode passes, and the row says why it has no usage."""
    body = gzip.compress(RESPONSE.encode())[:20] + b"garbage that is no deflate stream"
    outcome = ended(answered(body, content_encoding="gzip"))

    assert Completeness.PARTIAL == outcome.exchange.completeness
    assert Reason.UNREADABLE_BODY == outcome.exchange.reason


def test_an_error_status_has_no_usage() -> None:
    """A 429 is complete, and there is nothing to estimate."""
    outcome = ended(answered(b'{"error": {"message": "slow down"}}', status=429))

    assert Completeness.COMPLETE == outcome.exchange.completeness
    assert Reason.PROVIDER_ERROR == outcome.exchange.reason
    assert not outcome.usage.quantities
    assert outcome.texts is None


def test_no_answer_at_all_is_unknown() -> None:
    """It left and nobody saw what became of it: unknown, with only the input estimated."""
    outcome = ended(asked(), Reason.CLIENT_LEFT)

    assert Completeness.SENT_UNKNOWN == outcome.exchange.completeness
    assert ["input_tokens"] == list(outcome.usage.quantities)
    assert UsageSource.ESTIMATED == outcome.usage.source


def test_what_never_left_is_refused() -> None:
    """An upstream that cannot be reached saw nothing."""
    outcome = ended(asked(), Reason.UPSTREAM_FAILED, left=False)

    assert Completeness.REFUSED == outcome.exchange.completeness
    assert not outcome.usage.quantities


def test_an_unknown_endpoint_is_said_to_be_unknown() -> None:
    """A path that may cost money and that we do not read gets a row with the reason."""
    one = call("/v1/a/new/thing")
    assert Billing.UNKNOWN == one.arrival.endpoint.billing
    one.request_done()
    one.response_started(200, {"content-type": "application/json"})
    exhaust(one.response_data(b"{}", 100.1))

    assert Reason.UNKNOWN_ENDPOINT == ended(one).exchange.reason


@pytest.mark.parametrize("name", ["id", "model"])
def test_content_in_place_of_an_identifier_is_dropped(name: str) -> None:
    """Fields that are kept hold identifiers; anything that could be text is not kept."""
    body = json.loads(RESPONSE)
    body[name] = "a sentence, with the prompt in it\n"
    exchange = ended(answered(json.dumps(body).encode())).exchange

    assert "sentence" not in repr((exchange.object_id, exchange.model, exchange.requested_model))


@pytest.mark.parametrize(
    ("failure", "expected"),
    [(None, Completeness.COMPLETE), (Reason.CLIENT_LEFT, Completeness.PARTIAL)],
)
def test_a_body_without_an_end_of_its_own_ends_with_its_transfer(
    failure: Reason | None, expected: Completeness
) -> None:
    """Sound cannot say that it is complete; who broke off its transfer can."""
    one = call("/v1/audio/speech")
    exhaust(one.request_data(b'{"model":"tts-1","input":"Hello"}'))
    one.request_done()
    one.response_started(200, {"content-type": "audio/mpeg"})
    exhaust(one.response_data(b"\xff\xfb\x90", 100.25))
    outcome = ended(one, failure)
    assert (expected, failure) == (outcome.exchange.completeness, outcome.exchange.reason)
    assert {"input_characters": 5} == outcome.usage.quantities
    assert outcome.texts is None

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from acm_addon.captures import har, recordings
from acm_addon.captures.base import Captured
from acm_addon.captures.replay import Importing, Kind, entry_of
from acm_addon.model import (
    Attribution,
    Completeness,
    Entrance,
    Entry,
    PriceStatus,
    Reason,
    Source,
    UsageSource,
)
from acm_addon.pricing import PriceTable
from tests.capture_files import MOMENT, har_entry, recording

FILE_TIME = datetime(2026, 11, 1, tzinfo=UTC)
OF = Importing(PriceTable.current(), Attribution("shop", None, {"a": "b"}), FILE_TIME)
HERE = Source("a.har", index=3)


def replayed(captured: Captured) -> Entry | Kind:
    return entry_of(captured, b"0123456789", HERE, OF)


def row(captured: Captured) -> Entry:
    found = replayed(captured)
    assert isinstance(found, Entry)
    return found


def test_a_call_of_a_browser() -> None:
    """The row has the call's own time and durations, and says where it comes from."""
    found = row(har.captured(har_entry()))
    assert (MOMENT, 512, 313) == (found.time, found.latency_ms, found.first_byte_ms)
    assert {"input_tokens": 8, "output_tokens": 2} == found.usage
    assert (40_000, "gpt-4o-2024-08-06", Entrance.IMPORT) == (
        found.cost,
        found.model,
        found.entrance,
    )
    assert ("shop", {"a": "b"}, HERE) == (found.project, found.tags, found.source)
    assert Completeness.COMPLETE is found.completeness


def test_a_recording_says_the_same() -> None:
    """But for its time, which is the answer's date, and durations, which it does not have."""
    found = row(recordings.captured(recording()))
    assert (MOMENT.replace(microsecond=0), None, None) == (
        found.time,
        found.latency_ms,
        found.first_byte_ms,
    )
    assert (40_000, {"input_tokens": 8, "output_tokens": 2}) == (found.cost, found.usage)


def test_ids_are_derived_and_sort_by_time() -> None:
    """The same exchange has the same id, and an earlier one a smaller id."""
    earlier = har_entry(startedDateTime="2026-11-22T11:59:59Z")
    ids = [row(har.captured(entry)).id for entry in (earlier, har_entry(), har_entry())]
    assert ids[0] < ids[1] == ids[2]
    assert "8" == ids[1][14]


def test_a_call_without_a_time_takes_the_files() -> None:
    """The id does not depend on it: a file that was copied is the same file."""
    found = row(recordings.captured(recording(response_headers=[])))
    assert FILE_TIME == found.time
    assert found.id.startswith("00000000-0000-8")


@pytest.mark.parametrize("content", [{}, {"size": 321, "mimeType": "application/json"}])
def test_a_body_that_was_not_kept_is_not_an_empty_one(content: dict[str, Any]) -> None:
    """What the call cost is not known, and nothing is estimated from nothing."""
    found = row(har.captured(har_entry(response={"content": content})))
    assert (None, {}, UsageSource.NONE) == (found.cost, found.usage, found.usage_source)
    assert (PriceStatus.UNPRICED, Reason.NOT_CAPTURED) == (found.price_status, found.reason)
    assert (Completeness.PARTIAL, "gpt-4o") == (found.completeness, found.model)


def test_a_body_that_was_cut_by_the_recorder() -> None:
    """Likewise; usage that is in the part that was kept counts."""
    cut = recording(response_body='{"id": "chatcmpl-1", ', response_body_encoding="text-truncated")
    found = row(recordings.captured(cut))
    assert (None, Reason.NOT_CAPTURED) == (found.cost, found.reason)


def test_usage_that_was_not_reported_is_counted_as_live() -> None:
    """The same estimate from the same texts."""
    body = json.dumps({"choices": [{"message": {"content": "Hi there"}, "finish_reason": "stop"}]})
    found = row(har.captured(har_entry(response={"content": {"size": 9, "text": body}})))
    assert UsageSource.ESTIMATED is found.usage_source
    assert found.cost


def test_a_request_that_was_never_answered() -> None:
    """It left, and nobody knows what became of it."""
    broken = har_entry(response={"status": 0, "_error": "net::ERR_ABORTED", "content": {}})
    found = row(har.captured(broken))
    assert (None, Completeness.SENT_UNKNOWN) == (found.status, found.completeness)


def test_an_error_costs_nothing() -> None:
    """With its body or without."""
    found = row(har.captured(har_entry(response={"status": 429, "content": {"size": 5}})))
    assert (0, PriceStatus.FREE, Reason.PROVIDER_ERROR) == (
        found.cost,
        found.price_status,
        found.reason,
    )


@pytest.mark.parametrize(
    "entry", [har_entry(url="wss://api.openai.com/v1/else"), har_entry(_webSocketMessages=[])]
)
def test_a_websocket_is_recorded_and_not_metered(entry: Any) -> None:
    """As it is live."""
    entry["response"]["status"] = 101
    found = row(har.captured(entry))
    assert (None, Reason.WEBSOCKET, "websocket") == (found.cost, found.reason, found.endpoint)


def test_messages_of_a_websocket_are_metered() -> None:
    """Chrome writes them beside the entry that opened it."""
    usage = {"input_tokens": 3, "output_tokens": 2}
    done = {"type": "response.done", "response": {"model": "gpt-realtime", "usage": usage}}
    messages = [{"type": "receive", "opcode": 1, "data": json.dumps(done), "time": 1.0}]
    entry = har_entry(url="wss://api.openai.com/v1/realtime", _webSocketMessages=messages)
    entry["response"]["status"] = 101
    found = row(har.captured(entry))
    assert ("realtime", usage, 44_000) == (found.endpoint, found.usage, found.cost)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://example.com/v1/chat/completions", Kind.NOT_PROVIDER),
        ("https://api.openai.com.example.com/", Kind.NOT_PROVIDER),
        ("https://api.openai.com/v1/models?limit=2", Kind.FREE),
    ],
)
def test_what_makes_no_row(url: str, kind: Kind) -> None:
    """Other hosts, and calls that are never billed."""
    entry = har_entry(url=url)
    entry["request"]["method"] = "GET"
    assert kind is replayed(har.captured(entry))


@pytest.mark.parametrize(
    "entry",
    [{}, {"request": None}, {"request": {"url": 7, "method": "GET"}}, har_entry(url="https://[x")],
)
def test_no_har_entry(entry: Any) -> None:
    """An error of a kind that the reading expects."""
    with pytest.raises((ValueError, TypeError, LookupError, AttributeError)):
        har.captured(entry)

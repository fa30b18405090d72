"""What providers say of their rate limits: read as they write it, and never believed too long."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.rate_limits import (
    MOST_QUOTAS,
    MOST_WAIT,
    Quota,
    RateLimits,
    merged,
    read,
    seconds_to_wait,
    wait_of,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAMES = ["requests", "tokens", "input-tokens"]
PREFIXED = [f"x-ratelimit-{part}-{name}" for part in ("limit", "reset") for name in NAMES]
any_headers = st.dictionaries(
    st.sampled_from([*PREFIXED, "x-ratelimit-reset", "retry-after", "retry-after-ms"])
    | st.sampled_from([f"anthropic-ratelimit-{name}-reset" for name in NAMES])
    | st.text(max_size=40),
    st.text(max_size=40) | st.integers().map(str) | st.floats().map(str),
)


def said(status: int, headers: Mapping[str, str]) -> RateLimits:
    found = read("openai", "ci", status, headers, NOW)
    assert found is not None
    return found


def test_openai_writes_durations() -> None:
    """As its guide shows them."""
    headers = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-reset-tokens": "6m0s",
        "content-type": "application/json",
    }
    assert (
        Quota("requests", 60, 59, NOW + timedelta(seconds=1)),
        Quota("tokens", 150000, 149984, NOW + timedelta(minutes=6)),
    ) == said(200, headers).quotas


def test_anthropic_writes_times() -> None:
    """RFC 3339, with the kind in the middle of the name."""
    headers = {
        "anthropic-ratelimit-input-tokens-limit": "50000",
        "anthropic-ratelimit-input-tokens-remaining": "49000",
        "anthropic-ratelimit-input-tokens-reset": "2026-11-22T12:00:30Z",
    }
    expected = Quota("input-tokens", 50000, 49000, NOW + timedelta(seconds=30))
    assert (expected,) == said(200, headers).quotas


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20ms", 0.02), ("1h2m3.5s", 3723.5), ("7", 7), ("1795348800", None), ("1795348800000", None)],
)
def test_resets_come_in_every_form(text: str, seconds: float | None) -> None:
    """A duration, seconds, and seconds or milliseconds since 1970."""
    (quota,) = said(200, {"x-ratelimit-limit": "1", "x-ratelimit-reset": text}).quotas
    at = NOW + timedelta(seconds=seconds) if seconds is not None else quota.reset
    if seconds is None:
        assert datetime(2026, 11, 22, 12, tzinfo=UTC) == at
    assert Quota("all", 1, None, at) == quota


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "20"}, 20),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "20", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Sun, 22 Nov 2026 12:01:00 GMT"}, 60),
        ({"retry-after": "Sun, 22 Nov 2026 11:00:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    """Seconds, milliseconds, or a date; anything else says nothing."""
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert expected == wait_of(headers, NOW)


def test_a_wait_counts_with_a_429_alone_and_is_not_believed_for_hours() -> None:
    """A limit may be raised meanwhile: after some minutes the provider is asked again."""
    assert read("openai", "ci", 200, {"retry-after": "9"}, NOW) is None
    told = said(429, {"retry-after": "3600"})
    assert 3600 == seconds_to_wait(told, NOW)
    last = NOW + MOST_WAIT
    assert seconds_to_wait(told, last - timedelta(seconds=1)) is not None
    assert seconds_to_wait(told, last) is None
    # Other answers to the same key do not put that off.
    other = read("openai", "ci", 200, {"x-ratelimit-limit": "9"}, NOW + timedelta(minutes=4))
    assert other is not None
    assert seconds_to_wait(merged(told, other), last) is None
    short = said(429, {"retry-after": "2"})
    assert seconds_to_wait(short, NOW + timedelta(seconds=2)) is None


def test_an_answer_that_says_less_takes_nothing_back() -> None:
    """A wait stands until it is over; a quota until the provider says another number."""
    first = said(429, {"retry-after": "60", "x-ratelimit-remaining-tokens": "0"})
    later = said(200, {"x-ratelimit-remaining-requests": "5"})
    both = merged(first, later)
    assert 60 == seconds_to_wait(both, NOW)
    assert {"tokens": 0, "requests": 5} == {one.name: one.remaining for one in both.quotas}


@given(any_headers, st.integers(100, 599))
def test_no_headers_are_too_odd(headers: dict[str, str], status: int) -> None:
    """Whatever comes, it is bounded, and nothing that is no number is kept."""
    found = read("openai", "ci", status, headers, NOW)
    if found:
        assert MOST_QUOTAS >= len(merged(found, found).quotas)
        for quota in found.quotas:
            assert quota.limit is None or quota.limit >= 0
            assert quota.reset is None or quota.reset.tzinfo is not None
        assert seconds_to_wait(found, NOW) is None or status == 429

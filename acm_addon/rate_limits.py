"""What providers say of their rate limits, in the headers of their answers. Pure.

- OpenAI and those who speak its protocol: ``x-ratelimit-limit-requests: 500``,
  ``x-ratelimit-remaining-tokens: 149984``, ``x-ratelimit-reset-requests: 6m0s``; some leave the
  last word out (OpenAI's guide "Rate limits", section "Rate limits in headers").
- Anthropic: ``anthropic-ratelimit-input-tokens-remaining: 49000``, ``…-reset`` as an RFC 3339 time
  (its page "Rate limits", section "Response headers").
- Everyone: ``retry-after`` in seconds or as an HTTP date (RFC 9110, section 10.2.3), and OpenAI's
  ``retry-after-ms``.

Numbers and times alone are kept; what is neither is left out. Nothing here raises for any headers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MOST_QUOTAS = 12
"""Of one answer. Those in use have at most eight."""
MOST_WAIT = timedelta(minutes=5)
"""A provider that says to wait longer is asked again after this all the same: its limits may have
been raised meanwhile."""

_OPENAI = re.compile(r"x-ratelimit-(limit|remaining|reset)(?:-([a-z0-9-]{1,32}))?")
_ANTHROPIC = re.compile(r"anthropic-ratelimit-([a-z0-9-]{1,32})-(limit|remaining|reset)")
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,9})?")
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|d|h|m|s)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST_SPAN = 366 * 86400.0
_EPOCH_AFTER = 10**8
"""A reset of more seconds is a time since 1970, and of more than a thousand times that, in
milliseconds."""


@dataclass(frozen=True, slots=True)
class Quota:
    """One of a provider's limits. None is not said."""

    name: str
    """``requests``, ``tokens``, ``input-tokens``, …; ``all`` where the provider gives no name."""
    limit: int | None = None
    remaining: int | None = None
    reset: datetime | None = None
    """When all of it is there again."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What a provider last said to one key."""

    provider: str
    key: str
    """A proxy key's name, or ``#`` and a part of a keyed hash; never a part of the key."""
    seen: datetime
    quotas: tuple[Quota, ...] = ()
    told: datetime | None = None
    """When it last said to wait, with a 429."""
    wait_until: datetime | None = None
    """Until when. A time that is over means nothing any more."""


def read(
    provider: str, key: str, status: int, headers: Mapping[str, str], now: datetime
) -> RateLimits | None:
    """What an answer says; None where it says nothing. ``headers`` by their lower-case names."""
    quotas = _quotas(headers, now)
    wait = wait_of(headers, now) if status == 429 else None
    if not quotas and wait is None:
        return None
    if wait is None:
        return RateLimits(provider, key, now, quotas)
    return RateLimits(provider, key, now, quotas, now, now + wait)


def merged(before: RateLimits | None, after: RateLimits) -> RateLimits:
    """The newer one, with what only the older one says: an answer need not repeat all of it.

    A wait stands until it is over, or another one is named: that another model's call is answered
    does not end it.
    """
    if before is None:
        return after
    quotas = {quota.name: quota for quota in (*before.quotas, *after.quotas)}
    newest = tuple(quotas.values())[-MOST_QUOTAS:]
    told = after if after.wait_until is not None else before
    return replace(after, quotas=newest, told=told.told, wait_until=told.wait_until)


def seconds_to_wait(limits: RateLimits | None, now: datetime) -> float | None:
    """How long the provider still wants to be left alone; None where it does not."""
    if limits is None or limits.told is None or limits.wait_until is None:
        return None
    if limits.wait_until <= now or now - limits.told >= MOST_WAIT:
        return None
    return (limits.wait_until - now).total_seconds()


def wait_of(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long an answer says to wait. The finer header counts first, as in OpenAI's SDK."""
    millis = headers.get("retry-after-ms", "").strip()
    if _NUMBER.fullmatch(millis):
        return _span(float(millis) / 1000)
    text = headers.get("retry-after", "").strip()
    if _NUMBER.fullmatch(text):
        return _span(float(text))
    try:
        at = parsedate_to_datetime(text)
        return _span((_aware(at) - now).total_seconds())
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _quotas(headers: Mapping[str, str], now: datetime) -> tuple[Quota, ...]:
    found: dict[str, Quota] = {}
    for header, text in headers.items():
        if "ratelimit" not in header:
            continue
        if openai := _OPENAI.fullmatch(header):
            part, name = openai[1], openai[2] or "all"
        elif anthropic := _ANTHROPIC.fullmatch(header):
            name, part = anthropic[1], anthropic[2]
        else:
            continue
        if name not in found and len(found) >= MOST_QUOTAS:
            continue
        quota = found.get(name, Quota(name))
        value = text.strip()
        match part:
            case "limit":
                found[name] = replace(quota, limit=_whole(value))
            case "remaining":
                found[name] = replace(quota, remaining=_whole(value))
            case _:
                found[name] = replace(quota, reset=_reset(value, now))
    return tuple(quota for quota in found.values() if quota != Quota(quota.name))


def _whole(text: str) -> int | None:
    return int(text.partition(".")[0]) if _NUMBER.fullmatch(text) else None


def _reset(text: str, now: datetime) -> datetime | None:
    """``6m0s``, ``20ms``, ``1.5``, ``1774000000``, or ``2026-11-22T14:30:00Z``."""
    try:
        if _NUMBER.fullmatch(text):
            number = float(text)
            if number < _EPOCH_AFTER:
                return now + _span(number)
            since = number / 1000 if number >= 1000 * _EPOCH_AFTER else number
            return datetime.fromtimestamp(since, UTC)
        parts = _PART.findall(text)
        if parts and "".join(number + unit for number, unit in parts) == text:
            return now + _span(sum(float(number) * _SECONDS[unit] for number, unit in parts))
        return _aware(datetime.fromisoformat(text)) if len(text) > len("2026-11-22") else None
    except (ValueError, OverflowError, OSError):
        return None


def _span(seconds: float) -> timedelta:
    return timedelta(seconds=min(max(seconds, 0.0), _LONGEST_SPAN))


def _aware(time: datetime) -> datetime:
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)

"""Keeps what each provider last said of its rate limits to each key, and knows when to hold back.

It is published in a file of the run folder, from which ``acm limits`` reads it, and with which the
next proxy begins. A key is named by its proxy key, or by a part of a keyed hash.
"""

import asyncio
import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from acm_addon import token_key, vault
from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.logs import logger
from acm_addon.model import utc_now
from acm_addon.rate_limits import Quota, RateLimits, merged, read, seconds_to_wait
from acm_addon.whole_file import replace_file

log = logger("limits")

MOST_KEYS = 200
"""Beyond that the one that was heard of longest ago is forgotten."""
PUBLISH_SECONDS = 1.0
NO_KEY = "(no key)"
_HASH_DIGITS = 8


class LimitKeeper:
    """For the event loop's thread. Its methods never raise into traffic."""

    def __init__(self, home: Home) -> None:
        self._path = file_of(home)
        try:
            self._hash_key = token_key.ensure(home)
        except AcmError as error:
            log.warning("%s", error.message)
            self._hash_key = vault.new_key()
        self._known = {(one.provider, one.key): one for one in load(self._path)}
        self._publishing: asyncio.TimerHandle | None = None

    def label(self, proxy_key: str | None, credential: str | None) -> str:
        """What a key is called here."""
        if proxy_key is not None:
            return proxy_key
        if credential is None:
            return NO_KEY
        return f"#{vault.digest(self._hash_key, credential).hex()[:_HASH_DIGITS]}"

    def note(self, provider: str, key: str, status: int, headers: Mapping[str, str]) -> None:
        """An answer has begun. ``headers`` by their lower-case names."""
        said = read(provider, key, status, headers, utc_now())
        if said is None:
            return
        place = provider, key
        # The one heard of last stands last.
        self._known[place] = merged(self._known.pop(place, None), said)
        if len(self._known) > MOST_KEYS:
            del self._known[next(iter(self._known))]
        if self._publishing is None:
            loop = asyncio.get_running_loop()
            self._publishing = loop.call_later(PUBLISH_SECONDS, self._publish)

    def seconds_to_wait(self, provider: str, key: str) -> float | None:
        """How long the provider still wants to be left alone; None where it does not."""
        return seconds_to_wait(self._known.get((provider, key)), utc_now())

    def close(self) -> None:
        if self._publishing is not None:
            self._publishing.cancel()
            self._publish()

    def _publish(self) -> None:
        """A few kilobytes, at most once a second: quicker than to ask a thread for it."""
        self._publishing = None
        text = json.dumps([as_json(one) for one in self._known.values()])
        try:
            replace_file(self._path, text.encode())
        except OSError as error:
            log.warning("could not write the rate limits: %s", os.strerror(error.errno or 0))


def file_of(home: Home) -> Path:
    return home.run / "limits.json"


def load(path: Path) -> list[RateLimits]:
    """What was published last, the newest last; nothing where that is not there or not whole."""
    try:
        return [_from_json(one) for one in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def as_json(limits: RateLimits) -> dict[str, object]:
    return {
        "provider": limits.provider,
        "key": limits.key,
        "seen": limits.seen.isoformat(),
        "told": _text(limits.told),
        "wait_until": _text(limits.wait_until),
        "quotas": [
            {
                "name": quota.name,
                "limit": quota.limit,
                "remaining": quota.remaining,
                "reset": _text(quota.reset),
            }
            for quota in limits.quotas
        ],
    }


def _from_json(said: Any) -> RateLimits:
    return RateLimits(
        said["provider"],
        said["key"],
        datetime.fromisoformat(said["seen"]),
        tuple(
            Quota(quota["name"], quota["limit"], quota["remaining"], _time(quota["reset"]))
            for quota in said["quotas"]
        ),
        _time(said["told"]),
        _time(said["wait_until"]),
    )


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)

"""Rate limits through the real proxy: kept by key, and heeded where a project asks for it."""

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from acm_addon.control import projects
from acm_addon.control.records import Switch
from acm_addon.control.store import ControlStore
from acm_addon.home import Home
from acm_addon.limit_keeper import file_of, load
from acm_addon.model import Completeness, Entrance, Reason
from acm_addon.rate_limits import RateLimits
from tests.loopback.client import PATIENCE, Connection, Response
from tests.loopback.harness import LiveProxy
from tests.loopback.raw_upstream import RawUpstream

OPENAI, ANTHROPIC = "api.openai.com", "api.anthropic.com"
SECRET = "sk-proj-canaryofratelimits1234"
TOLD_TO_WAIT = (
    b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 60\r\nx-ratelimit-remaining-requests: 0\r\n"
    b"x-ratelimit-limit-requests: 500\r\nx-ratelimit-reset-requests: 1m0s\r\n"
    b"Content-Length: 2\r\n\r\n{}"
)


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[RawUpstream]:
    with RawUpstream(tmp_path) as running:
        yield running


@pytest.fixture
def proxy(tmp_path: Path, upstream: RawUpstream) -> Iterator[LiveProxy]:
    live = LiveProxy(Home(tmp_path / "home"), (upstream.port, upstream.ca_file))
    with live:
        yield live


def ask(proxy: LiveProxy, entrance: Entrance, model: str, key: str = SECRET) -> Response:
    body = json.dumps({"model": model, "messages": []}).encode()
    trust = proxy.home.ca_certificate
    fields = [("Content-Type", "application/json"), ("Authorization", f"Bearer {key}")]
    with Connection(proxy.port, entrance, OPENAI, trust) as connection:
        return connection.ask("/v1/chat/completions", body, fields)


def published(home: Home, wanted: Callable[[list[RateLimits]], object]) -> list[RateLimits]:
    """What ``acm limits`` reads, once ``wanted`` accepts it."""
    deadline = time.monotonic() + PATIENCE
    while not wanted(found := load(file_of(home))):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def guard(home: Home, *, on: bool) -> None:
    with ControlStore(home) as store:
        projects.switch(store, "default", Switch.GUARD, on=on)


def test_a_guarded_project_waits_with_its_key_alone(
    proxy: LiveProxy, upstream: RawUpstream, entrance: Entrance
) -> None:
    """The provider is left alone until then; another key is not told to wait, nor is anybody once
    the guard is off."""
    guard(proxy.home, on=True)
    upstream.response = TOLD_TO_WAIT
    theirs = ask(proxy, entrance, "m-first")
    assert (429, None) == (theirs.status, theirs.header("X-ACM-Error"))
    upstream.request()
    proxy.row_of("m-first")
    ours = ask(proxy, entrance, "m-second")
    assert (429, "rate_limited") == (ours.status, ours.header("X-ACM-Error"))
    assert {"message", "type", "param", "code"} == set(json.loads(ours.body)["error"])
    assert 50 < int(ours.header("Retry-After") or 0) <= 60
    assert ours.header("x-should-retry") is None
    assert upstream.requests.empty()
    row = proxy.wait_for(lambda row: row.completeness is Completeness.REFUSED)
    assert (Reason.RATE_LIMITED, 0, 429) == (row.reason, row.cost, ours.status)
    upstream.response = b"HTTP/1.1 204 No Content\r\n\r\n"
    assert 204 == ask(proxy, entrance, "m-other-key", "sk-another").status
    guard(proxy.home, on=False)
    assert 204 == ask(proxy, entrance, "m-unguarded").status


def test_what_a_provider_said_is_kept_without_the_key(
    proxy: LiveProxy, upstream: RawUpstream
) -> None:
    """By a part of a keyed hash, the same one for the same key and after a restart; numbers alone.

    An answer that was not ours is passed on as it is, guarded or not.
    """
    upstream.response = TOLD_TO_WAIT
    before = datetime.now(UTC)
    ask(proxy, Entrance.GATEWAY, "m-1")
    ask(proxy, Entrance.FORWARD, "m-2")
    ask(proxy, Entrance.GATEWAY, "m-3", "sk-another")
    found = published(proxy.home, lambda found: len(found) == 2)
    assert {"openai"} == {one.provider for one in found}
    for one in found:
        assert one.key.startswith("#") and len(one.key) == 9
        (quota,) = one.quotas
        assert ("requests", 500, 0) == (quota.name, quota.limit, quota.remaining)
        assert quota.reset and 0 < (quota.reset - before).total_seconds() < 60 + PATIENCE
        assert one.wait_until is not None
    proxy.stop()
    for path in proxy.home.root.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path
    guard(proxy.home, on=True)
    proxy.start()
    assert "rate_limited" == ask(proxy, Entrance.GATEWAY, "m-4").header("X-ACM-Error")
    assert {one.key for one in found} == {one.key for one in load(file_of(proxy.home))}


def test_sdks_raise_their_usual_error(
    proxy: LiveProxy, upstream: RawUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And are told how long to wait, in the header that they read; the provider is left alone."""
    import anthropic
    import openai

    for name in [name for name in os.environ if name.upper().endswith("_PROXY")]:
        monkeypatch.delenv(name)
    guard(proxy.home, on=True)
    upstream.response = TOLD_TO_WAIT
    ask = {"role": "user", "content": "Hello"}
    waits = []
    with (
        openai.OpenAI(api_key=SECRET, base_url=f"{proxy.url}/openai/v1", max_retries=0) as client,
        anthropic.Anthropic(
            api_key=SECRET, base_url=f"{proxy.url}/anthropic", max_retries=0
        ) as other,
    ):
        for number in range(2):
            with pytest.raises(openai.RateLimitError) as first:
                client.chat.completions.create(model=f"gpt-{number}", messages=[ask])  # type: ignore[list-item]
            with pytest.raises(anthropic.RateLimitError) as second:
                other.messages.create(model=f"claude-{number}", max_tokens=1, messages=[ask])  # type: ignore[list-item]
            proxy.settled_rows()
            waits.append([one.value.response.headers["retry-after"] for one in (first, second)])
    assert ["60", "60"] == waits[0]
    assert all(50 < int(seconds) <= 60 for seconds in waits[1])
    assert "rate-limit guard is on" in str(first.value)
    assert "rate-limit guard is on" in str(second.value)
    assert 2 == upstream.requests.qsize()

"""A project whose streams are asked for their usage, through the real proxy."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from acm_addon.control import projects
from acm_addon.control.records import Switch
from acm_addon.control.store import ControlStore
from acm_addon.home import Home
from acm_addon.model import Entrance, UsageSource
from tests.loopback.client import Connection, Response
from tests.loopback.harness import LiveProxy
from tests.loopback.raw_upstream import RawUpstream

_SAID = {"model": "gpt-4o", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}
_USAGE = {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}


def _events(*chunks: object) -> bytes:
    texts = [json.dumps(chunk, separators=(",", ":")) for chunk in chunks]
    return "".join(f"data: {text}\n\n" for text in [*texts, "[DONE]"]).encode()


def _streamed(body: bytes) -> bytes:
    """In chunks that end inside of events."""
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    pieces = [body[start : start + 50] for start in range(0, len(body), 50)]
    return head + b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in (*pieces, b""))


_ASKED = _events({**_SAID, "usage": None}, {"model": "gpt-4o", "choices": [], "usage": _USAGE})
_UNASKED = _events(_SAID)


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[RawUpstream]:
    with RawUpstream(tmp_path) as running:
        yield running


@pytest.fixture
def proxy(tmp_path: Path, upstream: RawUpstream) -> Iterator[LiveProxy]:
    home = Home(tmp_path / "home")
    with LiveProxy(home, (upstream.port, upstream.ca_file)) as live:
        with ControlStore(home) as store:
            projects.switch(store, "default", Switch.INCLUDE_USAGE, on=True)
        yield live


def _ask(proxy: LiveProxy, entrance: Entrance, request: object) -> Response:
    trust = proxy.home.ca_certificate
    fields = [("Content-Type", "application/json"), ("Accept-Encoding", "gzip")]
    with Connection(proxy.port, entrance, "api.openai.com", trust) as connection:
        return connection.ask("/v1/chat/completions", json.dumps(request).encode(), fields)


def test_the_client_gets_the_stream_that_it_asked_for(
    proxy: LiveProxy, upstream: RawUpstream, entrance: Entrance
) -> None:
    """The provider is asked for more, and the row has what it answered."""
    upstream.response = _streamed(_ASKED)
    answer = _ask(proxy, entrance, {"model": "gpt-4o", "stream": True})
    assert (200, _UNASKED) == (answer.status, answer.body)
    assert b'{"stream_options":{"include_usage":true},"model"' in upstream.request()[1]
    row = proxy.wait_for(lambda row: row.usage_source is not UsageSource.NONE)
    assert ({"input_tokens": 8, "output_tokens": 2}, UsageSource.REPORTED) == (
        {unit: row.usage[unit] for unit in ("input_tokens", "output_tokens")},
        row.usage_source,
    )


@pytest.mark.parametrize(
    "request_body",
    [
        {"model": "gpt-4o", "stream": True, "stream_options": {"include_usage": True}},
        {"model": "gpt-4o"},
    ],
)
def test_what_needs_no_question_is_left_alone(
    proxy: LiveProxy, upstream: RawUpstream, entrance: Entrance, request_body: object
) -> None:
    """Who asks gets the answer; who wants no stream is not given another request."""
    upstream.response = _streamed(_ASKED)
    assert _ASKED == _ask(proxy, entrance, request_body).body
    assert json.dumps(request_body).encode() in upstream.request()[1]


def test_a_project_is_left_alone_once_it_is_off(
    proxy: LiveProxy, upstream: RawUpstream, entrance: Entrance
) -> None:
    """At its next request."""
    with ControlStore(proxy.home) as store:
        projects.switch(store, "default", Switch.INCLUDE_USAGE, on=False)
    upstream.response = _streamed(_UNASKED)
    request = {"model": "gpt-4o", "stream": True}
    assert _UNASKED == _ask(proxy, entrance, request).body
    assert json.dumps(request).encode() in upstream.request()[1]

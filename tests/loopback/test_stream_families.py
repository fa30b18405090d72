"""Streams of every family that break off on their way through the real proxy."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from acm_addon.model import Completeness, Entrance, PriceStatus, Reason, UsageSource
from cli.standin import StandIn
from tests.loopback.client import Connection
from tests.loopback.harness import LiveProxy


@dataclass(frozen=True, slots=True)
class Family:
    name: str
    host: str
    path: str
    """With ``{model}`` where the path names it."""
    model: str
    request: Mapping[str, object] = field(default_factory=dict)
    reports_early: bool = True
    """Whether what the input came to is in the first event."""


_ASKED = [{"role": "user", "content": "Tell me of the sea."}]
_GEMINI = "generativelanguage.googleapis.com"
_GENERATE = "/v1beta/models/{model}:streamGenerateContent"
_CONTENTS = {"contents": [{"parts": [{"text": "Tell me of the sea."}]}]}
_FAMILIES = (
    Family(
        "chat",
        "api.openai.com",
        "/v1/chat/completions",
        "gpt-4o",
        {"messages": _ASKED},
        reports_early=False,
    ),
    Family(
        "responses",
        "api.openai.com",
        "/v1/responses",
        "gpt-4o",
        {"input": "Tell me of the sea."},
        reports_early=False,
    ),
    Family(
        "messages",
        "api.anthropic.com",
        "/v1/messages",
        "claude-sonnet-4-5",
        {"messages": _ASKED, "max_tokens": 500},
    ),
    Family("gemini events", _GEMINI, _GENERATE + "?alt=sse", "gemini-2.5-flash", _CONTENTS),
    Family("gemini array", _GEMINI, _GENERATE, "gemini-2.5-flash", _CONTENTS),
)


class Talk:
    """One streamed call, with a model of its own so that its row can be found."""

    def __init__(self, proxy: LiveProxy, family: Family, script: str) -> None:
        self.model = f"{family.model}-{uuid.uuid4()}"
        self.connection = Connection(proxy.port, Entrance.GATEWAY, family.host)
        ask = {"model": self.model, "stream": True, **family.request}
        headers = [
            ("Content-Type", "application/json"),
            ("x-standin", f"name={self.model}; {script}"),
        ]
        path = family.path.format(model=self.model)
        self.connection.send(path, json.dumps(ask).encode(), headers)
        self.body = self.connection.body_of(self.connection.read_head())


@pytest.fixture(params=_FAMILIES, ids=lambda family: family.name)
def family(request: pytest.FixtureRequest) -> Family:
    chosen = request.param
    assert isinstance(chosen, Family)
    return chosen


def test_lesson_13_client_leaves(proxy: LiveProxy, standin: StandIn, family: Family) -> None:
    """The row counts the pieces that were on their way until then, about a token each."""
    talk = Talk(proxy, family, "hold; pieces=40")
    with talk.connection:
        next(talk.body)
        for _ in range(12):
            standin.release(talk.model)
            next(talk.body)
    row = proxy.row_of(talk.model)
    assert (Completeness.PARTIAL, Reason.CLIENT_LEFT) == (row.completeness, row.reason)
    assert UsageSource.ESTIMATED is row.usage_source
    assert 3 <= row.usage["output_tokens"] <= 30
    assert PriceStatus.FREE is not row.price_status
    _check_input(proxy, standin, family, talk)


def test_lesson_13_upstream_dies(proxy: LiveProxy, standin: StandIn, family: Family) -> None:
    """The client gets no proper end, and the row counts what passed."""
    talk = Talk(proxy, family, "pieces=60; die-after-bytes=6000")
    with talk.connection, pytest.raises(EOFError):
        for _ in talk.body:
            pass
    row = proxy.row_of(talk.model)
    assert (Completeness.PARTIAL, Reason.UPSTREAM_FAILED) == (row.completeness, row.reason)
    assert UsageSource.ESTIMATED is row.usage_source
    assert 5 <= row.usage["output_tokens"] <= 80
    _check_input(proxy, standin, family, talk)


def _check_input(proxy: LiveProxy, standin: StandIn, family: Family, talk: Talk) -> None:
    """Reported in the first event it is exact; else it was counted."""
    row, seen = proxy.row_of(talk.model), standin.calls.named(talk.model)
    assert seen is not None
    if family.reports_early:
        assert seen.usage is not None
        assert seen.usage["input_tokens"] == row.usage["input_tokens"]
    else:
        assert row.usage["input_tokens"] > 0

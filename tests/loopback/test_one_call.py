"""One call is one row, through the real proxy: field lessons 10 and 11."""

import json
import uuid

import pytest

from acm_addon.model import Entrance
from acm_addon.routing import BUILT_IN
from cli.standin import StandIn
from tests.loopback.client import Connection
from tests.loopback.harness import LiveProxy

_JSON = [("Content-Type", "application/json")]


@pytest.mark.parametrize(
    ("host", "path", "endpoint"),
    [
        ("api.openai.com", "/v1/chat/completions", "chat.completions"),
        ("api.openai.com", "/v1/responses", "responses"),
        ("openrouter.ai", "/api/v1/chat/completions", "chat.completions"),
        ("api.groq.com", "/openai/v1/chat/completions", "chat.completions"),
        ("api.anthropic.com", "/v1/messages", "messages"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_lesson_11_a_call_is_one_row(
    proxy: LiveProxy, host: str, path: str, endpoint: str, stream: bool
) -> None:
    """litellm#15740: one that crossed from one API's shape to another's was logged twice. What is
    on the wire is one request, and so it is one row, of the provider that it went to."""
    model = f"gpt-4o-{uuid.uuid4()}"
    body = {"model": model, "stream": stream, "messages": [], "input": "Speak.", "max_tokens": 9}
    with Connection(proxy.port, Entrance.GATEWAY, host) as connection:
        assert 200 == connection.ask(path, json.dumps(body).encode(), _JSON).status
    proxy.row_of(model)
    rows = [row for row in proxy.settled_rows() if model == row.requested_model]
    assert [(BUILT_IN.of_host(host), endpoint)] == [
        (BUILT_IN.named(row.provider), row.endpoint) for row in rows
    ]


def test_lesson_10_polls_make_no_rows(proxy: LiveProxy, standin: StandIn) -> None:
    """litellm#25015, #39980, #37217: however often what was created is looked at again."""
    before = proxy.settled_rows()
    with Connection(proxy.port, Entrance.GATEWAY, "api.openai.com") as connection:
        for path in ("/v1/models", "/v1/responses/resp_1", "/v1/chat/completions/chatcmpl-1"):
            for _ in range(3):
                connection.ask(path, method="GET")
    with Connection(proxy.port, Entrance.GATEWAY, "api.anthropic.com") as connection:
        connection.ask("/v1/messages/count_tokens", b'{"model": "claude-sonnet-4-5"}', _JSON)
    assert before == proxy.settled_rows()

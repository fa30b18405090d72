"""Calls in flight with the real OpenAI readers, for the tests of what follows from them."""

import json

from acm_addon.model import Attribution, Entrance, Reason, utc_now
from acm_addon.providers.base import RequestHead
from acm_addon.routing import provider_named
from acm_addon.tap import Arrival, Call, Outcome, exhaust

REQUEST = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]})
RESPONSE = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10},
    }
)


def call(path: str = "/v1/chat/completions") -> Call:
    provider = provider_named("openai")
    assert provider is not None
    arrival = Arrival(
        id="00000000-0000-7000-8000-000000000000",
        time=utc_now(),
        started=100.0,
        entrance=Entrance.GATEWAY,
        provider=provider,
        endpoint=provider.classify(RequestHead("POST", path)),
        attribution=Attribution(),
        upstream="api.openai.com",
    )
    return Call(arrival, RequestHead("POST", path, headers={"content-type": "application/json"}))


def asked() -> Call:
    one = call()
    exhaust(one.request_data(REQUEST.encode()))
    one.request_done()
    return one


def answered(body: bytes, status: int = 200, **headers: str) -> Call:
    one = asked()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    one.response_started(status, {"content-type": "application/json", **names})
    exhaust(one.response_data(body, 100.25))
    return one


def ended(one: Call, failure: Reason | None = None, left: bool = True) -> Outcome:
    return one.finish(100.5, failure, left)

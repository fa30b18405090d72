"""Calls in flight with the real readers, for the tests of what follows from them."""

import json
from datetime import datetime

from acm_addon.model import Attribution, Entrance, Reason, new_id, utc_now
from acm_addon.providers.base import Provider, RequestHead
from acm_addon.providers.openai import OPENAI
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


def begun(
    provider: Provider, head: RequestHead, *, at: datetime | None = None, started: float = 0.0
) -> Call:
    """A call whose head has come, at the gateway; ``at`` a time, by default now."""
    arrival = Arrival(
        id=new_id(),
        time=at or utc_now(),
        started=started,
        entrance=Entrance.GATEWAY,
        provider=provider,
        endpoint=provider.classify(head),
        attribution=Attribution(),
        upstream=head.host,
    )
    return Call(arrival, head)


def call(path: str = "/v1/chat/completions") -> Call:
    sent = {"content-type": "application/json"}
    head = RequestHead("POST", path, host="api.openai.com", headers=sent)
    return begun(OPENAI, head, started=100.0)


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

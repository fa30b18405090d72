"""One way to take a whole exchange through the tap: for what is counted in heads and results."""

import json
from collections.abc import Mapping

from acm_addon.model import Attribution, Entrance, utc_now
from acm_addon.providers.base import RequestHead
from acm_addon.routing import BUILT_IN
from acm_addon.tap import Arrival, Call, Outcome, exhaust

JSON = {"content-type": "application/json"}


def exchanged(
    provider: str,
    method: str,
    path: str,
    response: object,
    *,
    request: object = None,
    host: str = "",
    sent: Mapping[str, str] = JSON,
    status: int = 200,
    answered: Mapping[str, str] = JSON,
    piece: int = 0,
) -> Call:
    """The call when its bodies have passed. ``path`` may hold a query; bodies that are not bytes
    travel as JSON, cut into pieces of ``piece`` bytes."""
    known = BUILT_IN.named(provider)
    assert known is not None
    path, _, query = path.partition("?")
    head = RequestHead(method, path, query, host, sent)
    arrival = Arrival(
        id="00000000-0000-7000-8000-000000000000",
        time=utc_now(),
        started=0.0,
        entrance=Entrance.GATEWAY,
        provider=known,
        endpoint=known.classify(head),
        attribution=Attribution(),
        upstream=host,
    )
    call = Call(arrival, head)
    for part in _pieces(b"" if request is None else _bytes(request), piece):
        exhaust(call.request_data(part))
    call.request_done()
    call.response_started(status, answered)
    for part in _pieces(_bytes(response), piece):
        exhaust(call.response_data(part, 0.1))
    return call


def ended(call: Call) -> Outcome:
    """The call when both sides have reached their end."""
    return call.finish(0.2, None, left=True)


def settled(call: Call) -> Outcome | None:
    """The finished work that the call shows; None where it is not finished, or not seen."""
    result = call.result()
    return result.settles if result else None


def _bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def _pieces(data: bytes, size: int) -> list[bytes]:
    size = size or len(data) or 1
    return [data[start : start + size] for start in range(0, len(data), size)]

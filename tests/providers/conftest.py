"""One way to run a call's bodies through a provider's readers."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from acm_addon.providers import PROVIDERS
from acm_addon.providers.base import (
    Endpoint,
    Provider,
    RequestHead,
    RequestReader,
    ResponseHead,
    ResponseReader,
)

_BY_NAME = {provider.name: provider for provider in PROVIDERS}


@dataclass(frozen=True)
class Call:
    """A call that was read to whatever end its bodies had."""

    provider: Provider
    endpoint: Endpoint
    request: RequestReader
    response: ResponseReader


type Run = Callable[..., Call]


@pytest.fixture
def run() -> Run:
    def _run(
        path: str,
        response: bytes,
        request: bytes = b"{}",
        *,
        status: int = 200,
        content_type: str = "application/json",
        piece: int = 0,
    ) -> Call:
        """``path`` begins with the provider's name, as in the gateway."""
        name, _, rest = path.partition("/")
        provider = _BY_NAME[name]
        head = RequestHead("POST", "/" + rest, headers={"content-type": "application/json"})
        endpoint = provider.classify(head)
        reader = provider.request_reader(endpoint, head)
        reader.feed(request)
        answer = ResponseHead(status, {"content-type": content_type})
        body = provider.response_reader(endpoint, reader.facts(), answer)
        size = piece or len(response) or 1
        for start in range(0, len(response), size):
            body.feed(response[start : start + size])
        return Call(provider, endpoint, reader, body)

    return _run

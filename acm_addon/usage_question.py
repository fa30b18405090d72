"""Asks for the usage of a stream in a request's name, and keeps the answer from its client.

The shell around ``acm_addon.include_usage``. The question changes the body and its length, and the
stream must come uncompressed, so that the answer can be taken out of it.
"""

from collections.abc import Callable

from mitmproxy import http

from acm_addon.include_usage import UsageStripper, asking_for_usage
from acm_addon.model_rule import judgeable

_ENDPOINTS = ("chat.completions", "completions")


def may_ask(request: http.Request, endpoint: str) -> bool:
    """Whether the body must be held to see if the question belongs into it."""
    headers = request.headers
    return endpoint in _ENDPOINTS and judgeable(
        headers.get("content-length"),
        encoded=headers.get("content-encoding", "identity").lower() != "identity",
        chunked="transfer-encoding" in headers,
    )


def ask(request: http.Request) -> UsageStripper | None:
    """Put the question into a request whose body was held; None where it does not belong there."""
    asked = asking_for_usage(request.raw_content or b"")
    if asked is None:
        return None
    request.raw_content = asked
    request.headers["content-length"] = str(len(asked))
    request.headers["accept-encoding"] = "identity"
    return UsageStripper()


def without_answer(
    response: http.Response, stripper: UsageStripper, tap: Callable[[bytes], bytes]
) -> Callable[[bytes], bytes | list[bytes]]:
    """``tap``, with what its client did not ask for taken out behind it.

    What is no stream of events after all, or has a length or a coding that holds for all of it,
    passes as it is.
    """
    headers = response.headers
    kind = headers.get("content-type", "").strip().lower()
    fixed = "content-encoding" in headers or "content-length" in headers
    if fixed or not kind.startswith("text/event-stream"):
        return tap

    def pass_on(data: bytes) -> list[bytes]:
        tap(data)
        left = stripper.feed(data) if data else stripper.end()
        return [left] if left else []

    return pass_on

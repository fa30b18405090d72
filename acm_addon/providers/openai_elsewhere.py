"""OpenAI's paths at providers whose own API is another one: chat, embeddings, responses."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from acm_addon.providers.base import (
    MANAGE,
    Billing,
    Endpoint,
    RequestFacts,
    RequestHead,
    ResponseHead,
    ResponseReader,
)
from acm_addon.providers.openai_responses import ChatBody, EmbeddingsBody, ResponsesBody
from acm_addon.providers.openai_work import RetrievedBody

METERED_PATHS: Mapping[str, str] = MappingProxyType(
    {
        "/chat/completions": "chat.completions",
        "/completions": "completions",
        "/embeddings": "embeddings",
        "/responses": "responses",
    }
)
"""What everybody offers who speaks OpenAI's protocol, and we read."""

_BODIES: Mapping[str, type[ChatBody | ResponsesBody]] = {
    "embeddings": EmbeddingsBody,
    "responses": ResponsesBody,
}
_UNREAD = re.compile(
    r"/(audio/(?:speech|transcriptions|translations)|images/(?:edits|variations|generations)"
    r"|images|rerank|moderations|realtime|videos|containers|batches|fine_tuning/jobs|ocr|search"
    r"|messages|responses|tts|stt)(?:/.*)?"
)
"""Paths that may be billed, and whose name says nothing of the client's."""

_RESPONSE = re.compile(r"/(?:responses|agent)/(?!compact$|input_tokens$)[^/]+(/cancel)?")
"""Where a response that was created earlier is shown, or cancelled."""
_BATCHES = ("/batches", "/batch/jobs")


def classify(head: RequestHead, path: str, free: re.Pattern[str] | None = None) -> Endpoint:
    """The endpoint of ``path``, which is the head's without its prefix. Only POST creates what is
    billed. ``free``: paths whose POST is known to cost nothing.

    Names hold no part of a path that could be data.
    """
    path = path.rstrip("/")
    if shown := response_shown(head.method, path):
        return shown
    if head.method != "POST":
        return MANAGE
    if path in METERED_PATHS:
        return Endpoint(METERED_PATHS[path])
    if free is not None and free.fullmatch(path):
        return MANAGE
    if path in _BATCHES:
        return Endpoint("batches", Billing.PENDING)
    return unread(path)


def unread(path: str) -> Endpoint:
    """The endpoint of a POST that may be billed, and whose usage is not read."""
    known = _UNREAD.fullmatch(path)
    return Endpoint(known[1].replace("/", ".") if known else "other", Billing.UNKNOWN)


def response_shown(method: str, path: str) -> Endpoint | None:
    """A look at a response, or its end. It is no work of its own unless it ran in the background,
    which its body says."""
    found = _RESPONSE.fullmatch(path)
    shown = found and method == ("POST" if found[1] else "GET")
    return Endpoint("responses", Billing.RESULT) if shown else None


def response_reader(
    endpoint: Endpoint, request: RequestFacts, head: ResponseHead
) -> ResponseReader:
    if endpoint.billing is Billing.RESULT:
        return RetrievedBody(request, head)
    return _BODIES.get(endpoint.name, ChatBody)(request, head)

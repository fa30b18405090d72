"""The paths of OpenAI's API, at OpenAI and at Azure, and what a request to each can cost.

Every path that the SDK's resources name is here. Of those that are not, a POST is ``UNKNOWN`` and
anything else free. Names hold no part of a path that could be data.
"""

import re
from dataclasses import dataclass

from acm_addon.providers.base import (
    MANAGE,
    WEBSOCKET,
    Billing,
    Endpoint,
    RequestHead,
)

_METERED = {
    "/chat/completions": "chat.completions",
    "/completions": "completions",
    "/embeddings": "embeddings",
    "/responses": "responses",
    "/responses/compact": "responses.compact",
    "/decisions": "decisions",
    "/images/generations": "images.generations",
    "/images/edits": "images.edits",
    "/images/variations": "images.variations",
    "/audio/speech": "audio.speech",
    "/audio/transcriptions": "audio.transcriptions",
    "/audio/translations": "audio.translations",
    "/containers": "containers",
    # Not pending: looking at the job later, its seconds would include those of the first video.
    "/videos/extensions": "videos.extensions",
}
"""What is created by a POST, and read at once. A run or a response may still turn out pending."""

_WEBSOCKETS = ("/realtime", "/responses")
"""Paths of websockets whose messages have usage."""

_ID = r"/[^/]+"


@dataclass(frozen=True, slots=True)
class _Rule:
    method: str
    path: re.Pattern[str]
    """Its group ``file`` is the object whose content the request is for. All other objects name
    themselves in the answer."""
    name: str
    billing: Billing


def _rules(billing: Billing, *lines: tuple[str, str, str]) -> tuple[_Rule, ...]:
    return tuple(_Rule(method, re.compile(path), name, billing) for method, name, path in lines)


_FREE = re.compile(
    r"/(?:moderations"
    rf"|files|uploads(?:{_ID}.*)?"
    rf"|models(?:/.*)?"
    rf"|chat/completions{_ID}"
    rf"|responses/input_tokens"
    r"|conversations(?:/.*)?"
    rf"|assistants(?:{_ID})?"
    rf"|threads|threads{_ID}|threads{_ID}/messages(?:{_ID})?"
    r"|vector_stores(?:/.*)?"
    r"|fine_tuning/checkpoints/.*|fine_tuning/alpha/graders/validate"
    rf"|evals|evals{_ID}|evals{_ID}/runs{_ID}(?:/cancel)?"
    r"|realtime/(?:sessions|transcription_sessions|client_secrets|translations/client_secrets)"
    rf"|(?:realtime/calls|live/sessions){_ID}/(?:hangup|refer|reject)"
    rf"|containers{_ID}/files"
    r"|chatkit/.*|skills(?:/.*)?|vaults(?:/.*)?|webhook_endpoints(?:/.*)?"
    rf"|agents|agents/environments/templates(?:{_ID})?"
    rf"|agents/automations{_ID}/(?:pause|resume)"
    r"|organization/.*|projects/.*)"
)
"""Paths whose POST is known to cost nothing. What files and vector stores keep is billed by the
day, which no call says."""

_KNOWN_UNREAD = re.compile(
    rf"/(?:(fine_tuning/alpha/graders)/run|(evals){_ID}/runs|(videos/characters)"
    r"|(realtime/(?:calls|translations))(?:/.*)?|(live/sessions)(?:/.*)?|(agents)/.*"
    r"|(audio/(?:voices|voice_consents))|(content_provenance_checks)|(images)/.*)"
)
"""Paths with a price, or the chance of one, of which nothing that passes here says how much: the
sound of a WebRTC or SIP call, for one, does not pass here at all."""

_WORK = (
    *_rules(
        Billing.METERED,
        ("POST", "threads.runs", rf"/threads/runs|/threads{_ID}/runs"),
    ),
    *_rules(
        Billing.PENDING,
        ("POST", "batches", r"/batches"),
        ("POST", "videos", rf"/videos(?:/edits|{_ID}/remix)?|/video/generations/jobs"),
        ("POST", "fine_tuning.jobs", r"/fine_tuning/jobs"),
    ),
    *_rules(
        Billing.RESULT,
        ("GET", "batches", rf"/batches{_ID}"),
        ("POST", "batches", rf"/batches{_ID}/cancel"),
        ("GET", "batches", r"/files/(?P<file>[^/]+)/content"),
        ("GET", "videos", rf"/videos{_ID}|/video/generations/jobs{_ID}"),
        ("GET", "fine_tuning.jobs", rf"/fine_tuning/jobs{_ID}"),
        ("POST", "fine_tuning.jobs", rf"/fine_tuning/jobs{_ID}/(?:cancel|pause|resume)"),
        ("GET", "threads.runs", rf"/threads{_ID}/runs{_ID}"),
        ("POST", "threads.runs", rf"/threads{_ID}/runs{_ID}(?:/cancel|/submit_tool_outputs)?"),
        # A response is no work of its own unless it ran in the background, which its body says.
        ("GET", "responses", rf"/responses{_ID}"),
        ("POST", "responses", rf"/responses{_ID}/cancel"),
    ),
)


ENDPOINTS = tuple(
    dict.fromkeys(
        (*_METERED.values(), *(rule.name for rule in _WORK), *(path[1:] for path in _WEBSOCKETS))
    )
)
"""The names of all that is read."""


def openai_endpoint(head: RequestHead, path: str) -> Endpoint:
    """The endpoint of ``path``: the head's without what a host puts before OpenAI's own."""
    path = path.rstrip("/")
    if head.websocket:
        return websocket_endpoint(head, path)
    if head.method == "POST" and path in _METERED:
        return Endpoint(_METERED[path])
    for rule in _WORK:
        if rule.method == head.method and (match := rule.path.fullmatch(path)):
            file = match.groupdict().get("file")
            return Endpoint(rule.name, rule.billing, object_id=file, file=file is not None)
    if head.method != "POST" or _FREE.fullmatch(path):
        return MANAGE
    known = _KNOWN_UNREAD.fullmatch(path)
    name = next(filter(None, known.groups()), "other") if known else "other"
    return Endpoint(name.replace("/", "."), Billing.UNKNOWN)


def websocket_endpoint(head: RequestHead, path: str) -> Endpoint:
    """A connection to ``path``, which is without its prefix. Its query may name the model."""
    if path not in _WEBSOCKETS:
        return WEBSOCKET
    parameters = head.parameters
    return Endpoint(path[1:], model=parameters.get("model") or parameters.get("deployment"))

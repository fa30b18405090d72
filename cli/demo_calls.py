"""The calls that ``acm demo`` makes, and the programs that it plays: SDKs, or plain HTTP.

Neither is told about acm in code. As with ``acm run``, the environment leads them there.
"""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from acm_addon.model import Entrance

API_KEY = "sk-demo-not-a-key"
TIMEOUT_SECONDS = 10.0
RATE_LIMITED = 429

OPENAI = "https://api.openai.com/v1"
ANTHROPIC = "https://api.anthropic.com"
GEMINI = "https://generativelanguage.googleapis.com"
BASE_URL_VARIABLES = {
    OPENAI: "OPENAI_BASE_URL",
    ANTHROPIC: "ANTHROPIC_BASE_URL",
    GEMINI: "GOOGLE_GEMINI_BASE_URL",
}

_QUESTION = [{"role": "user", "content": "What does the sea look like from a lighthouse?"}]
_MANUAL = "The keeper's manual, page after page, which every question comes with. " * 240
"""Long enough for a cache."""


@dataclass(frozen=True, slots=True)
class DemoCall:
    entrance: Entrance
    base: str
    """The provider's base URL, as its SDK has it."""
    path: str
    ask: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    expected_status: int = 200


CALLS = (
    DemoCall(
        Entrance.GATEWAY,
        OPENAI,
        "/chat/completions",
        {"model": "gpt-4o", "messages": _QUESTION},
    ),
    DemoCall(
        Entrance.FORWARD,
        OPENAI,
        "/chat/completions",
        {
            "model": "gpt-4o",
            "messages": [{"role": "system", "content": _MANUAL}, *_QUESTION],
            "stream": True,
            "stream_options": {"include_usage": True},
        },
    ),
    DemoCall(
        Entrance.GATEWAY,
        ANTHROPIC,
        "/v1/messages",
        {
            "model": "claude-sonnet-4-6",
            "max_tokens": 200,
            "system": [{"type": "text", "text": _MANUAL, "cache_control": {"type": "ephemeral"}}],
            "messages": _QUESTION,
        },
    ),
    DemoCall(
        Entrance.FORWARD,
        ANTHROPIC,
        "/v1/messages",
        {"model": "claude-haiku-4-5", "max_tokens": 200, "messages": _QUESTION, "stream": True},
    ),
    DemoCall(
        Entrance.GATEWAY,
        GEMINI,
        "/v1beta/models/gemini-2.5-flash:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": _MANUAL}]}]},
    ),
    DemoCall(
        Entrance.FORWARD,
        GEMINI,
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        {"contents": [{"role": "user", "parts": [{"text": "And at night?"}]}]},
    ),
    DemoCall(
        Entrance.GATEWAY,
        OPENAI,
        "/responses",
        {"model": "gpt-5-mini", "input": _MANUAL, "stream": True},
    ),
    DemoCall(
        Entrance.FORWARD,
        OPENAI,
        "/embeddings",
        {"model": "text-embedding-3-small", "input": _MANUAL},
    ),
    # No usage was asked for, so none comes: a tokenizer counts.
    DemoCall(
        Entrance.FORWARD,
        OPENAI,
        "/chat/completions",
        {"model": "gpt-4o-mini", "messages": _QUESTION, "stream": True},
    ),
    DemoCall(
        Entrance.GATEWAY,
        OPENAI,
        "/chat/completions",
        {"model": "gpt-4o", "messages": _QUESTION},
        {"x-standin": f"status={RATE_LIMITED}"},
        RATE_LIMITED,
    ),
)
"""One of each kind, through both entrances."""

type Program = Callable[[DemoCall], int]
"""Makes a call in the present environment and reads all of its answer. Returns the status."""


def choose_program() -> tuple[Program, str]:
    """The best program that is installed, and how to call it in a sentence."""
    try:
        names = [f"{name} {version(name)}" for name in ("openai", "anthropic")]
    except PackageNotFoundError:
        return (
            with_plain_http,
            "plain HTTP (for the real openai and anthropic SDKs, install the extra `demo`)",
        )
    return with_sdks, f"the SDKs {' and '.join(names)}, and plain HTTP for Gemini"


def with_sdks(call: DemoCall) -> int:
    """By the provider's own SDK; Gemini by plain HTTP."""
    if call.base == GEMINI:
        return with_plain_http(call)
    module = import_module("openai" if call.base == OPENAI else "anthropic")
    make = module.OpenAI if call.base == OPENAI else module.Anthropic
    with make(api_key=API_KEY, max_retries=0, timeout=TIMEOUT_SECONDS) as client:
        methods = {
            "/chat/completions": lambda: client.chat.completions.create,
            "/responses": lambda: client.responses.create,
            "/embeddings": lambda: client.embeddings.create,
            "/v1/messages": lambda: client.messages.create,
        }
        try:
            answer = methods[call.path]()(**call.ask, extra_headers=dict(call.headers))
        except module.APIStatusError as error:
            return int(error.status_code)
        if call.ask.get("stream"):
            for _event in answer:
                pass
    return 200


def with_plain_http(call: DemoCall) -> int:
    """By the standard library, which reads proxies and roots from the environment as SDKs do."""
    base = os.environ.get(BASE_URL_VARIABLES[call.base], call.base)
    key = {
        OPENAI: {"authorization": f"Bearer {API_KEY}"},
        ANTHROPIC: {"x-api-key": API_KEY, "anthropic-version": "2023-06-01"},
        GEMINI: {"x-goog-api-key": API_KEY},
    }[call.base]
    headers = {"content-type": "application/json", **key, **call.headers}
    body = json.dumps(call.ask).encode()
    request = urllib.request.Request(base + call.path, body, headers)  # noqa: S310 (our own URLs)
    # Not urlopen: it keeps the proxies of its first call, and so would reach the real provider.
    opener = urllib.request.build_opener()
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as response:
            response.read()
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code

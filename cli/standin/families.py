"""Which family answers a request: by its path first, then by its host."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cli.standin import anthropic, gemini, openai
from cli.standin.answer import Answer, Ask
from cli.standin.wire import Body, Head

HOSTS = ("api.openai.com", "api.anthropic.com", "generativelanguage.googleapis.com")

_MODEL = re.compile(rb'"model"\s*:\s*"([^"]{1,200})"')


@dataclass(frozen=True, slots=True)
class Family:
    name: str
    billable: Callable[[str, str], bool]
    answer: Callable[[str, Ask], Answer]
    error: Callable[[int, str], Answer]


OPENAI = Family("openai", openai.billable, openai.answer, openai.error)
ANTHROPIC = Family("anthropic", anthropic.billable, anthropic.answer, anthropic.error)
GEMINI = Family("gemini", gemini.billable, gemini.answer, gemini.error)


def family_of(head: Head) -> Family:
    """OpenAI's shape is spoken by most providers, so it answers whatever is nobody else's."""
    host = head.get("host").partition(":")[0]
    if host == "generativelanguage.googleapis.com" or head.path.startswith("/v1beta/models"):
        return GEMINI
    if host == "api.anthropic.com" or "/v1/messages" in head.path:
        return ANTHROPIC
    return ANTHROPIC if head.get("anthropic-version") else OPENAI


def read_json(body: Body, content_type: str) -> dict[str, Any] | None:
    """The request body as an object; None where it is malformed.

    What is not JSON comes as ``{"raw": text}``; of a body too large to keep, only the model.
    """
    if body.size > len(body.data):
        found = _MODEL.search(body.data)
        return {"model": found.group(1).decode()} if found else {}
    if not body.data or "json" not in content_type:
        return {"raw": body.data.decode("utf-8", "replace")}
    try:
        value = json.loads(body.data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None

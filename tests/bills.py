"""Answers of the large providers, small and whole, and the money that is due for them by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.wire import Wire, as_json

type Tokens = list[tuple[int, str]]
"""How many, and dollars for a million of them."""

_MILLION = Decimal(10) ** 6
JUNE = datetime(2026, 6, 1, tzinfo=UTC)

TOKENS = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
CACHED = {
    **TOKENS,
    "prompt_tokens_details": {"cached_tokens": 400},
    "completion_tokens_details": {"reasoning_tokens": 60},
}
AUDIO = {
    **TOKENS,
    "prompt_tokens_details": {"audio_tokens": 600, "text_tokens": 400},
    "completion_tokens_details": {"audio_tokens": 80, "text_tokens": 20},
}
PREDICTED = {"accepted_prediction_tokens": 30, "rejected_prediction_tokens": 20}
RESPONSE = {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}
WRITES = {"cached_tokens": 400, "cache_write_tokens": 300}
MESSAGE = {
    "input_tokens": 100,
    "output_tokens": 50,
    "cache_read_input_tokens": 400,
    "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
    "service_tier": "standard",
}
GEMINI = {
    "promptTokenCount": 1000,
    "cachedContentTokenCount": 400,
    "candidatesTokenCount": 100,
    "thoughtsTokenCount": 60,
    "totalTokenCount": 1160,
}


def chat_answer(
    model: str,
    usage: dict[str, Any],
    host: str = "api.openai.com",
    path: str = "/v1/chat/completions",
    asked: dict[str, Any] | None = None,
    **fields: Any,
) -> Wire:
    choices = [{"message": {"role": "assistant", "content": "x"}}]
    body = {"id": "c1", "model": model, "choices": choices, "usage": usage, **fields}
    return Wire(host, path, as_json(body), as_json({"model": model, **(asked or {})}))


def response_answer(
    model: str, usage: dict[str, Any], *output: dict[str, Any], tool: str | None = None
) -> Wire:
    body = {"id": "r1", "model": model, "status": "completed", "output": output, "usage": usage}
    asked = {"model": model, "input": "x", "tools": [{"type": tool}] if tool else []}
    return Wire("api.openai.com", "/v1/responses", as_json(body), as_json(asked))


def message_answer(model: str, **usage: Any) -> Wire:
    content = [{"type": "text", "text": "x"}]
    body = {"id": "m1", "model": model, "content": content, "usage": {**MESSAGE, **usage}}
    return Wire("api.anthropic.com", "/v1/messages", as_json(body), as_json({"model": model}))


def gemini_answer(
    model: str, usage: dict[str, Any], *queries: str, places: Sequence[str] = ()
) -> Wire:
    """``places`` are those of a map that the answer is grounded in."""
    candidate: dict[str, Any] = {"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}
    chunks = [{"maps": {"uri": place}} for place in places]
    if queries or chunks:
        grounding = {"webSearchQueries": queries, "groundingChunks": chunks}
        candidate["groundingMetadata"] = grounding
    body = {"candidates": [candidate], "modelVersion": model, "usageMetadata": usage}
    path = f"/v1beta/models/{model}:generateContent"
    return Wire("generativelanguage.googleapis.com", path, as_json(body))


def converse_answer(model: str) -> Wire:
    """Amazon Bedrock's: the cache is outside of the input."""
    usage = {"inputTokens": 600, "cacheReadInputTokens": 400, "outputTokens": 100}
    body = {"output": {"message": {"content": [{"text": "x"}]}}, "usage": usage}
    host = "bedrock-runtime.us-east-1.amazonaws.com"
    return Wire(host, f"/model/{model}/converse", as_json({**body, "stopReason": "end_turn"}))


def images_answer(answer: dict[str, Any], **asked: Any) -> Wire:
    return Wire("api.openai.com", "/v1/images/generations", as_json(answer), as_json(asked))


def sonar_answer(**usage: Any) -> Wire:
    usage = {**TOKENS, "search_context_size": "low", **usage}
    return chat_answer("sonar", usage, "api.perplexity.ai", "/chat/completions")


def due(tokens: Tokens, *fees: str) -> int:
    """Nano-dollars. Every line of these bills is a whole number of them."""
    lines = [Decimal(count) * Decimal(rate) / _MILLION for count, rate in tokens]
    total = (sum(lines) + sum(map(Decimal, fees))) * 10**9
    assert total == int(total)
    return int(total)

"""What the OpenAI endpoints share: names as served, counts, and the frame of a stream."""

from collections.abc import Mapping

from cli.standin.answer import SSE, Answer, Ask, broken_off, event

SERVED_AS = {"gpt-4o": "gpt-4o-2024-08-06", "gpt-4o-mini": "gpt-4o-mini-2024-07-18"}
"""Aliases that the provider answers with a dated name."""


def served_model(ask: Ask) -> str:
    model = str(ask.body.get("model", "gpt-4o-mini"))
    return SERVED_AS.get(model, model)


def token_counts(ask: Ask) -> dict[str, int]:
    """Half of a prompt above 1,024 tokens was cached, in steps of 128, as the provider rounds."""
    cached = ask.input_tokens // 256 * 128 if ask.input_tokens > 1024 else 0
    return {
        "input_tokens": ask.input_tokens,
        "cache_read_tokens": cached,
        "output_tokens": len(ask.words),
    }


def stream(
    ask: Ask, object_id: str, model: str, pieces: list[bytes], usage: Mapping[str, int] | None
) -> Answer:
    if ask.script.error_event:
        failure = {"error": {"message": "The server had an error.", "type": "server_error"}}
        pieces, usage = broken_off(pieces, event(failure)), None
    return Answer(
        pieces, content_type=SSE, streamed=True, object_id=object_id, model=model, usage=usage
    )

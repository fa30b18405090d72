"""The Gemini shapes: generateContent, and streamGenerateContent as events or as a JSON array."""

from typing import Any

from cli.standin.answer import SSE, Answer, Ask, as_json, broken_off, event

GENERATE = ":generateContent"
STREAM = ":streamGenerateContent"


def billable(method: str, path: str) -> bool:
    return method == "POST" and path.endswith((GENERATE, STREAM))


def answer(method: str, ask: Ask) -> Answer:
    if billable(method, ask.path):
        return _generate(ask)
    if method == "POST" and ask.path.endswith(":countTokens"):
        return Answer([as_json({"totalTokens": ask.input_tokens})])
    if method == "GET" and ask.path.endswith("/models"):
        model = {"name": "models/gemini-2.5-flash", "displayName": "Gemini 2.5 Flash"}
        return Answer([as_json({"models": [model]})])
    return error(404, "Requested entity was not found.")


def error(status: int, message: str) -> Answer:
    names = {400: "INVALID_ARGUMENT", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}
    inner = {"code": status, "message": message, "status": names.get(status, "UNAVAILABLE")}
    return Answer([as_json({"error": inner})], status=status)


def _generate(ask: Ask) -> Answer:
    """A quarter as many thoughts as words: they come beside the candidates' count, not inside."""
    model = ask.path.rpartition("/")[2].partition(":")[0]
    words = len(ask.words)
    thoughts = words // 4
    counts = {"input_tokens": ask.input_tokens, "output_tokens": words + thoughts}
    first = {
        "promptTokenCount": ask.input_tokens,
        "totalTokenCount": ask.input_tokens,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": ask.input_tokens}],
        "serviceTier": "standard",
    }
    last = first | {
        "candidatesTokenCount": words,
        "thoughtsTokenCount": thoughts,
        "totalTokenCount": ask.input_tokens + words + thoughts,
    }

    def body(text: str, *, closing: bool) -> dict[str, Any]:
        candidate: dict[str, Any] = {
            "content": {"parts": [{"text": text}], "role": "model"},
            "index": 0,
        }
        if closing:
            candidate["finishReason"] = "STOP"
        usage = {} if ask.script.no_usage else {"usageMetadata": last if closing else first}
        tail = {"modelVersion": model, "responseId": ask.id("")}
        return {"candidates": [candidate], **usage, **tail}

    as_array = ask.path.endswith(STREAM) and ask.query.get("alt") != "sse"
    if ask.path.endswith(GENERATE):
        pieces = [as_json(body(ask.text, closing=True))]
    else:
        bodies = [body(word, closing=index == words - 1) for index, word in enumerate(ask.words)]
        failure = {"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}
        if as_array:
            pieces = _array(bodies, failure if ask.script.error_event else None)
        else:
            pieces = [event(value) for value in bodies]
            if ask.script.error_event:
                pieces = broken_off(pieces, event(failure))
    streamed = ask.path.endswith(STREAM)
    silent = ask.script.no_usage or (streamed and ask.script.error_event)
    return Answer(
        pieces,
        content_type=SSE if streamed and not as_array else "application/json; charset=UTF-8",
        streamed=streamed,
        object_id=ask.id(""),
        model=model,
        usage=None if silent else counts,
    )


def _array(bodies: list[dict[str, Any]], failure: dict[str, Any] | None) -> list[bytes]:
    """``[{…}\\n,\\n{…}\\n]``: one element leaves at a time, as the provider sends them."""
    if failure:
        bodies = [*bodies[: max(1, len(bodies) // 2)], failure]
    pieces = [b"[" + as_json(bodies[0])]
    pieces += [b"\n,\n" + as_json(value) for value in bodies[1:]]
    return [*pieces, b"\n]\n"]

"""The second opinion: what a row's quantities must be, read from ``reported_usage``.

That is what the recordings' makers took out of the responses. This file knows the providers'
conventions from their notes, and shares no code with the readers that it checks.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.accuracy.recordings import Recording

_PLAIN = {
    "reasoning_tokens": "output_reasoning_tokens",
    "input_text_tokens": "input_text_tokens",
    "input_audio_tokens": "input_audio_tokens",
    "input_image_tokens": "input_image_tokens",
    "input_video_tokens": "input_video_tokens",
    "output_text_tokens": "output_text_tokens",
    "output_audio_tokens": "output_audio_tokens",
    "output_image_tokens": "output_image_tokens",
    "seconds": "input_audio_seconds",
    "cache_write_tokens": "cache_write_tokens",
    "cached_input_tokens": "cache_read_tokens",
}


def expected_quantities(record: Recording) -> dict[str, int]:
    """Inclusive totals and their details, of every unit that the provider reported."""
    reported = record["reported_usage"]
    if record["transport"] == "websocket":
        return _expected_of_websocket(record, reported)
    if (by_itself := _by_itself(record)) is not None:
        return by_itself
    expected = {ours: reported[theirs] for theirs, ours in _PLAIN.items() if theirs in reported}
    expected |= {key: reported[key] for key in ("input_tokens", "output_tokens") if key in reported}
    google = record["provider"] in ("gemini", "vertex")
    if google and "openai" not in record["path"] and "openapi" not in record["path"]:
        return _expected_of_gemini(reported, expected)
    if record["provider"] == "xai" and "chat" in record["path"]:
        expected["output_tokens"] += reported["reasoning_tokens"]
    if record["provider"] == "gemini":
        expected["output_tokens"] = reported["total_tokens"] - reported["input_tokens"]
    if isinstance(reported["raw"], list):  # the lines of a batch, already summed up
        return expected
    if (cached := reported["raw"].get("num_cached_tokens")) is not None:
        expected["cache_read_tokens"] = cached
    if record["provider"] == "mistral" and _leaves_audio_out(reported):
        expected["input_tokens"] += expected["input_audio_tokens"]
    expected |= _expected_beside(record, reported)
    if (seconds := reported["raw"].get("prompt_audio_seconds")) is not None:
        expected["input_audio_seconds"] = seconds
    searches = reported["raw"].get("server_tool_use_details", {}).get("web_search_requests")
    if searches is not None:
        expected["web_searches"] = searches
    return expected


_MEDIA = (
    *("replicate", "fal", "elevenlabs", "deepgram", "cartesia"),
    *("assemblyai", "gladia", "revai"),
)


def _expected_of_media(reported: Recording) -> dict[str, Any]:
    """One measure of the work: what was made, or else the time that it took on its hardware."""
    made = {
        "seconds": "input_audio_seconds",
        "characters": "input_characters",
        **{unit: unit for unit in ("input_tokens", "output_tokens", "images")},
        **{unit: unit for unit in ("billable_units", "credits")},
    }
    expected = {ours: reported[theirs] for theirs, ours in made.items() if theirs in reported}
    if not expected:
        expected = {"compute_seconds": reported["predict_time_seconds"]}
    return {
        unit: count if isinstance(count, int) else Decimal(str(count))
        for unit, count in expected.items()
    }


def _by_itself(record: Recording) -> dict[str, Any] | None:
    """Of those whose reports have little in common with others'."""
    if record["provider"] == "anthropic" or "anthropic/" in record["path"]:
        return _expected_of_anthropic(record["reported_usage"])
    if record["provider"] == "bedrock" and "/model/" in record["path"]:
        return _expected_of_bedrock(record["reported_usage"])
    if record["provider"] in _MEDIA:
        return _expected_of_media(record["reported_usage"])
    if record["provider"] == "cohere":
        return _expected_of_cohere(record)
    if record["path_pattern"].endswith(("cachedContents", ":predict")):
        return _expected_of_content(record)
    return None


def _leaves_audio_out(reported: Recording) -> bool:
    """Whether prompt_tokens is without the audio, as total_tokens shows."""
    parts = sum(reported.get(key, 0) for key in ("input_tokens", "output_tokens"))
    return "input_audio_tokens" in reported and reported["total_tokens"] > parts


def _expected_beside(record: Recording, reported: Recording) -> dict[str, int]:
    """Of the compatible family: what it counts in no words of OpenAI's."""
    raw = reported["raw"]
    beside = {}
    if not {"input_tokens", "prompt_tokens"} & reported.keys() and "total_tokens" in reported:
        beside["input_tokens"] = reported["total_tokens"]  # embeddings and rankings
    if "pages" in reported:
        beside["input_document_pages"] = reported["pages"]
    if "seconds" in reported and "duration" in raw:
        beside["input_audio_seconds"] = Decimal(str(reported["seconds"]))
    if record["provider"] == "dashscope":
        for side in ("input", "output"):
            for kind, count in raw.get(f"{side}_tokens_details", {}).items():
                beside[f"{side}_{kind}"] = count
        beside |= {key: reported[key] for key in ("images",) if key in reported}
    return beside


def _expected_of_anthropic(reported: Recording) -> dict[str, int]:
    def whole_input(usage: Recording, read: str, written: str) -> int:
        return sum(usage.get(key, 0) for key in ("input_tokens", read, written))

    expected = {
        "input_tokens": whole_input(reported, "cached_input_tokens", "cache_write_tokens"),
        "output_tokens": reported["output_tokens"],
    }
    for theirs, ours in {
        **_PLAIN,
        "cache_write_5m_tokens": "cache_write_5m_tokens",
        "cache_write_1h_tokens": "cache_write_1h_tokens",
        "web_search_requests": "web_searches",
    }.items():
        if theirs in reported:
            expected[ours] = reported[theirs]
    fell_back = any(each["type"] == "fallback_message" for each in reported.get("iterations", []))
    for each in reported.get("iterations", []):
        inputs = whole_input(each, "cache_read_input_tokens", "cache_creation_input_tokens")
        if each["type"] == "compaction":
            expected["input_tokens"] += inputs
            expected["output_tokens"] += each["output_tokens"]
            expected["cache_read_tokens"] += each["cache_read_input_tokens"]
            expected["cache_write_tokens"] += each["cache_creation_input_tokens"]
            for ttl in ("5m", "1h"):
                written = each["cache_creation"][f"ephemeral_{ttl}_input_tokens"]
                expected[f"cache_write_{ttl}_tokens"] += written
        if each["type"] == "advisor_message" or (fell_back and each["type"] == "message"):
            counts = {**each, "input_tokens": inputs}
            kept = {ours: counts[theirs] for theirs, ours in _APART.items() if theirs in each}
            for lifetime, written in each.get("cache_creation", {}).items():
                kept[f"cache_write_{lifetime.split('_')[1]}_tokens"] = written
            for unit, count in kept.items():
                name = f"{unit} of {each['model']}"
                expected[name] = expected.get(name, 0) + count
    return expected


_APART = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation_input_tokens": "cache_write_tokens",
}


def with_others(quantities: Mapping[str, Any], others: Iterable[Any]) -> dict[str, Any]:
    """What the row's model consumed, and what others did, under names that say whose it is."""
    apart = {
        f"{unit} of {other.model}": count
        for other in others
        for unit, count in other.quantities.items()
    }
    return {**quantities, **apart}


def _expected_of_bedrock(reported: Recording) -> dict[str, int]:
    """Converse and invocations: the input leaves out what was cached."""
    expected = {ours: reported[theirs] for theirs, ours in _PLAIN.items() if theirs in reported}
    apart = ("input_tokens", "cached_input_tokens", "cache_write_tokens")
    expected["input_tokens"] = sum(reported.get(key, 0) for key in apart)
    if "output_tokens" in reported:
        expected["output_tokens"] = reported["output_tokens"]
    raw = reported["raw"]
    written = {each["ttl"]: each["inputTokens"] for each in raw.get("cacheDetails", [])}
    for each in (raw, raw.get("message_start", {}), raw.get("message_delta", {})):
        for lifetime in ("5m", "1h"):
            key = f"ephemeral_{lifetime}_input_tokens"
            if key in each.get("cache_creation", {}):
                written[lifetime] = each["cache_creation"][key]
    return expected | {f"cache_write_{ttl}_tokens": count for ttl, count in written.items()}


def _expected_of_cohere(record: Recording) -> dict[str, int]:
    """What is billed. Pictures are counted apart from the texts of embeddings alone."""
    reported = record["reported_usage"]
    names = {
        "billed_input_tokens": "input_tokens",
        "billed_output_tokens": "output_tokens",
        "billed_image_tokens": "input_image_tokens",
        "billed_search_units": "rerank_searches",
        "billed_classifications": "classifications",
        "billed_images": "input_images",
        "reasoning_tokens": "output_reasoning_tokens",
    }
    expected = {ours: reported[theirs] for theirs, ours in names.items() if theirs in reported}
    if "embed" in record["path"] and "input_image_tokens" in expected:
        expected["input_tokens"] = expected.get("input_tokens", 0) + expected["input_image_tokens"]
    return expected


def _expected_of_gemini(reported: Recording, expected: dict[str, int]) -> dict[str, int]:
    if "reasoning_tokens" in reported:
        expected["output_tokens"] = reported.get("output_tokens", 0) + reported["reasoning_tokens"]
    if "tool_use_prompt_tokens" in reported:
        expected["input_tokens"] += reported["tool_use_prompt_tokens"]
        expected["input_tool_tokens"] = reported["tool_use_prompt_tokens"]
    # Modalities straight from the provider's object: the normalised keys leave some out.
    kinds = "TEXT AUDIO IMAGE VIDEO DOCUMENT"
    for unit in [unit for unit in expected if unit.split("_")[1] in kinds.lower()]:
        del expected[unit]
    raw = reported["raw"]
    for key, pattern in (
        ("promptTokensDetails", "input_{}_tokens"),
        ("promptTokenDetails", "input_{}_tokens"),
        ("toolUsePromptTokensDetails", "input_{}_tokens"),
        ("toolUsePromptTokensDetails", "input_{}_tool_tokens"),
        ("candidatesTokensDetails", "output_{}_tokens"),
        ("cacheTokensDetails", "cache_{}_read_tokens"),
        ("input_tokens_by_modality", "input_{}_tokens"),
        ("tool_use_tokens_by_modality", "input_{}_tokens"),
        ("tool_use_tokens_by_modality", "input_{}_tool_tokens"),
        ("output_tokens_by_modality", "output_{}_tokens"),
        ("cached_tokens_by_modality", "cache_{}_read_tokens"),
    ):
        for detail in raw.get(key, []):
            kind = detail["modality"]
            kind = kind if isinstance(kind, str) else _NUMBERED[kind]
            unit = pattern.format(kind.lower().replace("document", "image"))
            expected[unit] = expected.get(unit, 0) + detail.get("tokenCount", detail.get("tokens"))
    return expected


_NUMBERED = ("unknown", "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT")


def _expected_of_content(record: Recording) -> dict[str, int]:
    """What was put into a cache, or embedded: the former in one number, the latter in two."""
    reported = record["reported_usage"]
    expected = {"input_tokens": reported.get("input_tokens", reported.get("total_tokens"))}
    if "characters" in reported and "/gemini-" not in record["path"]:
        expected["input_characters"] = reported["characters"]
    return expected


_IN_NO_USAGE = (
    "web_searches",
    "storage_searches",
    "code_executions",
    "container_sessions",
    "image_generations",
    "map_searches",
    "cache_storage_token_hours",
)
"""Counted from the output, which ``reported_usage`` does not cover."""


def covered(record: Recording, quantities: Mapping[str, Any]) -> dict[str, Any]:
    """The quantities of which ``reported_usage`` can say anything."""
    skipped: tuple[str, ...] = ()
    if record["provider"] != "anthropic":
        skipped = _IN_NO_USAGE
    if record["provider"] == "xai":
        skipped = (*skipped, "social_searches")
    return {unit: count for unit, count in quantities.items() if unit not in skipped}


def expected_cost(record: Recording) -> int | None:
    """Nano-dollars that the provider itself states, rounded once from the exact figure."""
    reported = record["reported_usage"]
    if record["provider"] == "pydantic_gateway":
        stated = Fraction(str(reported["raw"]["pydantic_ai_gateway"]["cost_estimate"]))
        return round(stated * 10**9)
    if record["provider"] == "azure":  # bills what it sells itself, whatever xAI's model says
        return None
    if "cost_usd_ticks" in reported:
        return round(Fraction(reported["cost_usd_ticks"], 10))
    if "cost_usd" not in reported:
        return None
    stated = Fraction(str(reported["cost_usd"]))
    if reported["raw"].get("is_byok"):  # the fee of OpenRouter, beside the bill of another
        stated += Fraction(str(reported["raw"]["cost_details"]["upstream_inference_cost"]))
    return round(stated * 10**9)


def _expected_of_websocket(record: Recording, reported: Recording) -> dict[str, Any]:
    """The sum over the responses on the connection. Transcriptions are another model's."""
    expected = {ours: reported[theirs] for theirs, ours in _PLAIN.items() if theirs in reported}
    expected |= {key: reported[key] for key in ("input_tokens", "output_tokens")}
    if "cached_audio_tokens" in reported:
        expected["cache_audio_read_tokens"] = reported["cached_audio_tokens"]
    for usage in reported["raw"]:
        details = usage.get("input_token_details", {}).get("cached_tokens_details", {})
        for kind in details.keys() & {"text_tokens", "image_tokens"}:
            unit = f"cache_{kind.removesuffix('_tokens')}_read_tokens"
            expected[unit] = expected.get(unit, 0) + details[kind]
    if record["provider"] == "gemini":
        expected["output_tokens"] += reported.get("reasoning_tokens", 0)
    if record["provider"] == "xai":
        expected["audio_seconds"] = reported["billable_audio_seconds"]
        sent = [each["data"] for each in record["ws_messages"] if each.get("direction") == "sent"]
        items = [data["item"] for data in sent if data["type"] == "conversation.item.create"]
        written = [
            part
            for item in items
            if item.get("role") == "user"
            for part in item["content"]
            if part["type"] == "input_text"
        ]
        if written:
            expected["input_text_messages"] = len(written)
    return expected | _transcribed(record, reported.get("transcription_usages", []))


def _transcribed(record: Recording, usages: list[dict[str, Any]]) -> dict[str, Any]:
    """What the transcriber that the session names consumed, under its own name."""
    sessions = [each["data"].get("session", {}) for each in record["ws_messages"] if "data" in each]
    named = [each.get("audio", {}).get("input", {}).get("transcription") for each in sessions]
    model = next((each["model"] for each in reversed(named) if each), None)
    found: dict[str, Any] = {}
    for usage in usages:
        details = usage.get("input_token_details", {})
        counts = {
            "input_audio_seconds": usage.get("seconds"),
            "input_tokens": usage.get("input_tokens"),
            "output_tokens": usage.get("output_tokens"),
            "input_audio_tokens": details.get("audio_tokens"),
            "input_text_tokens": details.get("text_tokens"),
        }
        for unit, count in counts.items():
            if count is not None:
                name = f"{unit} of {model}"
                found[name] = found.get(name, 0) + count
    return found

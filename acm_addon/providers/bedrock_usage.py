"""Token counts of Amazon Bedrock as inclusive quantities.

Bedrock's own counts come in three places and with three sets of names: ``usage`` of Converse (and
of Nova's bodies), ``amazon-bedrock-invocationMetrics`` at the end of an invocation's stream, and
``x-amzn-bedrock-…`` headers. In all of them, cached input is OUTSIDE the input, and is added.
Models of other vendors answer an invocation in the vendor's shape.
"""

from collections.abc import Mapping

from acm_addon.providers import anthropic_usage, openai_usage
from acm_addon.providers.tally import Tally, mapping

METRICS = "amazon-bedrock-invocationMetrics"

_HEADERS = {
    "inputTokenCount": "x-amzn-bedrock-input-token-count",
    "outputTokenCount": "x-amzn-bedrock-output-token-count",
    "cacheReadInputTokenCount": "x-amzn-bedrock-cache-read-input-token-count",
    "cacheWriteInputTokenCount": "x-amzn-bedrock-cache-write-input-token-count",
}
_LIFETIMES = {"5m": "cache_write_5m_tokens", "1h": "cache_write_1h_tokens"}
_MAX_DIGITS = 15


def tally_converse(usage: Mapping[str, object]) -> Tally:
    """``usage`` of Converse, or of a body of Nova's, which names cached input otherwise."""
    tally = Tally()
    read = _either(usage, "cacheReadInputTokens", "cacheReadInputTokenCount")
    written = _either(usage, "cacheWriteInputTokens", "cacheWriteInputTokenCount")
    _put(tally, usage.get("inputTokens"), usage.get("outputTokens"), read, written)
    details = usage.get("cacheDetails")
    for detail in map(mapping, details if isinstance(details, list) else ()):
        lifetime = detail.get("ttl")
        unit = _LIFETIMES.get(lifetime) if isinstance(lifetime, str) else None
        count = tally.count(detail.get("inputTokens"))
        if unit is not None and count is not None:
            tally.add(unit, count)
    tally.check_parts("cache_write_tokens", *_LIFETIMES.values())
    return tally


def _tally_metrics(metrics: Mapping[str, object]) -> Tally:
    """What Bedrock itself counted, whoever's the model is."""
    tally = Tally()
    counts = [metrics.get(key) for key in _HEADERS]
    _put(tally, *counts)
    return tally


def metrics_of(headers: Mapping[str, str]) -> Mapping[str, object]:
    """The headers of an answer as such metrics."""
    stated = {key: headers.get(header, "") for key, header in _HEADERS.items()}
    return {
        key: int(text) if text.isdecimal() and len(text) <= _MAX_DIGITS else text
        for key, text in stated.items()
        if text
    }


def tally_invocation(
    document: Mapping[str, object], metrics: Mapping[str, object], *, stub: bool = False
) -> Tally:
    """An answer in its vendor's shape; Bedrock's own counts where that says nothing.

    ``document``: of the answer, ``usage``, Titan's ``inputTextTokenCount`` and ``results``, Llama's
    counts. ``stub``: its output count is that of a message that has only begun.
    """
    usage = mapping(document.get("usage"))
    if "inputTokens" in usage or "outputTokens" in usage:
        tally = tally_converse(usage)
    elif "prompt_tokens" in usage or "completion_tokens" in usage:
        tally = openai_usage.tally_usage(usage)
    elif usage:
        tally = anthropic_usage.tally_usage(usage, None, stub=stub)
    else:
        tally = _tally_bare(document)
    own = _tally_metrics(metrics)
    for unit in own.quantities:
        tally.quantities.setdefault(unit, own.quantities[unit])
    tally.bad = tally.bad or own.bad
    return tally


def tally_speech(event: Mapping[str, object]) -> Tally:
    """The totals of a ``usageEvent`` of Nova Sonic, of all that was heard and said so far."""
    tally = Tally()
    total = mapping(mapping(event.get("details")).get("total"))
    for direction in ("input", "output"):
        counts = mapping(total.get(direction))
        speech, text = (
            tally.count(counts.get("speechTokens")),
            tally.count(counts.get("textTokens")),
        )
        if speech is not None or text is not None:
            tally.put(f"{direction}_tokens", (speech or 0) + (text or 0))
        tally.put(f"{direction}_audio_tokens", speech)
        tally.put(f"{direction}_text_tokens", text)
    return tally


def _tally_bare(document: Mapping[str, object]) -> Tally:
    """Titan's and Llama's counts, which stand beside the text."""
    tally = Tally()
    tally.put("input_tokens", _either(document, "inputTextTokenCount", "prompt_token_count"))
    tally.put("output_tokens", document.get("generation_token_count"))
    results = document.get("results")
    for result in results if isinstance(results, list) else ():
        if (count := tally.count(result)) is not None:
            tally.add("output_tokens", count)
    return tally


def _put(tally: Tally, plain: object, output: object, read: object, written: object) -> None:
    parts = [tally.count(each) for each in (plain, read, written)]
    if parts[0] is not None:
        tally.put("input_tokens", sum(part or 0 for part in parts))
    tally.put("output_tokens", output)
    tally.put("cache_read_tokens", read)
    tally.put("cache_write_tokens", written)


def _either(source: Mapping[str, object], *keys: str) -> object:
    return next((source[key] for key in keys if source.get(key) is not None), None)

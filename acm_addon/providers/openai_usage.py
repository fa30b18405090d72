"""``usage`` objects in OpenAI's shape, by whoever sends them, as inclusive quantities.

Cached input is inside input and reasoning inside output as OpenAI counts them. Two rules catch
those who count otherwise: where ``total_tokens`` exceeds input plus output, output is total minus
input (xAI chat and Gemini keep reasoning apart); where cached or audio exceeds input, it is outside
of it (Mistral's audio), unless the input is stated to be all text. Perplexity keeps reasoning and
citations apart, also from the total.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from acm_addon.model import ModelUsage
from acm_addon.providers.tally import Tally, mapping, nano_dollars

_TICK = Decimal("1e-10")
"""Dollars in xAI's unit of cost."""

_INPUT_DETAILS = {
    "cache_write_tokens": "cache_write_tokens",
    "text_tokens": "input_text_tokens",
    "audio_tokens": "input_audio_tokens",
    "image_tokens": "input_image_tokens",
    "video_tokens": "input_video_tokens",
}
_CACHED_DETAILS = {
    "text_tokens": "cache_text_read_tokens",
    "audio_tokens": "cache_audio_read_tokens",
    "image_tokens": "cache_image_read_tokens",
}
_CACHED_IMAGE_DETAILS = {
    "cached_text_tokens": "cache_text_read_tokens",
    "cached_image_tokens": "cache_image_read_tokens",
}
_WRITE_DETAILS = {
    "ttl_30m_tokens": "cache_write_30m_tokens",
    "ttl_12h_tokens": "cache_write_12h_tokens",
}
_OUTPUT_DETAILS = {
    "reasoning_tokens": "output_reasoning_tokens",
    "text_tokens": "output_text_tokens",
    "audio_tokens": "output_audio_tokens",
    "image_tokens": "output_image_tokens",
}
_CACHED_BESIDE = (
    "prompt_cache_hit_tokens",
    "num_cached_tokens",
    "cached_tokens",
    "cache_read_input_tokens",
)
_EXTRAS = {
    "prompt_audio_seconds": "input_audio_seconds",  # Mistral
    "num_search_queries": "web_searches",  # Perplexity
}
_INPUT = ("prompt_tokens", "input_tokens")
_OUTPUT = ("completion_tokens", "output_tokens")
_INPUT_OBJECTS = tuple(f"{total}_details" for total in _INPUT)
_OUTPUT_OBJECTS = tuple(f"{total}_details" for total in _OUTPUT)
_OBJECTS = (
    *_INPUT_OBJECTS,
    *_OUTPUT_OBJECTS,
    "server_tool_use_details",
    "server_side_tool_usage_details",
)
_TOOLS = (
    # OpenRouter, then xAI.
    ("server_tool_use_details", "web_search_requests", "web_searches"),
    ("server_side_tool_usage_details", "web_search_calls", "web_searches"),
    ("server_side_tool_usage_details", "x_search_calls", "social_searches"),
    ("server_side_tool_usage_details", "code_interpreter_calls", "code_executions"),
    ("server_side_tool_usage_details", "file_search_calls", "storage_searches"),
)


def tally_usage(usage: Mapping[str, object]) -> Tally:
    """Quantities of a ``usage`` object of chat, completions, embeddings, responses, or images."""
    tally = Tally()
    input_tokens = _total(tally, usage, *_INPUT)
    output_tokens = _total(tally, usage, *_OUTPUT)
    total = tally.count(usage.get("total_tokens"))
    if total is not None and total < (input_tokens or 0) + (output_tokens or 0):
        tally.bad = True
    in_details = _details(usage, "prompt_token_details", "input_token_details", *_INPUT_OBJECTS)
    out_details = _details(
        usage, "completion_token_details", "output_token_details", *_OUTPUT_OBJECTS
    )
    cached = tally.count(_cached(usage, in_details))

    if input_tokens is not None and not _is_whole(tally, input_tokens, in_details, total):
        apart = (cached, tally.count(in_details.get("audio_tokens")))
        input_tokens += sum(part for part in apart if part is not None and part > input_tokens)
    output_tokens = _with_what_stands_apart(tally, usage, output_tokens)
    if (
        total is not None
        and input_tokens is not None
        and total > input_tokens + (output_tokens or 0)
    ):
        output_tokens = total - input_tokens

    tally.put("input_tokens", input_tokens)
    tally.put("output_tokens", output_tokens)
    tally.put("cache_read_tokens", cached)
    tally.put("cache_write_tokens", usage.get("cache_creation_input_tokens"))  # Databricks
    _put_all(tally, in_details, _INPUT_DETAILS)
    _put_all(tally, mapping(in_details.get("cached_tokens_details")), _CACHED_DETAILS)
    _put_all(tally, mapping(in_details.get("cache_write_tokens_details")), _WRITE_DETAILS)
    _put_all(tally, out_details, _OUTPUT_DETAILS)
    _put_all(tally, usage, _EXTRAS)
    for group, key, unit in _TOOLS:
        if group in usage:
            tally.put(unit, mapping(usage[group]).get(key))
    tally.check_kinds(usage, dict, *_OBJECTS)
    tally.check_present("input_tokens", beside="output_tokens")
    tally.check_parts("input_tokens", "cache_read_tokens", "cache_write_tokens")
    tally.check_parts("output_tokens", "output_reasoning_tokens")
    return tally


def stated_cost(usage: Mapping[str, object]) -> int | None:
    """The provider's own figure in nano-dollars, in whichever words.

    OpenRouter, Perplexity, xAI; DeepInfra (``estimated_cost``); Pydantic's gateway.
    """
    if (ticks := usage.get("cost_in_usd_ticks")) is not None:
        return nano_dollars(ticks, _TICK)
    gateway = mapping(usage.get("pydantic_ai_gateway")).get("cost_estimate")
    cost = _first({**usage, "gateway": gateway}, "cost", "estimated_cost", "gateway")
    if isinstance(cost, dict):
        in_dollars = cost.get("currency") in (None, "USD")
        return nano_dollars(cost.get("total_cost")) if in_dollars else None
    fee = nano_dollars(cost)
    if fee is None or usage.get("is_byok") is not True:
        return fee
    # With a key of one's own, OpenRouter's cost is its fee alone; the provider bills the rest.
    upstream = nano_dollars(mapping(usage.get("cost_details")).get("upstream_inference_cost"))
    return None if upstream is None else fee + upstream


@dataclass(frozen=True, slots=True)
class Tools:
    """What a response says of the tools that it used, beside ``usage``."""

    items: Sequence[tuple[object, object]] = ()
    """Type and container id of each output item."""
    page_visits: int = 0
    """Web search items that searched nothing, and looked at a page: not billed."""
    stated: Mapping[str, object] = field(default_factory=dict)
    """``tool_usage``, where the response has it."""
    named_containers: frozenset[object] = frozenset()
    """Containers that the request named: billed when they were created."""
    image_model: str | None = None


def tally_tools(tally: Tally, tools: Tools) -> tuple[ModelUsage, ...]:
    """Count the billed tool calls of a response, and give what the image model consumed.

    They are not in ``usage``. Code interpreter is billed by container. ``tool_usage`` counts the
    searches that are billed, and the tokens of generated images; where it is missing, images are
    counted in a unit that has no price.
    """
    calls: dict[str, int] = {}
    containers = set()
    for position, (kind, container) in enumerate(tools.items):
        if kind == "code_interpreter_call":
            containers.add(container if isinstance(container, str) else position)
        elif isinstance(kind, str) and kind in _ITEM_UNITS:
            unit = _ITEM_UNITS[kind]
            calls[unit] = calls.get(unit, 0) + 1
    if "code_executions" not in tally.quantities and (new := containers - tools.named_containers):
        calls["container_sessions"] = len(new)
    if "web_searches" in calls:
        calls["web_searches"] = max(0, calls["web_searches"] - tools.page_visits)
    billed = tally.count(mapping(tools.stated.get("web_search")).get("num_requests"))
    if billed or (billed is not None and "web_searches" in calls):
        calls["web_searches"] = billed
    images = _tally_image_tool(mapping(tools.stated.get("image_gen")))
    tally.bad = tally.bad or images.bad
    drawn = any(images.quantities.values())
    if drawn:
        calls.pop("image_generations", None)
    for unit, count in calls.items():
        # Who states the count as well is right about it: not every call is billed.
        tally.quantities.setdefault(unit, count)
    return (ModelUsage(tools.image_model, images.quantities),) if drawn else ()


_ITEM_UNITS = {
    "web_search_call": "web_searches",
    "file_search_call": "storage_searches",
    "image_generation_call": "image_generations",
}


def _tally_image_tool(usage: Mapping[str, object]) -> Tally:
    """``tool_usage.image_gen``: shaped like any usage, but for what it calls cached tokens."""
    tally = tally_usage(usage)
    for key, unit in _CACHED_IMAGE_DETAILS.items():
        tally.put(unit, mapping(usage.get("cached_tokens_details")).get(key))
    return tally


def _with_what_stands_apart(
    tally: Tally, usage: Mapping[str, object], output_tokens: int | None
) -> int | None:
    """Output with reasoning and citations that are stated beside it, not in its details."""
    reasoning = tally.count(usage.get("reasoning_tokens"))
    citations = tally.count(usage.get("citation_tokens"))
    if citations is None:
        if reasoning is not None and reasoning <= (output_tokens or 0):
            tally.put("output_reasoning_tokens", reasoning)
        return output_tokens
    tally.put("output_citation_tokens", citations)
    tally.put("output_reasoning_tokens", reasoning)
    return (output_tokens or 0) + citations + (reasoning or 0)


def _is_whole(
    tally: Tally, input_tokens: int, details: Mapping[str, object], total: int | None
) -> bool:
    """Whether the text alone is stated to be the whole input.

    So it is with xAI's models on Azure, whose cached tokens include a preamble that is not counted
    as input: the same request, sent again, has the same input and other cached tokens. Where these
    are more than the input, the usage contradicts itself, and what is billed cannot be told.
    """
    text = tally.count(details.get("text_tokens"))
    return text == input_tokens and total is not None


def _cached(usage: Mapping[str, object], details: Mapping[str, object]) -> object:
    """Cached input tokens, under whichever name: in the details, or beside the totals."""
    found = _first(details, "cached_tokens", "cache_read_input_tokens")
    if found is not None:
        return found
    return _first(usage, *_CACHED_BESIDE)


def _details(usage: Mapping[str, object], *keys: str) -> Mapping[str, object]:
    """Details under any of the names; DashScope uses two of them at once."""
    found: dict[str, object] = {}
    for key in keys:
        if stated := mapping(usage.get(key)):
            found.update((part, count) for part, count in stated.items() if count is not None)
    return found


def _total(tally: Tally, usage: Mapping[str, object], *keys: str) -> int | None:
    """A total under either name. Null means none for a detail, but is bad for a total."""
    stated = _first(usage, *keys)
    return tally.count(stated, required=stated is None and any(key in usage for key in keys))


def _first(source: Mapping[str, object], *keys: str) -> object:
    for key in keys:
        if (value := source.get(key)) is not None:
            return value
    return None


def _put_all(tally: Tally, source: Mapping[str, object], units: Mapping[str, str]) -> None:
    if source:
        for key, unit in units.items():
            if key in source:
                tally.put(unit, source[key])

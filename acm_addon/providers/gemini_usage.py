"""Gemini's ``usageMetadata`` as inclusive quantities.

``promptTokenCount`` includes cached content. Thoughts are OUTSIDE ``candidatesTokenCount``, and the
results of tools that are read back into the model (``toolUsePromptTokenCount``) are outside of the
prompt; both are added. Details are split by modality.
"""

import re
from collections.abc import Iterable, Mapping

from acm_addon.providers.tally import Tally, mapping

_MODALITIES: dict[object, str] = {
    "TEXT": "text",
    "AUDIO": "audio",
    "IMAGE": "image",
    "VIDEO": "video",
    # Vertex can be asked to number them.
    1: "text",
    2: "image",
    3: "video",
    4: "audio",
}
_GENERATION = re.compile(r"gemini-(\d+)")
MAPS = "map_searches"
"""Prompts that were grounded in Google Maps."""
# Pages of documents are billed as images.
_MODALITIES["DOCUMENT"] = _MODALITIES[5] = "image"


def tally_usage(usage: Mapping[str, object]) -> Tally:
    tally = Tally()
    prompt = tally.count(usage.get("promptTokenCount"))
    tool = tally.count(usage.get("toolUsePromptTokenCount"))
    # The Live API says response for candidates.
    candidates = tally.count(usage.get("candidatesTokenCount", usage.get("responseTokenCount")))
    thoughts = tally.count(usage.get("thoughtsTokenCount"))
    if prompt is not None or tool is not None:
        tally.put("input_tokens", (prompt or 0) + (tool or 0))
    if candidates is not None or thoughts is not None:
        tally.put("output_tokens", (candidates or 0) + (thoughts or 0))
    tally.put("cache_read_tokens", usage.get("cachedContentTokenCount"))
    tally.put("output_reasoning_tokens", thoughts)
    tally.put("input_tool_tokens", tool)
    # embedContent names its details in the singular.
    prompt_details = usage.get("promptTokensDetails") or usage.get("promptTokenDetails")
    _by_modality(tally, prompt_details, "input_{}_tokens")
    output_details = usage.get("candidatesTokensDetails") or usage.get("responseTokensDetails")
    _by_modality(tally, output_details, "output_{}_tokens")
    _by_modality(tally, usage.get("cacheTokensDetails"), "cache_{}_read_tokens")
    tool_details = usage.get("toolUsePromptTokensDetails")
    _by_modality(tally, tool_details, "input_{}_tool_tokens", "input_{}_tokens")
    tally.check_present("input_tokens", beside="output_tokens")
    tally.check_parts("input_tokens", "cache_read_tokens", "input_tool_tokens")
    return tally


def tally_grounding(tally: Tally, queries: Iterable[str], model: str | None) -> None:
    """Count Google searches: each distinct query from Gemini 3 on, the grounded prompt before.

    An empty query is not billed.
    """
    distinct = {query for query in queries if query}
    if not distinct:
        return
    generation = _GENERATION.search(model or "")
    by_prompt = generation is not None and int(generation[1]) < 3
    tally.put("web_searches", 1 if by_prompt else len(distinct))


def _by_modality(tally: Tally, details: object, *units: str) -> None:
    """Add the counts of ``details`` under each of ``units``; what is no such list is bad usage."""
    if not isinstance(details, list | None):
        tally.bad = True
        return
    for detail in details or ():
        modality = mapping(detail).get("modality")
        named = isinstance(modality, str | int) and modality is not True
        kind = _MODALITIES.get(modality) if named else None
        count = tally.count(mapping(detail).get("tokenCount"))
        if kind is not None and count is not None:
            for unit in units:
                tally.add(unit.format(kind), count)
        # What has no modality that we know may have a price that we do not know.
        tally.bad = tally.bad or not isinstance(detail, dict) or (kind is None and bool(count))

"""Anthropic's ``usage`` objects as inclusive quantities.

``input_tokens`` excludes both cache reads and cache writes, so the whole input is the sum of the
three. Thinking is inside ``output_tokens``.

``iterations`` lists the samplings that one call took. The totals beside it leave some out:
``compaction`` always, and whatever another model did (``advisor_message``, and the hops before a
``fallback_message``). What other models consumed is kept apart, model by model, and priced as such.
"""

from collections.abc import Mapping

from acm_addon.model import ModelUsage
from acm_addon.providers.by_model import ByModel
from acm_addon.providers.tally import Tally, mapping, name

_ITERATION_FIELDS = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
)


def serving_model(model: str | None, usage: Mapping[str, object]) -> str | None:
    """The model that wrote the answer: the fallback one, where the call fell back."""
    for iteration in reversed(_iterations(usage)):
        if iteration.get("type") == "fallback_message":
            return name(iteration.get("model")) or model
    return model


def tally_usage(usage: Mapping[str, object], model: str | None, *, stub: bool = False) -> Tally:
    """Quantities of a call that ``model`` answered. ``stub``: leave out the output count, which is
    only what was written by the time the message began."""
    tally = Tally()
    if not usage:
        return tally
    totals = _totals(tally, usage, model)
    plain = totals["input_tokens"]
    read = totals["cache_read_input_tokens"]
    written = totals["cache_creation_input_tokens"]
    if plain is not None:
        tally.put("input_tokens", plain + (read or 0) + (written or 0))
    if not stub:
        tally.put("output_tokens", totals["output_tokens"])
        tally.put("output_reasoning_tokens", _thinking(usage))
    tally.put("cache_read_tokens", read)
    tally.put("cache_write_tokens", written)
    for ttl in ("5m", "1h"):
        tally.put(f"cache_write_{ttl}_tokens", _written(tally, usage, model, ttl))
    searches = mapping(usage.get("server_tool_use")).get("web_search_requests")
    tally.put("web_searches", searches)
    tally.check_kinds(usage, dict, "cache_creation", "server_tool_use", "output_tokens_details")
    tally.check_kinds(usage, list, "iterations")
    tally.check_parts("cache_write_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")
    tally.check_parts("output_tokens", "output_reasoning_tokens")
    return tally


def other_models(
    usage: Mapping[str, object], model: str | None, price_context: Mapping[str, str]
) -> tuple[ModelUsage, ...]:
    """What models other than the one that answered consumed, under the same conditions."""
    sums = ByModel()
    for iteration in _iterations(usage):
        if not _is_of(iteration, model):
            counts = tally_usage({**iteration, "iterations": None}, None)
            sums.add(name(iteration.get("model")), counts, price_context)
    return sums.parts()


def price_context(tier: str | None, speed: str | None, region: str | None) -> dict[str, str]:
    """What selects the price, under the price table's keys."""
    context = {}
    if tier == "batch":
        context["processing"] = "batch"
    elif tier:
        context["service_tier"] = tier
    if speed:
        context["speed"] = speed
    if region not in (None, "not_available"):
        context["inference_geo"] = str(region)
    return context


def _totals(tally: Tally, usage: Mapping[str, object], model: str | None) -> dict[str, int | None]:
    """This model's counts, compactions included."""
    totals = {
        field: tally.count(usage.get(field), required=field in ("input_tokens", "output_tokens"))
        for field in _ITERATION_FIELDS
    }
    own = dict.fromkeys(_ITERATION_FIELDS, 0)
    for iteration in _iterations(usage):
        for field in _ITERATION_FIELDS:
            count = tally.count(iteration.get(field)) or 0
            own[field] += count if _is_of(iteration, model) else 0
    for field, count in own.items():
        if (total := totals[field]) is not None:
            totals[field] = max(total, count)
        elif count:
            totals[field] = count
    return totals


def _written(tally: Tally, usage: Mapping[str, object], model: str | None, ttl: str) -> int | None:
    """Cache writes of one lifetime, over this model's iterations where they are listed."""
    key = f"ephemeral_{ttl}_input_tokens"
    total = tally.count(mapping(usage.get("cache_creation")).get(key))
    own = 0
    for iteration in _iterations(usage):
        if _is_of(iteration, model):
            own += tally.count(mapping(iteration.get("cache_creation")).get(key)) or 0
    return own if own > (total or 0) else total


def _thinking(usage: Mapping[str, object]) -> object:
    return mapping(usage.get("output_tokens_details")).get("thinking_tokens")


def _is_of(iteration: Mapping[str, object], model: str | None) -> bool:
    return iteration.get("model") in (None, model)


def _iterations(usage: Mapping[str, object]) -> list[Mapping[str, object]]:
    iterations = usage.get("iterations")
    return [mapping(each) for each in iterations] if isinstance(iterations, list) else []

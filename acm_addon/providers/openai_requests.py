"""Request bodies in OpenAI's shapes: chat, completions, responses, embeddings, images."""

from acm_addon.json_fields import JsonFields
from acm_addon.json_paths import ANY
from acm_addon.providers.base import RequestFacts
from acm_addon.providers.body import JsonRequestReader
from acm_addon.providers.tally import name
from acm_addon.providers.uploads import Get, highest, whole_number

_LIMITS = (("max_completion_tokens",), ("max_output_tokens",), ("max_tokens",))
"""Names of the ceiling on output tokens."""
_GENERATION = (
    ("model",),
    ("stream",),
    ("service_tier",),
    *_LIMITS,
    ("n",),
    ("tools", ANY, "type"),
)

_DEFAULT_IMAGE_MODEL = "dall-e-2"
"""What the API documented for a request that names none, until it retired DALL-E in May 2026."""
_DEFAULT_SIZE = "1024x1024"
"""Of both DALL-E models, as the API documented it."""


def generation_request() -> JsonRequestReader:
    return JsonRequestReader(_GENERATION, _generation)


def _generation(fields: JsonFields) -> RequestFacts:
    tier = name(fields.value("service_tier"))
    context = {}
    # ``auto`` and ``default`` ask for nothing; what is served is known from the response.
    if tier not in (None, "auto", "default"):
        context["service_tier"] = str(tier)
    if tool := _web_search_tool(fields):
        context["web_search_tool"] = tool
    return RequestFacts(
        model=name(fields.value("model")),
        stream=fields.value("stream") is True,
        tier=tier,
        max_output_tokens=highest(fields, *_LIMITS),
        choices=highest(fields, ("n",)) or 1,
        price_context=context,
    )


def image_facts(get: Get, model: str | None = None) -> RequestFacts:
    """``get`` gives the request's fields. ``model``: where the path names it (Azure)."""
    model = model or name(get("model")) or _DEFAULT_IMAGE_MODEL
    size, quality = name(get("size")), name(get("quality"))
    if model.startswith("dall-e"):
        size = _DEFAULT_SIZE if size in (None, "auto") else size
        quality = "standard" if quality in (None, "auto") else quality
    choices = whole_number(get("n")) or 1
    given = {"size": size, "quality": quality}
    return RequestFacts(
        model=model,
        stream=get("stream") in (True, "true"),
        choices=choices,
        price_context={key: value for key, value in given.items() if value is not None},
        derived={"images": choices},
    )


def _web_search_tool(fields: JsonFields) -> str | None:
    """``web_search_preview`` costs more than ``web_search``; both come with dates behind them."""
    for kind in fields.values("tools", ANY, "type"):
        if isinstance(kind, str) and kind.startswith("web_search"):
            preview = kind.startswith("web_search_preview")
            return "web_search_preview" if preview else "web_search"
    return None

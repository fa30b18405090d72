"""OpenAI's images: generations, edits, and variations.

Where the model is billed by tokens, the response says how many, in streams the last event. Where
it is not, or does not say, the request decides: model, size, quality, and how many. The response
states size and quality as made, which is what counts where the request left them to the model.
Drawing an SVG takes a second model, whose tokens stand apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from acm_addon.model import ModelUsage
from acm_addon.multipart import FilePart
from acm_addon.providers.base import RequestFacts, RequestHead
from acm_addon.providers.body import Reading
from acm_addon.providers.openai_requests import image_facts
from acm_addon.providers.openai_responses import ImagesBody
from acm_addon.providers.openai_usage import tally_usage
from acm_addon.providers.tally import mapping, name
from acm_addon.providers.uploads import Get, UploadReader

_WANTED = ("model", "stream", "n", "size", "quality")


def images_request(head: RequestHead, model: str | None) -> UploadReader:
    """``model``: where the path names it (Azure)."""

    def interpret(get: Get, files: Sequence[FilePart]) -> RequestFacts:  # noqa: ARG001
        return image_facts(get, model)

    return UploadReader(head, _WANTED, interpret)


class OpenAIImagesBody(ImagesBody):
    WANTED = (*ImagesBody.WANTED, ("svg_usage",))

    def _read(self, document: Mapping[str, object], *, ended: bool = True) -> Reading:
        reading = super()._read(document, ended=ended)
        made = {key: name(document.get(key)) for key in ("size", "quality")}
        known = {key: value for key, value in made.items() if value not in (None, "auto")}
        drawn = mapping(document.get("svg_usage"))
        tally = tally_usage(drawn)
        others = (ModelUsage(name(drawn.get("model")), tally.quantities),) if drawn else ()
        return replace(
            reading,
            price_context={**reading.price_context, **{k: str(v) for k, v in known.items()}},
            others=others,
            bad=reading.bad or tally.bad,
        )

"""Request bodies of the OpenAI-compatible family that are none of OpenAI's generations."""

from acm_addon.json_fields import JsonFields
from acm_addon.model import Quantities
from acm_addon.providers.base import RequestFacts, RequestHead, RequestReader
from acm_addon.providers.body import JsonRequestReader
from acm_addon.providers.tally import Tally, name

_SPEECH = (("model",), ("stream",), ("input",), ("text",), ("transcript",))
_VIDEO = (("model",), ("n",), ("duration",), ("seconds",), ("size",), ("resolution",))
_PICTURES = (("model",), ("stream",), ("n",), ("size",), ("quality",), ("resolution",))


def speech_request(head: RequestHead) -> RequestReader:  # noqa: ARG001
    """Speech: billed by the characters of the text, which the answer does not repeat."""
    return JsonRequestReader(_SPEECH, _speech)


def video_request(head: RequestHead) -> RequestReader:  # noqa: ARG001
    return JsonRequestReader(_VIDEO, _chosen)


def picture_request(head: RequestHead) -> RequestReader:  # noqa: ARG001
    """Pictures: as many as were asked for, where the answer does not count them."""
    return JsonRequestReader(_PICTURES, _pictures)


def search_request(head: RequestHead) -> RequestReader:  # noqa: ARG001
    """Billed by the request."""
    return JsonRequestReader((("search_type",),), _search)


def _speech(fields: JsonFields) -> RequestFacts:
    derived: Quantities = {}
    for key in ("input", "text", "transcript"):
        if isinstance(text := fields.value(key), str):
            derived = {"input_characters": len(text)}
    return RequestFacts(
        model=name(fields.value("model")),
        stream=fields.value("stream") is True,
        derived=derived,
    )


def _chosen(fields: JsonFields) -> RequestFacts:
    choices = {key: name(fields.value(key)) for key in ("size", "resolution")}
    return RequestFacts(
        model=name(fields.value("model")),
        stream=fields.value("stream") is True,
        price_context={key: value for key, value in choices.items() if value is not None},
    )


def _pictures(fields: JsonFields) -> RequestFacts:
    count = Tally().count(fields.value("n")) or 1
    choices = {key: name(fields.value(key)) for key in ("size", "quality", "resolution")}
    return RequestFacts(
        model=name(fields.value("model")),
        stream=fields.value("stream") is True,
        choices=count,
        price_context={key: value for key, value in choices.items() if value is not None},
        derived={"images": count},
    )


def _search(fields: JsonFields) -> RequestFacts:
    kind = name(fields.value("search_type"))
    context = {"search_type": kind} if kind else {}
    return RequestFacts(price_context=context, derived={"requests": 1})

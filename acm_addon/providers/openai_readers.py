"""Which reader reads what, by endpoint of OpenAI's API: at OpenAI and at Azure alike."""

from collections.abc import Callable, Mapping, Sequence

from acm_addon.multipart import FilePart
from acm_addon.providers.base import (
    Billing,
    Endpoint,
    RequestFacts,
    RequestHead,
    RequestReader,
    ResponseHead,
    ResponseReader,
)
from acm_addon.providers.openai_audio import audio_response, speech_request, transcription_request
from acm_addon.providers.openai_batch_file import BatchFileBody
from acm_addon.providers.openai_images import OpenAIImagesBody, images_request
from acm_addon.providers.openai_requests import generation_request
from acm_addon.providers.openai_responses import ChatBody, EmbeddingsBody, ResponsesBody
from acm_addon.providers.openai_work import (
    BatchBody,
    ContainerBody,
    ExtensionBody,
    FineTuningBody,
    RetrievedBody,
    RunBody,
    VideoBody,
)
from acm_addon.providers.tally import name
from acm_addon.providers.uploads import Get, UploadReader, whole_number

type _Body = Callable[[RequestFacts, ResponseHead], ResponseReader]

_BODIES: Mapping[str, _Body] = {
    "embeddings": EmbeddingsBody,
    "responses": ResponsesBody,
    "responses.compact": ResponsesBody,
    "decisions": ResponsesBody,
    "images.generations": OpenAIImagesBody,
    "images.edits": OpenAIImagesBody,
    "images.variations": OpenAIImagesBody,
    "batches": BatchBody,
    "videos": VideoBody,
    "videos.extensions": ExtensionBody,
    "fine_tuning.jobs": FineTuningBody,
    "threads.runs": RunBody,
    "containers": ContainerBody,
}
_UPLOADS: Mapping[str, Callable[[RequestHead, str | None], UploadReader]] = {
    "images.generations": images_request,
    "images.edits": images_request,
    "images.variations": images_request,
    "audio.speech": speech_request,
    "audio.transcriptions": transcription_request,
    "audio.translations": transcription_request,
}
_WITHOUT_TEXT = ("threads.runs", "batches", "videos", "videos.extensions", "fine_tuning.jobs")
"""Requests whose text is not what their cost comes from."""


def openai_request_reader(endpoint: Endpoint, head: RequestHead) -> RequestReader:
    if reader := _UPLOADS.get(endpoint.name):
        return reader(head, endpoint.model)
    if endpoint.name == "containers":
        return UploadReader(head, ("memory_limit",), _container)
    if endpoint.name in _WITHOUT_TEXT:
        return UploadReader(head, ("model", "stream", "seconds"), _work)
    return generation_request()


def openai_response_reader(
    endpoint: Endpoint, request: RequestFacts, head: ResponseHead
) -> ResponseReader:
    if endpoint.name.startswith("audio."):
        return audio_response(request, head, spoken=endpoint.name == "audio.speech")
    if endpoint.file:
        return BatchFileBody(request, head)
    if endpoint.name == "responses" and endpoint.billing is Billing.RESULT:
        return RetrievedBody(request, head)
    return _BODIES.get(endpoint.name, ChatBody)(request, head)


def _container(get: Get, files: Sequence[FilePart]) -> RequestFacts:  # noqa: ARG001
    """A container is billed when it is created, by its memory where that is not the usual 1 GB."""
    memory = name(get("memory_limit"))
    return RequestFacts(
        price_context={} if memory in (None, "1g") else {"memory_limit": str(memory)},
        derived={"container_sessions": 1},
    )


def _work(get: Get, files: Sequence[FilePart]) -> RequestFacts:  # noqa: ARG001
    seconds = whole_number(get("seconds"))
    return RequestFacts(
        model=name(get("model")),
        stream=get("stream") is True,
        derived={} if seconds is None else {"video_seconds": seconds},
    )

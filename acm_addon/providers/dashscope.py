"""Alibaba's DashScope (Model Studio): its own API, and OpenAI's under ``/compatible-mode``.

- Cached input is inside input, reasoning inside output.
- Streams of its own API carry usage in every event, growing; the compatible ones in the last chunk
  where asked.
- Billed besides tokens: pictures by number and videos by second, as tasks that are polled at
  ``/api/v1/tasks``; rankings and embeddings state ``total_tokens`` alone. Batches are settled
  by their output files.
- Credential: ``Authorization: Bearer``. Gateway (``/dashscope/<host>/…`` for other regions than
  Beijing) and forward entrance both work. Speech over websockets (``/api-ws``) is not read.
"""

import re

from acm_addon.json_fields import JsonFields
from acm_addon.providers.base import Access, RequestFacts, RequestHead, RequestReader
from acm_addon.providers.body import JsonRequestReader
from acm_addon.providers.compatible import FREE, MESSAGES, SHAPES, Compatible, Shape
from acm_addon.providers.compatible_bodies import DashScopeBody
from acm_addon.providers.compatible_jobs import DashScopeTaskBody
from acm_addon.providers.openai_elsewhere import METERED_PATHS
from acm_addon.providers.tally import name
from acm_addon.providers.uploads import highest

_OWN = (
    ("model",),
    ("stream",),
    ("parameters", "incremental_output"),
    ("parameters", "max_tokens"),
    ("parameters", "n"),
    ("parameters", "size"),
)
_AIGC = "/services/aigc"


def own_request(head: RequestHead) -> RequestReader:
    """A request of its own API. That a stream is wanted is said by headers."""
    stream = "text/event-stream" in head.headers.get("accept", "") or (
        head.headers.get("x-dashscope-sse", "") == "enable"
    )

    def interpret(fields: JsonFields) -> RequestFacts:
        size = name(fields.value("parameters", "size"))
        return RequestFacts(
            model=name(fields.value("model")),
            stream=stream,
            max_output_tokens=highest(fields, ("parameters", "max_tokens")),
            choices=highest(fields, ("parameters", "n")) or 1,
            price_context={"size": size} if size else {},
        )

    return JsonRequestReader(_OWN, interpret)


DASHSCOPE = Compatible(
    "dashscope",
    ("dashscope.aliyuncs.com", "dashscope-intl.aliyuncs.com", "dashscope-us.aliyuncs.com"),
    "dashscope",
    base=re.compile(
        r"(?:/compatible-mode/v1|/compatible-api/v1|/api/v1|/api/v2/apps/protocols"
        r"/compatible-mode/v1)?(?=/)"
    ),
    metered={
        **METERED_PATHS,
        f"{_AIGC}/text-generation/generation": "generation",
        f"{_AIGC}/multimodal-generation/generation": "generation",
        "/services/embeddings/text-embedding/text-embedding": "embeddings",
        "/services/embeddings/multimodal-embedding/multimodal-embedding": "embeddings",
        "/services/rerank/text-rerank/text-rerank": "rerank",
        "/reranks": "rerank",
        "/apps/anthropic/v1/messages": MESSAGES,
    },
    pending={
        f"{_AIGC}/text2image/image-synthesis": "tasks",
        f"{_AIGC}/image2image/image-synthesis": "tasks",
        f"{_AIGC}/image-generation/generation": "tasks",
        f"{_AIGC}/image2video/video-synthesis": "tasks",
        f"{_AIGC}/video-generation/video-synthesis": "tasks",
        f"{_AIGC}/video-generation/generation": "tasks",
        "/services/audio/asr/transcription": "tasks",
    },
    results=((re.compile(r"/tasks/(?P<id>[^/]+)"), "tasks"),),
    batch_files=True,
    jobs={"tasks": DashScopeTaskBody},
    shapes={
        "generation": Shape(own_request, DashScopeBody),
        "embeddings": Shape(own_request, SHAPES["embeddings"].response),
        "rerank": Shape(own_request, SHAPES["rerank"].response),
    },
    free=re.compile(rf"{FREE.pattern}|/tasks/.*|/uploads"),
    reach=Access(notes="Speech over websockets is recorded without a price."),
)

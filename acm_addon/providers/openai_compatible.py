"""Providers that speak OpenAI's API at hosts of their own, one entry a member.

- Cached input is inside input, under several names (``openai_usage`` reads them all).
- Reasoning is inside output, but for xAI chat, where total minus prompt is the output, and
  Perplexity's deep research, which states reasoning and citations apart.
- Streams carry usage in the last chunk where asked; Groq also in ``x_groq``, Perplexity and a few
  others in every chunk.
- Billed besides tokens: searches and other server-side tools; pages (Mistral's OCR), seconds of
  speech that is written down, characters of text that is spoken, pictures, videos. DeepInfra,
  OpenRouter, Perplexity, and xAI state the whole cost of a call, which is booked before anything
  that we compute.
- Many offer Anthropic's ``messages`` beside it; Anthropic's conventions hold there.
- Credential: ``Authorization: Bearer``. Gateway and forward entrance both work.
"""

import re

from acm_addon.providers.base import Access
from acm_addon.providers.compatible import FREE, MESSAGES, Compatible, Shape, generation
from acm_addon.providers.compatible_bodies import DeferrableChatBody
from acm_addon.providers.compatible_jobs import (
    AsyncChatBody,
    DeferredChatBody,
    GenerationBody,
    MistralBatchBody,
    ShownJobBody,
    XaiBatchBody,
)
from acm_addon.providers.openai_elsewhere import METERED_PATHS

_TEXT = dict(METERED_PATHS)
_AUDIO = {
    "/audio/transcriptions": "audio.transcriptions",
    "/audio/translations": "audio.translations",
    "/audio/speech": "audio.speech",
}
_RERANK = {"/rerank": "rerank"}
_PICTURES = {"/images/generations": "images.generations"}
_ANTHROPIC = {"/anthropic/v1/messages": MESSAGES}


def _base(*prefixes: str) -> re.Pattern[str]:
    """What may stand before the path, as regular expressions; the longest first."""
    return re.compile(f"(?:{'|'.join(prefixes)})?(?=/)")


def _free(*more: str) -> re.Pattern[str]:
    return re.compile("|".join((FREE.pattern, *more)))


_COUNT_TOKENS = r"/anthropic/v1/messages/count_tokens"

_CEREBRAS = Compatible("cerebras", ("api.cerebras.ai",), "cerebras")
_DEEPSEEK = Compatible(
    "deepseek",
    ("api.deepseek.com",),
    "deepseek",
    base=_base("/v1", "/beta"),
    metered=_TEXT | _ANTHROPIC,
    free=_free(_COUNT_TOKENS),
)
_FIREWORKS_BILLED = r"(?:[a-zA-Z]+Jobs|reinforcementFineTuningSteps|deployments)"
"""What costs tokens or hours once it is created, as nothing that passes here says."""
_FIREWORKS = Compatible(
    "fireworks",
    ("api.fireworks.ai", "*.direct.fireworks.ai"),
    "fireworks",
    base=_base("/inference/v1", "/v1"),
    metered=_TEXT | _AUDIO | _RERANK | _PICTURES | {"/messages": MESSAGES},
    free=_free(rf"/accounts/(?!.*/{_FIREWORKS_BILLED}$).*"),
)
_GROQ = Compatible(
    "groq",
    ("api.groq.com",),
    "groq",
    base=_base("/openai/v1"),
    metered=_TEXT | _AUDIO,
    batch_files=True,
)
_MISTRAL = Compatible(
    "mistral",
    ("api.mistral.ai", "codestral.mistral.ai", "api.eu.mistral.ai", "api.us.mistral.ai"),
    "mistral",
    metered=_TEXT
    | _AUDIO
    | {
        "/fim/completions": "fim.completions",
        "/agents/completions": "agents.completions",
        "/conversations": "conversations",
        "/ocr": "ocr",
        "/moderations": "moderations",
        "/chat/moderations": "moderations",
        "/classifications": "moderations",
        "/chat/classifications": "moderations",
    },
    patterns=((re.compile(r"/conversations/[^/]+(?:/restart)?"), "conversations"),),
    pending={"/batch/jobs": "batches"},
    results=((re.compile(r"/batch/jobs/(?P<id>[^/]+)"), "batches"),),
    batch_files=True,
    jobs={"batches": MistralBatchBody},
    free=_free(
        r"/agents(?:/.*)?|/libraries(?:/.*)?",
        r"/connectors(?:/(?!.*/call$).*)?",
        r"/(?:webhooks|triggers|service-accounts|client/sessions|v2/(?:prompts|skills))(?:/.*)?",
        r"/fine_tuning/(?:models/.*|jobs/.*/cancel)",
        r"/workflows/executions/.*|/observability/(?:logs|spans|traces)/.*",
    ),
    reach=Access(notes="Fine-tuning is recorded without a price."),
)
_MOONSHOT = Compatible(
    "moonshot",
    ("api.moonshot.ai", "api.moonshot.cn"),
    "moonshotai",
    metered=_TEXT | _ANTHROPIC,
    batch_files=True,
    free=_free(r"/tokenizers/estimate-token-count", _COUNT_TOKENS),
)
_OPENROUTER = Compatible(
    "openrouter",
    ("openrouter.ai",),
    "openrouter",
    base=_base("/api/(?:v1|alpha|beta)"),
    metered=_TEXT | _AUDIO | _RERANK | _PICTURES | {"/images": "images", "/messages": MESSAGES},
    pending={"/videos": "videos"},
    results=(
        (re.compile(r"/generation"), "chat.completions"),
        (re.compile(r"/videos/(?P<id>[^/]+)"), "videos"),
    ),
    jobs={"chat.completions": GenerationBody},
    free=_free(r"/(?:keys|credits|auth|providers|activity)(?:/.*)?", r"/messages/count_tokens"),
)
_PERPLEXITY = Compatible(
    "perplexity",
    ("api.perplexity.ai",),
    "perplexity",
    metered=_TEXT
    | {
        "/sonar": "chat.completions",
        "/agent": "responses",
        "/contextualizedembeddings": "embeddings",
        "/search": "search",
    },
    pending={"/async/chat/completions": "chat.completions", "/async/sonar": "chat.completions"},
    results=((re.compile(r"/async/(?:chat/completions|sonar)/(?P<id>[^/]+)"), "chat.completions"),),
    jobs={"chat.completions": AsyncChatBody},
    models={"search": "search-api"},
)
_TOGETHER = Compatible(
    "together",
    ("api.together.xyz", "api.together.ai", "api-inference.together.ai"),
    "together",
    metered=_TEXT | _AUDIO | _RERANK | _PICTURES,
    base=_base("/v1", "/v2"),
    pending={"/videos": "videos"},
    results=((re.compile(r"/videos/(?P<id>[^/]+)"), "videos"),),
    batch_files=True,
    free=_free(r"/fine-tunes/(?:estimate-price|preview|[^/]+/cancel)|/queue/(?:cancel|clear)"),
)
_XAI = Compatible(
    "xai",
    ("api.x.ai", "*.api.x.ai"),
    "x-ai",
    regional=True,
    sockets=("realtime",),
    metered=_TEXT
    | _PICTURES
    | {
        "/images/edits": "images.edits",
        "/messages": MESSAGES,
        "/stt": "audio.transcriptions",
        "/tts": "audio.speech",
    },
    pending={
        "/batches": "batches",
        "/videos/generations": "videos",
        "/videos/edits": "videos",
    },
    results=(
        (re.compile(r"/videos/(?P<id>[^/]+)"), "videos"),
        (re.compile(r"/batches/(?P<id>[^/]+)/results"), "batches"),
        (re.compile(r"/chat/deferred-completion/(?P<id>[^/]+)"), "chat.completions"),
    ),
    jobs={"videos": ShownJobBody, "batches": XaiBatchBody, "chat.completions": DeferredChatBody},
    shapes={"chat.completions": Shape(generation, DeferrableChatBody)},
    models={"audio.speech": "text-to-speech", "audio.transcriptions": "speech-to-text"},
    free=_free(
        r"/tokenize-text|/collections(?:/.*)?|/documents(?:/(?!search$).*)?|/realtime/client_secrets"
    ),
    reach=Access(
        notes="A batch is settled by the first list of results that fits one page; "
        "longer lists leave it pending."
    ),
)
_ZAI_PATHS = (
    _TEXT
    | _PICTURES
    | _RERANK
    | _AUDIO
    | {"/messages": MESSAGES, "/api/anthropic/v1/messages": MESSAGES}
)
_ZAI_PENDING = {"/videos/generations": "videos", "/async/chat/completions": "chat.completions"}
_ZAI_RESULTS = ((re.compile(r"/async-result/(?P<id>[^/]+)"), "videos"),)
_ZAI_BASE = _base("/api/paas/v4", "/api/coding/paas/v4", "/api/v1")
_ZAI = Compatible(
    "zai",
    ("api.z.ai",),
    "zai",
    base=_ZAI_BASE,
    metered=_ZAI_PATHS,
    pending=_ZAI_PENDING,
    results=_ZAI_RESULTS,
    reach=Access(notes="Calls under a coding plan are shown at list prices."),
)
_ZHIPU = Compatible(
    "zhipu",
    ("open.bigmodel.cn",),
    "zhipuai",
    base=_ZAI_BASE,
    metered=_ZAI_PATHS,
    pending=_ZAI_PENDING,
    results=_ZAI_RESULTS,
)

_PLAIN = (
    Compatible("ai21", ("api.ai21.com",), "ai21", base=_base("/studio/v1")),
    Compatible("baseten", ("inference.baseten.co",), "baseten"),
    Compatible("crusoe", ("api.inference.crusoecloud.com",), "crusoe"),
    Compatible(
        "deepinfra",
        ("api.deepinfra.com",),
        "deepinfra",
        base=_base("/v1/openai", "/v1"),
        metered=_TEXT | _AUDIO | _PICTURES,
        batch_files=True,
    ),
    Compatible(
        "github-copilot",
        ("api.githubcopilot.com", "*.githubcopilot.com"),
        "github-copilot",
        metered=_TEXT | {"/messages": MESSAGES},
        free=_free(r"/(?:agents|mcp|telemetry)(?:/.*)?"),
        reach=Access(notes="Prices are those of usage beyond a plan's allowance."),
    ),
    Compatible(
        "github-models",
        ("models.github.ai", "models.inference.ai.azure.com"),
        "github-models",
        base=_base("/inference", "/orgs/[^/]+/inference"),
    ),
    Compatible(
        "heroku",
        ("us.inference.heroku.com", "eu.inference.heroku.com"),
        "heroku",
        metered=_TEXT | _RERANK | _PICTURES,
    ),
    Compatible("hyperbolic", ("api.hyperbolic.xyz",), "hyperbolic"),
    Compatible(
        "jina",
        ("api.jina.ai", "deepsearch.jina.ai", "r.jina.ai", "s.jina.ai"),
        "jina",
        reading_hosts={"r.jina.ai": "reader", "s.jina.ai": "search"},
        metered=_TEXT | _RERANK | {"/classify": "moderations", "/segment": "moderations"},
        reach=Access(
            notes="The reader and the search (r.jina.ai, s.jina.ai) are recorded without a price."
        ),
    ),
    Compatible(
        "nebius",
        ("api.studio.nebius.com", "api.studio.nebius.ai", "api.tokenfactory.nebius.com"),
        "nebius",
        metered=_TEXT | _PICTURES,
    ),
    Compatible(
        "novita",
        ("api.novita.ai",),
        "novita",
        base=_base("/v3/openai", "/openai/v1", "/openai"),
        metered=_TEXT | _RERANK,
    ),
    Compatible("nvidia", ("integrate.api.nvidia.com",), "nvidia"),
    Compatible(
        "portkey",
        ("api.portkey.ai",),
        "portkey",
        patterns=((re.compile(r"/prompts/[^/]+/completions"), "chat.completions"),),
        reach=Access(notes="Whose prices hold is Portkey's configuration, so that none does."),
    ),
    Compatible(
        "pydantic-gateway",
        ("gateway.pydantic.dev",),
        "pydantic-gateway",
        base=_base("/proxy/(?:openai|chat|responses)(?:/v1)?", "/proxy/groq/openai/v1"),
        reach=Access(notes="Read where it speaks OpenAI's protocol; its own cost is booked."),
    ),
    Compatible("sambanova", ("api.sambanova.ai",), "sambanova"),
    Compatible(
        "voyage",
        ("api.voyageai.com", "ai.mongodb.com"),
        "voyageai",
        metered={
            "/embeddings": "embeddings",
            "/contextualizedembeddings": "embeddings",
            "/multimodalembeddings": "embeddings",
            "/rerank": "rerank",
        },
        batch_files=True,
    ),
)
_MINIMAX = Compatible(
    "minimax",
    ("api.minimax.io", "api.minimaxi.com", "api.minimax.chat"),
    "minimax",
    metered=_TEXT | _ANTHROPIC | {"/text/chatcompletion_v2": "chat.completions", "/t2a_v2": "t2a"},
    reach=Access(notes="Videos, music and voices are recorded without a price."),
)
_DATABRICKS = Compatible(
    "databricks",
    ("*.cloud.databricks.com", "*.azuredatabricks.net", "*.gcp.databricks.com"),
    "databricks",
    base=re.compile(r"/(?:serving-endpoints|ai-gateway)(?:/[^/]+/v1)?(?=/)"),
    patterns=(
        (
            re.compile(r"/(?P<model>[^/]+)(?:/served-models/[^/]+)?/invocations"),
            "chat.completions",
        ),
    ),
    metered=_TEXT | {"/messages": MESSAGES},
    priced_as_requested=True,
    shared_host=True,
    reach=Access(notes="An endpoint on provisioned throughput is billed by the hour, unseen."),
)
_SNOWFLAKE = Compatible(
    "snowflake",
    ("*.snowflakecomputing.com",),
    "snowflake",
    base=re.compile(
        r"/api/v2/cortex(?:/v1)?(?=/)|/api/v2/databases/[^/]+/schemas/[^/]+"
        r"(?=/(?:agents/[^/]+:run|cortex-search-services/[^/]+:query)$)"
    ),
    free=_free(r"/threads(?:/.*)?|.*feedback"),
    metered=_TEXT
    | {
        "/messages": MESSAGES,
        "/inference:complete": "inference",
        "/inference:embed": "embeddings",
    },
    shared_host=True,
    reach=Access(
        credential="Authorization: Bearer (a token of Snowflake's)",
        notes="Billed in credits, whose price is the account's: cost is not known.",
    ),
)
_CLOUDFLARE = Compatible(
    "cloudflare",
    ("api.cloudflare.com",),
    "cloudflare",
    base=re.compile(r"/client/v4/accounts/[^/]+/ai(?:/v1)?(?=/)"),
    patterns=((re.compile(r"/run/(?P<model>[\w@.:/-]+)"), "run"),),
    free=_free(r"/finetunes(?:/.*)?"),
    shared_host=True,
    reach=Access(
        notes="Billed in neurons: what answers without tokens (pictures, speech) has no price."
    ),
)

FAMILY: tuple[Compatible, ...] = (
    _CEREBRAS,
    _CLOUDFLARE,
    _DATABRICKS,
    _DEEPSEEK,
    _FIREWORKS,
    _GROQ,
    _MINIMAX,
    _MISTRAL,
    _MOONSHOT,
    _OPENROUTER,
    _PERPLEXITY,
    _SNOWFLAKE,
    _TOGETHER,
    _XAI,
    _ZAI,
    _ZHIPU,
    *_PLAIN,
)

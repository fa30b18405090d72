"""Which paths are metered, which are free, and which may cost what we cannot tell."""

import pytest

from acm_addon.providers import PROVIDERS
from acm_addon.providers.base import Billing, RequestHead

_BY_NAME = {provider.name: provider for provider in PROVIDERS}

_METERED = """
openai/v1/chat/completions chat.completions
openai/v1/completions completions
openai/v1/responses responses
openai/v1/responses/ responses
openai/v1/responses/compact responses.compact
openai/v1/embeddings embeddings
openai/v1/images/generations images.generations
anthropic/v1/messages messages
anthropic/v1/complete complete
anthropic/v1/chat/completions chat.completions
gemini/v1beta/models/gemini-2.5-pro:generateContent generateContent
gemini/v1/models/gemini-2.5-pro:streamGenerateContent streamGenerateContent
gemini/v1beta/models/e:embedContent embedContent
gemini/v1beta/models/e:batchEmbedContents batchEmbedContents
gemini/v1beta/openai/chat/completions chat.completions
gemini/v1beta/openai/embeddings embeddings
groq/openai/v1/chat/completions chat.completions
deepseek/chat/completions chat.completions
deepseek/v1/chat/completions chat.completions
deepseek/beta/completions completions
perplexity/chat/completions chat.completions
openrouter/api/v1/responses responses
mistral/v1/fim/completions fim.completions
xai/v1/images/generations images.generations
zai/api/paas/v4/chat/completions chat.completions
fireworks/inference/v1/chat/completions chat.completions
""".strip().splitlines()

_FREE = """
POST openai/v1/moderations
POST openai/v1/files
POST openai/v1/uploads/upload_1/parts
POST openai/v1/batches/b/cancel
POST openai/v1/responses/input_tokens
POST openai/v1/responses/resp_1/cancel
POST openai/v1/assistants
POST openai/v1/threads/t/messages
POST openai/v1/vector_stores/v/search
POST openai/v1/chat/completions/chatcmpl-1
GET openai/v1/responses/resp_1
GET openai/v1/models
DELETE openai/v1/files/f
OPTIONS openai/v1/chat/completions
POST anthropic/v1/messages/count_tokens
POST anthropic/v1/messages/batches/b/cancel
POST anthropic/v1/files
GET anthropic/v1/messages/batches/b/results
POST gemini/v1beta/models/gemini-2.5-pro:countTokens
POST gemini/upload/v1beta/files
GET gemini/v1beta/models
PATCH gemini/v1beta/cachedContents/c
POST mistral/v1/batch/jobs/j/cancel
""".strip().splitlines()

_UNKNOWN = """
POST openai/v1/audio/speech audio.speech
POST openai/v1/images/edits images.edits
POST openai/v1/threads/t/runs threads.runs
POST openai/v1/fine_tuning/jobs fine_tuning.jobs
POST openai/v1/videos videos
POST openai/v1/something/new/secret other
POST mistral/v1/moderations moderations
POST openrouter/api/v1/rerank rerank
POST perplexity/search search
POST anthropic/v1/something other
POST gemini/v1beta/models/m:somethingNew other
POST gemini/v1beta/cachedContents cachedContents
""".strip().splitlines()


_PENDING = """
openai/v1/batches batches
groq/openai/v1/batches batches
mistral/v1/batch/jobs batches
anthropic/v1/messages/batches batches
gemini/v1beta/models/gemini-2.5-pro:batchGenerateContent batchGenerateContent
gemini/v1beta/models/veo-3:predictLongRunning predictLongRunning
""".strip().splitlines()


def _split(path: str) -> tuple[str, str]:
    name, _, rest = path.partition("/")
    return name, "/" + rest


@pytest.mark.parametrize("line", _METERED)
def test_metered(line: str) -> None:
    """These create what is billed, and we read it."""
    path, expected = line.split()
    name, rest = _split(path)
    endpoint = _BY_NAME[name].classify(RequestHead("POST", rest))
    assert (expected, Billing.METERED) == (endpoint.name, endpoint.billing)


@pytest.mark.parametrize("line", _FREE)
def test_free(line: str) -> None:
    """Retrieving, polling, counting, and managing cost nothing."""
    method, path = line.split()
    name, rest = _split(path)
    assert Billing.FREE is _BY_NAME[name].classify(RequestHead(method, rest)).billing


@pytest.mark.parametrize("line", _PENDING)
def test_pending(line: str) -> None:
    """Work that is started now and billed when it is done is not free."""
    path, expected = line.split()
    name, rest = _split(path)
    endpoint = _BY_NAME[name].classify(RequestHead("POST", rest))
    assert (expected, Billing.PENDING) == (endpoint.name, endpoint.billing)


@pytest.mark.parametrize("line", _UNKNOWN)
def test_unknown(line: str) -> None:
    """What may cost is never called free, and a name never repeats what stands in the path."""
    method, path, expected = line.split()
    name, rest = _split(path)
    endpoint = _BY_NAME[name].classify(RequestHead(method, rest))
    assert (expected, Billing.UNKNOWN) == (endpoint.name, endpoint.billing)


def test_the_model_of_a_path() -> None:
    endpoint = _BY_NAME["gemini"].classify(
        RequestHead("POST", "/v1beta/models/gemini-2.5-pro%3AgenerateContent")
    )
    assert ("generateContent", "gemini-2.5-pro") == (endpoint.name, endpoint.model)


def test_names_and_hosts_belong_to_one_provider() -> None:
    """Routing depends on it."""
    names = [provider.name for provider in PROVIDERS]
    hosts = [host for provider in PROVIDERS for host in provider.hosts]
    assert (len(names), len(hosts)) == (len(set(names)), len(set(hosts)))


def test_every_provider_has_a_price_provider() -> None:
    """The price table knows each by the id that we give."""
    from genai_prices.data import providers

    known = {provider.id for provider in providers}
    assert {provider.price_provider for provider in PROVIDERS} <= known


@pytest.mark.parametrize(
    ("provider", "host", "region"),
    [
        ("openai", "api.openai.com", None),
        ("openai", "eu.api.openai.com", "eu"),
        ("openai", "US.api.openai.com", "us"),
        ("xai", "api.x.ai", None),
        ("xai", "us.api.x.ai", "us"),
        ("xai", "eu-west-1.api.x.ai", "eu-west-1"),
        ("xai", "my_secret.api.x.ai", None),
        ("mistral", "codestral.mistral.ai", None),
        ("moonshot", "api.moonshot.cn", None),
    ],
)
def test_the_region_of_a_host(provider: str, host: str, region: str | None) -> None:
    """It selects the price, so that only what can be a region is taken for one."""
    head = RequestHead("POST", "/v1/chat/completions", host=host)
    assert region == _BY_NAME[provider].classify(head).region

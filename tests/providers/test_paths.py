"""Which paths are metered, which are free, and which may cost what we cannot tell."""

import pytest

from acm_addon.model import FREE_OF_CHARGE
from acm_addon.providers import PROVIDERS
from acm_addon.providers.base import Billing, Provider, RequestHead
from acm_addon.routing import BUILT_IN
from tests.accuracy.recordings import FIXTURES, recordings
from tests.accuracy.stations import classify

_WITHOUT_PRICES = {
    *("replicate", "fal", "deepgram", "cartesia", "assemblyai", "gladia", "revai"),
    "ai21",
    "crusoe",
    "dashscope",
    "deepinfra",
    "github-models",
    "heroku",
    "huggingface",
    "hyperbolic",
    "jina",
    "nebius",
    "nvidia",
    "ollama-cloud",
    "portkey",
    "pydantic-gateway",
    "sambanova",
    "snowflake",
}
"""Of which the base table knows nothing; a price of our own, or a user's, goes by these ids."""

_BY_NAME = {provider.name: provider for provider in PROVIDERS}

_METERED = """
openai/v1/chat/completions chat.completions
openai/v1/completions completions
openai/v1/responses responses
openai/v1/responses/ responses
openai/v1/responses/compact responses.compact
openai/v1/embeddings embeddings
openai/v1/images/generations images.generations
openai/v1/images/edits images.edits
openai/v1/images/variations images.variations
openai/v1/audio/speech audio.speech
openai/v1/audio/transcriptions audio.transcriptions
openai/v1/audio/translations audio.translations
openai/v1/containers containers
openai/v1/decisions decisions
openai/v1/threads/runs threads.runs
openai/v1/threads/t/runs threads.runs
openai/v1/videos/extensions videos.extensions
azure/openai/deployments/d/chat/completions chat.completions
azure/openai/deployments/d/extensions/chat/completions chat.completions
azure/openai/deployments/d/embeddings embeddings
azure/openai/deployments/d/audio/transcriptions audio.transcriptions
azure/openai/v1/responses responses
azure/openai/responses responses
azure/openai/v1/chat/completions chat.completions
azure/models/chat/completions chat.completions
azure/models/embeddings embeddings
azure/v1/chat/completions chat.completions
azure/chat/completions chat.completions
azure/api/projects/p/openai/v1/responses responses
azure/anthropic/v1/messages messages
anthropic/v1/messages messages
anthropic/v1/complete complete
anthropic/v1/projects/p/locations/global/workspaces/w/invoke/v1/messages messages
anthropic/v1/chat/completions chat.completions
gemini/v1beta/models/gemini-2.5-pro:generateContent generateContent
gemini/v1/models/gemini-2.5-pro:streamGenerateContent streamGenerateContent
gemini/v1beta/models/e:embedContent embedContent
gemini/v1beta/models/e:batchEmbedContents batchEmbedContents
gemini/v1beta/openai/chat/completions chat.completions
gemini/v1beta/openai/embeddings embeddings
gemini/v1beta/cachedContents cachedContents
gemini/v1beta/interactions interactions
gemini/v1beta/models/imagen-4.0-generate-001:predict predict
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
replicate/v1/predictions predictions
replicate/v1/models/meta/llama/predictions predictions
replicate/v1/deployments/acme/app/predictions predictions
replicate/v1/models/o/n/versions/v/trainings trainings
fal/fal-ai/flux/dev run
fal/fal-ai/flux/dev/stream run
elevenlabs/v1/text-to-speech/v text-to-speech
elevenlabs/v1/text-to-speech/v/stream/with-timestamps text-to-speech
elevenlabs/v1/text-to-dialogue/stream text-to-dialogue
elevenlabs/v1/text-to-voice/design text-to-voice
elevenlabs/v1/speech-to-text speech-to-text
elevenlabs/v1/speech-to-speech/v/stream speech-to-speech
elevenlabs/v1/voice-changer/v speech-to-speech
elevenlabs/v1/audio-isolation/stream audio-isolation
elevenlabs/v1/sound-generation sound-generation
elevenlabs/v1/music/detailed/stream music
deepgram/v1/listen listen
deepgram/v1/speak speak
deepgram/v1/read read
cartesia/stt stt
cartesia/tts/sse tts
fireworks/inference/v1/rerank rerank
deepseek/anthropic/v1/messages messages
moonshot/anthropic/v1/messages messages
zai/api/anthropic/v1/messages messages
minimax/anthropic/v1/messages messages
minimax/v1/t2a_v2 t2a
openrouter/api/v1/messages messages
openrouter/api/v1/rerank rerank
openrouter/api/v1/images images
openrouter/api/v1/audio/transcriptions audio.transcriptions
mistral/v1/ocr ocr
mistral/v1/moderations moderations
mistral/v1/conversations conversations
mistral/v1/conversations/conv_secret conversations
mistral/v1/audio/speech audio.speech
groq/openai/v1/audio/translations audio.translations
together/v1/rerank rerank
perplexity/search search
xai/v1/images/edits images.edits
xai/v1/stt audio.transcriptions
xai/v1/tts audio.speech
voyage/v1/multimodalembeddings embeddings
jina/v1/rerank rerank
dashscope/api/v1/services/aigc/text-generation/generation generation
dashscope/api/v1/services/rerank/text-rerank/text-rerank rerank
dashscope/compatible-mode/v1/chat/completions chat.completions
dashscope/apps/anthropic/v1/messages messages
huggingface/v1/chat/completions chat.completions
huggingface/baseten/v1/chat/completions chat.completions
huggingface/deepinfra/v1/openai/chat/completions chat.completions
huggingface/cohere/compatibility/v1/chat/completions chat.completions
huggingface/zai-org/api/paas/v4/chat/completions chat.completions
huggingface/openai/v1/chat/completions chat.completions
huggingface/novita/v3/openai/chat/completions chat.completions
huggingface/hf-inference/models/a/b/v1/chat/completions chat.completions
databricks/serving-endpoints/chat/completions chat.completions
databricks/serving-endpoints/my-own/invocations chat.completions
databricks/serving-endpoints/my-own/served-models/its-first/invocations chat.completions
databricks/serving-endpoints/anthropic/v1/messages messages
cloudflare/client/v4/accounts/acc/ai/run/openai/gpt-5 run
openrouter/api/alpha/responses responses
vertex/v1beta1/projects/p/locations/l/interactions interactions
cloudflare/client/v4/accounts/acc/ai/v1/embeddings embeddings
cloudflare/client/v4/accounts/acc/ai/run/@cf/meta/llama-3-8b-instruct run
snowflake/api/v2/cortex/inference:complete inference
snowflake/api/v2/cortex/v1/messages messages
github-copilot/chat/completions chat.completions
github-models/orgs/acme/inference/chat/completions chat.completions
novita/v3/openai/completions completions
deepinfra/v1/openai/embeddings embeddings
portkey/v1/prompts/pp-secret/completions chat.completions
pydantic-gateway/proxy/groq/openai/v1/chat/completions chat.completions
ollama/api/chat chat
ollama/api/embed embed
ollama/v1/chat/completions chat.completions
ollama-cloud/api/generate generate
vllm/v1/completions completions
lmstudio/v1/responses responses
""".strip().splitlines()

_FREE = """
POST openai/v1/moderations
POST openai/v1/files
POST openai/v1/uploads/upload_1/parts
GET openai/v1/batches
GET bedrock/anthropic/v1/messages/batches/b
POST openai/v1/responses/input_tokens
POST openai/v1/realtime/client_secrets
POST openai/v1/realtime/calls/c/hangup
POST openai/v1/chatkit/sessions
POST openai/v1/evals
GET openai/v1/threads/t/runs
GET openai/v1/threads/t/runs/r/steps
GET openai/v1/videos/v/content
GET openai/v1/responses/resp_1/input_items
GET openai/v1/chat/completions/chatcmpl-1
POST azure/openai/v1/files
POST azure/anthropic/v1/messages/count_tokens
GET azure/openai/deployments
GET azure/providers/a/models
POST openai/v1/assistants
POST openai/v1/threads/t/messages
POST openai/v1/vector_stores/v/search
POST openai/v1/chat/completions/chatcmpl-1
GET openai/v1/models
DELETE openai/v1/files/f
OPTIONS openai/v1/chat/completions
POST anthropic/v1/messages/count_tokens
POST anthropic/v1/projects/p/locations/global/workspaces/w/invoke/v1/messages/count_tokens
POST anthropic/v1/messages/batches/b/cancel
POST anthropic/v1/files
POST gemini/v1beta/models/gemini-2.5-pro:countTokens
POST gemini/upload/v1beta/files
GET gemini/v1beta/models
GET gemini/v1beta/cachedContents/c
POST gemini/v1beta/fileSearchStores
POST gemini/v1beta/interactions/i/cancel
POST mistral/v1/batch/jobs/j/cancel
POST replicate/v1/files
POST replicate/v1/models
GET replicate/v1/predictions
GET replicate/v1/models/meta/llama
DELETE replicate/v1/deployments/acme/app
GET fal/fal-ai/flux
POST elevenlabs/v1/voices/add
POST elevenlabs/v1/music/plan
GET elevenlabs/v1/history
GET elevenlabs/v1/dubbing/project
POST deepgram/v1/projects/p/keys
POST deepgram/v1/auth/grant
GET deepgram/v1/models
POST cartesia/voices/clone
POST assemblyai/v2/upload
GET assemblyai/v2/transcript
GET assemblyai/v2/transcript/t/sentences
DELETE gladia/v2/pre-recorded/j
POST gladia/v2/upload
GET revai/speechtotext/v1/jobs/j/transcript
POST mistral/v1/agents
POST moonshot/v1/tokenizers/estimate-token-count
POST deepseek/anthropic/v1/messages/count_tokens
POST cloudflare/client/v4/accounts/acc/workers/scripts/s
POST cloudflare/client/v4/zones/z/purge_cache
POST cloudflare/client/v4/accounts/acc/ai/finetunes
POST snowflake/api/v2/cortex/threads
POST mistral/v1/responses/input_tokens
POST mistral/v1/connectors
POST mistral/v1/webhooks
POST together/v1/fine-tunes/estimate-price
POST cohere/v2/batches/b:cancel
POST anthropic/v1/agents
POST anthropic/v1/sessions/s/archive
POST anthropic/v1/deployments/d/pause
POST gemini/v1beta/webhooks/w:ping
POST vertex/v1/projects/p/locations/l/endpoints/1:countTokens
POST fireworks/v1/accounts/a/datasets
POST databricks/api/2.0/clusters/create
POST databricks/serving-endpoints
POST snowflake/api/v2/statements
POST github-copilot/agents/sessions
POST ollama/api/pull
POST vllm/tokenize
GET xai/v1/batches/b
GET dashscope/compatible-mode/v1/models
""".strip().splitlines()

_UNKNOWN = """
POST openai/v1/images/somethings images
POST openai/v1/evals/e/runs evals
POST openai/v1/fine_tuning/alpha/graders/run fine_tuning.alpha.graders
POST openai/v1/videos/characters videos.characters
POST openai/v1/realtime/calls realtime.calls
POST openai/v1/realtime/calls/c/accept realtime.calls
POST openai/v1/live/sessions live.sessions
POST openai/v1/agents/sessions agents
POST openai/v1/audio/voices audio.voices
POST openai/v1/content_provenance_checks content_provenance_checks
POST azure/providers/mistral/azure/ocr providers
POST azure/anthropic/v1/messages/batches other
POST bedrock/anthropic/v1/messages/batches other
POST openai/v1/something/new/secret other
POST mistral/v1/fine_tuning/jobs fine_tuning.jobs
POST groq/openai/v1/something/new/secret other
POST minimax/v1/video_generation other
POST anthropic/v1/something other
POST gemini/v1beta/models/m:somethingNew other
POST replicate/v1/deployments deployments
PATCH replicate/v1/deployments/acme/app deployments
POST replicate/v1/new other
POST elevenlabs/v1/forced-alignment forced-alignment
POST elevenlabs/v1/convai/agents/a/simulate-conversation convai
POST elevenlabs/v1/dubbing/resource/r/dub dubbing
POST elevenlabs/v1/new other
POST deepgram/v1/new other
POST cartesia/voice-changer/bytes voice-changer
POST assemblyai/lemur/v3/generate/task other
POST revai/sentiment_analysis/v1/jobs other
PATCH gemini/v1beta/cachedContents/c cachedContents
POST gemini/v1beta/triggers/t/executions other
POST huggingface/hf-inference/models/a/b/pipeline/feature-extraction other
POST huggingface/models/a/b other
POST huggingface/replicate/v1/models/a/b/predictions other
POST snowflake/api/v2/cortex/agent:run other
POST snowflake/api/v2/cortex/analyst/message other
POST snowflake/api/v2/databases/d/schemas/s/agents/a:run other
POST cloudflare/client/v4/accounts/acc/ai/v1/audio/transcriptions audio.transcriptions
POST cloudflare/client/v4/accounts/acc/ai/tomarkdown other
POST databricks/serving-endpoints/gemini/v1beta/models/m:generateContent other
POST fireworks/v1/accounts/a/batchInferenceJobs other
POST fireworks/v1/accounts/a/supervisedFineTuningJobs other
POST fireworks/v1/accounts/a/deployments other
POST xai/v1/documents/search other
POST mistral/v1/connectors/c/tools/t/call other
POST anthropic/v1/sessions sessions
POST anthropic/v1/sessions/s/events sessions
POST anthropic/v1/deployments/d/run deployments
POST anthropic/v1/dreams dreams
POST gemini/upload/v1beta/fileSearchStores/s:uploadToFileSearchStore fileSearchStores
""".strip().splitlines()


_PENDING = """
openai/v1/batches batches
openai/v1/videos videos
openai/v1/videos/v/remix videos
openai/v1/videos/edits videos
openai/v1/fine_tuning/jobs fine_tuning.jobs
azure/openai/batches batches
azure/openai/v1/video/generations/jobs videos
groq/openai/v1/batches batches
mistral/v1/batch/jobs batches
voyage/v1/batches batches
cohere/v2/batches batches
xai/v1/videos/generations videos
xai/v1/batches batches
openrouter/api/v1/videos videos
perplexity/async/chat/completions chat.completions
zai/api/paas/v4/videos/generations videos
dashscope/api/v1/services/aigc/text2image/image-synthesis tasks
anthropic/v1/messages/batches batches
gemini/v1beta/models/gemini-2.5-pro:batchGenerateContent batchGenerateContent
gemini/v1beta/models/veo-3:predictLongRunning predictLongRunning
elevenlabs/v1/dubbing dubbing
assemblyai/v2/transcript transcript
gladia/v2/pre-recorded pre-recorded
gladia/v2/live live
revai/speechtotext/v1/jobs jobs
""".strip().splitlines()


_RESULT = """
GET mistral/v1/batch/jobs/j1 batches j1
GET mistral/v1/files/f1/content batches f1
GET groq/openai/v1/batches/b1 batches b1
GET groq/openai/v1/files/f1/content batches f1
GET together/v1/batches/b1 batches b1
GET voyage/v1/files/f1/content batches f1
GET cohere/v2/batches/b1 batches b1
GET vertex/v1beta1/projects/p/locations/l/interactions/i1 interactions i1
GET xai/v1/videos/v1 videos v1
GET xai/v1/batches/b1/results batches b1
GET xai/v1/chat/deferred-completion/d1 chat.completions d1
GET openrouter/api/v1/generation?id=gen-1 chat.completions gen-1
GET perplexity/async/chat/completions/a1 chat.completions a1
GET dashscope/api/v1/tasks/t1 tasks t1
GET replicate/v1/predictions/p predictions p
POST replicate/v1/predictions/p/cancel predictions p
GET replicate/v1/trainings/t trainings t
GET elevenlabs/v1/speech-to-text/transcripts/t speech-to-text t
GET elevenlabs/v1/dubbing/d dubbing d
GET assemblyai/v2/transcript/t transcript t
GET gladia/v2/pre-recorded/j pre-recorded j
GET gladia/v2/live/j live j
GET revai/speechtotext/v1/jobs/j jobs j
""".strip().splitlines()


_RESULTS = """
GET openai/v1/batches/b batches
POST openai/v1/batches/b/cancel batches
GET openai/v1/files/f/content batches
GET openai/v1/videos/v videos
GET openai/v1/fine_tuning/jobs/j fine_tuning.jobs
POST openai/v1/fine_tuning/jobs/j/cancel fine_tuning.jobs
GET openai/v1/responses/resp_1 responses
POST openai/v1/responses/resp_1/cancel responses
GET bedrock/openai/v1/responses/resp_1 responses
POST bedrock/v1/responses/resp_1/cancel responses
GET xai/v1/responses/resp_1 responses
GET perplexity/v1/agent/resp_1 responses
GET openai/v1/threads/t/runs/r threads.runs
POST openai/v1/threads/t/runs/r/cancel threads.runs
POST openai/v1/threads/t/runs/r/submit_tool_outputs threads.runs
GET azure/openai/batches/b batches
GET azure/openai/v1/video/generations/jobs/j videos
""".strip().splitlines()


def _split(path: str) -> tuple[str, str]:
    name, _, rest = path.partition("/")
    return name, "/" + rest


@pytest.mark.parametrize("line", _METERED)
def test_metered(line: str) -> None:
    """These create what is billed, we read it, and the list for people says so."""
    path, expected = line.split()
    name, rest = _split(path)
    endpoint = _BY_NAME[name].classify(RequestHead("POST", rest))
    assert (expected, Billing.METERED) == (endpoint.name, endpoint.billing)
    assert expected in _BY_NAME[name].access.endpoints


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


@pytest.mark.parametrize("line", _RESULTS)
def test_result_that_names_itself(line: str) -> None:
    """What shows earlier work has the name of the endpoint that created it."""
    method, path, expected = line.split()
    name, rest = _split(path)
    endpoint = _BY_NAME[name].classify(RequestHead(method, rest))
    assert (expected, Billing.RESULT) == (endpoint.name, endpoint.billing)


def test_the_deployment_and_the_region_are_in_the_head() -> None:
    """Azure's path or header names the deployment, OpenAI's host a region."""
    azure, openai = _BY_NAME["azure"], _BY_NAME["openai"]
    path = "/openai/deployments/my%20own/chat/completions"
    assert "my own" == azure.classify(RequestHead("POST", path)).model
    named = {"azureml-model-deployment": "mine"}
    assert "mine" == azure.classify(RequestHead("POST", "/chat/completions", headers=named)).model
    chat = "/v1/chat/completions"
    assert "eu" == openai.classify(RequestHead("POST", chat, host="eu.api.openai.com")).region
    assert "eu" == openai.classify(RequestHead("POST", chat, host="mtls-eu.api.openai.com")).region
    for host in ("api.openai.com", "mtls.api.openai.com"):
        assert None is openai.classify(RequestHead("POST", chat, host=host)).region


def test_only_a_downloaded_file_is_named_by_its_path() -> None:
    """All other work names itself in the answer."""
    openai = _BY_NAME["openai"]
    assert "file-1" == openai.classify(RequestHead("GET", "/v1/files/file-1/content")).object_id
    assert None is openai.classify(RequestHead("GET", "/v1/batches/b")).object_id


@pytest.mark.parametrize("line", _RESULT)
def test_result(line: str) -> None:
    """A look at earlier work is named like what started it, and says which work it is about."""
    method, path, expected, object_id = line.split()
    name, rest = _split(path)
    rest, _, query = rest.partition("?")
    endpoint = _BY_NAME[name].classify(RequestHead(method, rest, query))
    assert (expected, Billing.RESULT) == (endpoint.name, endpoint.billing)
    assert object_id == endpoint.object_id


@pytest.mark.parametrize("line", _UNKNOWN)
def test_unknown(line: str) -> None:
    """What may cost is never called free, and a name never repeats what stands in the path."""
    method, path, expected = line.split()
    name, rest = _split(path)
    endpoint = _BY_NAME[name].classify(RequestHead(method, rest))
    assert (expected, Billing.UNKNOWN) == (endpoint.name, endpoint.billing)


@pytest.mark.parametrize(
    ("line", "billing"),
    [
        ("GET jina r.jina.ai/https://example.com reader", Billing.UNKNOWN),
        ("POST jina r.jina.ai/ reader", Billing.UNKNOWN),
        ("GET jina s.jina.ai/ search", Billing.UNKNOWN),
        ("GET jina api.jina.ai/v1/models manage", Billing.FREE),
        ("POST fal queue.falrun.com/fal-ai/flux queue", Billing.PENDING),
        ("GET fal queue.falrun.com/fal-ai/flux/requests/r queue", Billing.RESULT),
    ],
)
def test_where_the_host_decides(line: str, billing: Billing) -> None:
    """A page that is read for a model is billed though it is asked for by GET."""
    method, provider, address, expected = line.split()
    host, path = _split(address)
    endpoint = _BY_NAME[provider].classify(RequestHead(method, path, host=host))
    assert (expected, billing) == (endpoint.name, endpoint.billing)


def test_the_hosts_that_clients_of_their_own_use() -> None:
    """Regions, where one part of an API is apart, where fal's client goes while it cannot reach the
    usual hosts, and Anthropic's platform as other clouds sell it."""
    hosts = {"api.eu.mistral.ai": "mistral", "api.us.mistral.ai": "mistral"}
    hosts |= {"falrun.com": "fal", "queue.falrun.com": "fal", "deepsearch.jina.ai": "jina"}
    hosts |= {"api-inference.together.ai": "together", "claude.googleapis.com": "anthropic"}
    hosts |= {"aws-external-anthropic.us-west-2.api.aws": "anthropic"}
    for host, expected in hosts.items():
        found = BUILT_IN.of_host(host)
        assert found is not None
        assert expected == found.name


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

    known = {provider.id for provider in providers} | {FREE_OF_CHARGE}
    assert {p.price_provider for p in PROVIDERS} - known == _WITHOUT_PRICES


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
        ("databricks", "acme.cloud.databricks.com", None),
    ],
)
def test_the_region_of_a_host(provider: str, host: str, region: str | None) -> None:
    """It selects the price, so that only what can be a region is taken for one."""
    head = RequestHead("POST", "/v1/chat/completions", host=host)
    assert region == _BY_NAME[provider].classify(head).region


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_what_is_listed_is_what_is_read(provider: Provider) -> None:
    """Every endpoint that a recording of our own shows to be read is in the list for people."""
    shown = {
        known[1].name
        for record in recordings(FIXTURES)
        if (known := classify(record)) and known[0] is provider
        if known[1].billing in (Billing.METERED, Billing.RESULT)
    }
    assert set() == shown - set(provider.access.endpoints)

"""The providers that acm meters, in the order in which people read them."""

from acm_addon.providers.anthropic import ANTHROPIC
from acm_addon.providers.azure import AZURE
from acm_addon.providers.base import Provider
from acm_addon.providers.bedrock import BEDROCK
from acm_addon.providers.cartesia import CARTESIA
from acm_addon.providers.cohere import COHERE
from acm_addon.providers.dashscope import DASHSCOPE
from acm_addon.providers.deepgram import DEEPGRAM
from acm_addon.providers.elevenlabs import ELEVENLABS
from acm_addon.providers.fal import FAL
from acm_addon.providers.gemini import GEMINI
from acm_addon.providers.huggingface import HUGGINGFACE
from acm_addon.providers.local import LOCAL, OLLAMA_CLOUD
from acm_addon.providers.openai import OPENAI
from acm_addon.providers.openai_compatible import FAMILY
from acm_addon.providers.replicate import REPLICATE
from acm_addon.providers.transcription_jobs import TRANSCRIPTION_JOBS
from acm_addon.providers.vertex import VERTEX

MEDIA = (REPLICATE, FAL, ELEVENLABS, DEEPGRAM, CARTESIA, *TRANSCRIPTION_JOBS)

PROVIDERS: tuple[Provider, ...] = (
    OPENAI,
    AZURE,
    ANTHROPIC,
    GEMINI,
    VERTEX,
    BEDROCK,
    COHERE,
    DASHSCOPE,
    HUGGINGFACE,
    *FAMILY,
    *MEDIA,
    OLLAMA_CLOUD,
    *LOCAL,
)

"""The providers that acm meters, in the order in which people read them."""

from acm_addon.providers.anthropic import ANTHROPIC
from acm_addon.providers.base import Provider
from acm_addon.providers.bedrock import BEDROCK
from acm_addon.providers.cohere import COHERE
from acm_addon.providers.gemini import GEMINI
from acm_addon.providers.openai import OPENAI
from acm_addon.providers.openai_compatible import FAMILY
from acm_addon.providers.vertex import VERTEX

PROVIDERS: tuple[Provider, ...] = (OPENAI, ANTHROPIC, GEMINI, VERTEX, BEDROCK, COHERE, *FAMILY)

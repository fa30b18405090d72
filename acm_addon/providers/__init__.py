"""The providers that acm meters, in the order in which people read them."""

from acm_addon.providers.anthropic import ANTHROPIC
from acm_addon.providers.azure import AZURE
from acm_addon.providers.base import Provider
from acm_addon.providers.gemini import GEMINI
from acm_addon.providers.openai import OPENAI
from acm_addon.providers.openai_compatible import FAMILY

PROVIDERS: tuple[Provider, ...] = (OPENAI, AZURE, ANTHROPIC, GEMINI, *FAMILY)

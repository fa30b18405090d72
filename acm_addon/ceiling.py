"""The most that a call can cost, from its request alone. Pure.

A token is at least one byte of text, so the bytes of a JSON body bound its input; what the request
allows bounds its output. That is a true ceiling for text. Where something else decides, it is an
estimate: pictures and files (in the body, or named by it), earlier turns that the provider keeps,
searches and tools that it runs, and an output without a ceiling.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from acm_addon.model import Quantities, Usage
from acm_addon.pricing import PriceTable, price

UNKNOWN_OUTPUT = 16_384
"""Tokens of one answer, where neither the request nor the ledger says anything."""

_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_-")
_MASK = bytes(ord("x" if byte in _BASE64 else " ") for byte in range(256))
_LONG_WORD = b"x" * 2048
"""What may be a file in the body, masked."""
_FILE_START = re.compile(
    rb'(?<!\\)"(?:data|bytes|bytesBase64Encoded|imageBytes|file_data|b64_json|url|image_url|image|audio'
    rb"|video|document|signature|thoughtSignature|thought_signature|encrypted_content)"
    rb'"\s{0,20}:\s{0,20}"(?:data:[^"\\,]{0,150};base64,)?$'
)
"""What stands before a file: the field of a provider's that holds one. A long word anywhere else is
text that somebody pasted, which costs up to a token for each of its bytes."""
_LONGEST_FILE_START = 256
_FILE_TOKENS = 1_600
_BYTES_PER_FILE_TOKEN = 32
"""What a file is taken for: a picture's usual most, or more where it is large. A page of a PDF of
100 KB is some 4,000 tokens by this; Anthropic says 1,500 to 3,000 a page."""

_TOOLS = b'"tools"'
_TOOLS_PROMPT = 1_024
"""Tokens. What a provider itself puts before a request with tools is not in its body: Anthropic's
table of "tool use system prompt token counts" goes up to 804 (Claude Opus 4.7)."""
_NAMED_TOOL = re.compile(rb'"type"\s{0,20}:\s{0,20}"[a-z_]{1,40}_20\d{6}"')
_NAMED_TOOL_PROMPT = 1_536
"""Tokens, for each of a provider's own tools, which a request names alone (``bash_20250124``).
Anthropic's pages state 245 for that one, 700 for ``text_editor``, and for ``computer`` 735 beside
up to 499 of another system prompt."""

_WITHOUT_OUTPUT = frozenset(("embeddings", "embedContent", "batchEmbedContents", "rerank"))
_CACHED = "cache_write_tokens"
_SIGNS = {
    b'"1h"': "cache_write_1h_tokens",
    b"audio": "input_audio_tokens",
    b"image": "input_image_tokens",
}
"""What a body says somewhere that may have its input billed at another price."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request asks for, as far as it bears on the price."""

    endpoint: str
    provider: str
    """The price table's id."""
    models: tuple[str, ...]
    """Any of them may answer. Empty where none could be read."""
    input_tokens: int | None
    """At most. None where the size of the request is not known."""
    output_tokens: int | None
    """At most, of one answer."""
    choices: int = 1
    derived: Quantities | None = None
    """What the request alone decides, in place of tokens."""
    context: Mapping[str, str] | None = None
    units: tuple[str, ...] = ()
    """The input may be billed as any of these."""
    project: str | None = None
    """It may have prices of its own."""


def input_ceiling(body: bytes) -> int:
    """Tokens of a JSON body, at most, but for files in it. With what tools add to it."""
    tokens = len(body)
    if _TOOLS in body:
        tokens += _TOOLS_PROMPT + _NAMED_TOOL_PROMPT * sum(1 for _ in _NAMED_TOOL.finditer(body))
    # Masked and searched for one fixed word, any body takes linear time.
    masked = body.translate(_MASK)
    start = masked.find(_LONG_WORD)
    while start >= 0:
        end = masked.find(b" ", start)
        size = (end if end >= 0 else len(masked)) - start
        if _FILE_START.search(body[max(0, start - _LONGEST_FILE_START) : start]):
            tokens -= size - min(size, _FILE_TOKENS + size // _BYTES_PER_FILE_TOKEN)
        start = masked.find(_LONG_WORD, start + size)
    return tokens


def input_units(body: bytes) -> tuple[str, ...]:
    """What the input of a body may be billed as, beside the usual."""
    return tuple(unit for sign, unit in _SIGNS.items() if sign in body)


def upper_cost(wanted: Wanted, at: datetime, table: PriceTable) -> int | None:
    """Nano-dollars, of the dearest model and the dearest way to bill the input. None: unknown."""
    costs = [_of_model(wanted, model, at, table) for model in wanted.models]
    known = [cost for cost in costs if cost is not None]
    return max(known) if known and len(known) == len(costs) else None


def _of_model(wanted: Wanted, model: str, at: datetime, table: PriceTable) -> int | None:
    def cost(quantities: Quantities) -> int | None:
        return price(
            Usage(quantities),
            provider=wanted.provider,
            model=model,
            at=at,
            context=wanted.context or {},
            table=table,
            project=wanted.project,
        ).computed

    if wanted.derived and (derived := cost(wanted.derived)) is not None:
        return derived
    if wanted.input_tokens is None:
        return None
    output = (UNKNOWN_OUTPUT if wanted.output_tokens is None else wanted.output_tokens) * max(
        wanted.choices, 1
    )
    tokens = {
        "input_tokens": wanted.input_tokens,
        "output_tokens": 0 if wanted.endpoint in _WITHOUT_OUTPUT else output,
    }
    plain = cost(tokens)
    if plain is None:
        return None
    others = [cost({**tokens, unit: wanted.input_tokens}) for unit in (_CACHED, *wanted.units)]
    return max([plain, *(other for other in others if other is not None)])

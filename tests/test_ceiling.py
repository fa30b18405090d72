"""What a call may cost at most, against what calls do cost."""

import base64
import json
import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.ceiling import UNKNOWN_OUTPUT, Wanted, input_ceiling, input_units, upper_cost
from acm_addon.model import Usage
from acm_addon.pricing import PriceTable, price
from acm_addon.tokens import count_tokens
from tests.calls import NOON

TABLE = PriceTable.current()
CHAT = Wanted("chat.completions", "openai", ("gpt-4o",), 1000, 100, context={})


@given(st.text(min_size=1, max_size=300))
def test_text_has_no_more_tokens_than_bytes(text: str) -> None:
    """By the tokenizer of GPT-4o, for any text."""
    assert count_tokens([text], "o200k_base") <= input_ceiling(json.dumps(text).encode())


@pytest.mark.parametrize(
    "start",
    [
        b'{"type": "image_url", "image_url": {"url": "data:image/png;base64,',
        b'{"type":"input_image","image_url":"data:image/png;base64,',
        b'{"type": "base64", "media_type": "image/png", "data": "',
        b'{"inlineData": {"mimeType": "image/png", "data" : "',
        b'{"image": {"format": "png", "source": {"bytes": "',
        b'{"file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,',
        b'{"type": "reasoning", "encrypted_content": "',
    ],
)
def test_a_file_in_the_body_is_not_taken_for_text(start: bytes) -> None:
    """A picture of a megabyte is some thousand tokens; the text around it counts in full."""
    picture = base64.b64encode(random.Random(1).randbytes(1_000_000))
    tokens = input_ceiling(b"word " * 1000 + start + picture + b'"}')
    assert 6_600 < tokens < 60_000


@pytest.mark.parametrize(
    "start",
    [
        b'{"role": "user", "content": "',
        b'{"type": "text", "text": "data:image/png;base64,',
        b'{"content": "<img src=\\"data:image/png;base64,',
        b'{"content": "{\\"data\\":\\"',
        b'{"input": ["',
        b'{"content": "what is ',
    ],
)
def test_a_long_word_in_a_text_counts_in_full(start: bytes) -> None:
    """Pasted base64 or hexadecimal is text, of a token for every one to three bytes."""
    word = base64.b64encode(random.Random(1).randbytes(100_000))
    body = start + word + b'"}'
    assert len(body) == input_ceiling(body)


@given(st.lists(st.tuples(st.integers(0, 5000), st.booleans()), max_size=8))
def test_only_long_words_are_files(words: list[tuple[int, bool]]) -> None:
    """Each counts for itself, wherever it stands; what is between them counts in full."""
    body = b"".join(
        (b'"data":"' if file else b'"text":"') + b"A" * size + b'",' for size, file in words
    )
    files = [size for size, file in words if file and size >= 2048]
    expected = len(body) - sum(size - (1600 + size // 32) for size in files)
    assert expected == input_ceiling(body)


def test_what_a_provider_adds_to_tools_is_held() -> None:
    """A short request with a tool has more tokens than bytes: Anthropic counts up to 804 more."""
    ask = {"model": "claude-opus-4-7", "messages": []}
    plain = json.dumps(ask).encode()
    tools = json.dumps({**ask, "tools": [{"name": "a", "input_schema": {}}]}).encode()
    assert len(plain) == input_ceiling(plain)
    assert len(tools) + 804 <= input_ceiling(tools)


def test_what_a_provider_knows_of_its_own_tools_is_held() -> None:
    """Such a tool is a name in the body, and a definition that only the provider has. Its name in a
    text is nothing of the kind."""
    own = {"computer_20250124": 735 + 499, "text_editor_20250728": 700, "bash_20250124": 245}
    said = {"role": "user", "content": json.dumps({"type": "bash_20250124"})}
    ask = {"messages": [said], "tools": [{"name": "a", "type": "custom"}]}
    plain = json.dumps(ask).encode()
    assert len(plain) + 1024 == input_ceiling(plain)
    named = json.dumps({**ask, "tools": [{"type": kind, "name": "b"} for kind in own]}).encode()
    assert len(named) + 804 + sum(own.values()) <= input_ceiling(named)


@given(st.integers(0, 1000), st.integers(0, 100), st.integers(0, 1000), st.booleans())
def test_no_usage_within_the_ceiling_costs_more(
    given_in: int, given_out: int, cached: int, writes: bool
) -> None:
    """Whatever part of the input is read from a cache or written to it."""
    wanted = replace(CHAT, provider="anthropic", models=("claude-sonnet-4-5",), endpoint="messages")
    part = "cache_write_tokens" if writes else "cache_read_tokens"
    usage = {"input_tokens": given_in, "output_tokens": given_out, part: min(cached, given_in)}
    cost = price(
        Usage(usage),
        provider="anthropic",
        model="claude-sonnet-4-5",
        at=NOON,
        context={},
        table=TABLE,
    )
    upper = upper_cost(wanted, NOON, TABLE)
    assert cost.computed is not None
    assert upper is not None
    assert cost.computed <= upper


def test_every_answer_counts() -> None:
    """n answers may each have as many tokens."""
    one, three = (upper_cost(replace(CHAT, choices=n), NOON, TABLE) for n in (1, 3))
    assert one is not None
    assert three is not None
    assert 2 * 100 * 10_000 == three - one  # $10 per million output tokens


def test_without_a_ceiling_the_output_is_assumed() -> None:
    """Nothing known of it is not nothing."""
    assumed = replace(CHAT, output_tokens=UNKNOWN_OUTPUT)
    unbounded = upper_cost(replace(CHAT, output_tokens=None), NOON, TABLE)
    assert upper_cost(assumed, NOON, TABLE) == unbounded


def test_the_dearest_model_that_may_answer_counts() -> None:
    """A request that names several may be answered by any."""
    both = replace(CHAT, models=("gpt-4o-mini", "gpt-4o"))
    assert upper_cost(CHAT, NOON, TABLE) == upper_cost(both, NOON, TABLE)


@pytest.mark.parametrize(
    "unknown",
    [
        replace(CHAT, models=()),
        replace(CHAT, models=("nobody-knows-it",)),
        replace(CHAT, models=("gpt-4o", "nobody-knows-it")),
        replace(CHAT, input_tokens=None),
        replace(CHAT, context={"service_tier": "nobody-knows-it"}),
    ],
)
def test_what_is_not_known_has_no_ceiling(unknown: Wanted) -> None:
    """It is None, and never zero."""
    assert upper_cost(unknown, NOON, TABLE) is None


def test_a_dearer_way_to_bill_the_input_counts() -> None:
    """An hour in Anthropic's cache costs twice the input, and is held where the body may ask for
    it."""
    plain = replace(CHAT, provider="anthropic", models=("claude-sonnet-4-5",), output_tokens=0)
    hour = replace(plain, units=input_units(b'{"cache_control": {"ttl": "1h"}}'))
    assert () == input_units(b'{"messages": []}')
    assert 1000 * 3_750 == upper_cost(plain, NOON, TABLE)
    assert 1000 * 6_000 == upper_cost(hour, NOON, TABLE)


def test_embeddings_have_no_output() -> None:
    """Their model has no price for one."""
    wanted = replace(CHAT, endpoint="embeddings", models=("text-embedding-3-small",))
    assert 1000 * 20 == upper_cost(wanted, NOON, TABLE)  # $0.02 per million

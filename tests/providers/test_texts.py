"""Texts for the tokenizer: bounded, lazily unpacked, and never an exception."""

import json

from hypothesis import given
from hypothesis import strategies as st

from acm_addon.providers.texts import MAX_RAW, MAX_TEXT, GeneratedText, TextKeys, input_texts


@given(st.lists(st.text(min_size=1), max_size=5), st.booleans())
def test_texts_survive_their_envelope(texts: list[str], ascii_only: bool) -> None:
    """What was written comes back, escapes undone; lone surrogates are replaced."""
    generated = GeneratedText(TextKeys(("content",)), events=True)
    for text in texts:
        envelope = {"a": [{"content": text, "other": "x"}]}
        generated.add(json.dumps(envelope, ensure_ascii=ascii_only).encode(errors="replace"))
    found = generated.texts()
    assert len(texts) == len(found)
    for text, back in zip(texts, found, strict=True):
        back.encode()
        assert len(text) == len(back) or "\ud800" <= max(text)


def test_a_cut_document_keeps_its_last_text() -> None:
    generated = GeneratedText(TextKeys(("text",)), events=False)
    generated.add(b'{"content":[{"text":"one"},{"te')
    generated.add(b'xt":"two and a ha')
    assert ["one", "two and a ha"] == generated.texts()


_KEYS = TextKeys(("text",), objects=("args",), foreign=("quoted",))


def test_objects_that_the_model_wrote_are_text() -> None:
    """The arguments of a call count as JSON, laid out as a model writes it, and count once."""
    generated = GeneratedText(_KEYS, events=False)
    generated.add(
        b'{"text":"a","args" : {\n  "text": "in \\"} here",\n  "n": [1, 2]\n}, "text":"b"}'
    )
    assert ["a", '{"text": "in \\"} here", "n": [1, 2]}', "b"] == generated.texts()


def test_a_cut_object_is_text_as_far_as_it_came() -> None:
    generated = GeneratedText(_KEYS, events=False)
    generated.add(b'{"args":{"city":"Par')
    (text,) = generated.texts()
    assert "Par" in text


def test_what_others_wrote_is_no_generated_text() -> None:
    """What a tool found is in the response, and is not output."""
    generated = GeneratedText(_KEYS, events=True)
    generated.add(b'{"quoted":[{"text":"found","more":{"text":"]}"}}],"text":"mine"}')
    generated.add(b'{"quoted":null,"text":"too"}')
    assert ["mine", "too"] == generated.texts()


@given(st.binary(max_size=100), st.booleans())
def test_generated_text_never_raises(payload: bytes, events: bool) -> None:
    generated = GeneratedText(_KEYS, events=events)
    generated.add(b'{"args":{' + payload)
    assert isinstance(generated.texts(), list)


def test_long_streams_are_folded_within_the_bound() -> None:
    """Envelopes go first; beyond the bound only the count goes on."""
    generated = GeneratedText(TextKeys(("content",)), events=True)
    event = json.dumps({"id": "x" * 200, "content": "y" * 800}).encode()
    count = 2 * MAX_TEXT // 800
    for _ in range(count):
        generated.add(event)
    total = sum(map(len, generated.texts()))
    assert MAX_TEXT - 800 <= total <= MAX_TEXT + MAX_RAW
    assert count <= generated.tokens()


@given(st.binary(max_size=200))
def test_input_texts_never_raise(body: bytes) -> None:
    assert isinstance(input_texts(body), list)


def test_deeply_nested_input_is_no_text() -> None:
    assert [] == input_texts(b'{"input":' + b"[" * 100_000)


def test_surrogates_become_encodable() -> None:
    """A tokenizer cannot take half of a surrogate pair."""
    (text,) = input_texts(b'{"input":"a\\ud83d"}')
    assert "a\ufffd" == text

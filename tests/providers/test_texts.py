"""Texts for the tokenizer: bounded, lazily unpacked, and never an exception."""

import json

from hypothesis import given
from hypothesis import strategies as st

from acm_addon.providers.prompts import Answer
from acm_addon.providers.texts import MAX_RAW, MAX_TEXT, GeneratedText, TextKeys


@given(st.lists(st.text(min_size=1), max_size=5), st.booleans())
def test_texts_survive_their_envelope(texts: list[str], ascii_only: bool) -> None:
    """What was written comes back, escapes undone; lone surrogates are replaced."""
    generated = GeneratedText(TextKeys(("content",)), events=True)
    for text in texts:
        envelope = {"a": [{"content": text, "other": "x"}]}
        generated.add(json.dumps(envelope, ensure_ascii=ascii_only).encode(errors="replace"))
    back = "".join(generated.answer().texts)
    back.encode()
    assert len("".join(texts)) == len(back) or "\ud800" <= max("".join(texts))


def test_a_cut_document_keeps_its_last_text() -> None:
    generated = GeneratedText(TextKeys(("text",)), events=False)
    generated.add(b'{"content":[{"text":"one"},{"te')
    generated.add(b'xt":"two and a ha')
    assert ("one", "two and a ha") == generated.answer().texts


_KEYS = TextKeys(("text",), objects=("args",), foreign=("quoted",))


def test_objects_that_the_model_wrote_are_text() -> None:
    """The arguments of a call count as JSON, laid out as a model writes it, and count once."""
    generated = GeneratedText(_KEYS, events=False)
    generated.add(
        b'{"text":"a","args" : {\n  "text": "in \\"} here",\n  "n": [1, 2]\n}, "text":"b"}'
    )
    assert ("a", '{"text": "in \\"} here", "n": [1, 2]}', "b") == generated.answer().texts


def test_a_cut_object_is_text_as_far_as_it_came() -> None:
    generated = GeneratedText(_KEYS, events=False)
    generated.add(b'{"args":{"city":"Par')
    (text,) = generated.answer().texts
    assert "Par" in text


def test_what_others_wrote_is_no_generated_text() -> None:
    """What a tool found is in the response, and is not output."""
    generated = GeneratedText(_KEYS, events=True)
    generated.add(b'{"quoted":[{"text":"found","more":{"text":"]}"}}],"text":"mine"}')
    generated.add(b'{"quoted":null,"text":"too"}')
    assert ("minetoo",) == generated.answer().texts


@given(st.binary(max_size=100), st.booleans())
def test_generated_text_never_raises(payload: bytes, events: bool) -> None:
    generated = GeneratedText(_KEYS, events=events)
    generated.add(b'{"args":{' + payload)
    assert isinstance(generated.answer().texts, tuple)


def test_long_streams_are_folded_within_the_bound() -> None:
    """Envelopes go first; beyond the bound only the count goes on."""
    generated = GeneratedText(TextKeys(("content",)), events=True)
    event = json.dumps({"id": "x" * 200, "content": "y" * 800}).encode()
    count = 2 * MAX_TEXT // 800
    for _ in range(count):
        generated.add(event)
    total = sum(map(len, generated.answer().texts))
    assert MAX_TEXT - 800 <= total <= MAX_TEXT + MAX_RAW
    assert count <= generated.tokens()


def test_pieces_of_a_stream_are_one_text() -> None:
    """A call's arguments come in pieces, each call's name apart, thoughts beside the text."""
    generated = GeneratedText(TextKeys(("content", "name", "arguments", "thinking")), events=True)
    for event in (
        {"thinking": "Two"},
        {"thinking": " calls."},
        {"content": "S"},
        {"content": "ure"},
        {"name": "a", "arguments": "{"},
        {"arguments": "}"},
        {"name": "b"},
        {"name": "b"},
    ):
        generated.add(json.dumps(event).encode())
    expected = Answer(texts=("Sure", "{}"), calls=("a", "b", "b"), reasoning=("Two calls.",))
    assert expected == generated.answer()


def test_a_character_cut_in_two_is_one() -> None:
    """Some streams cut between the halves of a surrogate pair."""
    generated = GeneratedText(TextKeys(("text",)), events=True)
    generated.add(b'{"text":"\\ud83d"}')
    generated.add(b'{"text":"\\ude00"}')
    assert ("\U0001f600",) == generated.answer().texts


def test_a_repeated_text_counts_once() -> None:
    """A spare key counts only in an event without the one that it repeats."""
    generated = GeneratedText(TextKeys(("content", "text"), spare=("text",)), events=True)
    generated.add(b'{"text":"a","delta":{"content":"a"}}')
    generated.add(b'{"text":"b","delta":{"content":""}}')
    assert ("a", "b") == generated.answer().texts

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.captures import har_entries
from acm_addon.captures.har_entries import HarEntries
from tests.capture_files import har, har_entry

AWKWARD = [
    har_entry(),
    {
        "request": {"text": 'a "quoted" \\ path\\\\', "entries": [[{"a": []}], "}"]},
        "deep": [[[{}]]],
    },
    {},
    {"text": "ünïcödé 😀 \ud83d"},
]


def cut(document: bytes, size: int, limit: int = 10**6) -> tuple[list[bytes | None], HarEntries]:
    entries = HarEntries(limit)
    pieces = (document[at : at + size] for at in range(0, len(document), size))
    return [entry for piece in pieces for entry in entries.feed(piece)], entries


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("size", [1, 2, 7, 64, 10**6])
def test_entries_come_out_whole(size: int, indent: int | None) -> None:
    """Whole, byte by byte, and in odd pieces; and nothing beside the entries does."""
    found, entries = cut(har(*AWKWARD, indent=indent).encode(), size)
    assert AWKWARD == [json.loads(entry or b"null") for entry in found]
    assert not entries.inside_entry


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3), max_size=5))
def test_any_texts(values: list[dict[str, str]]) -> None:
    """Whatever strings hold: brackets, quotes, and backslashes in them are text."""
    found, _ = cut(har(*values).encode(), 5)
    assert values == [json.loads(entry or b"null") for entry in found]


def test_only_the_entries_of_the_log() -> None:
    """The same key elsewhere is another thing, and so is the word as a value."""
    document = {
        "log": {
            "entries_of": [{"a": 1}],
            "pages": [{"entries": [{"b": 2}]}],
            "comment": "entries",
            "x": [[{"c": 3}], {"d": {}}],
            "entries": [{"e": 5}],
            "after": [{"entries": [{"f": 6}]}],
        }
    }
    assert ([b'{"e": 5}'], False) == (
        cut(json.dumps(document).encode(), 3)[0],
        cut(json.dumps(document).encode(), 3)[1].inside_entry,
    )


def test_documents_one_after_another() -> None:
    """Captures that were put together with cat."""
    found, _ = cut((har({"a": 1}) + "\n" + har({"b": 2})).encode(), 11)
    assert [b'{"a": 1}', b'{"b": 2}'] == found


def test_a_cut_document() -> None:
    """What was whole comes out, and that there was more is known."""
    document = har(har_entry(), har_entry()).encode()
    found, entries = cut(document[:-30], 9)
    assert (1, True) == (len(found), entries.inside_entry)


@pytest.mark.parametrize("size", [1, 50, 10**6])
def test_an_entry_that_is_too_long_costs_itself_alone(size: int) -> None:
    """It passes without being held."""
    found, _ = cut(har({"a": 1}, {"text": "x" * 500}, {"b": 2}).encode(), size, limit=100)
    assert [b'{"a": 1}', None, b'{"b": 2}'] == found


@given(st.binary(max_size=200))
def test_garbage_never_raises(data: bytes) -> None:
    """Nor does a document with garbage in it."""
    cut(data, 3)
    cut(har({"a": 1}).encode()[:-3] + data, 3)


def test_many_damaged_entries_hold_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a failure costs grows with the piece, so that a piece has one; the next tries again."""
    tried = []

    def failing(text: str, start: int) -> None:
        tried.append(start)

    monkeypatch.setattr(har_entries, "_end_of_json", failing)
    document = b'{"log": {"entries": [' + b"{x}," * 1000
    found, _ = cut(document, 10**6)
    assert (1000, 1) == (len(found), len(tried))
    cut(document, 1000)
    assert 1 + -(-len(document) // 1000) == len(tried)

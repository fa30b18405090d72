"""Which models a body asks for, read strictly."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.model_rule import MAX_BODY, judgeable, models_of


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model": "a"}', ("a",)),
        (b'{"model": "a", "model": "b"}', ("a", "b")),
        (b'{"mod\\u0065l": "a"}', ("a",)),
        (b'{"model": "a", "models": ["b", "c"]}', ("a", "b", "c")),
        (b'{"tools": [{"model": "inner"}]}', ()),
        (b"{}", ()),
        (b'{"model": 1}', None),
        (b'{"model": ""}', None),
        (b'{"models": "a"}', None),
        (b'{"models": [1]}', None),
        (b"[]", None),
        (b"", None),
        (b"model=a", None),
        (b"\xff\xfe", None),
        (b"[" * 200_000, None),
    ],
)
def test_models_of_a_body(body: bytes, expected: tuple[str, ...] | None) -> None:
    """All that a provider might take for the model; None where that cannot be told."""
    assert expected == models_of(body)


@given(
    st.dictionaries(st.text(), st.one_of(st.none(), st.integers(), st.text(), st.lists(st.text()))),
    st.text(min_size=1),
)
def test_a_model_is_found_beside_anything(others: dict[str, object], model: str) -> None:
    """Whatever else the body holds."""
    others.pop("models", None)
    assert (model,) == models_of(json.dumps({**others, "model": model}).encode())


@pytest.mark.parametrize(
    ("length", "encoded", "chunked", "expected"),
    [
        ("10", False, False, True),
        (None, False, False, True),
        (str(MAX_BODY), False, False, True),
        (str(MAX_BODY + 1), False, False, False),
        ("-1", False, False, False),
        ("10", True, False, False),
        (None, False, True, False),
    ],
)
def test_what_may_be_held(length: str | None, encoded: bool, chunked: bool, expected: bool) -> None:
    """A body of known, bounded size that can be read as it is."""
    assert expected == judgeable(length, encoded, chunked)

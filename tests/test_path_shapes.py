import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.path_shapes import _METHODS, _WORDS, path_shape


@pytest.mark.parametrize(
    ("method", "path", "shape"),
    [
        ("POST", "/v1/audio/speech", "POST /v1/audio/speech"),
        ("POST", "/v1/threads/thread_abc/runs", "POST /v1/threads/{}/runs"),
        (
            "POST",
            "/v1beta/models/gemini-2.5-flash:predictLongRunning",
            "POST /v1beta/models/{}:predictLongRunning",
        ),
        ("POST", "/v1beta/models/gemini:secretVerb", "POST /v1beta/models/{}"),
        ("POST", "/v1/secret?key=sk-123", "POST /v1/{}"),
        ("POST", "/", "POST /"),
        ("BREW", "/v1//chat", "{} /v1//chat"),
        ("POST", "/v1" * 12, "POST " + "/v1" * 10 + "/…"),
    ],
)
def test_only_api_words_survive(method: str, path: str, shape: str) -> None:
    """Ids, models, keys, queries, and methods of a client's own do not."""
    assert shape == path_shape(method, path)


@given(st.text(), st.text())
def test_no_text_gets_through(method: str, path: str) -> None:
    """Whatever is asked for, a shape is made of our words alone, and is short."""
    shape = path_shape(method, path)
    spoken, _, rest = shape.partition(" ")
    parts = {part for segment in rest.split("/") for part in segment.split(":")}

    assert spoken in _METHODS | {"{}"}
    assert parts <= _WORDS | {"{}", "", "…"}
    assert len(shape) < 500

"""JSON lines against a plain split, whole and in pieces."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.json_fields import MAX_VALUE
from acm_addon.lines import JsonLines

_WANTED = (("custom_id",), ("response", "body", "model"), ("response", "body", "usage"))


def _read(data: bytes, piece: int = 0) -> list[tuple[object, bool]]:
    """Of every line its id and whether it was JSON, the pending one included."""
    reader = JsonLines(_WANTED)
    size = piece or len(data) or 1
    seen = []
    for start in range(0, len(data), size):
        seen += reader.feed(data[start : start + size])
    last = reader.pending()
    seen += [last] if last else []
    return [(line.value("custom_id"), line.closed) for line in seen]


_LINES = st.lists(
    st.sampled_from(
        ['{"custom_id": 1}', '{"custom_id":"\\n"}', "", " \t", "{", "[1,2]", '"x', "}{"]
    )
)


@given(_LINES, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.integers(0, 5))
def test_lines_are_those_of_a_split(texts: list[str], end: str, ended: bool, piece: int) -> None:
    """Each line that is not blank comes out once, and is closed if json.loads takes it."""
    data = end.join(texts) + (end if ended else "")
    expected = []
    for text in texts:
        if text.strip():
            try:
                value = json.loads(text)
            except ValueError:
                expected.append((None, False))
            else:
                found = value.get("custom_id") if isinstance(value, dict) else None
                expected.append((found, True))
    assert expected == _read(data.encode(), piece)


@pytest.mark.parametrize("piece", [0, 1])
def test_the_results_of_a_batch(piece: int) -> None:
    """Model and usage of every line, and a line that was cut off is not closed."""
    line = b'{"custom_id":"%d","response":{"body":{"model":"m","usage":{"total_tokens":%d}}}}\n'
    data = line % (1, 10) + line % (2, 20) + b'{"custom_id":"3","response":{"bo'
    assert [("1", True), ("2", True), ("3", False)] == _read(data, piece)
    usages = [each.value(*_WANTED[2]) for each in JsonLines(_WANTED).feed(data)]
    assert [{"total_tokens": 10}, {"total_tokens": 20}] == usages


def test_a_line_of_any_length_is_read() -> None:
    """Nothing of a long line is held that was not asked for; the next line is its own."""
    image = b"x" * (8 * MAX_VALUE)
    data = b'{"image":"' + image + b'","custom_id":"a"}\n{"custom_id":"b"}'
    for piece in (0, 100_000):
        assert [("a", True), ("b", True)] == _read(data, piece)

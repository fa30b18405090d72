"""JsonFields against json.loads, whole and in pieces."""

import json
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.json_fields import MAX_DEPTH, MAX_TOKEN, MAX_TOTAL, MAX_VALUE, JsonFields
from acm_addon.json_paths import ANY

_WANTED = (
    ("usage",),
    ("model",),
    ("a", "b"),
    ("list", ANY, "type"),
    ("list", ANY, "deep", "x"),
    (ANY, "usage"),
)
_KEYS = st.sampled_from(["usage", "model", "a", "b", "list", "type", "deep", "x", "*", 'q"\\', "é"])
_LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(['"', "\\", '\\"', "{[", "]}", ",:", "\ud83d"])
)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=5),
    max_leaves=25,
)
_DOCUMENTS = st.dictionaries(_KEYS, _VALUES, max_size=6) | st.lists(_VALUES, max_size=4)


def _fields(data: bytes, piece: int = 0, wanted: Any = _WANTED) -> JsonFields:
    fields = JsonFields(wanted)
    for start in range(0, len(data), piece or len(data) or 1):
        fields.feed(data[start : start + (piece or len(data))])
    return fields


def _lookup(document: Any, path: tuple[str, ...]) -> list[Any]:
    """Every value at a path of a parsed document."""
    if not path:
        return [document]
    if path[0] == ANY:
        elements = document if isinstance(document, list) else []
        return [found for each in elements for found in _lookup(each, path[1:])]
    if isinstance(document, dict) and path[0] in document:
        return _lookup(document[path[0]], path[1:])
    return []


def _seen(fields: JsonFields) -> Any:
    values = [[json.dumps(v, default=str) for v in fields.values(*path)] for path in _WANTED]
    return values, fields.closed, fields.malformed, fields.truncated


@given(_DOCUMENTS, st.booleans(), st.sampled_from([None, 1]))
def test_finds_what_json_loads_finds(document: Any, ascii_only: bool, indent: int | None) -> None:
    """Every wanted value of a document is found, and the document is seen to close."""
    try:
        data = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode()
    except UnicodeEncodeError:
        data = json.dumps(document, indent=indent).encode()
    fields = _fields(data)
    expected = json.loads(data, parse_float=Decimal)
    for path in _WANTED:
        found = json.dumps([*fields.values(*path)], default=str)
        assert json.dumps(_lookup(expected, path), default=str) == found
    assert (True, False) == (fields.closed, fields.malformed)


@given(_DOCUMENTS, st.integers(1, 9))
def test_cuts_make_no_difference(document: Any, piece: int) -> None:
    """A document gives the same in pieces of any size."""
    data = json.dumps(document).encode()
    assert _seen(_fields(data)) == _seen(_fields(data, piece))


@given(st.text(alphabet='{}[]",:\\ a1\n*u', max_size=30), st.integers(1, 3))
def test_garbage_never_raises_and_cuts_make_no_difference(text: str, piece: int) -> None:
    """Whatever comes is survived, with one result for all cuts; what json.loads takes is closed."""
    data = text.encode()
    whole = _fields(data)
    assert _seen(whole) == _seen(_fields(data, piece))
    if data.lstrip()[:1] in (b"{", b"["):
        try:
            json.loads(data)
        except ValueError:
            return
        assert whole.closed


@pytest.mark.parametrize(
    "data",
    [b'{"a" 1}', b'{"a":1 "b":2}', b"{1:2}", b"[1,]", b'{"a":1,}', b"[1 2]", b"{]", b'{"a"}'],
)
def test_malformed_documents_are_called_so(data: bytes) -> None:
    """On the way to wanted values, a document that is not JSON is noticed."""
    fields = _fields(data, wanted=(("a", "b"), (ANY, "x")))
    assert (True, False) == (fields.malformed, fields.closed)


@pytest.mark.parametrize("piece", [0, 1])
def test_the_last_of_equal_keys_wins(piece: int) -> None:
    """As in json.loads, also where the keys hold containers."""
    data = b'{"usage":1,"usage":2,"list":[{"type":"old"},{"type":"x"}],"list":[{"type":"new"}]}'
    fields = _fields(data, piece)
    assert 2 == fields.value("usage")
    assert ["new"] == list(fields.values("list", ANY, "type"))


def test_a_later_scalar_replaces_a_container() -> None:
    fields = _fields(b'{"a":{"b":1},"a":null}')
    assert fields.value("a", "b") is None


def test_escaped_keys_are_keys() -> None:
    """``\\u0075sage`` is ``usage``."""
    assert 7 == _fields(b'{"\\u0075sage":7}').value("usage")


def test_siblings_keep_together() -> None:
    """Values of one object come as one row, absent ones as None."""
    wanted = (("o", ANY, "t"), ("o", ANY, "c"))
    fields = _fields(b'{"o":[{"t":"a"},{"c":1,"t":"b"},{}]}', wanted=wanted)
    assert [("a", None), ("b", 1)] == list(fields.siblings(("o", ANY), "t", "c"))


@pytest.mark.parametrize(("opener", "piece"), [*product([b"[", b'{"u":', b'{"a":['], [0, 999])])
def test_deep_nesting_is_malformed_and_harmless(opener: bytes, piece: int) -> None:
    """Nesting beyond the limit stops the reading; nothing recurses."""
    fields = _fields(opener * (MAX_DEPTH + 10), piece)
    assert fields.malformed


@pytest.mark.parametrize("piece", [0, 1, 999])
@pytest.mark.parametrize(("size", "malformed"), [(MAX_TOKEN, False), (MAX_TOKEN + 1, True)])
def test_keys_are_bounded_alike_in_all_pieces(size: int, malformed: bool, piece: int) -> None:
    """The bound of a key and its blanks is the same where the key comes whole."""
    blank = b" " * size
    key = b'"' + b"k" * (size - 2) + b'"'
    for data in (b"{%s:1,%s:2}" % (key, key), b"{%s:[],%s:[]}" % (key, key), b"{%s}" % blank):
        fields = _fields(data, piece)
        assert (malformed, not malformed) == (fields.malformed, fields.closed)


def test_values_beyond_the_bound_are_not_held() -> None:
    """A wanted value may be hostile in size: it is dropped, and the rest is read."""
    data = b'{"usage":"' + b"x" * MAX_VALUE + b'","model":"m"}'
    for fields in (_fields(data), _fields(data, 1000)):
        assert (None, "m") == (fields.value("usage"), fields.value("model"))
        assert (True, True) == (fields.truncated, fields.closed)


def test_many_values_stay_within_the_bound() -> None:
    """Of more values than fit, the last ones stay."""
    element = b'{"usage":"' + b"x" * 1000 + b'"},'
    fields = _fields(b"[" + element * 2000 + b'{"usage":"last"}]', 65536)
    values = list(fields.values(ANY, "usage"))
    assert "last" == values[-1]
    assert sum(len(str(value)) for value in values) <= MAX_TOTAL
    assert fields.truncated


def test_hostile_numbers_are_values() -> None:
    """Numbers that Python cannot or should not build are None, not exceptions."""
    fields = _fields(b'{"usage":1e999999999999999999999,"model":' + b"9" * 5000 + b"}")
    assert (None, None) == (fields.value("usage"), fields.value("model"))
    assert fields.closed


def test_documents_may_follow_one_another() -> None:
    """NDJSON is read as one; the last value of a path stays."""
    fields = _fields(b'{"usage":1}\n{"usage":2}\n')
    assert (2, True) == (fields.value("usage"), fields.closed)


@pytest.mark.parametrize("piece", [0, 1])
def test_a_byte_order_mark_is_skipped(piece: int) -> None:
    assert 1 == _fields(b'\xef\xbb\xbf{"usage":1}', piece).value("usage")

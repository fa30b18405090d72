from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.io import tnetstring

from acm_addon.captures.tnetstrings import item_at, members, value

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.binary(), st.text()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text("abc_", min_size=1), inner)),
)


@given(VALUES)
def test_what_mitmproxy_writes_is_read_back(written: Any) -> None:
    """Every type, however nested."""
    data = tnetstring.dumps(written)
    assert written == value(data, *item_at(data, 0))


@given(st.dictionaries(st.text("abc_", min_size=1), VALUES), st.data())
def test_damage_is_an_error_or_another_value(written: Any, draw: st.DataObject) -> None:
    """It never hangs, and never raises but what its callers expect."""
    data = bytearray(tnetstring.dumps(written))
    place = draw.draw(st.integers(0, len(data) - 1))
    data[place] = draw.draw(st.sampled_from(b"0123456789:,;#^!~]}-_ x"))
    try:
        members(bytes(data), *item_at(bytes(data), 0)[:2])
        value(bytes(data), *item_at(bytes(data), 0))
    except (ValueError, LookupError, TypeError) as error:
        assert str(error)


@pytest.mark.parametrize("data", [b"", b":", b"-1:,", b"1_0:,", b"5:abc,", b"9999999999999:,"])
def test_what_is_no_item(data: bytes) -> None:
    """A length that is none, or one that is not there."""
    with pytest.raises((ValueError, LookupError)):
        item_at(data, 0)


@pytest.mark.parametrize("payload", [b"1:a;", b"1:a;9:x;", b"1:a;1:xx;", b"1:a;1:x"])
def test_a_dictionary_that_is_cut(payload: bytes) -> None:
    """Nothing behind its end is taken for a part of it."""
    with pytest.raises((ValueError, LookupError)):
        members(payload + b"}1:x;", 0, len(payload))

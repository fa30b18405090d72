import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.captures.har_salvage import apart
from tests.capture_files import har_entry

ENTRY = json.dumps(har_entry())
DAMAGED = ENTRY.replace('"wait": 300.2}', '"wait": 300.2', 1)


@pytest.mark.parametrize("entry", [ENTRY, DAMAGED, "{}", "[]", json.dumps({"text": ENTRY})])
def test_one_entry_passes_as_it_is(entry: str) -> None:
    """Sound or damaged, and with another HAR in its body."""
    assert [entry.encode()] == list(apart(entry.encode()))


def test_entries_behind_a_missing_bracket_are_found() -> None:
    """One is lost, and the others come out as they lie in the file, whatever bytes they hold."""
    other = ENTRY.encode().replace(b"Content-Type", b"\xff\xfc")
    data = b",\n".join((DAMAGED.encode(), other, ENTRY.encode(), b"]"))
    assert [None, other, ENTRY.encode()] == list(apart(data))


def test_every_lost_entry_is_counted() -> None:
    """Each of two that are damaged."""
    data = ", ".join((DAMAGED, ENTRY, DAMAGED, ENTRY)).encode()
    assert [None, None, ENTRY.encode(), ENTRY.encode()] == list(apart(data))


def test_garbage_has_an_end() -> None:
    """However many brackets open in it."""
    data = b'{"startedDateTime"' + b'}, {"startedDateTime": [' * 20_000
    assert {None} == set(apart(data))


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_garbage_never_raises(before: bytes, after: bytes) -> None:
    """Nor does an entry with garbage around it."""
    assert list(apart(before + b"}, " + ENTRY.encode() + after + ENTRY.encode()))

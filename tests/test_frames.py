import json

from hypothesis import given
from hypothesis import strategies as st

from acm_addon.frames import frame, scan

payloads = st.lists(
    st.dictionaries(st.text(max_size=5), st.text(max_size=30), max_size=4).map(
        lambda value: json.dumps(value).encode()
    ),
    min_size=1,
    max_size=8,
)


@given(payloads)
def test_what_was_framed_is_read_back(given_payloads: list[bytes]) -> None:
    """Every payload comes back, in order, and nothing else."""
    data = b"".join(map(frame, given_payloads))
    found = scan(data, final=True)
    assert given_payloads == [one.payload for one in found.frames]
    assert (len(data), 0) == (found.consumed, found.corrupt)


@given(payloads)
def test_a_growing_journal_gives_the_same_frames(given_payloads: list[bytes]) -> None:
    """Fed byte by byte, a frame appears once it is whole, and no prefix of it counts as damage."""
    data = b"".join(map(frame, given_payloads))
    seen, start = [], 0
    for end in range(len(data) + 1):
        found = scan(data[start:end], final=False)
        assert 0 == found.corrupt
        seen += [one.payload for one in found.frames]
        start += found.consumed
    assert given_payloads == seen


@given(payloads, st.data())
def test_a_torn_tail_is_awaited_or_skipped(
    given_payloads: list[bytes], data: st.DataObject
) -> None:
    """A last frame cut anywhere is left for later, or counted once nothing more can come."""
    whole = b"".join(map(frame, given_payloads[:-1]))
    last = frame(given_payloads[-1])
    cut = data.draw(st.integers(1, len(last) - 1))
    torn = whole + last[:cut]
    assert (len(whole), 0) == (scan(torn, final=False).consumed, scan(torn, final=False).corrupt)
    assert (len(torn), 1) == (scan(torn, final=True).consumed, scan(torn, final=True).corrupt)
    assert given_payloads[:-1] == [one.payload for one in scan(torn, final=True).frames]


@given(payloads, payloads, st.data())
def test_damage_costs_no_frame_but_the_damaged(
    before: list[bytes], after: list[bytes], data: st.DataObject
) -> None:
    """Bytes overwritten, cut out or inserted within one frame leave all others readable."""
    victim = frame(data.draw(st.sampled_from(before)))
    start = data.draw(st.integers(0, len(victim) - 1))
    end = data.draw(st.integers(start, len(victim)))
    damaged = victim[:start] + data.draw(st.binary(max_size=40)) + victim[end:]
    stream = b"".join([*map(frame, before), damaged, *map(frame, after)])
    found = [one.payload for one in scan(stream, final=True).frames]
    assert before == found[: len(before)]
    assert after == found[-len(after) :]


@given(st.binary(max_size=300), st.booleans())
def test_garbage_never_raises(garbage: bytes, final: bool) -> None:
    """Any bytes are scanned to an end."""
    found = scan(garbage, final=final)
    assert 0 <= found.consumed <= len(garbage)
    if final:
        assert len(garbage) == found.consumed

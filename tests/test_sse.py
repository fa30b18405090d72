"""The SSE parser against a plain reading of the standard."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from acm_addon.sse import MAX_EVENT, Event, SseParser


def _events(data: bytes, piece: int = 0) -> list[Event]:
    parser = SseParser()
    size = piece or len(data) or 1
    pieces = (data[start : start + size] for start in range(0, len(data), size))
    return [event for piece in pieces for event in parser.feed(piece)]


def _by_the_standard(data: bytes) -> list[tuple[bytes, bytes]]:
    """Line by line, as the WHATWG algorithm is written."""
    text = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    events, name, lines = [], b"", []
    for line in text.split(b"\n")[:-1]:
        if not line:
            if lines:
                events.append((name or b"message", b"\n".join(lines)))
            name, lines = b"", []
        elif not line.startswith(b":"):
            field, _, value = line.partition(b":")
            value = value[1:] if value.startswith(b" ") else value
            if field == b"data":
                lines.append(value)
            elif field == b"event":
                name = value
    return events


_FRAGMENTS = st.lists(
    st.sampled_from(
        [
            b"\n",
            b"\r",
            b"\r\n",
            b"data",
            b": ",
            b":",
            b"event",
            b"id: 1",
            b"x",
            b"\xef\xbb\xbf",
            b" ",
            b'data: {"a":1}\n\n',
            b"event: e\ndata: y\n\n",
            b": comment\n",
            b"\xff\x00",
        ]
    ),
    max_size=14,
).map(b"".join)


@given(_FRAGMENTS, st.integers(0, 5))
@example(b"\xef\xbb\xbfdata: a\n\n", 1)
@example(b"data: a\r\n\r\ndata: b\r\n\r\n", 1)
def test_follows_the_standard_however_it_is_cut(data: bytes, piece: int) -> None:
    """Any bytes, in pieces of any size, give the standard's events."""
    assert _by_the_standard(data) == _events(data, piece)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"data: a\n\n", [(b"message", b"a")]),
        (b"event: ping\r\ndata: {}\r\n\r\n", [(b"ping", b"{}")]),
        (b"data: a\ndata:b\ndata\n\n", [(b"message", b"a\nb\n")]),
        (b": hello\n\ndata: a\n\n", [(b"message", b"a")]),
        (b"event: only\n\n", []),
        (b"id: 1\nretry: 5\ndata:  two spaces\r\r", [(b"message", b" two spaces")]),
        (b"data: [DONE]\n", []),
    ],
)
def test_events(data: bytes, expected: list[tuple[bytes, bytes]]) -> None:
    assert expected == _events(data)


@pytest.mark.parametrize("piece", [0, 65536, 1000003])
def test_too_long_events_are_dropped_and_counted(piece: int) -> None:
    """An event beyond the bound is not held, and the next one is read."""
    data = b"data: 1\n\ndata: " + b"x" * MAX_EVENT + b"\n\ndata: 2\n\n"
    parser = SseParser()
    size = piece or len(data)
    events = [
        event.data
        for start in range(0, len(data), size)
        for event in parser.feed(data[start : start + size])
    ]
    assert ([b"1", b"2"], 1) == (events, parser.dropped)


def test_an_event_at_the_bound_is_kept() -> None:
    payload = b"x" * (MAX_EVENT - len(b"data: "))
    data = b"data: " + payload + b"\n\n"
    assert [(b"message", payload)] == _events(data, len(data) - 1)


def test_an_unfinished_event_can_be_seen() -> None:
    """The last event of a stream without its blank line is there for who asks."""
    parser = SseParser()
    assert parser.pending() is None
    assert [] == parser.feed(b"event: end\ndata: {}\n")
    assert (b"end", b"{}") == parser.pending()
    assert [(b"end", b"{}")] == parser.feed(b"\n")
    assert parser.pending() is None

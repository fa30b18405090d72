"""A stream that acm asked usage of is, for the client, the stream that it asked for."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.include_usage import MAX_EVENT, UsageStripper, asking_for_usage

_ASKED = {"include_usage": True}


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ('{"stream":true}', '{"stream_options":{"include_usage":true},"stream":true}'),
        (
            ' {\n "model": "m", "stream": true, "temperature": 1.0 }\n',
            ' {"stream_options":{"include_usage":true},'
            '\n "model": "m", "stream": true, "temperature": 1.0 }\n',
        ),
        (
            '{"stream": true, "stream_options": null, "x": 1e400}',
            '{"stream": true, "stream_options": {"include_usage":true}, "x": 1e400}',
        ),
        (
            '{"stream_options": {"include_usage": false, "other": [1]}, "stream": true}',
            '{"stream_options": {"include_usage":true,"other":[1]}, "stream": true}',
        ),
    ],
)
def test_a_stream_is_asked_for_usage(body: str, asked: str) -> None:
    """No byte beside the question changes."""
    assert asked == (asking_for_usage(body.encode()) or b"").decode()


@pytest.mark.parametrize(
    "body",
    [
        '{"stream": false}',
        '{"model": "stream"}',
        '{"stream": true, "stream_options": {"include_usage": true}}',
        '{"stream": true, "stream_options": 7}',
        '{"stream": true',
        '{"stream": true} {}',
        '["stream", true]',
        "",
        '{"a": {"stream": true}}',
        "[" * 100_000,
        '{"stream": true, "a": ' + "[" * 100_000,
    ],
)
def test_nothing_else_is_touched(body: str) -> None:
    """Neither a request that needs no question, nor one that is no request."""
    assert asking_for_usage(body.encode()) is None


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=4))
def test_the_rest_of_a_request_stays(rest: dict[str, Any]) -> None:
    """Whatever it says, and however its text is escaped."""
    rest = {key: value for key, value in rest.items() if key not in {"stream", "stream_options"}}
    asked = asking_for_usage(json.dumps({**rest, "stream": True}).encode())
    assert {**rest, "stream": True, "stream_options": _ASKED} == json.loads(asked or b"")


def _event(chunk: dict[str, Any], end: bytes = b"\n\n") -> bytes:
    return b"data: " + json.dumps(chunk, separators=(",", ":")).encode() + end


_SAID = [{"index": 0, "delta": {"content": 'say ,"usage":null and "usage"'}}]
_PLAIN = _event({"id": "1", "choices": _SAID}) + b": ping\n\n"
_WITH = _event({"id": "1", "choices": _SAID, "usage": None}) + b": ping\n\n"
_USAGE = _event({"id": "1", "choices": [], "usage": {"total_tokens": 3}})
_DONE = b"data: [DONE]\n\n"


@pytest.mark.parametrize("piece", [1, 2, 7, 10_000])
def test_lesson_14_the_client_gets_what_it_asked_for(piece: int) -> None:
    """litellm PR#39614: what was asked for in its name broke the client. The chunk that has the
    usage is gone, and every ``null`` in its place, however it is cut."""
    stream, stripper = _WITH * 3 + _USAGE + _DONE, UsageStripper()
    got = [stripper.feed(stream[at : at + piece]) for at in range(0, len(stream), piece)]
    assert _PLAIN * 3 + _DONE == b"".join(got) + stripper.end()


def test_an_event_passes_when_it_is_complete() -> None:
    """Not a moment later, whatever its line ends."""
    stripper = UsageStripper()
    for end in (b"\n\n", b"\r\n\r\n", b"\r\r"):
        event = _event({"choices": _SAID}, end)
        assert b"" == stripper.feed(event[:-1])
        assert event == stripper.feed(event[-1:])


def test_what_usage_a_provider_sends_anyway_stays() -> None:
    """Beside choices, as DeepSeek and Mistral do."""
    chunk = _event({"choices": _SAID, "usage": {"total_tokens": 3}})
    assert chunk == UsageStripper().feed(chunk)


def test_a_stream_that_is_cut_off_keeps_its_end() -> None:
    stripper = UsageStripper()
    assert b"" == stripper.feed(b"data: {")
    assert b"data: {" == stripper.end()


def test_an_endless_event_is_not_held() -> None:
    stripper = UsageStripper()
    got = stripper.feed(b"data: " + b"x" * MAX_EVENT)
    assert MAX_EVENT + 3 == len(got)


@pytest.mark.parametrize("piece", [1000, 65_536, 10_000_000])
def test_an_event_that_is_too_long_passes_as_it_is(piece: int) -> None:
    """All of it, and nothing else: the next one is looked at again."""
    long, stripper = (
        _event({"text": "x" * MAX_EVENT, "choices": _SAID, "usage": None}),
        UsageStripper(),
    )
    stream = long + _USAGE + _WITH
    got = [stripper.feed(stream[at : at + piece]) for at in range(0, len(stream), piece)]
    assert long + _PLAIN == b"".join(got) + stripper.end()


@given(st.binary(max_size=200), st.integers(1, 20))
def test_any_bytes_survive(data: bytes, piece: int) -> None:
    """Cut anywhere it is the same, and what has no usage in it is untouched."""
    one, other = UsageStripper(), UsageStripper()
    whole = one.feed(data) + one.end()
    cut = b"".join(other.feed(data[at : at + piece]) for at in range(0, len(data), piece))
    assert whole == cut + other.end()
    assert data == whole or b'"usage"' in data

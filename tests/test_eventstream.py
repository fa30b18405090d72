"""The AWS event stream, whole, in pieces, and damaged."""

import json
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.eventstream import MAX_HEADERS, MAX_MESSAGE, EventStreamParser, Message
from tests.accuracy.recordings import FOLDER, body, recordings
from tests.event_messages import message

_RECORDED = [record for record in recordings() if record["transport"] == "aws-eventstream"]
_CHUNK = message({":event-type": "chunk", ":message-type": "event"}, b'{"a":1}')
_SHORT_TEXTS = st.text(max_size=12)


def _read(data: bytes, piece: int = 0) -> tuple[list[Message], EventStreamParser]:
    parser = EventStreamParser()
    size = piece or len(data) or 1
    pieces = (data[start : start + size] for start in range(0, len(data), size))
    return [each for piece in pieces for each in parser.feed(piece)], parser


@given(
    st.lists(st.tuples(st.dictionaries(_SHORT_TEXTS, _SHORT_TEXTS, max_size=3), st.binary())),
    st.integers(1, 9),
)
def test_messages_come_out_as_they_went_in(
    sent: list[tuple[dict[str, str], bytes]], piece: int
) -> None:
    """Headers and payload of every message arrive, however the bytes are cut."""
    data = b"".join(message(headers, payload) for headers, payload in sent)
    for size in (0, piece):
        messages, parser = _read(data, size)
        assert sent == messages
        assert (False, 0, False) == (parser.damaged, parser.dropped, parser.unfinished)


@pytest.mark.skipif(not _RECORDED, reason=f"no recordings in {FOLDER}; set ACM_RECORDINGS")
@pytest.mark.parametrize("record", _RECORDED, ids=lambda record: record["id"])
def test_recorded_streams_are_read_to_their_end(record: dict[str, object]) -> None:
    """Every recorded stream is undamaged, whole and byte by byte, with JSON in every payload."""
    data = body(record, "response")
    messages, parser = _read(data)
    assert messages
    assert (False, 0, False) == (parser.damaged, parser.dropped, parser.unfinished)
    for each in messages:
        assert ":event-type" in each.headers or ":exception-type" in each.headers
        assert isinstance(json.loads(each.payload), dict)
    assert messages == _read(data, 1)[0]


def test_headers_of_other_types_are_passed_over() -> None:
    """Every type of header is understood, and those of type string are kept."""
    values = [b"\0", b"\1", b"\2x", b"\3xx", b"\4xxxx", b"\5xxxxxxxx", b"\6\0\3xyz"]
    values += [b"\x08xxxxxxxx", b"\x09xxxxxxxxxxxxxxxx", b"\7\0\2hi"]
    raw = b"".join(b"\1" + bytes([65 + number]) + value for number, value in enumerate(values))
    assert ([({"J": "hi"}, b"p")], False) == _of_headers(raw)


@pytest.mark.parametrize(
    "raw",
    [b"\1", b"\1a", b"\1a\x0a", b"\1a\7", b"\1a\7\0", b"\1a\7\0\5abc", b"\1a\5xxx", b"\xffa\0"],
)
def test_headers_that_are_none_are_damage(raw: bytes) -> None:
    """Also under a right CRC: a name or value beyond the headers' end, or an unknown type."""
    assert ([], True) == _of_headers(raw)


def _of_headers(raw: bytes) -> tuple[list[Message], bool]:
    prelude = struct.pack(">II", 16 + len(raw) + 1, len(raw))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + raw + b"p"
    messages, parser = _read(whole + struct.pack(">I", zlib.crc32(whole)))
    return messages, parser.damaged


@pytest.mark.parametrize("position", range(len(_CHUNK)))
def test_a_flipped_bit_is_damage(position: int) -> None:
    """Wherever it is: what came before stays, and nothing comes after."""
    bad = bytearray(_CHUNK)
    bad[position] ^= 1
    for piece in (0, 1):
        messages, parser = _read(_CHUNK + bytes(bad) + _CHUNK, piece)
        assert (1, True) == (len(messages), parser.damaged)


def test_a_stream_that_breaks_off_is_unfinished() -> None:
    for end in range(1, len(_CHUNK)):
        messages, parser = _read(_CHUNK[:end])
        assert ([], True, False) == (messages, parser.unfinished, parser.damaged)


@pytest.mark.parametrize("piece", [0, 65_536, 1_000_003])
def test_too_long_messages_are_skipped_and_counted(piece: int) -> None:
    """A message beyond the bound is not held, and the next one is read."""
    data = message({}, bytes(MAX_MESSAGE)) + _CHUNK
    messages, parser = _read(data, piece)
    assert (1, 1, False) == (len(messages), parser.dropped, parser.damaged)


def test_the_headers_of_a_message_are_bounded() -> None:
    prelude = struct.pack(">II", MAX_HEADERS + 100, MAX_HEADERS + 1)
    _, parser = _read(prelude + struct.pack(">I", zlib.crc32(prelude)))
    assert parser.damaged


@given(st.binary(max_size=64), st.integers(1, 5))
def test_anything_is_survived(data: bytes, piece: int) -> None:
    """Bytes that are no event stream are damage, found in the first twelve of them."""
    messages, parser = _read(data, piece)
    assert ([], len(data) >= 12) == (messages, parser.damaged)

"""Durations of small files of every format: whole, known by their ends, and nonsense."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.audio import MAX_SECONDS, Duration, duration
from tests.audio_files import element, flac, m4a, mp3, opus, wav, webm

_FRAME = Decimal(1152) / 44_100
"""Seconds of an MP3 frame."""


def _of(file: bytes, head: int = 64 * 1024, tail: int = 1024) -> Duration | None:
    """As it is told from no more than the ends of a file."""
    return duration(file[:head], file[head:][-tail:], len(file))


def _seconds(value: Decimal | float | str) -> Decimal:
    return Decimal(value).quantize(Decimal("0.000001"))


_STATED = {
    "wav": (wav(1.5), 1.5),
    "long wav": (wav(30), 30),
    "mp3": (mp3(3), 3 * _FRAME),
    "xing": (mp3(2000, stated=2000), 2000 * _FRAME),
    "flac": (flac(44_100 * 90), 90),
    "opus": (opus(7), 7),
    "long opus": (opus(700, pages=1000), 700),
    "m4a": (m4a(61_500), 61.5),
    "long m4a": (m4a(61_500, 500_000), 61.5),
    "index last": (m4a(61_500, 500_000, index_first=False), 61.5),
    "webm": (webm(2345.5), 2.3455),
}
_SILENT = {
    "empty": b"",
    "text": b"x" * 99,
    "bare AAC": b"\xff\xf1\x50\x80" + bytes(99),
    "flac": flac(0),
    "m4a": m4a(0),
    "webm": webm(None),
    "negative": webm(-5.0),
    "infinite": webm(float("inf")),
    "nan": webm(float("nan")),
    "huge": webm(1e300),
    "cut opus": opus(1)[:60],
    "cut wav": b"RIFF....WAVE",
    "cut mp3": b"ID3",
}


@pytest.mark.parametrize(("file", "seconds"), _STATED.values(), ids=_STATED)
def test_stated_durations_are_exact(file: bytes, seconds: float | Decimal) -> None:
    """Where the header says it, or every frame is there, the duration is exact."""
    assert Duration(_seconds(seconds)) == _of(file)


@pytest.mark.parametrize("frames", [2000, 20_000])
def test_an_mp3_without_a_count_is_estimated(frames: int) -> None:
    """Its size over its bit rate is its duration."""
    found = _of(mp3(frames))
    assert found is not None
    assert found.estimated
    assert abs(found.seconds - frames * _FRAME) < Decimal("0.1")


def test_a_picture_in_front_of_an_mp3() -> None:
    """A tag that is longer than the head does not count as sound."""
    size = 200_000
    tag = b"ID3\x04\0\0" + bytes([size >> 21, size >> 14 & 127, size >> 7 & 127, size & 127])
    found = _of(tag + bytes(size) + mp3(5000), tail=64 * 1024)
    assert found is not None
    assert found.estimated
    # The frames here lack the padding that makes real ones the bit rate that they state.
    assert abs(found.seconds / (5000 * _FRAME) - 1) < Decimal("0.005")


@pytest.mark.parametrize("stated", [0, 0xFFFFFFFF, 0x7FFFF000])
def test_a_wav_written_as_a_stream_is_as_long_as_its_bytes(stated: int) -> None:
    """Its length fields are nonsense; what there is, is estimated."""
    file = bytearray(wav(2))
    file[40:44] = stated.to_bytes(4, "little")
    assert Duration(_seconds(2), estimated=True) == _of(bytes(file))


def test_a_wav_that_was_cut_off_is_as_long_as_what_is_there() -> None:
    assert Duration(_seconds(1), estimated=True) == _of(wav(2)[: 44 + 16_000])


def test_other_chunks_of_a_wav_are_passed_over() -> None:
    """Also one that says ``data`` in its text, and has the padding of an odd length."""
    file = wav(1)
    chunk = b"LIST" + (5).to_bytes(4, "little") + b"data!\0"
    assert Duration(_seconds(1)) == _of(file[:12] + chunk + file[12:])


def test_a_webm_written_as_a_stream_ends_with_its_last_block() -> None:
    """Browsers record so: no duration, and the times of the blocks in the last cluster."""
    assert Duration(_seconds("1.52"), estimated=True) == _of(webm(None, (0, 500, 520)))
    far = element(0xEC, bytes(100_000))
    file = webm(None) + far + webm(None, (250,))
    assert Duration(_seconds("1.25"), estimated=True) == _of(file)


@pytest.mark.parametrize("file", _SILENT.values(), ids=_SILENT)
def test_what_says_nothing_is_unknown(file: bytes) -> None:
    """No duration, and neither zero nor an exception."""
    assert _of(file) is None


def test_without_its_end_an_ogg_is_unknown() -> None:
    file = opus(700, pages=1000)
    assert duration(file[:1000], b"", len(file)) is None


@given(st.sampled_from([wav(0.01), mp3(6), flac(9), opus(2), m4a(5), webm(5, (1,))]), st.data())
def test_damaged_files_are_survived(file: bytes, data: st.DataObject) -> None:
    """Whatever the bytes and the size say, a duration is in its bounds or unknown."""
    start = data.draw(st.integers(0, len(file)))
    bad = file[:start] + data.draw(st.binary(max_size=9)) + file[start + 4 :]
    cut = data.draw(st.integers(0, len(bad)))
    found = duration(bad[:cut], bad[cut:], len(bad) + data.draw(st.integers(-5, 10**7)))
    assert found is None or 0 < found.seconds <= MAX_SECONDS

"""Content codings, whole, in pieces, and broken."""

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.decoding import MAX_OUTPUT, ContentDecoder


def _raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(data) + compressor.flush()


_ENCODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "identity": ("identity", bytes),
    "none": ("", bytes),
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZIP", gzip.compress),
    "members": ("gzip", lambda data: gzip.compress(data[:5]) + gzip.compress(data[5:])),
    "zlib": ("deflate", zlib.compress),
    "raw": ("deflate", _raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.ZstdCompressor().compress),
    "list": ("deflate, br", lambda data: brotli.compress(zlib.compress(data))),
}
_CODED = {name: pair for name, pair in _ENCODERS.items() if name not in ("identity", "none")}


def _decode(coding: str, data: bytes, piece: int) -> tuple[bytes, bool]:
    decoder = ContentDecoder(coding)
    pieces = (data[start : start + piece] for start in range(0, len(data), piece))
    return b"".join(decoder.feed(piece) for piece in pieces), decoder.broken


@pytest.mark.parametrize("name", _ENCODERS)
@given(data=st.binary(max_size=400), piece=st.sampled_from([1, 3, 10_000]))
def test_decodes_however_it_is_cut(name: str, data: bytes, piece: int) -> None:
    """What was encoded comes out, whole or in pieces."""
    coding, encode = _ENCODERS[name]
    assert (data, False) == _decode(coding, encode(data), piece)


def _flushing(name: str) -> tuple[str, Callable[[bytes], bytes]]:
    if name == "br":
        brotli_stream = brotli.Compressor()
        return "br", lambda data: brotli_stream.process(data) + brotli_stream.flush()
    if name == "zstd":
        zstd_stream = zstandard.ZstdCompressor().compressobj()
        flush = zstandard.COMPRESSOBJ_FLUSH_BLOCK
        return "zstd", lambda data: zstd_stream.compress(data) + zstd_stream.flush(flush)
    bits = {"gzip": 31, "deflate": 15}[name]
    stream = zlib.compressobj(wbits=bits)
    return name, lambda data: stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH)


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_flushed_bytes_come_out_at_once(name: str) -> None:
    """Nothing that the encoder flushed is held back until more comes."""
    coding, encode = _flushing(name)
    decoder = ContentDecoder(coding)
    for number in range(5):
        event = b'data: {"number": %d}\n\n' % number
        assert event == decoder.feed(encode(event))


@pytest.mark.parametrize("name", _CODED)
@given(data=st.binary(min_size=1, max_size=60), cut=st.integers(0, 30))
def test_garbage_never_raises(name: str, data: bytes, cut: int) -> None:
    """Corrupt bytes break the decoder quietly, and for good."""
    coding, encode = _CODED[name]
    decoder = ContentDecoder(coding)
    decoder.feed(encode(b"some text, some text")[:cut] + data)
    if decoder.broken:
        assert b"" == decoder.feed(encode(b"text"))


@pytest.mark.parametrize("name", ["gzip", "zlib", "br", "zstd"])
def test_corruption_is_noticed(name: str) -> None:
    coding, encode = _CODED[name]
    good = bytearray(encode(bytes(range(256)) * 20))
    good[0] ^= 0xFF
    assert (b"", True) == _decode(coding, bytes(good), 10_000)


@pytest.mark.parametrize("coding", ["compress", "gzip, nonsense", "aws-chunked"])
def test_unknown_codings_are_broken(coding: str) -> None:
    decoder = ContentDecoder(coding)
    assert (True, b"") == (decoder.broken, decoder.feed(b"x"))


@pytest.mark.parametrize("name", ["gzip", "zlib", "raw", "br", "zstd", "list"])
def test_bombs_are_not_blown_up(name: str) -> None:
    """Input that expands beyond the bound in one step breaks the decoder."""
    coding, encode = _CODED[name]
    decoded, broken = _decode(coding, encode(bytes(MAX_OUTPUT + 1)), MAX_OUTPUT)
    assert (0, True) == (len(decoded), broken)


def test_what_follows_the_last_gzip_member_is_ignored() -> None:
    """Padding after the body is no corruption, as other readers see it too."""
    assert (b"text", False) == _decode("gzip", gzip.compress(b"text") + b"\0" * 8, 5)

"""Content codings that flush after every piece, so that a reader gets each event as it is sent."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import brotli
import zstandard


@dataclass(frozen=True, slots=True)
class Encoder:
    name: str
    push: Callable[[bytes], bytes]
    """Compress one piece, with everything that a decoder needs to give it back at once."""
    finish: Callable[[], bytes]


def _zlib(name: str, wbits: int) -> Encoder:
    deflater = zlib.compressobj(wbits=wbits)
    return Encoder(
        name,
        lambda data: deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH),
        deflater.flush,
    )


def _br() -> Encoder:
    compressor = brotli.Compressor(quality=4)
    return Encoder(
        "br", lambda data: bytes(compressor.process(data) + compressor.flush()), compressor.finish
    )


def _zstd() -> Encoder:
    compressor = zstandard.ZstdCompressor().compressobj()
    return Encoder(
        "zstd",
        lambda data: (
            compressor.compress(data) + compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        ),
        compressor.flush,
    )


_ENCODERS: dict[str, Callable[[], Encoder]] = {
    "gzip": lambda: _zlib("gzip", 16 + zlib.MAX_WBITS),
    "deflate": lambda: _zlib("deflate", zlib.MAX_WBITS),
    "br": _br,
    "zstd": _zstd,
    "identity": lambda: Encoder("identity", lambda data: data, lambda: b""),
}


def choose_encoder(accept_encoding: str) -> Encoder:
    """The first coding of the client's list that we know; identity where there is none."""
    for part in accept_encoding.split(","):
        name, _, weight = part.partition(";")
        if name.strip().lower() in _ENCODERS and weight.strip() not in {"q=0", "q=0.0"}:
            return _ENCODERS[name.strip().lower()]()
    return _ENCODERS["identity"]()

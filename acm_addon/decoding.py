"""Content-Encoding, undone piece by piece on our copy of a body. Sans-IO; never raises.

Decoded bytes come out as early as the codec can give them. RFC 9110 section 8.4 names the codings;
``deflate`` is zlib by that text and raw by common mistake, so both are read. RFC 9659 limits the
window of ``zstd`` to 8 MiB.
"""

import zlib
from collections.abc import Callable
from typing import Protocol

import brotli
import zstandard

MAX_OUTPUT = 32 * 1024 * 1024
"""Bytes that one ``feed`` may expand to. More is a decompression bomb, and breaks the decoder."""

MAX_RATIO = 200
"""Decoded bytes for each coded one, beyond the first MiB. Text does not come near it."""
_GRACE = 1024 * 1024

_ZSTD_WINDOW = 8 * 1024 * 1024
_ZSTD_STEP = 256
"""Input bytes between two looks at the output: zstd offers no limit, and a block can be 128 KiB."""


class _CorruptError(Exception):
    """The coded bytes are not what they claim to be, or expand too far."""


class _Codec(Protocol):
    def decode(self, data: bytes) -> bytes:
        """Decode the next bytes; raises ``_CorruptError``."""


class _Gzip:
    """One gzip member after another (RFC 1952). What follows the last member is ignored."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._first = True
        self._done = False

    def decode(self, data: bytes) -> bytes:
        decoded: list[bytes] = []
        room = MAX_OUTPUT
        while data and not self._done:
            try:
                piece = self._member.decompress(data, room + 1)
            except zlib.error as error:
                if self._first:
                    raise _CorruptError from error
                self._done = True
                break
            room -= len(piece)
            if room < 0:
                raise _CorruptError
            decoded.append(piece)
            if not self._member.eof:
                break
            data = self._member.unused_data
            self._first = False
            self._member = zlib.decompressobj(wbits=31)
        return b"".join(decoded)


class _Deflate:
    """zlib (RFC 1950) if the first two bytes are its header, else raw deflate (RFC 1951)."""

    def __init__(self) -> None:
        self._start = b""
        self._stream: zlib._Decompress | None = None

    def decode(self, data: bytes) -> bytes:
        if self._stream is None:
            data = self._start + data
            if len(data) < 2:
                self._start = data
                return b""
            zlib_header = data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
            self._stream = zlib.decompressobj(wbits=15 if zlib_header else -15)
        try:
            decoded = self._stream.decompress(data, MAX_OUTPUT + 1)
        except zlib.error as error:
            raise _CorruptError from error
        return _bounded(decoded)


class _Brotli:
    def __init__(self) -> None:
        self._stream = brotli.Decompressor()

    def decode(self, data: bytes) -> bytes:
        if self._stream.is_finished():
            return b""
        try:
            decoded: bytes = self._stream.process(data, output_buffer_limit=MAX_OUTPUT + 1)
        except brotli.error as error:
            raise _CorruptError from error
        return _bounded(decoded)


class _Zstandard:
    """Frames of zstd (RFC 8878), one after another."""

    def __init__(self) -> None:
        context = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._stream = context.decompressobj(read_across_frames=True)

    def decode(self, data: bytes) -> bytes:
        decoded: list[bytes] = []
        room = MAX_OUTPUT
        for start in range(0, len(data), _ZSTD_STEP):
            try:
                piece = self._stream.decompress(data[start : start + _ZSTD_STEP])
            except zstandard.ZstdError as error:
                raise _CorruptError from error
            room -= len(piece)
            if room < 0:
                raise _CorruptError
            decoded.append(piece)
        return b"".join(decoded)


_CODECS: dict[str, Callable[[], _Codec]] = {
    "gzip": _Gzip,
    "x-gzip": _Gzip,
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _Zstandard,
}


class ContentDecoder:
    """Undoes a Content-Encoding header value, such as ``gzip`` or ``deflate, br``."""

    def __init__(self, content_encoding: str) -> None:
        names: list[str] = []
        if content_encoding:
            names = [name.strip().lower() for name in content_encoding.split(",")]
            names = [name for name in names if name and name != "identity"]
        self.broken = any(name not in _CODECS for name in names)
        """Set at the first byte that cannot be decoded; nothing comes out from then on."""
        # The header lists the codings in the order in which they were applied.
        self._codecs = [] if self.broken else [_CODECS[name]() for name in reversed(names)]
        self._room = _GRACE

    def feed(self, data: bytes) -> bytes:
        """The decoded bytes that ``data`` completes, ``b""`` while there are none."""
        if self.broken:
            return b""
        if not self._codecs:
            return data
        self._room += MAX_RATIO * len(data)
        try:
            for codec in self._codecs:
                data = codec.decode(data)
        except _CorruptError:
            self.broken = True
            return b""
        self._room -= len(data)
        if self._room < 0:
            self.broken = True
            return b""
        return data


def _bounded(decoded: bytes) -> bytes:
    if len(decoded) > MAX_OUTPUT:
        raise _CorruptError
    return decoded

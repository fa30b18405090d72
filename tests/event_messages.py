"""Messages of an AWS event stream, encoded."""

import struct
import zlib
from collections.abc import Mapping


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """A message of an AWS event stream."""
    raw = b"".join(
        struct.pack("B", len(name)) + name + struct.pack(">BH", 7, len(value)) + value
        for name, value in ((name.encode(), value.encode()) for name, value in headers.items())
    )
    prelude = struct.pack(">II", 16 + len(raw) + len(payload), len(raw))
    prelude += struct.pack(">I", zlib.crc32(prelude))
    whole = prelude + raw + payload
    return whole + struct.pack(">I", zlib.crc32(whole))

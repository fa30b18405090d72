"""Pictures in a request: how large they are, which decides what they cost. Sans-IO.

Only the head of a picture is decoded. Sizes are read from the formats' own headers: PNG's IHDR,
GIF's logical screen, WebP's first chunk, JPEG's start of frame.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass

_HEAD = 256 * 1024
"""Characters of base64 that are decoded: a JPEG may hold a long profile before its size."""
_NO_SIZE = (0xC4, 0xC8, 0xCC)
"""JPEG markers within the range of those that start a frame, which start none."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Pixels; None for both where the picture is elsewhere or cannot be read."""

    width: int | None = None
    height: int | None = None
    detail: str | None = None
    """``low``, ``high``, or ``auto``, where the request asks for one."""


def picture_of(part: Mapping[str, object]) -> Picture | None:
    """The picture that a content part holds itself, by every API's names, or None."""
    if "image_url" in part:
        link = part["image_url"]
        detail = (link if isinstance(link, dict) else part).get("detail")
        return _picture(link.get("url") if isinstance(link, dict) else link, detail)
    if part.get("type") == "image" or isinstance(part.get("image"), dict):
        holder = part["image"] if isinstance(part.get("image"), dict) else part
        source = holder.get("source") if isinstance(holder, dict) else None
        kept = source if isinstance(source, dict) else holder
        return _picture(_first(kept, "data", "bytes"), None)
    for key in ("inlineData", "inline_data", "fileData", "file_data"):
        data = part.get(key)
        if isinstance(data, dict) and str(_first(data, "mimeType", "mime_type")).startswith(
            "image/"
        ):
            return _picture(data.get("data"), None)
    return None


def picture_size(head: bytes) -> tuple[int, int] | None:
    """Width and height by the header of a PNG, GIF, WebP, or JPEG; None for anything else."""
    if head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        return _big(head[16:20]), _big(head[20:24])
    if head[:6] in (b"GIF87a", b"GIF89a") and len(head) >= 10:
        return _little(head[6:8]), _little(head[8:10])
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP" and len(head) >= 30:
        return _webp(head)
    return _jpeg(head) if head.startswith(b"\xff\xd8") else None


def _picture(data: object, detail: object) -> Picture:
    size = _size(data) if isinstance(data, str) else None
    width, height = size or (None, None)
    return Picture(width, height, detail if isinstance(detail, str) else None)


def _size(data: str) -> tuple[int, int] | None:
    if data.startswith("data:"):
        data = data[: _HEAD + 100].partition(",")[2]
    head = data[:_HEAD]
    try:
        size = picture_size(base64.b64decode(head[: len(head) // 4 * 4]))
    except (binascii.Error, ValueError):
        return None
    return size if size and all(size) else None


def _webp(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8X":
        return _little(head[24:27]) + 1, _little(head[27:30]) + 1
    if kind == b"VP8L":
        bits = _little(head[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        return _little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF
    return None


def _jpeg(head: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 9 <= len(head) and head[place] == 0xFF:
        marker = head[place + 1]
        if 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE:
            return _big(head[place + 7 : place + 9]), _big(head[place + 5 : place + 7])
        place += 1 if marker == 0xFF else 2 + _big(head[place + 2 : place + 4])
    return None


def _first(holder: object, *keys: str) -> object:
    if not isinstance(holder, dict):
        return None
    return next((holder[key] for key in keys if key in holder), None)


def _big(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")

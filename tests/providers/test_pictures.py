"""Sizes of pictures, by the headers that their formats define."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.providers.pictures import picture_size

_SOF = struct.pack(">HBHHB", 17, 8, 480, 640, 3)


@pytest.mark.parametrize(
    "head",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", 640, 480),
        b"GIF89a" + struct.pack("<HH", 640, 480),
        b"RIFF\x00\x00\x00\x00WEBPVP8X" + bytes(8) + b"\x7f\x02\x00\xdf\x01\x00",
        b"RIFF\x00\x00\x00\x00WEBPVP8L" + bytes(5) + struct.pack("<I", 639 | 479 << 14) + bytes(9),
        b"RIFF\x00\x00\x00\x00WEBPVP8 " + bytes(10) + struct.pack("<HH", 640, 480),
        b"\xff\xd8\xff\xc0" + _SOF,
        b"\xff\xd8\xff\xe0\x00\x04ab\xff\xff\xc4\x00\x02\xff\xc2" + _SOF,
    ],
    ids=["png", "gif", "webp-extended", "webp-lossless", "webp", "jpeg", "jpeg-progressive"],
)
def test_the_size_of_a_picture(head: bytes) -> None:
    assert (640, 480) == picture_size(head)


@pytest.mark.parametrize("head", [b"", b"%PDF-1.7", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xda\x00"])
def test_no_size_where_there_is_none(head: bytes) -> None:
    """Another format, or a head that was cut."""
    assert picture_size(head) is None


@given(st.sampled_from([b"", b"\xff\xd8", b"RIFF1234WEBPVP8L", b"GIF89a"]), st.binary(max_size=60))
def test_any_bytes_are_read(start: bytes, rest: bytes) -> None:
    """A picture that lies about itself is no reason to fail, nor to run on."""
    size = picture_size(start + rest)

    assert size is None or min(size) >= 0

"""Small audio files of every format, as few bytes of sound in them as their headers allow."""

import io
import struct
import wave


def wav(seconds: float, rate: int = 8000) -> bytes:
    """Silence of 16 bits in one channel."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(bytes(2 * round(seconds * rate)))
    return file.getvalue()


def mp3(frames: int, stated: int = 0) -> bytes:
    """Frames of 1,152 samples at 44,100 Hz and 128 kbit/s; ``stated`` frames in a Xing header."""
    frame = b"\xff\xfb\x90\xc0" + bytes(413)
    xing = b"Xing" + struct.pack(">iii", 3, stated, 417 * (stated + 1))
    first = frame[:21] + xing + frame[21 + len(xing) :]
    return (first if stated else b"") + frame * frames


def flac(samples: int, rate: int = 44_100) -> bytes:
    """A stream info of 16 bits in one channel, and no frames."""
    packed = rate << 44 | 15 << 36 | samples
    info = bytes(10) + packed.to_bytes(8) + bytes(16)
    return b"fLaC" + b"\x80" + len(info).to_bytes(3) + info


def page(packet: bytes, position: int, number: int, kind: int = 0) -> bytes:
    """An Ogg page with a short packet. Its CRC is left zero: no reader here looks at it."""
    head = struct.pack("<4sBBqIII", b"OggS", 0, kind, position, 7, number, 0)
    sizes = [255] * (len(packet) // 255) + [len(packet) % 255]
    return head + bytes([len(sizes), *sizes]) + packet


def opus(seconds: int, pages: int = 3) -> bytes:
    """An Opus stream whose last page says how long it is."""
    start = page(b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48_000, 0, 0), 0, 0, 2)
    middle = page(b"OpusTags" + bytes(8), 0, 1)
    sound = [page(bytes(200), 960 * number, 2 + number) for number in range(pages)]
    return start + middle + b"".join(sound) + page(b"x", 48_000 * seconds + 312, 2 + pages, 4)


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + kind + data


def m4a(milliseconds: int, media: int = 50, *, index_first: bool = True) -> bytes:
    """An MP4 file with ``media`` bytes of sound, its index before or after them."""
    header = bytes(12) + struct.pack(">II", 1000, milliseconds) + bytes(80)
    index, sound = box(b"moov", box(b"mvhd", header)), box(b"mdat", bytes(media))
    return box(b"ftyp", b"M4A \0\0\0\0") + (index + sound if index_first else sound + index)


def element(identity: int, data: bytes) -> bytes:
    """An EBML element."""
    name = identity.to_bytes((identity.bit_length() + 7) // 8)
    return name + (1 << 56 | len(data)).to_bytes(8) + data


def webm(milliseconds: float | None, blocks: tuple[int, ...] = ()) -> bytes:
    """A WebM file that states a duration, or does not, with a cluster at one second."""
    info = element(0x2AD7B1, (1_000_000).to_bytes(3))
    if milliseconds is not None:
        info += element(0x4489, struct.pack(">d", milliseconds))
    cluster = element(0xE7, (1000).to_bytes(2)) + b"".join(
        element(0xA3, b"\x81" + at.to_bytes(2, signed=True) + b"\x80sound") for at in blocks
    )
    inside = element(0x1549A966, info) + element(0x1F43B675, cluster)
    return element(0x1A45DFA3, b"") + element(0x18538067, inside)

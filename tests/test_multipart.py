"""Multipart forms as clients send them, in pieces, and hostile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import encode_multipart_formdata

from acm_addon.multipart import HEAD, MAX_PARTS, MAX_VALUE, TAIL, FilePart, MultipartForm
from tests.accuracy.recordings import FOLDER, body, headers, recordings

_TYPE = "multipart/form-data; boundary=B"
_RECORDED = [
    record
    for record in recordings()
    if headers(record, "request").get("content-type", "").startswith("multipart/")
    and b"\r\n" in body(record, "request")  # Else the recorder left a note in its place.
]


def _read(data: bytes, piece: int = 0, content_type: str = _TYPE) -> MultipartForm:
    form = MultipartForm(content_type)
    size = piece or len(data) or 1
    for start in range(0, len(data), size):
        form.feed(data[start : start + size])
    return form


def _part(head: str, data: bytes) -> bytes:
    return b"--B\r\nContent-Disposition: form-data; " + head.encode() + b"\r\n\r\n" + data + b"\r\n"


def _seen(form: MultipartForm) -> object:
    texts = {name: form.values(name) for name in form.names}
    return texts, form.files, form.malformed, form.truncated, form.closed


@given(
    fields=st.dictionaries(st.sampled_from(["model", "prompt", "n"]), st.text(max_size=40)),
    files=st.lists(st.binary(max_size=300), max_size=3),
    piece=st.integers(0, 40),
)
def test_a_form_of_a_real_client(fields: dict[str, str], files: list[bytes], piece: int) -> None:
    """What urllib3 encodes is found, in pieces of any size."""
    sent: list[tuple[str, object]] = [*fields.items()]
    sent += [("file", ("secret name.wav", data, "audio/wav")) for data in files]
    sent += [("empty", ("", b"", "application/octet-stream"))]
    data, content_type = encode_multipart_formdata(sent)
    form = _read(data, piece, content_type)
    assert fields == {name: form.value(name) for name in form.names}
    expected = [FilePart("file", "audio/wav", len(data), data, b"") for data in files]
    assert [*expected, FilePart("empty", "application/octet-stream", 0, b"", b"")] == form.files
    assert (True, False, False) == (form.closed, form.malformed, form.truncated)


@pytest.mark.skipif(not _RECORDED, reason=f"no recordings in {FOLDER}; set ACM_RECORDINGS")
@pytest.mark.parametrize("record", _RECORDED, ids=lambda record: record["id"])
def test_recorded_forms(record: dict[str, object]) -> None:
    """Every recorded form is closed and has a field or a file, whole and byte by byte."""
    data, content_type = body(record, "request"), headers(record, "request")["content-type"]
    form = _read(data, 0, content_type)
    assert (True, False) == (form.closed, form.malformed)
    assert form.names or form.files
    assert _seen(form) == _seen(_read(data, 1, content_type))


def test_the_ends_of_a_file_are_kept() -> None:
    """The first bytes, and the last ones of the first file; of the others the size is known."""
    sound = bytes(range(256)) * 8192 + b"end"
    data = (
        _part('name="a"; filename="x"', sound) + _part('name="b"; filename="y"', sound) + b"--B--"
    )
    for piece in (0, 1000, 70_001):
        first, second = _read(data, piece).files
        assert (len(sound), sound[:HEAD], sound[-TAIL:]) == (first.size, first.head, first.tail)
        assert (len(sound), sound[:HEAD], b"") == (second.size, second.head, second.tail)


def test_a_short_tail_does_not_repeat_the_head() -> None:
    sound = b"a" * HEAD + b"b"
    (file,) = _read(_part('name="a"; filename="x"', sound) + b"--B--").files
    assert (b"b", sound) == (file.tail, file.head + file.tail)


def test_long_texts_are_named_and_not_kept() -> None:
    """The name of a long field is there, its text is not, and others are."""
    data = _part('name="prompt"', b"x" * (MAX_VALUE + 1)) + _part('name="model"', b"m") + b"--B--"
    for piece in (0, 100):
        form = _read(data, piece)
        assert (("prompt", "model"), None, "m") == (
            form.names,
            form.value("prompt"),
            form.value("model"),
        )
        assert (True, True) == (form.truncated, form.closed)


def test_parts_are_bounded() -> None:
    """Of more parts than the bound nothing is kept, and the form is read to its end."""
    form = _read(_part('name="a"', b"x") * (MAX_PARTS + 5) + b"--B--")
    assert (MAX_PARTS, True, True) == (len(form.values("a")), form.truncated, form.closed)


def test_repeated_names_keep_every_value() -> None:
    form = _read(_part('name="a[]"', b"x") + _part('name="a[]"', b"y") + b"--B--")
    assert (["x", "y"], "y", None) == (form.values("a[]"), form.value("a[]"), form.value("b"))


@pytest.mark.parametrize("piece", [0, 1, 3])
def test_what_is_around_the_form_is_passed_over(piece: int) -> None:
    """Preamble and epilogue, also where they look like boundaries."""
    data = b"hello --B\r\n\r\n--\r\n--A\r\n" + _part('name="a"', b"x") + b"--B--\r\n--B\r\nmore"
    form = _read(data, piece)
    assert ("x", True, False) == (form.value("a"), form.closed, form.malformed)


@pytest.mark.parametrize("piece", [0, 1, 3])
def test_almost_boundaries_are_data(piece: int) -> None:
    text = b"\r\n--\r\n-B\r\r\n--C\r\n\n--B"
    form = _read(_part('name="a"', text) + b"--B--", piece)
    assert text.decode() == form.value("a")


@pytest.mark.parametrize(
    ("head", "name", "is_file"),
    [
        ("name=model", "model", False),
        ('NAME="a;b=\'c"', "a;b='c", False),
        ('filename="x"; name="f"', "f", True),
        ("name=\"f\"; filename*=UTF-8''%e2%82%ac.wav", "f", True),
        ('name="f"\r\nContent-Type: text/plain; charset=utf-8', "f", False),
        ('name="f"\r\nContent-Type: application/json', "f", False),
        ('name="f"\r\ncontent-TYPE: Audio/MPEG', "f", True),
        ("", "", False),
    ],
)
def test_headers_as_clients_write_them(head: str, name: str, is_file: bool) -> None:
    form = _read(_part(head, b"x") + b"--B--")
    assert ((name,), False) == ((form.names or (form.files[0].name,)), form.malformed)
    assert is_file == bool(form.files)


@pytest.mark.parametrize(
    "data",
    [
        b"--B\nContent-Disposition: form-data; name=a\n\nx\n--B--\n",
        b"--B\r\nno header\r\n\r\nx\r\n--B--",
        b"--B\r\n: empty\r\n\r\nx\r\n--B--",
        b"--B\r\nX: " + b"y" * 10_000 + b"\r\n\r\nx\r\n--B--",
        b"--B\r\n" + b"X: y\r\n" * 100 + b"\r\nx\r\n--B--",
    ],
    ids=["bare LF", "no colon", "no name", "long header", "many headers"],
)
def test_what_is_no_form_is_malformed(data: bytes) -> None:
    """Whole and in pieces; nothing of it is a field."""
    for piece in (0, 1):
        form = _read(data, piece)
        assert (True, False, ()) == (form.malformed, form.closed, form.names)


def test_a_form_that_breaks_off_is_not_closed() -> None:
    """The part in which that happens is as if it were not there; those before it are."""
    data = _part('name="a"', b"x") + _part('name="b"', b"y")
    form = _read(data)
    assert (("a",), False, False) == (form.names, form.closed, form.malformed)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "a; boundary=" + "x" * 201,
        'a; boundary="\r\n"',
        "a; boundary=é",
        'a; boundary="',
    ],
)
def test_a_boundary_that_is_none_is_malformed(content_type: str) -> None:
    form = _read(b"--B--", 0, content_type)
    assert (True, False) == (form.malformed, form.closed)

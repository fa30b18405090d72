import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from acm_addon.captures import files
from acm_addon.captures.base import Format, decoded_headers
from acm_addon.captures.files import format_of, raw_entries
from acm_addon.captures.reading import Reading
from acm_addon.model import Attribution, Entry, utc_now
from acm_addon.pricing import PriceTable
from tests.capture_files import har, har_entry, lines, recording, saved


def read(path: Path) -> tuple[list[Entry], Reading]:
    reading = Reading(path, PriceTable.current(), Attribution())
    records = list(reading.records())
    return [record for record in records if isinstance(record, Entry)], reading


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [har(har_entry()), lines(recording(note="日本語 ü"))])
def test_texts_in_any_unicode(text: str, encoding: str, tmp_path: Path) -> None:
    """PowerShell writes UTF-16, Fiddler a byte order mark."""
    rows, reading = read(saved(tmp_path / "a", text.encode(encoding)))
    assert ([40_000], 0) == ([row.cost for row in rows], reading.tally.unreadable)


def test_bytes_that_are_no_text_cost_nothing(tmp_path: Path) -> None:
    """A prompt in Latin-1 inside a file of UTF-8: the usage is readable all the same."""
    damaged = lines(recording(note="ZZ")).encode().replace(b"ZZ", b"\xfc\xff")
    rows, reading = read(saved(tmp_path / "a", damaged))
    assert (1, 0) == (len(rows), reading.tally.unreadable)


def test_lesson_25_good_and_bad_lines(tmp_path: Path) -> None:
    """ccusage#952: input was skipped in silence. What is readable is priced, the rest counted with
    its lines; blank lines are nothing."""
    text = lines(recording()) + "\n  \nnonsense\n[1]\n{}\n" + "[" * 5000 + "\n" + lines(recording())
    rows, reading = read(saved(tmp_path / "a.jsonl", text + lines(recording())[:-40]))
    assert [1, 8] == [row.source.line for row in rows if row.source]
    assert (2, [4, 5, 6, 7, 9]) == (reading.tally.billable, reading.tally.unreadable_places)


def test_a_har_that_is_cut_off(tmp_path: Path) -> None:
    """Its whole entries are priced, and the broken one is counted with its index."""
    document = har(har_entry(), {"x": 1}, har_entry())
    rows, reading = read(saved(tmp_path / "a.har", document[:-100]))
    assert [0] == [row.source.index for row in rows if row.source]
    assert [1, 2] == reading.tally.unreadable_places


def test_a_server_at_an_ipv6_address(tmp_path: Path) -> None:
    """Its colons are not the one before the port."""
    local = recording(provider_host="[::1]:11434")
    (row,), _ = read(saved(tmp_path / "a.jsonl", lines(local)))
    assert "ollama" == row.provider


def test_a_header_that_comes_twice(tmp_path: Path) -> None:
    """Its values are one list, as in live traffic: of a body whose type is stated twice, JSON."""
    twice = [["Content-Type", "application/json"], ["content-type", "text/event-stream"]]
    assert {"content-type": "application/json, text/event-stream"} == decoded_headers(
        (name, value) for name, value in twice
    )
    (row,), _ = read(saved(tmp_path / "a.jsonl", lines(recording(response_headers=twice))))
    assert 40_000 == row.cost


def test_a_header_that_comes_a_million_times() -> None:
    """It holds nobody up: the values before it are not copied for each."""
    (value,) = decoded_headers([("X-A", "value")] * 10**6).values()
    assert (10**6, 7 * 10**6 - 2) == (value.count("value"), len(value))


def test_every_entry_is_counted_once(tmp_path: Path) -> None:
    """Billable, free, or not a provider's; errors and calls without a time are among the first."""
    refused = recording(status=401, response_headers=[])
    models = recording(method="GET", path="/v1/models")
    other = recording(provider_host="localhost:5432")
    text = lines(recording(), refused, models, other)
    _, reading = read(saved(tmp_path / "a.jsonl", text))
    tally = reading.tally
    assert (2, 1, 1, 0) == (tally.billable, tally.free, tally.not_provider, tally.unreadable)
    assert (1, 1) == (tally.errors, tally.undated)


def test_the_same_file_gives_the_same_ids(tmp_path: Path) -> None:
    """Under another name, with other line ends, or grown since; each call has an id of its own,
    even one that is written twice."""
    text = lines(recording(), recording())
    first = [row.id for row in read(saved(tmp_path / "a.jsonl", text))[0]]
    grown = [row.id for row in read(saved(tmp_path / "b.jsonl", text + text))[0]]
    windows = [row.id for row in read(saved(tmp_path / "c.jsonl", text.replace("\n", "\r\n")))[0]]
    other = [row.id for row in read(saved(tmp_path / "d.jsonl", lines({}) + text))[0]]
    assert first == grown[:2] == windows
    assert 4 == len(set(grown))
    assert set(first).isdisjoint(other)


@pytest.mark.parametrize(
    ("start", "format_"),
    [
        ('{"log": {', Format.HAR),
        ('\n { \n "log" :{', Format.HAR),
        ('{"logs": {', Format.LINES),
        ("1234:", Format.FLOWS),
        ("", Format.LINES),
        ("\x00\x01\x02", Format.LINES),
    ],
)
def test_a_file_is_known_by_how_it_begins(start: str, format_: Format, tmp_path: Path) -> None:
    """Never by its name."""
    assert format_ is format_of(saved(tmp_path / "capture.har", start))


@pytest.mark.parametrize("piece", [1, 3, 7, 1000])
def test_lesson_25_lines_that_are_too_long(
    piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ccusage#885: 30 GB of memory. They cost themselves alone, wherever the pieces of the file
    end."""
    monkeypatch.setattr(files, "_PIECE", piece)
    monkeypatch.setattr(files, "MAX_ENTRY", 5)
    path = saved(tmp_path / "a", "12345\n123456\n\n1\n12345678901\n12")
    found = [(raw.number, raw.data) for raw in raw_entries(path, Format.LINES)]
    assert [(1, b"12345"), (2, None), (4, b"1"), (5, None), (6, b"12")] == found


TIMES_END = '"wait": 300.2}'


@pytest.mark.parametrize("damaged", [0, 1, 2])
def test_a_har_with_a_bracket_missing(damaged: int, tmp_path: Path) -> None:
    """The damaged entry alone is lost, and counted; those behind it keep their indexes."""
    entries = [har_entry() for _ in range(3)]
    parts = har(*entries).split(TIMES_END)
    ends = [TIMES_END.removesuffix("}") if at == damaged else TIMES_END for at in range(3)]
    text = "".join(part + end for part, end in zip(parts, [*ends, ""], strict=True))
    rows, reading = read(saved(tmp_path / "a.har", text))
    assert [at for at in range(3) if at != damaged] == [
        row.source.index for row in rows if row.source
    ]
    assert [damaged] == reading.tally.unreadable_places


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("}}, {", "}}]}, {"),
        ("]}}", "]}} garbage {}"),
        ("]}}", ", "),
        ("]}}", ']}}\n{"provider_host": "api.openai.com"}'),
    ],
)
def test_a_har_that_is_not_only_entries(before: str, after: str, tmp_path: Path) -> None:
    """Closed too early, with something else behind it, or cut between two entries: that there may
    be more is counted as one that is unreadable."""
    head, mark, tail = har(har_entry(), har_entry()).rpartition(before)
    assert mark
    rows, reading = read(saved(tmp_path / "a.har", head + after + tail))
    assert 1 <= len(rows)
    assert [len(rows)] == reading.tally.unreadable_places


@pytest.mark.parametrize("text", ['{"log": {"entries": []}}', har() + har()])
def test_a_har_without_entries_is_sound(text: str, tmp_path: Path) -> None:
    """Nothing happened while it was recorded."""
    assert 0 == read(saved(tmp_path / "a.har", text))[1].tally.unreadable


@pytest.mark.parametrize("status", [True, False, -5, 1, 10**30, "none", [2], {}, 2.5])
def test_what_is_no_status_makes_an_entry_unreadable(status: object, tmp_path: Path) -> None:
    """Rather than a row that says it."""
    for text in (lines(recording(status=status)), har(har_entry(response={"status": status}))):
        rows, reading = read(saved(tmp_path / "a", text))
        assert ([], 1) == (rows, reading.tally.unreadable)


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59Z", "1969-12-31T23:59:59Z", "2200-01-01"])
def test_a_time_out_of_this_world_is_none(time: str, tmp_path: Path) -> None:
    """The call takes the file's date, and is counted as one that does."""
    path = saved(tmp_path / "a.har", har(har_entry(startedDateTime=time)))
    rows, reading = read(path)
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    assert ([written], 1) == ([row.time for row in rows], reading.tally.undated)


def test_a_file_from_out_of_this_world(tmp_path: Path) -> None:
    """One whose date cannot be that of a call: it took place before now, at the latest."""
    path = saved(tmp_path / "a.jsonl", lines(recording(response_headers=[])))
    for moment in (-10_000_000, 10_000_000_000):
        os.utime(path, (moment, moment))
        before = utc_now()
        assert all(before <= row.time <= utc_now() for row in read(path)[0])
        assert 1 == len(read(path)[0])

import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acm_addon.errors import AcmError
from acm_addon.ledger.base import Position
from acm_addon.ledger.reader import LedgerReader
from acm_addon.ledger.sqlite import SqliteLedger
from acm_addon.ledger.totals import GroupRow, Totals
from acm_addon.model import Entry
from tests.calls import NOON, make_entry

ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]
CHANGES = [
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # Berlin: an hour is left out
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # Berlin: an hour comes twice
    datetime(2026, 4, 4, 15, tzinfo=UTC),  # Lord Howe: half an hour comes twice
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),  # Lord Howe: half an hour is left out
    datetime(2026, 3, 8, 7, tzinfo=UTC),  # New York
    datetime(2026, 11, 22, tzinfo=UTC),  # nothing
]
"""Days on which some zone's clock changes."""

seconds = st.integers(-2 * 86_400, 2 * 86_400) | st.integers(-192, 192).map(lambda n: n * 900)


def booked(path: Path, *entries: Entry) -> None:
    with closing(SqliteLedger(path)) as ledger:
        ledger.book(entries, {})


def sums(rows: list[GroupRow]) -> Totals:
    return Totals(*map(sum, zip(*(astuple(row.totals) for row in rows), strict=True)))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(CHANGES),
    st.lists(st.tuples(seconds, st.integers(0, 999_999)), max_size=40),
    st.tuples(seconds, seconds),
    st.sampled_from(ZONES),
)
def test_lesson_19_a_range_is_exact_and_its_parts_sum_to_it(
    change: datetime, moments: list[tuple[int, int]], edges: tuple[int, int], zone: str
) -> None:
    """litellm#27780, #29568: $8.78 was shown for $0.99. Whatever the edges and the zone: sums are
    those of the calls in the range; days, hours and names sum to them; each call is in the day and
    hour that the zone's clock showed."""
    tz = ZoneInfo(zone)
    entries = [
        make_entry(
            time=change + timedelta(seconds=second, microseconds=micro),
            model=f"model-{number % 3}" if number % 4 else None,
            cost=number or None,
        )
        for number, (second, micro) in enumerate(moments)
    ]
    since, until = (change + timedelta(seconds=edge) for edge in sorted(edges))
    inside = [entry for entry in entries if since <= entry.time < until]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        booked(path, *entries)
        with LedgerReader(path) as reader:
            totals = reader.summary(since, until)
            days = reader.grouped("day", since, until, tz)
            hours = reader.grouped("hour", since, until, tz)
            models = reader.grouped("model", since, until, tz)
    assert (len(inside), sum(entry.cost or 0 for entry in inside)) == (totals.requests, totals.cost)
    assert sum(entry.cost is None for entry in inside) == totals.without_cost
    assert [totals] * 3 == [sums(days), sums(hours), sums(models)]
    local = [entry.time.astimezone(tz) for entry in inside]
    assert sorted({f"{time:%Y-%m-%d}" for time in local}) == [row.name for row in days]
    clock = {f"{time:%Y-%m-%dT%H}:00{time.isoformat()[-6:]}" for time in local}
    assert clock == {row.name for row in hours}
    assert {entry.model for entry in inside} == {row.name for row in models}


@pytest.mark.parametrize(
    ("zone", "change", "names"),
    [
        ("Europe/Berlin", CHANGES[1], ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00"]),
        ("Australia/Lord_Howe", CHANGES[2], ["2026-04-05T01:00+11:00", "2026-04-05T01:00+10:30"]),
    ],
)
def test_a_repeated_hour_is_two_rows(
    tmp_path: Path, zone: str, change: datetime, names: list[str]
) -> None:
    """When the clock is set back, by an hour or by half of one, the offset tells them apart."""
    path = tmp_path / "ledger.db"
    first, second = change - timedelta(minutes=20), change + timedelta(minutes=20)
    booked(path, make_entry(time=first), make_entry(time=second))
    day = timedelta(days=1)
    with LedgerReader(path) as reader:
        rows = reader.grouped("hour", first - day, second + day, ZoneInfo(zone))
    assert names == [row.name for row in rows]


def test_names_are_ordered_by_cost(tmp_path: Path) -> None:
    """The dearest first, then the busiest; calls without a model are a group of their own."""
    path = tmp_path / "ledger.db"
    booked(
        path,
        make_entry(model="cheap", cost=1),
        make_entry(model="dear", cost=9),
        make_entry(model="busy", cost=None),
        make_entry(model="busy", cost=1),
        make_entry(model=None, cost=None),
    )
    day = timedelta(days=1)
    with LedgerReader(path) as reader:
        rows = reader.grouped("model", NOON - day, NOON + day, ZoneInfo("UTC"))
    assert [("dear", 0), ("busy", 1), ("cheap", 0), (None, 1)] == [
        (row.name, row.totals.without_cost) for row in rows
    ]


@pytest.mark.parametrize("by", ["model", "provider", "project", "key", "endpoint", "day", "hour"])
def test_every_grouping_sums_to_the_whole(tmp_path: Path, by: str) -> None:
    """Over a range that is read from calls, quarters and days at once."""
    path = tmp_path / "ledger.db"
    booked(
        path, *(make_entry(time=NOON + timedelta(minutes=7 * number)) for number in range(1, 1200))
    )
    since, until = NOON + timedelta(minutes=3), NOON + timedelta(days=4, seconds=1)
    with LedgerReader(path) as reader:
        rows = reader.grouped(by, since, until, ZoneInfo("Asia/Kathmandu"))  # type: ignore[arg-type]
        assert reader.summary(since, until) == sums(rows)
        assert sums(rows).requests == sum(
            since <= NOON + timedelta(minutes=7 * number) < until for number in range(1, 1200)
        )


def test_latency_percentiles_come_from_the_histogram(tmp_path: Path) -> None:
    """They are exact to a bucket, and unknown latencies are left out."""
    path = tmp_path / "ledger.db"
    booked(
        path,
        *(make_entry(latency_ms=latency) for latency in [100] * 98 + [5000] * 2),
        make_entry(latency_ms=None),
    )
    with LedgerReader(path) as reader:
        middle, high = reader.latency_percentiles(NOON, NOON + timedelta(days=1), [0.5, 0.99])
        assert [None] == reader.latency_percentiles(NOON - timedelta(days=1), NOON, [0.5])
    assert middle is not None
    assert high is not None
    assert 100 <= middle <= 150
    assert 4700 <= high <= 6800


def test_without_a_ledger_everything_is_empty(tmp_path: Path) -> None:
    """No file is no call, and asking creates none; once there is one, it is read."""
    path = tmp_path / "ledger.db"
    with LedgerReader(path) as reader:
        version = reader.data_version()
        assert Totals() == reader.summary(NOON, NOON + timedelta(days=1))
        assert [] == reader.grouped("model", NOON, NOON + timedelta(days=1), ZoneInfo("UTC"))
        assert [None] * 3 == reader.latency_percentiles(NOON, NOON + timedelta(days=1))
        assert (0, [], {}) == (
            reader.newest_rowid(),
            reader.recent(0, 9),
            reader.journal_positions(),
        )
        with pytest.raises(AcmError, match="no call"):
            reader.find("01a2")
        assert not path.exists()
        booked(path, make_entry())
        assert version != reader.data_version()
        assert 1 == reader.newest_rowid()


def test_a_ledger_that_is_being_created_is_empty(tmp_path: Path) -> None:
    """Between the file and its schema there are no calls yet."""
    path = tmp_path / "ledger.db"
    path.touch()
    with LedgerReader(path) as reader:
        assert 0 == reader.newest_rowid()
        booked(path, make_entry())
        assert 1 == reader.newest_rowid()


def test_a_tail_sees_what_is_booked(tmp_path: Path) -> None:
    """The version changes with every commit of another connection, and rows follow in order."""
    path = tmp_path / "ledger.db"
    first, second, third = make_entry(), make_entry(), make_entry()
    booked(path, first)
    with LedgerReader(path) as reader:
        before, newest = reader.data_version(), reader.newest_rowid()
        assert before == reader.data_version()
        booked(path, second, third)
        assert before != reader.data_version()
        assert [second] == [row.entry for row in reader.recent(newest, 1)]
        assert [second, third] == [row.entry for row in reader.recent(newest, 10)]


def test_a_call_is_found_by_the_start_of_its_id(tmp_path: Path) -> None:
    """One match is the call; none or several are an error that says what to do."""
    path = tmp_path / "ledger.db"
    one, two = (make_entry(id=f"01a20131-000{n}-7000-8000-000000000001") for n in (1, 2))
    booked(path, one, two)
    with LedgerReader(path) as reader:
        assert one == reader.find(one.id)
        assert two == reader.find(" 01A20131-0002 ")
        with pytest.raises(AcmError, match="several calls") as several:
            reader.find("01a20131")
        assert several.value.hint
        for wanted in ("01a20131-0003", "%", "_", "", "zz"):
            with pytest.raises(AcmError, match="no call") as none:
                reader.find(wanted)
            assert none.value.hint


def test_positions_are_read(tmp_path: Path) -> None:
    """The command line sees how far the drain of another process is."""
    path = tmp_path / "ledger.db"
    with closing(SqliteLedger(path)) as ledger:
        ledger.book([], {"a.journal": Position(1, 2)})
    with LedgerReader(path) as reader:
        assert {"a.journal": Position(1, 2)} == reader.journal_positions()


def test_a_path_with_signs_of_an_address_is_opened(tmp_path: Path) -> None:
    """A folder may be called anything."""
    folder = tmp_path / "what? 100%#1 ü"
    folder.mkdir()
    booked(folder / "ledger.db", make_entry())
    with LedgerReader(folder / "ledger.db") as reader:
        assert 1 == reader.newest_rowid()


@pytest.mark.parametrize(
    ("code", "wal", "readable"),
    [
        (sqlite3.SQLITE_CANTOPEN, None, True),
        (sqlite3.SQLITE_CANTOPEN, b"", True),
        (sqlite3.SQLITE_CANTOPEN, b"calls", False),
        (sqlite3.SQLITE_BUSY, None, False),
    ],
)
def test_a_ledger_on_a_read_only_disk_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, wal: bytes | None, readable: bool
) -> None:
    """Unless calls wait in its -wal, or somebody may be writing; it is never to be moved away."""
    path = tmp_path / "ledger.db"
    booked(path, make_entry())
    if wal is not None:
        path.with_name("ledger.db-wal").write_bytes(wal)
    connect = sqlite3.connect

    def on_a_read_only_disk(address: str, **options: object) -> sqlite3.Connection:
        if "immutable" in address:
            return connect(address, **options)  # type: ignore[call-overload,no-any-return]
        error = sqlite3.OperationalError("unable to open database file")
        error.sqlite_errorcode = code
        raise error

    monkeypatch.setattr(sqlite3, "connect", on_a_read_only_disk)
    with LedgerReader(path) as reader:
        if readable:
            assert 1 == reader.newest_rowid()
            return
        with pytest.raises(AcmError, match="cannot read the ledger") as refused:
            reader.newest_rowid()
    assert refused.value.hint
    assert "Moving it away" not in refused.value.hint


def test_reading_imports_the_standard_library_only(tmp_path: Path) -> None:
    """A report starts fast."""
    booked(tmp_path / "ledger.db", make_entry())
    code = (
        "import sys; from pathlib import Path; from acm_addon.ledger.reader import LedgerReader;"
        "print(LedgerReader(Path(sys.argv[1])).newest_rowid(),"
        "[m for m in ('sqlite_utils', 'genai_prices', 'mitmproxy', 'click') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "ledger.db")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "1 []\n" == done.stdout

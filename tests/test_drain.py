import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from acm_addon.drain import Drain, DrainReport
from acm_addon.home import Home
from acm_addon.journal import Journal, Progress, Sent
from acm_addon.ledger.reader import LedgerReader
from acm_addon.ledger.sqlite import SqliteLedger
from acm_addon.model import Completeness, Entry, PriceStatus, Reason
from acm_addon.spool import spool_paths
from tests.calls import make_begin, make_entry
from tests.drains import DRAIN, by_id, drain_process, wait_for_a_change

PATIENCE = 30.0
"""Seconds that a test waits before it fails."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "acm").ensure()


def rows(home: Home) -> list[Entry]:
    with LedgerReader(home.ledger) as reader:
        return [row.entry for row in reader.recent(0, 1_000_000)]


def rolled_up(home: Home) -> list[int]:
    """Requests, as each of the rollups counts them (every test call has one tag)."""
    with closing(sqlite3.connect(home.ledger)) as conn:
        return [
            conn.execute(f"SELECT SUM(requests) FROM {table}").fetchone()[0]
            for table in ("rollups", "daily_rollups", "tag_rollups")
        ]


def record(journal: Journal, count: int) -> list[Entry]:
    """Finished calls."""
    entries = [make_entry() for _ in range(count)]
    for entry in entries:
        journal.begin(make_begin(entry.id)).end(entry)
    return entries


def test_lesson_08_finished_calls_are_booked_as_they_are(home: Home) -> None:
    """litellm#29292: a flush was cut short in silence. Every row equals what was journalled, in
    order, and a second pass adds nothing."""
    journal = Journal(home.journal)
    entries = record(journal, 450)
    report = Drain(home).run_once()
    assert DrainReport(booked=450, moved=True) == report
    assert DrainReport() == Drain(home).run_once()
    assert entries == rows(home)
    assert [450, 450, 450] == rolled_up(home)
    journal.close()


def test_nothing_is_created_where_there_is_nothing(tmp_path: Path) -> None:
    """A pass over a home that does not exist leaves it so."""
    home = Home(tmp_path / "absent")
    assert DrainReport() == Drain(home).run_once()
    assert not home.root.exists()


def test_a_running_call_is_left_alone(home: Home) -> None:
    """A stream of half an hour is no orphan: its process lives. It is booked when it ends."""
    journal = Journal(home.journal)
    call = journal.begin(make_begin())
    call.progress(Progress(5, 100))
    done = record(journal, 1)
    assert 1 == Drain(home).run_once().booked
    assert done == rows(home)
    entry = make_entry(id=call.id)
    call.end(entry)
    Drain(home).run_once()
    assert [*done, entry] == rows(home)
    assert len(spool_paths(home.journal)) == 1
    journal.close()
    Drain(home).run_once()
    assert [] == spool_paths(home.journal)
    assert 2 == len(rows(home))


def test_calls_of_a_dead_process_are_settled(home: Home) -> None:
    """Each is booked once, as far as it got, priced by the current table; the journal goes."""
    journal = Journal(home.journal)
    journal.begin(make_begin())
    sent = Sent("gpt-4o", input_tokens_estimate=1000)
    journal.begin(make_begin()).sent(sent)
    streaming = journal.begin(make_begin())
    streaming.sent(sent)
    streaming.progress(Progress(100, 4000))
    journal.close()
    report = Drain(home).run_once()
    assert (3, 3) == (report.booked, report.orphans)
    bare, unanswered, cut_off = rows(home)
    assert [Completeness.SENT_UNKNOWN, Completeness.SENT_UNKNOWN, Completeness.PARTIAL] == [
        entry.completeness for entry in (bare, unanswered, cut_off)
    ]
    assert {Reason.PROXY_STOPPED} == {entry.reason for entry in (bare, unanswered, cut_off)}
    assert (PriceStatus.UNPRICED, None, 0) == (bare.price_status, bare.cost, bare.known_cost)
    assert (PriceStatus.PARTLY_PRICED, None) == (unanswered.price_status, unanswered.cost)
    assert PriceStatus.PRICED == cut_off.price_status
    assert cut_off.cost == cut_off.known_cost
    assert 0 < unanswered.known_cost < cut_off.known_cost
    assert [] == spool_paths(home.journal)
    assert DrainReport() == Drain(home).run_once()


def test_what_cannot_be_read_is_counted_and_the_rest_is_booked(home: Home) -> None:
    """A corrupt stretch and a torn tail cost only the records that they hit."""
    journal = Journal(home.journal)
    entries = record(journal, 4)
    journal.close()
    (path,) = spool_paths(home.journal)
    data = bytearray(path.read_bytes())
    data[data.rindex(entries[1].id.encode())] ^= 1
    path.write_bytes(data[:-20])
    report = Drain(home).run_once()
    assert (4, 2, 2) == (report.booked, report.orphans, report.corrupt)
    found = {entry.id: entry for entry in rows(home)}
    assert {entry.id for entry in entries} == found.keys()
    assert (entries[0], entries[2]) == (found[entries[0].id], found[entries[2].id])


@pytest.mark.parametrize("round_", range(6))
def test_kill_9_loses_no_call_and_doubles_none(home: Home, round_: int) -> None:
    """Whatever a killed process had journalled is in the ledger exactly once, as far as it got."""
    writer = _writer(home)
    assert writer.stdout
    said = [writer.stdout.readline() for _ in range(random.randint(1, 400))]
    if round_ % 2:
        Drain(home).run_once()  # It may have been drained in part while it lived.
    writer.kill()
    said += writer.stdout.readlines()
    writer.wait()
    writer.stdout.close()
    Drain(home).run_once()

    told = _told(said)
    booked = Counter(entry.id for entry in rows(home))
    assert {1} == set(booked.values())
    assert told["begun"] <= booked.keys()
    # Of the last call the record may be there and the word of it not.
    assert len(booked) <= len(told["begun"]) + 1
    states = {entry.id: entry.completeness for entry in rows(home)}
    assert {Completeness.COMPLETE} == {states[one] for one in told["ended"]} or not told["ended"]
    unfinished = told["heard"] - told["ended"]
    assert {states[one] for one in unfinished} <= {Completeness.PARTIAL, Completeness.COMPLETE}
    assert [len(booked)] * 3 == rolled_up(home)
    assert [] == spool_paths(home.journal)


def test_a_drain_that_is_killed_is_taken_over(home: Home) -> None:
    """Another goes on from what was stored; a row is neither lost nor booked twice."""
    journal = Journal(home.journal, rotate_bytes=100_000)
    entries = record(journal, 3000)
    journal.close()
    for _ in range(5):
        drain = subprocess.Popen([sys.executable, "-c", DRAIN, str(home.root), "1"])
        wait_for_a_change(home, drain)
        drain.kill()
        drain.wait()
    Drain(home).run_once()
    assert by_id(entries) == by_id(rows(home))
    assert [3000] * 3 == rolled_up(home)


def test_lesson_09_two_drains_at_once_book_each_call_once(home: Home) -> None:
    """litellm#27989, otari PR#115: writers locked each other out. One of them is elected; the other
    returns at once and says so."""
    writer = _writer(home)
    assert writer.stdout
    said = [writer.stdout.readline() for _ in range(50)]
    drains = [
        subprocess.Popen([sys.executable, "-c", DRAIN, str(home.root), "200"]) for _ in range(2)
    ]
    said += [writer.stdout.readline() for _ in range(500)]
    writer.kill()
    said += writer.stdout.readlines()
    writer.wait()
    writer.stdout.close()
    assert [0, 0] == [drain.wait(PATIENCE) for drain in drains]
    Drain(home).run_once()
    booked = Counter(entry.id for entry in rows(home))
    assert {1} == set(booked.values())
    assert _told(said)["begun"] <= booked.keys()
    assert [len(booked)] * 3 == rolled_up(home)


def test_while_one_drains_another_returns_at_once(home: Home) -> None:
    """The drain of a proxy holds the election; a command neither waits for it nor interferes."""
    journal = Journal(home.journal)
    (first,) = record(journal, 1)
    drain = drain_process(home)
    assert drain.stdin
    _wait_until(lambda: Drain(home).run_once().elsewhere)
    entries = [first, *record(journal, 300)]
    drain.stdin.write(b".")
    drain.stdin.flush()
    _wait_until(lambda: entries == rows(home))
    journal.begin(make_begin())
    journal.close()
    drain.communicate(timeout=PATIENCE)
    assert [] == spool_paths(home.journal)
    assert 302 == len(rows(home))


def test_the_drain_follows_a_proxy_that_is_gone(home: Home) -> None:
    """However the other end of the pipe went, what it left is booked before the drain ends."""
    drain = drain_process(home)
    journal = Journal(home.journal)
    entries = record(journal, 3)
    journal.close()
    drain.communicate(timeout=PATIENCE)
    assert (0, entries) == (drain.returncode, rows(home))


def test_the_drain_survives_a_ledger_that_cannot_be_opened(home: Home) -> None:
    """It says so, and what was journalled meanwhile is booked once the ledger can be written."""
    home.ledger.mkdir()
    journal = Journal(home.journal)
    entries = record(journal, 3)
    drain = drain_process(home)
    assert drain.stdout
    assert b"drain AcmError\n" == drain.stdout.readline()
    home.ledger.rmdir()
    _wait_until(lambda: len(rows(home)) == len(entries))
    journal.close()
    drain.communicate(timeout=PATIENCE)
    assert entries == rows(home)


def test_a_ledger_that_is_moved_away_is_begun_anew(home: Home) -> None:
    """What is journalled after that is in the new one, and nothing of it in the old."""
    journal = Journal(home.journal)
    record(journal, 2)
    drain = drain_process(home)
    _wait_until(lambda: 2 == len(rows(home)))
    for path in home.root.glob("ledger.db*"):
        path.rename(home.root / f"moved-{path.name}")
    entries = record(journal, 2)
    journal.close()
    drain.communicate(timeout=PATIENCE)
    assert {entry.id for entry in entries} <= {entry.id for entry in rows(home)}
    assert [] == spool_paths(home.journal)


def test_a_failed_transaction_is_tried_again_as_a_whole(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows of a batch that could not be committed are not passed over."""
    journal = Journal(home.journal)
    entries = record(journal, 500)
    real, calls = SqliteLedger.book, []

    def book(ledger: SqliteLedger, *arguments: object) -> object:
        calls.append(ledger)
        if len(calls) == 2:
            raise sqlite3.OperationalError("disk I/O error")
        return real(ledger, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(SqliteLedger, "book", book)
    with pytest.raises(sqlite3.OperationalError):
        Drain(home).run_once()
    assert entries[: len(rows(home))] == rows(home) != entries
    Drain(home).run_once()
    journal.close()
    assert entries == rows(home)


def test_a_pass_without_orphans_loads_no_price_data(home: Home) -> None:
    """The command line runs one before each report, and must stay fast."""
    Drain(home).run_once()
    journal = Journal(home.journal)
    record(journal, 3)
    Drain(home).run_once()
    entries = record(journal, 3)
    code = (
        "import sys; from pathlib import Path; from acm_addon.home import Home;"
        "from acm_addon.drain import Drain;"
        "print(Drain(Home(Path(sys.argv[1]))).run_once().booked);"
        "print([m for m in ('genai_prices', 'sqlite_utils', 'logging.handlers', 'mitmproxy')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(home.root)], capture_output=True, text=True, check=True
    )
    assert f"{len(entries)}\n[]\n" == done.stdout
    journal.close()


def _writer(home: Home) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.journal_writer", str(home.journal)], stdout=subprocess.PIPE
    )


def _told(said: list[bytes]) -> dict[str, set[str]]:
    """Ids by the word that was said of them; a line cut off by the kill is left out."""
    told: dict[str, set[str]] = {"begun": set(), "heard": set(), "ended": set()}
    for line in said:
        if line.endswith(b"\n"):
            word, call_id = line.decode().split()
            told[word].add(call_id)
    return told


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)

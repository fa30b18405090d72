"""What the recorder writes, through its journal and the drain to a ledger."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from acm_addon.drain import Drain
from acm_addon.home import Home
from acm_addon.journal import Journal
from acm_addon.ledger.reader import LedgerReader
from acm_addon.model import Completeness, Entry
from acm_addon.recorder import Recorder
from tests.calls import make_begin, make_entry


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "acm").ensure()


def recorded(home: Home, work: Callable[[Recorder], None]) -> Recorder:
    """What ``work`` records is drained when this returns."""

    async def run() -> Recorder:
        recorder = Recorder(home)
        work(recorder)
        await recorder.close()
        return recorder

    recorder = asyncio.run(run())
    Drain(home).run_once()
    return recorder


def rows(home: Home) -> list[Entry]:
    with LedgerReader(home.ledger) as reader:
        return [call.entry for call in reader.recent(0, 100)]


def test_a_result_settles_the_batch_of_another_worker(home: Home) -> None:
    """The link, the result, and the call that created the batch meet in the ledger."""
    other = Journal(home.journal)
    call = make_entry(object_id="batch_1", completeness=Completeness.PENDING, cost=None)
    other.begin(make_begin(call.id)).end(call)
    other.close()

    def work(recorder: Recorder) -> None:
        recorder.settle(make_entry(object_id="file-out", cost=11))
        recorder.link("openai", "file-out", "batch_1")
        recorder.settle(make_entry(object_id="batch_1", cost=99))

    recorder = recorded(home, work)
    (row,) = rows(home)
    assert (call.id, 11, Completeness.COMPLETE) == (row.id, row.cost, row.completeness)
    assert 0 == recorder.counters.unmetered


def test_a_settlement_that_cannot_be_written_is_counted_and_stops_nothing(home: Home) -> None:
    """A row without an object id settles nothing; the next one is recorded."""
    sound = make_entry(object_id="batch_1")

    def work(recorder: Recorder) -> None:
        recorder.settle(make_entry(object_id=None))
        recorder.settle(sound)

    assert (1, [sound]) == (recorded(home, work).counters.unmetered, rows(home))


def test_settlements_wait_for_room_on_the_disk(home: Home) -> None:
    """What could not be journalled is written in order as soon as it can be."""
    home.journal.rmdir()
    home.journal.write_text("a file where the folder should be")
    first, second = make_entry(object_id="a"), make_entry(object_id="b")

    def work(recorder: Recorder) -> None:
        recorder.settle(first)
        home.journal.unlink()
        recorder.settle(second)

    assert (0, [first, second]) == (recorded(home, work).counters.unmetered, rows(home))

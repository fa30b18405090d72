"""What the journal holds beyond the ledger, with a real journal and a real drain."""

import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from acm_addon.drain import Drain
from acm_addon.home import Home
from acm_addon.journal import Begin, Journal
from acm_addon.ledger.reader import LedgerReader
from acm_addon.model import Entrance, Entry
from cli import backlog
from tests.drains import drain_process

PATIENCE = 30.0


@pytest.fixture
def entry(make: SimpleNamespace) -> Entry:
    found = make.priced(datetime.now(UTC))
    assert isinstance(found, Entry)
    return found


def begin(entry: Entry) -> Begin:
    return Begin(
        entry.id, entry.time, Entrance.FORWARD, "openai", "openai", entry.endpoint, "api.openai.com"
    )


def test_an_empty_home_has_no_backlog(home: Home) -> None:
    """Neither a folder nor a ledger need be there."""
    with LedgerReader(home.ledger) as reader:
        assert 0 == backlog.waiting_bytes(home, reader)
        assert backlog.wait_until_booked(home, reader, 0)


def test_the_backlog_is_what_the_drain_has_not_read(home: Home, entry: Entry) -> None:
    """All of the journal before the first drain, nothing after it."""
    home.ensure()
    journal = Journal(home.journal)
    journal.begin(begin(entry)).end(entry)
    with LedgerReader(home.ledger) as reader:
        assert sum(backlog.journal_sizes(home).values()) == backlog.waiting_bytes(home, reader) > 0
        Drain(home).run_once()
        assert 0 == backlog.waiting_bytes(home, reader)
    journal.close()


def test_a_call_that_has_not_ended_is_waited_for(home: Home, entry: Entry) -> None:
    """Its begin is journalled; its row comes only with its end."""
    home.ensure()
    journal = Journal(home.journal)
    call = journal.begin(begin(entry))
    drain = drain_process(home)
    with LedgerReader(home.ledger) as reader:
        assert not backlog.wait_until_booked(home, reader, 0.5)
        assert 0 == reader.newest_rowid()
        ends = threading.Timer(0.2, call.end, [entry])
        ends.start()
        assert backlog.wait_until_booked(home, reader, PATIENCE)
        assert 1 == reader.newest_rowid()
        ends.join()
    journal.close()
    drain.communicate(timeout=PATIENCE)


def test_nobody_draining_ends_the_wait(home: Home, entry: Entry) -> None:
    """With a plain no."""
    home.ensure()
    journal = Journal(home.journal)
    journal.begin(begin(entry)).end(entry)
    with LedgerReader(home.ledger) as reader:
        assert not backlog.wait_until_booked(home, reader, 0.1)
    journal.close()

from pathlib import Path

import acm_addon.spool
from acm_addon.frames import frame
from acm_addon.journal import Journal
from acm_addon.ledger.base import Position
from acm_addon.model import Entry
from acm_addon.settlement import Link, Settlement
from acm_addon.spool import Spool, spool_paths
from tests.calls import make_begin, make_entry


def journalled(folder: Path, calls: int = 3) -> tuple[Path, list[Entry]]:
    """A journal of finished calls, whose process is gone."""
    journal = Journal(folder)
    entries = [make_entry() for _ in range(calls)]
    for entry in entries:
        journal.begin(make_begin(entry.id)).end(entry)
    journal.close()
    return spool_paths(folder)[-1], entries


def test_a_journal_is_read_on_from_where_it_was_left(tmp_path: Path) -> None:
    """Each read gives the rows that ended since the last one."""
    journal = Journal(tmp_path)
    first, second = make_entry(), make_entry()
    journal.begin(make_begin(first.id)).end(first)
    with Spool(spool_paths(tmp_path)[0], None) as spool:
        assert [first] == list(spool.read(final=False))
        assert [] == list(spool.read(final=False))
        journal.begin(make_begin(second.id)).end(second)
        assert [second] == list(spool.read(final=False))
    journal.close()


def test_the_position_waits_for_the_earliest_open_call(tmp_path: Path) -> None:
    """Whoever takes over starts at its begin, and so knows the call when it ends or dies."""
    journal = Journal(tmp_path)
    done, open_call = make_entry(), make_entry()
    journal.begin(make_begin(done.id)).end(done)
    (path,) = spool_paths(tmp_path)
    before = path.stat().st_size
    call = journal.begin(make_begin(open_call.id))
    later = make_entry()
    journal.begin(make_begin(later.id)).end(later)
    with Spool(path, None) as spool:
        list(spool.read(final=False))
        position = spool.position
        assert Position(resume=before, drained=path.stat().st_size) == position
    with Spool(path, position) as heir:
        assert [later] == list(heir.read(final=False))
        assert [open_call.id] == [orphan.begin.id for orphan in heir.orphans()]
        call.end(open_call)
        assert [open_call] == list(heir.read(final=False))
        assert heir.position.resume == heir.position.drained == path.stat().st_size
    journal.close()


def test_damage_in_the_middle_is_skipped_and_counted(tmp_path: Path) -> None:
    """The call whose end was damaged stays open; all others are read."""
    path, entries = journalled(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.rindex(entries[1].id.encode())] ^= 1
    path.write_bytes(data)
    with Spool(path, None) as spool:
        assert [entries[0], entries[2]] == list(spool.read(final=True))
        assert 1 == spool.corrupt
        assert [entries[1].id] == [orphan.begin.id for orphan in spool.orphans()]


def test_a_torn_record_is_awaited_while_its_writer_may_live(tmp_path: Path) -> None:
    """What is there of it is not damage until the file is final."""
    path, entries = journalled(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[:-30])
    with Spool(path, None) as spool:
        assert entries[:2] == list(spool.read(final=False))
        assert 0 == spool.corrupt
        path.write_bytes(data)
        assert entries[2:] == list(spool.read(final=False))
        assert [] == spool.orphans()


def test_records_larger_than_a_chunk_are_read(tmp_path: Path) -> None:
    """The size of a read is no limit on the size of a record."""
    journal = Journal(tmp_path)
    entry = make_entry(tags={"note": "x" * 3 * acm_addon.spool.CHUNK})
    journal.begin(make_begin(entry.id)).end(entry)
    after = make_entry()
    journal.begin(make_begin(after.id)).end(after)
    journal.close()
    with Spool(spool_paths(tmp_path)[0], None) as spool:
        assert [entry, after] == list(spool.read(final=True))
        assert 0 == spool.corrupt


def test_settlements_and_links_are_read_in_their_order(tmp_path: Path) -> None:
    """They belong to no call: none is opened by them, and no open call is closed."""
    journal = Journal(tmp_path)
    open_call = journal.begin(make_begin())
    settlement, link = make_entry(id=open_call.id), Link("openai", "file-1", "batch_1")
    journal.link(link)
    journal.settle(settlement)
    journal.close()
    with Spool(spool_paths(tmp_path)[0], None) as spool:
        assert [link, Settlement(settlement)] == list(spool.read(final=True))
        assert [open_call.id] == [orphan.begin.id for orphan in spool.orphans()]
        assert 0 == spool.corrupt


def test_a_record_that_is_no_record_is_counted(tmp_path: Path) -> None:
    """Sound frames of unsound content are skipped, whatever they hold."""
    path, entries = journalled(tmp_path, 1)
    strange = [
        b"[]",
        b"{}",
        b'{"record":"new"}',
        b'{"record":"end","id":"x"}',
        b'{"record":"settle","id":"x"}',
        b'{"record":"link","provider":"openai"}',
        b'{"record":"link","provider":"openai","object_id":7,"to":null}',
        b"null",
        b"\xff",
        b"",
    ]
    strange += [b'{"record":"begin","id":1,"time":2}', b'{"record":"end","time":[]}']
    path.write_bytes(b"".join(map(frame, strange)) + path.read_bytes())
    with Spool(path, None) as spool:
        assert entries == list(spool.read(final=True))
        assert len(strange) == spool.corrupt


def test_a_file_that_lost_its_tail_is_read_to_its_new_end(tmp_path: Path) -> None:
    """After a power loss the journal may be shorter than what was already booked of it."""
    path, _ = journalled(tmp_path)
    with Spool(path, Position(resume=10**6, drained=10**6)) as spool:
        assert [] == list(spool.read(final=True))
        assert Position(path.stat().st_size, path.stat().st_size) == spool.position

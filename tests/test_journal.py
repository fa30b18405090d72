import fcntl
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

import acm_addon.journal
from acm_addon.journal import Journal, Progress, Sent
from acm_addon.model import Entry
from acm_addon.settlement import Link
from acm_addon.spool import Spool, spool_paths
from tests.calls import make_begin, make_entry


def spooled(folder: Path) -> list[Spool]:
    """The folder's journals, read to their end."""
    with ExitStack() as stack:
        spools = [stack.enter_context(Spool(path, None)) for path in spool_paths(folder)]
        for spool in spools:
            list(spool.read(final=True))
        return spools


def entries(path: Path) -> list[Entry]:
    with Spool(path, None) as spool:
        return [record for record in spool.read(final=True) if isinstance(record, Entry)]


def locked(path: Path) -> bool:
    with Spool(path, None) as spool:
        return not spool.abandoned()


def test_all_that_is_known_of_a_call_is_read_back(tmp_path: Path) -> None:
    """Begin, the last sent and the last progress describe a call that has not ended."""
    journal = Journal(tmp_path)
    begin, sent = make_begin(), Sent("gpt-4o", True, 100, 4096, {"service_tier": "flex"})
    call = journal.begin(begin)
    call.sent(sent)
    call.progress(Progress(3, 700))
    call.progress(Progress(9, 2100))
    (spool,) = spooled(tmp_path)
    (orphan,) = spool.orphans()
    assert (begin, sent, Progress(9, 2100)) == (orphan.begin, orphan.sent, orphan.progress)
    assert 0 == spool.corrupt
    journal.close()


def test_an_end_carries_the_whole_row(tmp_path: Path) -> None:
    """The entry comes back equal, and the call is no longer open; a second end changes nothing."""
    journal = Journal(tmp_path)
    entry = make_entry()
    call = journal.begin(make_begin(entry.id))
    call.end(entry)
    call.end(entry)
    call.progress(Progress(1, 1))
    (path,) = spool_paths(tmp_path)
    assert [entry] == entries(path)
    (spool,) = spooled(tmp_path)
    assert [] == spool.orphans()
    journal.close()


def test_an_entry_ends_only_its_own_call(tmp_path: Path) -> None:
    """Another call's row is refused: it would leave this one open, and be booked twice."""
    journal = Journal(tmp_path)
    call = journal.begin(make_begin())
    with pytest.raises(ValueError, match="belongs"):
        call.end(make_entry())
    journal.close()


def test_the_file_is_private_and_locked_while_the_process_lives(tmp_path: Path) -> None:
    """Nobody else may read it, and a free lock means that nothing more will be written."""
    journal = Journal(tmp_path / "journal")
    assert [] == spool_paths(tmp_path / "journal")
    journal.begin(make_begin())
    (path,) = spool_paths(tmp_path / "journal")
    assert 0o600 == path.stat().st_mode & 0o777
    assert locked(path)
    journal.close()
    assert not locked(path)


def test_after_close_nothing_can_be_written(tmp_path: Path) -> None:
    """A late record is refused with an OSError, as any record that cannot be written is."""
    journal = Journal(tmp_path)
    call = journal.begin(make_begin())
    journal.close()
    with pytest.raises(OSError, match="closed"):
        call.end(make_entry(id=call.id))
    with pytest.raises(OSError, match="closed"):
        journal.begin(make_begin())


def test_a_long_call_keeps_its_file_through_rotation(tmp_path: Path) -> None:
    """Its records stay where it began, and that file's lock is free once its last call ended."""
    journal = Journal(tmp_path, rotate_bytes=2000)
    long = journal.begin(make_begin())
    first = spool_paths(tmp_path)[0]
    short = []
    for _ in range(20):
        entry = make_entry()
        journal.begin(make_begin(entry.id)).end(entry)
        short.append(entry)
    files = spool_paths(tmp_path)
    assert len(files) > 2
    held = [path for path in files if locked(path)]
    assert first in held
    assert 2 == len(held)  # The other one is the current file.

    last = make_entry(id=long.id)
    long.end(last)
    assert not locked(first)
    assert last == entries(first)[-1]
    assert sorted(entry.id for entry in [*short, last]) == sorted(
        entry.id for path in files for entry in entries(path)
    )
    journal.close()


def test_settlements_need_no_call_and_hold_no_file(tmp_path: Path) -> None:
    """Each is a record by itself; a full file is let go as soon as another one is begun."""
    journal = Journal(tmp_path, rotate_bytes=2000)
    for number in range(5):
        journal.settle(make_entry(object_id=f"batch_{number}"))
        journal.link(Link("openai", f"file-{number}", f"batch_{number}"))
    files = spool_paths(tmp_path)
    assert len(files) > 2
    assert 1 == sum(map(locked, files))
    with pytest.raises(ValueError, match="object"):
        journal.settle(make_entry(object_id=None))
    journal.close()
    for write in (lambda: journal.settle(make_entry()), lambda: journal.link(Link("a", "b", "c"))):
        with pytest.raises(OSError, match="closed"):
            write()


def test_records_of_many_threads_stay_whole(tmp_path: Path) -> None:
    """Calls may be ended from any thread."""
    journal = Journal(tmp_path, rotate_bytes=20_000)

    def work() -> None:
        for _ in range(50):
            entry = make_entry()
            journal.begin(make_begin(entry.id)).end(entry)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    found = [entry.id for path in spool_paths(tmp_path) for entry in entries(path)]
    assert (200, 200) == (len(found), len(set(found)))
    assert [0] * len(spooled(tmp_path)) == [spool.corrupt for spool in spooled(tmp_path)]


def test_a_file_removed_before_it_was_locked_is_not_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A drain that takes a brand-new file for a dead process's costs no record."""
    real, removed = fcntl.flock, []

    def flock(fd: int, operation: int) -> None:
        if not removed:
            (path,) = spool_paths(tmp_path)
            path.unlink()
            removed.append(path)
        real(fd, operation)

    monkeypatch.setattr(acm_addon.journal.fcntl, "flock", flock)
    journal = Journal(tmp_path)
    begin = make_begin()
    journal.begin(begin)
    (spool,) = spooled(tmp_path)
    assert [begin] == [orphan.begin for orphan in spool.orphans()]
    assert removed != spool_paths(tmp_path)
    journal.close()


_FULL_DISK = """
import resource, sys
from pathlib import Path
from acm_addon.journal import Journal
from tests.calls import make_begin

limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
journal = Journal(Path(sys.argv[1]))
written = 0
try:
    while True:
        journal.begin(make_begin())
        written += 1
except OSError as error:
    print(written, error.errno)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.begin(make_begin())
"""


@pytest.mark.parametrize("limit", [1000, 1001, 4096, 5003])
def test_a_full_disk_raises_and_leaves_the_file_readable(tmp_path: Path, limit: int) -> None:
    """The write that did not fit raises; what was there stays, and room lets it go on."""
    child = subprocess.run(
        [sys.executable, "-c", _FULL_DISK, str(tmp_path), str(limit)],
        capture_output=True,
        text=True,
        check=True,
    )
    written, error = map(int, child.stdout.split())
    assert error  # EFBIG here, ENOSPC on a disk.
    (spool,) = spooled(tmp_path)
    assert (written + 1, 0) == (len(spool.orphans()), spool.corrupt)


def test_an_unwritable_folder_raises(tmp_path: Path) -> None:
    """A journal that cannot be created says so to the caller, once for each call."""
    (tmp_path / "journal").write_text("a file where the folder should be")
    journal = Journal(tmp_path / "journal")
    for _ in range(2):
        with pytest.raises(OSError):
            journal.begin(make_begin())

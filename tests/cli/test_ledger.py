import fcntl
import subprocess
import sys
from datetime import timedelta

import pytest

CRASH = """
import os, sys
from datetime import UTC, datetime
from acm_addon.entry_json import entry_from_json
from acm_addon.home import acm_home
from acm_addon.journal import Begin, Journal
from acm_addon.model import Attribution
import json
entry = entry_from_json(json.load(sys.stdin))
journal = Journal(acm_home().ensure().journal)
call = journal.begin(
    Begin(
        id=entry.id,
        time=entry.time,
        entrance=entry.entrance,
        provider=entry.provider,
        price_provider=entry.provider,
        endpoint=entry.endpoint,
        upstream="api.openai.com",
        attribution=Attribution(),
    )
)
call.end(entry)
os.kill(os.getpid(), 9)
"""


@pytest.fixture
def left_by_a_killed_proxy(home, now, make):
    """A finished call in the journal of a process that was killed before it was booked."""
    import json

    from acm_addon.entry_json import entry_to_json

    entry = make.priced(now - timedelta(hours=1))
    done = subprocess.run(
        [sys.executable, "-c", CRASH],
        input=json.dumps(entry_to_json(entry)),
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (-9, "") == (done.returncode, done.stderr)
    return entry


def test_what_a_killed_proxy_left_is_shown(left_by_a_killed_proxy, acm) -> None:
    """Reading books it first, once."""
    for _ in range(2):
        code, out, err = acm("today")
        assert (0, "") == (code, err)
        assert "Requests:    1 " in out


def test_reading_does_not_wait_for_another_drain(home, left_by_a_killed_proxy, acm) -> None:
    """While somebody else is elected, the ledger is read as it is."""
    with home.drain_lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, out, err = acm("today")
    assert (0, "") == (code, err)
    assert "No calls recorded yet." in out


def test_a_ledger_that_cannot_be_written_is_still_read(
    left_by_a_killed_proxy, make, book, acm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing is said on standard error; the rest is shown."""
    book(make.priced(left_by_a_killed_proxy.time - timedelta(hours=1)))

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("acm_addon.drain.Drain.run_once", refuse)
    code, out, err = acm("today")
    assert 0 == code
    assert "Requests:    1 " in out
    assert err.startswith("warning: the newest calls are missing here")

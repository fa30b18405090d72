import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from acm_addon.model import Completeness, UsageSource
from cli.tail import line_of
from cli.zones import chosen_zone

WAITING = "acm: waiting for calls (Ctrl-C ends)\n"
THEN = datetime(2026, 11, 22, 13, 3, 22, tzinfo=UTC)


@contextmanager
def tailing(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A real `acm tail` into a pipe, as a script reads it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "tail", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_line(make) -> None:
    """Time, provider, model, tokens, cost, latency, id, and what qualifies the cost."""
    entry = make.unpriced(
        THEN,
        "gpt-4o",
        id="019aa8c3-5e21-7abc-9def-0123456789ab",
        usage={"input_tokens": 1234},
        usage_source=UsageSource.ESTIMATED,
        completeness=Completeness.PARTIAL,
        status=500,
    )
    assert (
        "14:03:22  openai     gpt-4o                        1,234 in         - out"
        "            -     342 ms  019aa8c3-5e21-7abc  HTTP 500, partial, estimated, unpriced"
    ) == line_of(entry, chosen_zone("Europe/Berlin"), THEN)


def test_a_call_of_another_day_has_its_date(make) -> None:
    """A time alone would look like today's."""
    line = line_of(make.priced(THEN), chosen_zone("UTC"), THEN + timedelta(days=1))
    assert line.startswith("2026-11-22 13:03:22  ")


@pytest.mark.parametrize("earlier", [0, 1, 2, 9])
def test_the_last_n_and_then_new_ones(earlier: int, make, book) -> None:
    """Each line reaches a pipe at once, in the order of booking."""
    old = book(*(make.priced(THEN + timedelta(seconds=second)) for second in range(3)))
    with tailing("--json", "-n", str(earlier)) as process:
        assert process.stdout is not None and process.stderr is not None
        assert WAITING == process.stderr.readline()
        expected = old[max(0, len(old) - earlier) :]
        shown = [json.loads(process.stdout.readline())["id"] for _ in expected]
        assert [entry.id for entry in expected] == shown
        for second in (10, 11):
            (new,) = book(make.priced(THEN + timedelta(seconds=second)))
            assert new.id == json.loads(process.stdout.readline())["id"]


def test_it_waits_for_a_ledger_that_is_not_there_yet(home, make, book) -> None:
    """`acm tail` may be started before the first call."""
    with tailing("--json") as process:
        assert process.stdout is not None and process.stderr is not None
        assert WAITING == process.stderr.readline()
        (entry,) = book(make.priced(THEN))
        assert entry.id == json.loads(process.stdout.readline())["id"]


def test_an_interrupt_is_a_clean_end(make, book) -> None:
    """Ctrl-C is how a tail ends: exit code 0, and nothing is said."""
    book(make.priced(THEN))
    with tailing() as process:
        assert process.stdout is not None
        assert "gpt-4o" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (0, "", "") == (process.returncode, out, err.replace(WAITING, ""))


def test_a_reader_that_leaves_is_a_silent_end(make, book) -> None:
    """`acm tail | head -1` says nothing about a broken pipe."""
    book(make.priced(THEN))
    with tailing() as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        book(make.priced(THEN + timedelta(seconds=1)))
        assert "" == process.stderr.read().replace(WAITING, "")
        assert 141 == process.wait(timeout=20)


def test_a_negative_number_of_lines_is_a_usage_error(acm) -> None:
    """Before anything is read."""
    code, out, err = acm("tail", "-n", "-1")
    assert (2, "") == (code, out)
    assert err.startswith("error: ")

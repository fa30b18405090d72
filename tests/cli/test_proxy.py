"""acm start, stop, restart, status, and logs, with a stand-in for the proxy process."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from acm_addon import process
from acm_addon.home import Home
from cli import health, logtail

type Screen = Callable[..., tuple[int, str, str]]

ROOT = Path(process.__file__).parents[1]
CHILD = [sys.executable, str(Path(__file__).parents[1] / "process_child.py")]


@pytest.fixture(autouse=True)
def standin(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The proxy process is played; whatever a test leaves running is stopped."""
    monkeypatch.setattr(process, "proxy_command", lambda: CHILD)
    yield
    process.stop(home)


def test_start_says_where_it_listens_and_how_to_use_it(acm: Screen) -> None:
    """Both entrances, and what to type next."""
    code, out, err = acm("start", "--port", "4567")
    assert 0 == code, err
    assert "listening on http://127.0.0.1:4567" in out
    assert "acm run -- " in out
    assert "OPENAI_BASE_URL=http://127.0.0.1:4567/openai/v1" in out
    assert "" == err


def test_a_second_start_finds_the_first(acm: Screen, home: Home) -> None:
    """Success, with the same proxy, whether the port is named again or left out."""
    acm("start", "--port", "4567")
    first = process.running(home)
    for options in ([], ["--port", "4567"]):
        code, out, err = acm("start", *options)
        assert (0, "") == (code, err)
        assert "already running on port 4567" in out
    assert first == process.running(home)


def test_start_on_another_port_than_the_running_one_fails(acm: Screen) -> None:
    """Exit code 1 and a hint: what was asked for is not what runs."""
    acm("start", "--port", "4567")
    code, out, err = acm("start", "--port", "4568")
    assert (1, "") == (code, out)
    assert "error: the proxy is already running on port 4567, not 4568" in err
    assert "hint: `acm stop` first" in err


def test_start_answers_in_json(acm: Screen) -> None:
    """For scripts: where it listens, and whether it did so before."""
    answers = [json.loads(acm("start", "--port", "4567", "--json")[1]) for _ in range(2)]
    assert [False, True] == [answer["already_running"] for answer in answers]
    assert [4567, 4567] == [answer["port"] for answer in answers]


@pytest.mark.parametrize(
    ("behaviour", "complaint"),
    [("fails", "port 4141 cannot be used"), ("dies", "ended before it was ready")],
)
def test_a_proxy_that_cannot_start_is_exit_code_3(
    acm: Screen, monkeypatch: pytest.MonkeyPatch, behaviour: str, complaint: str
) -> None:
    """With the reason and a hint."""
    monkeypatch.setenv("ACM_TEST_CHILD", behaviour)
    code, out, err = acm("start")
    assert (3, "") == (code, out)
    assert complaint in err
    assert "hint: " in err


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.com"])
def test_an_address_that_others_reach_is_refused(acm: Screen, home: Home, host: str) -> None:
    """It would need tokens."""
    code, _, err = acm("start", "--host", host)
    assert 3 == code
    assert host in err
    assert "hint: " in err
    assert process.running(home) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_an_address_of_this_machine_is_taken(acm: Screen, host: str) -> None:
    """Any loopback address."""
    assert 0 == acm("start", "--host", host)[0]


def test_the_test_upstream_is_loud(acm: Screen) -> None:
    """In the answer of start and in status, on standard error."""
    switch = ("--test-upstream", "127.0.0.1:9", "--test-upstream-ca", "ca.pem")
    for command in (("start", *switch), ("start",), ("status",), ("restart",)):
        _, _, err = acm(*command)
        assert "TEST UPSTREAM: 127.0.0.1:9 plays every provider" in err, command
    assert "127.0.0.1:9" == json.loads(acm("status", "--json")[1])["test_upstream"]
    assert "test-upstream" not in acm("start", "--help")[1]


def test_restart_keeps_port_and_switch(acm: Screen, home: Home, tmp_path: Path) -> None:
    """A new process where the old one was."""
    ca = tmp_path / "ca.pem"
    acm("start", "--port", "4567", "--test-upstream", "[::1]:9", "--test-upstream-ca", str(ca))
    before = process.running(home)
    code, out, _ = acm("restart")
    after = process.running(home)
    assert 0 == code
    assert "listening on http://127.0.0.1:4567" in out
    assert before and after
    assert before.pid != after.pid
    assert (4567, "[::1]:9", str(ca)) == (after.port, after.test_upstream, after.test_upstream_ca)


def test_restart_starts_what_did_not_run(acm: Screen, home: Home) -> None:
    """As a service manager's restart does."""
    assert 0 == acm("restart")[0]
    assert process.running(home)


def test_restart_stops_nothing_where_the_new_one_could_not_start(acm: Screen, home: Home) -> None:
    """A slip in the providers of one's own must not leave every program without a proxy."""
    acm("start")
    before = process.running(home)
    home.providers.write_text("[lab]\nhots = 1\n")
    code, out, err = acm("restart")
    assert (3, "") == (code, out)
    assert "providers.toml: [lab] has a key 'hots'" in err
    assert before and before == process.running(home)


def test_stop_stops_and_says_so(acm: Screen, home: Home) -> None:
    """Stopping what does not run is no failure."""
    acm("start")
    assert (0, "acm has stopped\n", "") == acm("stop")
    assert process.running(home) is None
    assert (0, "acm was not running\n", "") == acm("stop")


def test_status_without_a_proxy_is_exit_code_1(acm: Screen, home: Home) -> None:
    """Scripts ask this; a stale state file is no proxy."""
    code, out, _ = acm("status")
    assert 1 == code
    assert "acm is not running" in out
    code, out, _ = acm("status", "--json")
    assert 1 == code
    assert json.loads(out)["running"] is False


def test_status_shows_how_the_proxy_is_doing(
    acm: Screen, home: Home, book: Callable[..., object], make: object
) -> None:
    """Where it listens, today's calls, and what went wrong since its start."""
    acm("start", "--port", "4567")
    book(make.priced(datetime.now(UTC)))
    counters = {"calls": 9, "unmetered": 2, "tunnelled": 1234, "unrouted": 0}
    (home.run / "counters.json").write_text(json.dumps(counters))
    code, out, _ = acm("status")
    assert 0 == code
    assert "127.0.0.1 port 4567" in out
    assert "1 ($0.0024)" in out
    assert "1,234 (tunnelled" in out
    assert "UNMETERED:    2 calls" in out
    assert "unrouted" not in out
    answer = json.loads(acm("status", "--json")[1])
    assert counters == answer["counters"]
    assert (1, "0.002395") == (answer["calls_today"], answer["cost_today_usd"])


def test_status_shows_no_unknown_cost_as_zero(
    acm: Screen, book: Callable[..., object], make: object
) -> None:
    """A call without a price is a dash and a remark, and null."""
    book(make.unpriced(datetime.now(UTC)))
    assert "Calls today:  1 (-, 1 unpriced)\n" in acm("status")[1]
    answer = json.loads(acm("status", "--json")[1])
    assert (1, None) == (answer["calls_today"], answer["cost_today_usd"])


def test_status_tells_of_the_proxy_beside_an_unreadable_ledger(acm: Screen, home: Home) -> None:
    """Exit code 1, with everything that can be known."""
    acm("start", "--port", "4567", "--test-upstream", "[::1]:9", "--test-upstream-ca", "ca.pem")
    home.ledger.write_bytes(b"this is no database" * 100)
    home.journal.mkdir(exist_ok=True)
    (home.journal / "x.journal").write_bytes(b"x" * 1234)
    code, out, err = acm("status")
    assert (1, "") == (code, err)
    assert "127.0.0.1 port 4567 (pid " in out
    assert "Journal:      1,234 bytes" in out
    assert "TEST UPSTREAM: [::1]:9" in out
    assert "Calls today" not in out
    (line,) = [line for line in out.splitlines() if line.startswith("Ledger:")]
    assert "cannot be read (" in line
    assert "Moving it away" in line
    code, out, _ = acm("status", "--json")
    answer = json.loads(out)
    assert (1, True, None, None) == (
        code,
        answer["running"],
        answer["calls_today"],
        answer["cost_today_usd"],
    )
    assert "cannot read the ledger" in answer["ledger_error"]


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"unmetered": "2"}'])
def test_status_outlives_unreadable_counters(acm: Screen, home: Home, text: str) -> None:
    """The proxy writes them while we read."""
    acm("start")
    (home.run / "counters.json").write_text(text)
    assert 0 == acm("status")[0]


def test_the_json_of_status_is_stable(acm: Screen) -> None:
    """The same names whether a proxy runs or not; docs/doctor.md lists them."""
    names = list(json.loads(acm("status", "--json")[1]))
    acm("start")
    assert names == list(json.loads(acm("status", "--json")[1]))
    documented = (ROOT / "docs" / "doctor.md").read_text()
    assert [] == [name for name in names if f"`{name}`" not in documented]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (65, "1 min 5 s"), (3600, "1 h 0 min"), (97_000, "1 d 2 h")],
)
def test_durations_read_naturally(seconds: int, told: str) -> None:
    """The two largest units."""
    assert told == health._duration(health.timedelta(seconds=seconds))


def test_foreground_becomes_the_proxy(home: Home) -> None:
    """The process that was started is the proxy: a supervisor's signals go to the right one."""
    script = (
        "import sys; from acm_addon import process\n"
        f"process.proxy_command = lambda: {CHILD!r}\n"
        "from cli.main import main; sys.exit(main(['start', '-f', '--port', '4567']))\n"
    )
    proxy = subprocess.Popen(
        [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        while not (state := process.running(home)):
            assert proxy.poll() is None
        assert (proxy.pid, 4567) == (state.pid, state.port)
    finally:
        proxy.terminate()
        assert 0 == proxy.wait(30)


def test_foreground_beside_a_running_proxy_is_refused(acm: Screen) -> None:
    """Two cannot share a home."""
    acm("start", "--port", "4567")
    code, _, err = acm("start", "--foreground")
    assert 1 == code
    assert "already running on port 4567" in err


def test_logs_shows_the_last_lines(acm: Screen, home: Home) -> None:
    """As many as asked for."""
    home.ensure().log.write_text("".join(f"line {number}\n" for number in range(100)))
    assert (0, "line 98\nline 99\n", "") == acm("logs", "-n", "2")
    assert 50 == acm("logs")[1].count("\n")
    assert (0, "", "") == acm("logs", "-n", "0")


def test_logs_without_a_log_says_so(acm: Screen) -> None:
    """With what would make one."""
    code, _, err = acm("logs")
    assert 1 == code
    assert "there is no log yet" in err


@pytest.mark.parametrize("length", [0, 1, logtail._BLOCK - 1, logtail._BLOCK, 3 * logtail._BLOCK])
def test_last_lines_are_found_across_blocks(tmp_path: Path, length: int) -> None:
    """Whatever the sizes, the answer is that of reading the whole file."""
    path = tmp_path / "log"
    text = "x" * length + "\nsecond\nlast without end"
    path.write_text(text)
    for count in range(5):
        expected = "".join(text.splitlines(keepends=True)[-count:] if count else [])
        assert expected == logtail.last_lines(path, count)


def test_follow_survives_rotation_and_truncation(tmp_path: Path) -> None:
    """Nothing is shown twice, and nothing that stays in a file is missed."""
    path = tmp_path / "log"
    path.write_text("one\ntwo\n")
    following = logtail.follow(path, 1)
    seen = next(following)
    assert "two\n" == seen

    def add(mode: str, text: str) -> None:
        with path.open(mode) as file:
            file.write(text)

    add("a", "three\n")
    assert "three\n" == next(following)
    add("a", "four\n")
    path.rename(tmp_path / "log.1")
    add("w", "five\n")
    assert "four\nfive\n" == _until(following, "five\n")
    add("w", "6\n")
    assert "6\n" == _until(following, "6\n")


def test_follow_waits_while_the_file_is_away(tmp_path: Path) -> None:
    """Between the two steps of a rotation there is no file of that name."""
    path = tmp_path / "log"
    path.write_text("one\n")
    following = logtail.follow(path, 1)
    next(following)
    path.rename(tmp_path / "log.1")
    back = threading.Timer(3 * logtail.LOOK_SECONDS, path.write_text, ["two\n"])
    back.start()
    assert "two\n" == _until(following, "two\n")
    back.join()


def _until(pieces: Iterator[str], end: str) -> str:
    text = ""
    with contextlib.suppress(StopIteration):
        while not text.endswith(end):
            text += next(pieces)
    return text

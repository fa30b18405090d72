"""acm run: the child gets the way, the terminal and the signals, and its end is ours."""

import json
import os
import pickle
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import certifi
import pytest

from acm_addon import process
from acm_addon.home import Home
from acm_addon.model import PriceStatus
from acm_addon.process import ProxyOptions
from acm_addon.trust import TRUST_VARIABLES
from cli import clients

type Screen = Callable[..., tuple[int, str, str]]

ROOT = Path(process.__file__).parents[1]
CHILD = [sys.executable, str(Path(__file__).parents[1] / "process_child.py")]
PATIENCE = 30.0

BOOK = """
import pickle, sys
from pathlib import Path
from acm_addon.ledger.sqlite import SqliteLedger
SqliteLedger(Path(sys.argv[1])).book(pickle.loads(Path(sys.argv[2]).read_bytes()), {})
"""
"""A program whose calls are in the ledger when it ends."""

KILL_PROXY = """
import os, signal, sys
from pathlib import Path
from acm_addon import process
from acm_addon.home import Home
home = Home(Path(sys.argv[1]))
os.kill(process.running(home).pid, signal.SIGKILL)
while process.is_locked(home):
    pass
"""

COUNT_INTERRUPTS = """
import os, select, signal, sys
count = 0
waken, wake = os.pipe()
os.set_blocking(wake, False)
signal.set_wakeup_fd(wake)
signal.signal(signal.SIGINT, lambda *_: None)
print("ready", flush=True)
while 0 not in select.select([0, waken], [], [])[0]:
    count += len(os.read(waken, 1))
    print("got", count, flush=True)
sys.exit(40 + count)
"""
"""A program that ends with 40 plus the number of interrupts it got. It waits for them and for its
end at once: a handler does not run where its signal comes just before a read."""


@pytest.fixture(autouse=True)
def standin(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The proxy process is played, and has a certificate in its home. No repository is near."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(process, "proxy_command", lambda: CHILD)
    names = (*clients.PROXY_VARIABLES, *TRUST_VARIABLES, "ALL_PROXY", "all_proxy")
    for name in (*names, *(url.name for url in clients.BASE_URLS)):
        monkeypatch.delenv(name, raising=False)
    home.ensure().ca_certificate.write_text(
        certifi.contents().partition("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    yield
    process.stop(home)


def seen_by_child(
    acm: Screen, tmp_path: Path, *options: str, program: str = sys.executable
) -> dict[str, str]:
    """The environment that a child of ``acm run`` gets."""
    out = tmp_path / "environment.json"
    script = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w'))"
    assert 0 == acm("run", *options, "--", program, "-c", script, str(out))[0]
    found = json.loads(out.read_text())
    assert isinstance(found, dict)
    return found


def test_lesson_26_run_starts_the_proxy_and_leads_the_child_through_it(
    acm: Screen, home: Home, tmp_path: Path
) -> None:
    """openai/codex#46489, anthropics/claude-code#10458, #22512: the CA was ignored. For that child
    alone: our own environment stays as it was, and the proxy stays up."""
    before = dict(os.environ)
    found = seen_by_child(acm, tmp_path, "--port", "4567")
    assert "http://127.0.0.1:4567" == found["HTTPS_PROXY"]
    assert str(home.ca_bundle) == found["SSL_CERT_FILE"]
    assert "OPENAI_BASE_URL" not in found
    assert before == dict(os.environ)
    running = process.running(home)
    assert running
    assert 4567 == running.port


def test_run_uses_the_proxy_that_runs(acm: Screen, home: Home, tmp_path: Path) -> None:
    """Whatever its port; another one that is asked for is refused before the child starts."""
    process.start_background(home, ProxyOptions(port=4567), command=CHILD)
    assert "http://127.0.0.1:4567" == seen_by_child(acm, tmp_path)["HTTPS_PROXY"]
    code, _, err = acm("run", "--port", "4568", "--", "touch", str(tmp_path / "ran"))
    assert 1 == code
    assert "already running on port 4567" in err
    assert not (tmp_path / "ran").exists()


def test_run_gateway_sets_base_urls_in_place_of_a_proxy(acm: Screen, tmp_path: Path) -> None:
    """And no certificate."""
    found = seen_by_child(acm, tmp_path, "--gateway", "--port", "4567")
    assert "http://127.0.0.1:4567/openai/v1" == found["OPENAI_BASE_URL"]
    assert "HTTPS_PROXY" not in found
    assert "SSL_CERT_FILE" not in found


def test_node_programs_get_the_gateway_by_themselves(acm: Screen, tmp_path: Path) -> None:
    """Said in one line; --forward overrules it."""
    node = tmp_path / "node"
    node.symlink_to(sys.executable)
    found = seen_by_child(acm, tmp_path, "--port", "4567", program=str(node))
    assert "OPENAI_BASE_URL" in found
    err = acm("run", "--", str(node), "-c", "")[2]
    assert 1 == err.count("node does not follow HTTPS_PROXY")
    assert "HTTPS_PROXY" in seen_by_child(acm, tmp_path, "--forward", program=str(node))


@pytest.mark.parametrize("way", ["--gateway", "--forward"])
def test_a_program_without_a_call_is_sent_the_other_way(acm: Screen, way: str) -> None:
    """Not the one that was just tried."""
    err = acm("run", way, "--", "true")[2]
    assert "warning: not one AI call was recorded" in err
    (other,) = {"--gateway", "--forward"} - {way}
    assert other in err and way not in err


def test_the_exit_status_of_the_child_is_ours(acm: Screen) -> None:
    """A signal is told as shells do."""
    assert 7 == acm("run", "--", "sh", "-c", "exit 7")[0]
    assert 128 + signal.SIGKILL == acm("run", "--", "sh", "-c", "kill -9 $$")[0]
    assert 128 + signal.SIGINT == acm("run", "--", "sh", "-c", "kill -INT $$")[0]


def test_options_after_the_command_are_the_commands(acm: Screen, tmp_path: Path) -> None:
    """All of them behind --, even those that are ours too."""
    out = tmp_path / "arguments"
    script = "import sys; open(sys.argv[1], 'w').write(' '.join(sys.argv[2:]))"
    code, _, err = acm(
        "run", "--", sys.executable, "-c", script, str(out), "--port", "x", "--", "-f"
    )
    assert 0 == code, err
    assert "--port x -- -f" == out.read_text()


@pytest.mark.parametrize(
    ("make_file", "code", "complaint"),
    [
        (None, 127, "command not found"),
        ((0o644, "#!/bin/sh\n"), 126, "cannot be run: Permission denied"),
        ((0o755, "no program"), 126, "is no program that the system can start"),
    ],
)
def test_a_command_that_cannot_run_is_told_as_shells_do(
    acm: Screen, tmp_path: Path, make_file: tuple[int, str] | None, code: int, complaint: str
) -> None:
    """127 for what is not there, 126 for what cannot be executed."""
    program = tmp_path / "program"
    if make_file:
        program.write_text(make_file[1])
        program.chmod(make_file[0])
    found, out, err = acm("run", "--", str(program))
    assert (code, "") == (found, out)
    assert f"error: {program}" in err
    assert complaint in err
    assert "hint: " in err


def test_run_without_a_command_is_a_usage_error(acm: Screen, home: Home) -> None:
    """And starts nothing."""
    code, _, err = acm("run")
    assert 2 == code
    assert "there is no command to run" in err
    assert process.running(home) is None


def test_what_was_spent_is_told_in_one_line(
    acm: Screen, home: Home, tmp_path: Path, make: SimpleNamespace
) -> None:
    """Only what was booked while it ran; calls of unknown cost are counted, not added as zero."""
    now = datetime.now(UTC)
    entries = [make.costing(now, "gpt-4o", 42_100_000) for _ in range(3)]
    entries.append(
        make.priced(now, cost=None, computed_cost=None, price_status=PriceStatus.UNPRICED)
    )
    for batch in (entries, entries[:0], [make.costing(now, "gpt-4o", 1)]):
        calls = tmp_path / "calls"
        calls.write_bytes(pickle.dumps(batch))
        code, out, err = acm("run", "--", sys.executable, "-c", BOOK, str(home.ledger), str(calls))
        assert (0, "") == (code, out)
        match len(batch):
            case 4:
                assert "acm: 4 calls, $0.126, 1 of unknown cost\n" == err
            case 1:
                assert "acm: 1 call, $0.000000001\n" == err
            case _:
                assert "warning: not one AI call was recorded" in err
                assert "--gateway" in err


def test_calls_of_which_no_cost_is_known_have_no_sum(
    acm: Screen, home: Home, tmp_path: Path, make: SimpleNamespace
) -> None:
    """Not $0.00."""
    calls = tmp_path / "calls"
    calls.write_bytes(pickle.dumps([make.unpriced(datetime.now(UTC))]))
    _, _, err = acm("run", "--", sys.executable, "-c", BOOK, str(home.ledger), str(calls))
    assert "acm: 1 call, cost unknown\n" == err


SPOIL = "import sys; open(sys.argv[1], 'wb').write(bytes(range(256)) * 40); sys.exit(7)"


def test_an_unreadable_ledger_does_not_stop_the_program(
    acm: Screen, home: Home, tmp_path: Path
) -> None:
    """Before or after it: a warning, no summary, and the program's own exit status."""
    for _ in ("spoilt by it", "spoilt before"):
        ran = tmp_path / "ran"
        code, out, err = acm(
            "run", "--", "sh", "-c", 'touch "$0"; exec "$@"', str(ran), sys.executable, "-c", SPOIL,
            str(home.ledger),
        )  # fmt: skip
        assert (7, "") == (code, out)
        assert "acm: warning: what the program costs cannot be told: cannot read" in err
        assert "acm: hint: " in err
        assert "call" not in err.replace("called", "")
        ran.unlink()


def test_more_calls_than_one_batch_are_all_counted(
    acm: Screen, home: Home, tmp_path: Path, make: SimpleNamespace
) -> None:
    """A long run books thousands."""
    now = datetime.now(UTC)
    calls = tmp_path / "calls"
    calls.write_bytes(pickle.dumps([make.costing(now, "gpt-4o", 1_000_000) for _ in range(1234)]))
    _, _, err = acm("run", "--", sys.executable, "-c", BOOK, str(home.ledger), str(calls))
    assert "acm: 1,234 calls, $1.23\n" == err


def test_a_proxy_that_died_meanwhile_is_told(acm: Screen, home: Home) -> None:
    """It is the likelier reason for an empty ledger."""
    _, _, err = acm("run", "--", sys.executable, "-c", KILL_PROXY, str(home.root))
    assert "the proxy ended while the program ran" in err


def test_our_own_signal_handling_is_as_before_afterwards(acm: Screen) -> None:
    """The command may be one of several in a process."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    acm("run", "--", "true")
    assert before == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


_LOCAL_MODES = 3
"""Their place in what ``termios.tcgetattr`` gives."""


def driver(program: str) -> list[str]:
    """A process that runs a Python program as ``acm run`` does."""
    return [
        sys.executable,
        "-c",
        "import os, sys; from cli import child; sys.exit(child.run(sys.argv[1:], os.environ))",
        sys.executable,
        "-c",
        program,
    ]


def test_a_ctrl_c_reaches_the_child_once() -> None:
    """On a real terminal, which sends it to both of us: the child gets each one time."""
    pid, terminal = pty.fork()
    if pid == 0:
        command = driver(COUNT_INTERRUPTS)
        os.execve(command[0], command, {**os.environ, "PYTHONPATH": str(ROOT)})
    settings = termios.tcgetattr(terminal)
    # A terminal that interrupts throws away what is on its way, also what is said just after.
    settings[_LOCAL_MODES] |= termios.NOFLSH
    termios.tcsetattr(terminal, termios.TCSANOW, settings)
    with os.fdopen(terminal, "r+b", buffering=0) as screen:
        _read_until(screen.read, b"ready")
        for number in (1, 2, 3):
            screen.write(b"\x03")
            _read_until(screen.read, b"got %d" % number)
        screen.write(b"\n")
        _, status = os.waitpid(pid, 0)
    assert 43 == os.waitstatus_to_exitcode(status)


@pytest.mark.parametrize(
    ("number", "expected"),
    [(signal.SIGINT, 41), (signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGHUP, 129)],
)
def test_a_signal_to_us_reaches_the_child(number: signal.Signals, expected: int) -> None:
    """A supervisor signals us and means the program."""
    ours = subprocess.Popen(
        driver(COUNT_INTERRUPTS),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ours.stdout and ours.stdin
    with ours:
        assert b"ready\n" == ours.stdout.readline()
        ours.send_signal(number)
        if number == signal.SIGINT:
            assert b"got 1\n" == ours.stdout.readline()
            ours.stdin.write(b"\n")
            ours.stdin.flush()
        assert expected == ours.wait(PATIENCE)


def test_what_we_were_told_to_ignore_the_child_ignores_too() -> None:
    """nohup acm run -- … survives the end of its terminal, and so does the program."""
    script = "import signal; print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)"
    ended = subprocess.run(
        ["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", *driver(script)],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert b"True\n" == ended.stdout


def _read_until(read: Callable[[int], bytes | None], end: bytes) -> None:
    seen = b""
    while end not in seen:
        if not (data := read(1)):
            raise EOFError(seen)
        seen += data

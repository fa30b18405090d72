"""Process control against a real process that keeps the proxy's side of the contract."""

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import psutil
import pytest

from acm_addon import presence, process
from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.process import ProxyOptions, ProxyState, StartError, Stopped

CHILD = [sys.executable, str(Path(__file__).with_name("process_child.py"))]
PATIENCE = 30.0

STATE = ProxyState(4242, "127.0.0.1", 4141, "2026-11-22T12:00:00+00:00", "0.1.0", None)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    yield home
    process.stop(home, PATIENCE)


def start(home: Home, options: ProxyOptions | None = None, timeout: float = PATIENCE) -> ProxyState:
    return process.start_background(home, options or ProxyOptions(), timeout, CHILD)


def lives(home: Home) -> list[int]:
    return [int(line) for line in (home.root / "lives").read_text().split()]


def kill(pid: int) -> None:
    """Kill a process, and wait for its end."""
    process_ = psutil.Process(pid)
    process_.kill()
    process_.wait(PATIENCE)


def gone(pid: int) -> bool:
    """Whether a process has ended. Our own children stay as zombies until they are waited for."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_started_proxy_is_the_running_one_until_it_is_stopped(home: Home) -> None:
    """start, running, and stop agree about one process; afterwards nothing of it is left."""
    state = start(home, ProxyOptions(port=4567))
    assert 4567 == state.port
    assert state == process.running(home)
    assert f"{state.pid}\n" == (home.run / "proxy.pid").read_text()
    assert Stopped.ENDED is process.stop(home)
    assert process.running(home) is None
    assert not (home.run / "proxy.json").exists()
    assert not (home.run / "proxy.pid").exists()
    assert gone(state.pid)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="only /proc shows its files")
def test_the_proxy_is_away_from_our_terminal_and_session(home: Home) -> None:
    """A Ctrl-C in the shell that started it must not reach it, and its output goes nowhere."""
    state = start(home)
    assert state.pid == os.getsid(state.pid)
    files = {Path(f"/proc/{state.pid}/fd/{fd}").readlink() for fd in (0, 1, 2)}
    assert {Path(os.devnull)} == files
    assert home.root == Path(f"/proc/{state.pid}/cwd").readlink()


def test_a_relative_home_is_the_same_home_for_the_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proxy works in another folder, and still finds the home that was meant."""
    monkeypatch.chdir(tmp_path)
    relative = Home(Path("home"))
    state = start(relative)
    try:
        assert state == process.running(Home(tmp_path / "home"))
    finally:
        process.stop(relative)


def test_state_files_are_private(home: Home) -> None:
    """Only the owner reads what tells where the proxy is."""
    start(home)
    for name in ("proxy.json", "proxy.pid", "proxy.lock", "start.lock"):
        assert 0o600 == stat.S_IMODE((home.run / name).stat().st_mode), name


def test_eight_starts_at_once_yield_one_proxy(home: Home) -> None:
    """Eight processes ask at the same moment: one proxy lives, and all eight are told of it."""
    script = (
        "import json, sys; from dataclasses import asdict; from pathlib import Path\n"
        "from acm_addon import process; from acm_addon.home import Home\n"
        "sys.stdin.read()\n"
        "state = process.start_background(Home(Path(sys.argv[1])), process.ProxyOptions(),"
        " 30, sys.argv[2:])\n"
        "print(json.dumps(asdict(state)))\n"
    )
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(home.root), *CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(Path(process.__file__).parents[1])},
        )
        for _ in range(8)
    ]
    for starter in starters:
        assert starter.stdin
        starter.stdin.close()
    answers = []
    for starter in starters:
        assert starter.stdout
        answers.append(json.loads(starter.stdout.read()))
        assert 0 == starter.wait(PATIENCE)
        starter.stdout.close()
    running = process.running(home)
    assert running
    assert [asdict(running)] * 8 == answers
    assert [running.pid] == lives(home)


def test_starts_in_threads_of_one_process_yield_one_proxy(home: Home) -> None:
    """The start lock holds between threads too."""
    with ThreadPoolExecutor(8) as pool:
        states = list(pool.map(lambda _: start(home), range(8)))
    assert 1 == len(set(states))
    assert 1 == len(lives(home))


def test_after_kill_9_nothing_runs_and_start_works(home: Home) -> None:
    """The files of a killed proxy stay behind, and fool neither running nor start."""
    killed = start(home)
    kill(killed.pid)
    assert killed == process.read_state(home)
    assert process.running(home) is None
    state = start(home)
    assert killed.pid != state.pid
    assert state == process.running(home)


def test_a_stale_state_with_a_living_pid_is_no_proxy(home: Home) -> None:
    """The pid in a stale file may be anybody's by now: stop must not touch that process."""
    bystander = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        presence.prepare(home)
        presence.write_state(home, replace(STATE, pid=bystander.pid))
        assert process.running(home) is None
        assert Stopped.NOT_RUNNING is process.stop(home)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_new_proxy_removes_the_stale_state_before_it_holds_the_lock(home: Home) -> None:
    """Between its lock and its own state, nobody takes the dead proxy's state for its."""
    presence.prepare(home)
    presence.write_state(home, STATE)
    with process.hold_lock(home):
        assert presence.is_locked(home)
        assert process.read_state(home) is None
        assert process.running(home) is None


def test_a_second_proxy_is_refused_and_harms_nothing(home: Home) -> None:
    """The loser of the lock says so, and the winner's state stays."""
    state = start(home)
    with pytest.raises(AcmError, match="is running"), process.hold_lock(home):
        pytest.fail("two proxies hold one lock")
    assert state == process.running(home)


def test_looking_at_the_lock_does_not_keep_a_proxy_from_starting(home: Home) -> None:
    """Whoever looks holds the shared lock for an instant; a start outlives that."""
    presence.prepare(home)
    watchers = [
        subprocess.Popen(
            [
                sys.executable,
                "-c",
                "import sys; from pathlib import Path; from acm_addon import presence\n"
                "from acm_addon.home import Home; home = Home(Path(sys.argv[1]))\n"
                "while not presence.running(home): pass\n",
                str(home.root),
            ],
            env={**os.environ, "PYTHONPATH": str(Path(process.__file__).parents[1])},
        )
        for _ in range(2)
    ]
    try:
        state = start(home)
        assert [0, 0] == [watcher.wait(PATIENCE) for watcher in watchers]
        assert state == process.running(home)
    finally:
        for watcher in watchers:
            watcher.kill()
            watcher.wait()


def test_a_failure_that_the_proxy_explains_reaches_the_user(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Message and hint come down the pipe."""
    monkeypatch.setenv("ACM_TEST_CHILD", "fails")
    with pytest.raises(StartError) as caught:
        start(home)
    assert "port 4141 cannot be used: it is taken" == caught.value.message
    assert "choose another one" == caught.value.hint
    assert process.running(home) is None


def test_an_early_death_is_noticed_at_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the pipe says it, long before the timeout; the exit status is told."""
    monkeypatch.setenv("ACM_TEST_CHILD", "dies")
    with pytest.raises(StartError, match=r"exit status 7") as caught:
        start(home)
    assert "--foreground" in (caught.value.hint or "")


def test_a_proxy_that_never_gets_ready_is_killed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the timeout there is an error and no process."""
    monkeypatch.setenv("ACM_TEST_CHILD", "mute")
    with pytest.raises(StartError, match=r"not ready after 0\.5 s"):
        start(home, timeout=0.5)
    monkeypatch.delenv("ACM_TEST_CHILD")
    assert start(home) == process.running(home)


def test_a_missing_program_is_a_start_error(home: Home) -> None:
    """What cannot even be executed is explained, too."""
    with pytest.raises(StartError, match="could not be started"):
        process.start_background(home, ProxyOptions(), PATIENCE, ["/nowhere/python"])


def test_a_living_proxy_whose_state_is_damaged_is_not_called_stopped(home: Home) -> None:
    """It runs on, so that is what the user is told."""
    state = start(home)
    (home.run / "proxy.json").write_text("garbage")
    with pytest.raises(AcmError, match="the proxy lives"):
        process.stop(home)
    kill(state.pid)


def test_a_proxy_that_will_not_stop_is_killed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGKILL after the timeout, and the caller is told that it came to that."""
    monkeypatch.setenv("ACM_TEST_CHILD", "stubborn")
    state = start(home)
    assert Stopped.KILLED is process.stop(home, timeout=0.3)
    assert gone(state.pid)
    assert process.running(home) is None
    assert process.read_state(home) is None


def test_start_waits_for_a_proxy_that_lives_and_is_not_ready_yet(home: Home) -> None:
    """One that was started in a terminal may hold the lock and not be ready: it is awaited."""
    environment = process.proxy_environment(home)
    presence.prepare(home)
    by_hand = subprocess.Popen([*CHILD, "--host=127.0.0.1", "--port=4333"], env=environment)
    try:
        deadline = time.monotonic() + PATIENCE
        while not presence.is_locked(home):
            assert time.monotonic() < deadline
        assert by_hand.pid == start(home).pid
    finally:
        by_hand.terminate()
        by_hand.wait(PATIENCE)


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        (ProxyOptions(), None),
        (ProxyOptions(port=4141), None),
        (ProxyOptions(port=0), None),
        (ProxyOptions(host="127.0.0.1"), None),
        (ProxyOptions(test_upstream="127.0.0.1:9"), "not 127.0.0.1:9"),
        (ProxyOptions(port=5000), "on port 4141, not 5000"),
        (ProxyOptions(host="127.0.0.2"), "on 127.0.0.1, not 127.0.0.2"),
    ],
)
def test_options_agree_with_a_running_proxy_or_say_where_not(
    asked: ProxyOptions, complaint: str | None
) -> None:
    """What is not asked for agrees with everything."""
    answer = asked.disagreement(STATE)
    assert answer is None if complaint is None else complaint in (answer or "")


def test_another_port_than_the_running_ones_is_refused(home: Home) -> None:
    """An expected failure with a hint, and no start error: a proxy runs."""
    state = start(home, ProxyOptions(port=4567))
    with pytest.raises(AcmError, match="already running on port 4567, not 4568") as caught:
        start(home, ProxyOptions(port=4568))
    assert not isinstance(caught.value, StartError)
    assert "acm stop" in (caught.value.hint or "")
    assert state == process.running(home)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"pid": "many"}', '{"pid": 1}', "\x00\xff"]
)
def test_a_malformed_state_is_no_state(home: Home, text: str) -> None:
    """Whatever is in the file, reading it does not raise."""
    presence.prepare(home)
    (home.run / "proxy.json").write_text(text)
    assert process.read_state(home) is None


def test_a_state_is_read_as_it_was_written(home: Home) -> None:
    """Every field survives, and a state of a version without the optional ones can be read."""
    presence.prepare(home)
    full = replace(STATE, test_upstream="127.0.0.1:9", test_upstream_ca="/tmp/ca.pem")
    presence.write_state(home, full)
    assert full == process.read_state(home)
    fields = asdict(STATE)
    del fields["test_upstream_ca"]
    (home.run / "proxy.json").write_text(json.dumps(fields))
    assert STATE == process.read_state(home)


def test_a_home_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    """A file where the home should be: an error with a hint, and no traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="cannot be used: Not a directory") as caught:
        start(Home(tmp_path / "file" / "home"))
    assert "ACM_HOME" in (caught.value.hint or "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_that_may_not_be_written_is_explained(tmp_path: Path) -> None:
    """A folder without permission."""
    tmp_path.chmod(0o500)
    with pytest.raises(StartError, match="Permission denied"):
        start(Home(tmp_path / "home"))


def test_nobody_listening_for_readiness_does_not_end_the_proxy() -> None:
    """A parent that gave up has closed the pipe; saying so to it must not raise."""
    reader, writer = os.pipe()
    os.close(reader)
    process.announce_ready(writer, STATE)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(writer)


def test_paths_of_the_switch_are_absolute_for_the_proxy() -> None:
    """The proxy works in another folder than the shell where the path was typed."""
    arguments = ProxyOptions(test_upstream="127.0.0.1:9", test_upstream_ca="ca.pem").arguments()
    assert f"--test-upstream-ca={Path.cwd() / 'ca.pem'}" in arguments
    assert "--host=127.0.0.1" in arguments
    assert "--port=4141" in arguments

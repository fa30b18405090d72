"""``acm demo`` as a person sees it: the real command, in an environment of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from cli.demo import _impersonal
from cli.demo_calls import CALLS

ROOT = Path(__file__).parents[2]
PATIENCE = 60


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A home, a temporary folder, and settings of a user who must not be touched."""
    for name in ("home", "tmp", "acm"):
        (tmp_path / name).mkdir()
    return os.environ | {
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path / "home"),
        "TMPDIR": str(tmp_path / "tmp"),
        "ACM_HOME": str(tmp_path / "acm"),
        "OPENAI_API_KEY": "sk-of-the-user",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/nowhere",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "NO_COLOR": "1",
    }


def command(*options: str) -> list[str]:
    return [sys.executable, *options, "-c", "import sys; from cli.demo import demo; demo()"]


def traces(tmp_path: Path) -> list[Path]:
    """What is left behind in the folders of the user."""
    return [path for path in tmp_path.rglob("*") if path.is_file() or path.name.startswith("acm-")]


def proxies_below(folder: Path) -> list[int]:
    """Processes whose working folder is in there: the demo's proxy runs in its temporary home."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder):
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def test_shows_the_whole_of_acm(environment: dict[str, str], tmp_path: Path) -> None:
    """Every call's line, the reports, one explanation; the stand-in is named first and last."""
    ended = subprocess.run(
        command(), env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert ended.returncode == 0, ended.stderr
    first, *_, last = re.split(r"\n\n+", ended.stdout.strip())
    for words in ("stand-in", "no money"):
        assert words in " ".join(first.split())
        assert words in " ".join(last.split())
    lines = [line for line in ended.stdout.splitlines() if re.match(r"\s+\d\d:\d\d:\d\d ", line)]
    assert len(CALLS) == len(lines)
    assert "HTTP 429" in ended.stdout
    assert "estimated" in ended.stdout
    assert "Total cost:" in ended.stdout
    assert "claude-sonnet-4-6" in ended.stdout
    assert "acm explain" in ended.stdout
    assert "sk-of-the-user" not in ended.stdout + ended.stderr
    assert [] == traces(tmp_path)
    assert [] == proxies_below(tmp_path)


def test_works_without_the_sdks(environment: dict[str, str], tmp_path: Path) -> None:
    """By plain HTTP then, and it says how to get the SDKs."""
    script = (
        "import importlib.metadata as metadata\n"
        "real = metadata.version\n"
        "def version(name):\n"
        "    if name in ('openai', 'anthropic'): raise metadata.PackageNotFoundError(name)\n"
        "    return real(name)\n"
        "metadata.version = version\n"
        "import sys\n"
        "sys.modules['openai'] = sys.modules['anthropic'] = None\n"
        "from cli.demo import demo\n"
        "demo()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "plain HTTP" in ended.stdout
    assert "extra `demo`" in ended.stdout
    assert "Total cost:" in ended.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_leaves_nothing_behind_when_interrupted(
    environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C in the middle: no proxy, no ledger, no folder is left."""
    with subprocess.Popen(
        command("-u"), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        assert running.stdout is not None
        guard = threading.Timer(PATIENCE, running.kill)
        guard.start()
        for line in running.stdout:
            if "acm tail" in line:
                break
        assert proxies_below(tmp_path)
        running.send_signal(number)
        rest = running.stdout.read()
        guard.cancel()
    assert running.returncode != 0, rest
    assert [] == traces(tmp_path)
    deadline = time.monotonic() + PATIENCE
    while proxies_below(tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_cannot_start_without_a_temporary_folder(environment: dict[str, str]) -> None:
    """One line that says what is wrong, and one that says what to do."""
    script = "import sys, cli.main; sys.exit(cli.main.main(['demo']))"
    environment |= dict.fromkeys(("TMPDIR", "TEMP", "TMP"), "/nonexistent")
    ended = subprocess.run(
        [sys.executable, "-c", "import tempfile; tempfile.tempdir = '/nonexistent'\n" + script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: no temporary folder can be made")
    assert "\nhint: set TMPDIR" in ended.stderr


def test_settings_of_the_user_are_left_out() -> None:
    """Keys, endpoints, proxies and certificates of the user are no part of a demonstration."""
    personal = {
        "OPENAI_API_KEY": "x",
        "MISTRAL_API_KEY": "x",
        "ANTHROPIC_AUTH_TOKEN": "x",
        "ANTHROPIC_CUSTOM_HEADERS": "x",
        "OPENAI_ORG_ID": "x",
        "https_proxy": "x",
        "NO_PROXY": "x",
        "SSL_CERT_FILE": "x",
        "REQUESTS_CA_BUNDLE": "x",
        "ACM_HOME": "x",
    }
    kept = {"PATH": "/bin", "HOME": "/home/me", "TERM": "dumb", "TZ": "UTC", "LANG": "C"}
    assert kept == _impersonal(personal | kept)

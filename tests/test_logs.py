import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from acm_addon import logs


@pytest.fixture
def log_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("ACM_LOG", "debug")
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    path = tmp_path / "proxy.log"
    logs.set_up(path)
    yield path
    root.handlers[:], root.level = before


def test_our_messages_are_written(log_file: Path) -> None:
    """What acm says about itself reaches the file, at the chosen level."""
    logs.logger("test").debug("port %d", 4141)

    assert "debug port 4141" in log_file.read_text()


def test_foreign_text_is_not_written(log_file: Path) -> None:
    """Of a library's record only the logger and the exception's class are kept."""
    try:
        raise ValueError("sk-secret in an exception")
    except ValueError:
        logging.getLogger("mitmproxy.proxy").exception("Authorization: Bearer sk-secret")

    text = log_file.read_text()
    assert "mitmproxy.proxy, ValueError" in text
    assert "secret" not in text


def test_our_records_carry_no_traceback(log_file: Path) -> None:
    """Even our own exception() writes the message alone."""
    try:
        raise ValueError("sk-secret in an exception")
    except ValueError:
        logs.logger("test").exception("it failed")

    text = log_file.read_text()
    assert "error it failed" in text
    assert "secret" not in text


def test_the_log_is_private(log_file: Path) -> None:
    """Nobody else on the machine may read it."""
    assert 0o600 == log_file.stat().st_mode & 0o777

"""The line that moves while very many calls are gone through."""

import sys

import pytest

from cli import progress

type Captured = pytest.CaptureFixture[str]


def watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard error is a terminal, and every moment one to show something."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(progress, "EVERY_SECONDS", -1)


def test_the_share_is_shown_and_wiped(capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output has nothing of it. More than were expected are not more than all."""
    watch(monkeypatch)
    assert list(range(600)) == list(progress.watched(range(600), 512, "pricing calls"))
    lines = ["", "acm: pricing calls: 0%, 0", "acm: pricing calls: 50%, 256"]
    lines += ["acm: pricing calls: 100%, 512", ""]
    out, err = capsys.readouterr()
    assert ("", lines) == (out, err.split("\r\033[K"))


def test_batches_are_shown_as_they_are_done(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last number is how many it were."""
    watch(monkeypatch)
    assert 30 == progress.last_watched([20, 30], 40, "booking")
    assert ["", "acm: booking: 50%, 20", "acm: booking: 75%, 30", ""] == (
        capsys.readouterr().err.split("\r\033[K")
    )
    assert 0 == progress.last_watched([], 0, "booking")


def test_nothing_moves_where_nobody_watches(capsys: Captured) -> None:
    """A file or a pipe gets the outcome alone."""
    assert [1, 2] == list(progress.watched([1, 2], 2, "pricing calls"))
    assert 2 == progress.last_watched([1, 2], 2, "booking")
    assert ("", "") == capsys.readouterr()

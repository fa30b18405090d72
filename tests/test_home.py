from pathlib import Path

import pytest

from acm_addon.errors import AcmError
from acm_addon.home import acm_home


def test_a_relative_home_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is told of a file in it may change its folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ACM_HOME", "here")

    assert tmp_path / "here" / "ca" / "bundle.pem" == acm_home().ca_bundle


def test_a_file_in_its_place_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not taken for an empty home."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("ACM_HOME", str(tmp_path / "file"))

    with pytest.raises(AcmError, match="not a folder"):
        acm_home()

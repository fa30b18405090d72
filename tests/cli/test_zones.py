from datetime import UTC, datetime
from pathlib import Path

import pytest

from acm_addon.errors import AcmError
from cli import zones
from cli.exits import UsageError

SUMMER = datetime(2026, 7, 1, tzinfo=UTC)


def test_tz_names_the_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """TZ comes first, with or without the colon that POSIX allows."""
    monkeypatch.setenv("TZ", ":Asia/Kathmandu")
    assert "Asia/Kathmandu" == zones.local_zone().key


def test_tz_may_be_a_posix_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    """Daylight saving of the rule included."""
    monkeypatch.setenv("TZ", "XYZ-1XYS,M3.5.0,M10.5.0/3")
    assert "02:00 XYS" == f"{SUMMER.astimezone(zones.local_zone()):%H:%M %Z}"


def test_tz_that_is_no_zone_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Days cut in the wrong zone would be wrong sums."""
    monkeypatch.setenv("TZ", "Mars/Olympus")
    with pytest.raises(AcmError, match="Mars/Olympus"):
        zones.local_zone()


@pytest.mark.parametrize("linked", [True, False])
def test_the_machine_says_its_zone(
    linked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/etc/localtime as a link into the zone files, or as a copy of one."""
    source = Path("/usr/share/zoneinfo/Europe/Berlin")
    if not source.exists():
        pytest.skip("this machine has no zone files")
    localtime = tmp_path / "localtime"
    if linked:
        localtime.symlink_to(source)
    else:
        localtime.write_bytes(source.read_bytes())
    monkeypatch.delenv("TZ", raising=False)
    monkeypatch.setattr(zones, "LOCALTIME", localtime)
    zone = zones.local_zone()
    assert ("Europe/Berlin" if linked else "local") == zone.key
    assert "02:00 CEST" == f"{SUMMER.astimezone(zone):%H:%M %Z}"


def test_without_any_word_it_is_utc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the C library has it; a container often says nothing."""
    monkeypatch.delenv("TZ", raising=False)
    monkeypatch.setattr(zones, "LOCALTIME", tmp_path / "absent")
    assert "UTC" == zones.local_zone().key


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("europe/berlim", "Europe/Berlin"), ("tokyo", "Asia/Tokyo"), ("New York", "America/New_York")],
)
def test_a_misspelt_zone_gets_a_suggestion(typed: str, meant: str) -> None:
    """A city alone is understood well enough to suggest its zone."""
    with pytest.raises(UsageError) as refused:
        zones.chosen_zone(typed)
    assert f"did you mean {meant}?" == refused.value.hint


@pytest.mark.parametrize("typed", ["", "/etc/passwd", "../../etc/passwd", "qqqqqq", "a\0b"])
def test_what_is_no_zone_is_refused(typed: str) -> None:
    """Paths included: a zone name opens no file outside the zone files."""
    with pytest.raises(UsageError, match="not a time zone"):
        zones.chosen_zone(typed)

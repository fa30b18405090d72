"""A renamed project keeps its history, under one name in every report."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from acm_addon.ledger.reader import LedgerReader
from acm_addon.ledger.sqlite import SqliteLedger
from acm_addon.ledger.totals import Totals
from tests.calls import make_entry

SINCE = datetime(2020, 1, 1, tzinfo=UTC)
UNTIL = datetime(2040, 1, 1, tzinfo=UTC)


def by_project(path: Path) -> dict[str | None, Totals]:
    """From the daily and quarterly rollups, whose sums are those of the calls."""
    with LedgerReader(path) as reader:
        rows = reader.grouped("project", SINCE, UNTIL, ZoneInfo("UTC"))
        names = {row.entry.project for row in reader.recent(0, 100)}
    assert names == {row.name for row in rows}
    return {row.name: row.totals for row in rows}


def test_rows_and_rollups_have_the_new_name(tmp_path: Path) -> None:
    """Of every bucket; what the new name has already is added to. Others are untouched."""
    path = tmp_path / "ledger.db"
    start = make_entry().time
    times = [start + timedelta(hours=hours) for hours in (0, 0, 30)]
    with closing(SqliteLedger(path)) as ledger:
        for project in ("a", "b", "other"):
            ledger.book([make_entry(time=time, project=project) for time in times], {})
        before = by_project(path)
        ledger.rename_project("a", "b")
        after = by_project(path)
        ledger.rename_project("a", "b")
        assert after == by_project(path)
    assert {"b", "other"} == set(after)
    assert before["other"] == after["other"]
    assert (6, before["a"].cost + before["b"].cost) == (after["b"].requests, after["b"].cost)


def test_a_call_that_ends_after_the_rename_has_the_new_name(tmp_path: Path) -> None:
    """It began under the old one. Through two renames, and back again."""
    path = tmp_path / "ledger.db"
    with closing(SqliteLedger(path)) as ledger:
        ledger.rename_project("a", "b")
        ledger.rename_project("b", "c")
        ledger.book([make_entry(project=name) for name in ("a", "b", "c")], {})
        assert {"c": 3} == {name: sums.requests for name, sums in by_project(path).items()}
        ledger.rename_project("c", "a")
        ledger.book([make_entry(project=name) for name in ("a", "b", "c")], {})
        assert {"a": 6} == {name: sums.requests for name, sums in by_project(path).items()}

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from acm_addon.errors import AcmError
from acm_addon.ledger.base import Booked
from acm_addon.ledger.measures import DIMENSIONS, HISTOGRAM, MEASURES
from acm_addon.ledger.migrations import migrations
from acm_addon.ledger.priceable import EVER
from acm_addon.ledger.reader import LedgerReader
from acm_addon.ledger.rows import COLUMNS
from acm_addon.ledger.sqlite import SCHEMA_VERSION, SqliteLedger
from acm_addon.model import Completeness
from acm_addon.settlement import Settlement
from tests.calls import make_entry
from tests.rollup_sums import assert_rolled_up

FIRST_SCHEMA_DATA = """
INSERT INTO calls VALUES (7, '01a20131-0000-7000-8000-000000000001', 1795348800000000, 342, 120,
    'gateway', 'openai', 'chat.completions', 'gpt-4o', 'gpt-4o-2024-08-06', NULL, NULL, 'default',
    NULL, '{"feature":"search"}', 200, 1, 'req_1', NULL, '{"input_tokens":1234}', 'reported',
    'complete', 'priced', 3085000, 3085000, NULL, 3085000, '[]', 'abc', NULL);
INSERT INTO journals VALUES ('x.journal', 10, 20);
PRAGMA user_version = 1;
"""
"""What the first released schema held, as SQL: it must not change when the writer does."""


FIRST_SCHEMA_BATCH = """
INSERT INTO calls VALUES (8, '01a20131-0000-7000-8000-000000000002', 1795348800000000, 342, 120,
    'gateway', 'openai', 'batches', NULL, NULL, NULL, NULL, 'default', NULL, '{"feature":"night"}',
    200, 0, 'req_1', 'batch_1', '{}', 'none', 'pending', 'unpriced', NULL, NULL, NULL, 0, '[]',
    NULL, 'no_usage');
PRAGMA user_version = 1;
"""
FIRST_SCHEMA_SUMS = {
    "rollups": (1795348800000000, "default", "", "openai", "", "batches"),
    "daily_rollups": (1795305600000000, "default", "", "openai", "", "batches"),
    "total_rollups": (1795348800000000,),
    "tag_rollups": (1795348800000000, "feature", "night"),
}
"""The keys of the sums over that one call."""


def oldest(path: Path, data: str) -> sqlite3.Connection:
    """A ledger of the first schema."""
    conn = sqlite3.connect(path)
    conn.execute("PRAGMA journal_mode = WAL")
    second = next((one.name for one in migrations.pending(Database(conn))[1:]), None)
    migrations.apply(Database(conn), stop_before=second)
    conn.executescript(data)
    return conn


def test_work_that_the_oldest_ledger_awaits_is_settled(tmp_path: Path) -> None:
    """A batch that was created before the upgrade is found by its object id after it."""
    path = tmp_path / "ledger.db"
    counts = {"requests": 1, "pending": 1, "unpriced": 1, "without_cost": 1}
    counts |= {"latency_ms": 342, "latency_count": 1, "latency_below_470": 1}
    with closing(oldest(path, FIRST_SCHEMA_BATCH)) as conn, conn:
        for table, keys in FIRST_SCHEMA_SUMS.items():
            columns = [row[1] for row in conn.execute(f"PRAGMA table_info({table})")]
            sums = [counts.get(name, 0) for name in columns[len(keys) :]]
            marks = ", ".join("?" * len(columns))
            conn.execute(f"INSERT INTO {table} VALUES ({marks})", (*keys, *sums))
    with closing(SqliteLedger(path)) as ledger:
        assert Booked(0, 0, 1) == ledger.book([Settlement(make_entry(object_id="batch_1"))], {})
    with LedgerReader(path) as reader:
        (call,) = reader.recent(0, 10)
    assert (8, "batches", 3_645_000, Completeness.COMPLETE) == (
        call.rowid,
        call.entry.endpoint,
        call.entry.cost,
        call.entry.completeness,
    )
    assert_rolled_up(path, [call.entry])


def test_the_oldest_ledger_is_upgraded_with_its_data(tmp_path: Path) -> None:
    """Its rows are read as before, and new ones go beside them."""
    path = tmp_path / "ledger.db"
    oldest(path, FIRST_SCHEMA_DATA).close()
    entry = make_entry()
    with closing(SqliteLedger(path)) as ledger:
        assert 20 == ledger.positions()["x.journal"].drained
        ledger.book([entry], {})
    with LedgerReader(path) as reader:
        old = reader.find("01a20131-0000")
        assert (3_085_000, {"input_tokens": 1234}, True) == (old.cost, old.usage, old.stream)
        assert [7, 8] == [row.rowid for row in reader.recent(0, 10)]
        assert entry == reader.find(entry.id)


def test_a_reader_upgrades_what_it_could_not_read(tmp_path: Path) -> None:
    """After an upgrade of acm the first command may be one that only reads."""
    path = tmp_path / "ledger.db"
    oldest(path, FIRST_SCHEMA_DATA).close()
    with LedgerReader(path) as reader:
        (call,) = reader.recent(0, 10)
        assert [] == reader.repricings(call.entry.id)
        (row,) = reader.priceable(reader.extent(*EVER))
        assert (3_085_000, None) == (row.bill.cost, row.context)


def test_the_schema_is_what_the_code_reads_and_writes(tmp_path: Path) -> None:
    """Migrations are written out by hand; here they meet the definitions that the code uses."""
    assert SCHEMA_VERSION == len(migrations.pending(Database(memory=True)))
    SqliteLedger(tmp_path / "ledger.db").close()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as conn:

        def columns(table: str) -> list[str]:
            return [row[1] for row in conn.execute(f"PRAGMA table_info({table})")]

        sums = [*MEASURES, *HISTOGRAM]
        assert ["seq", *COLUMNS] == columns("calls")
        assert ["bucket", *DIMENSIONS, *sums] == columns("rollups") == columns("daily_rollups")
        assert ["bucket", *sums] == columns("total_rollups")
        assert ["bucket", "tag", "value", *sums] == columns("tag_rollups")
        strict = conn.execute(
            "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE"
            " 'sqlite_%' AND name NOT LIKE '\\_sqlite_%' ESCAPE '\\'"
        ).fetchall()
        rollups = {"rollups", "daily_rollups", "total_rollups", "tag_rollups"}
        own = {"calls", "journals", "unclaimed", "links", "repricings", "project_names"}
        own |= {"budget_windows", "holds"}
        assert own | rollups == {name for name, is_strict in strict if is_strict}
        assert ("wal",) == conn.execute("PRAGMA journal_mode").fetchone()
        assert ("ok",) == conn.execute("PRAGMA integrity_check").fetchone()


def test_a_ledger_is_private(tmp_path: Path) -> None:
    """Only its owner may read it, or the files beside it."""
    with closing(SqliteLedger(tmp_path / "ledger.db")) as ledger:
        ledger.book([make_entry()], {})
        assert {0o600} == {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}


def test_processes_that_start_at_once_do_not_clash(tmp_path: Path) -> None:
    """Each finds the ledger current when it has opened it."""
    code = (
        "import sys; from pathlib import Path; from acm_addon.ledger.sqlite import SqliteLedger;"
        "sys.stdin.readline(); SqliteLedger(Path(sys.argv[1])).close()"
    )
    path = tmp_path / "ledger.db"
    starters = [
        subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE)
        for _ in range(4)
    ]
    for starter in starters:
        assert starter.stdin
        starter.stdin.write(b"\n")
        starter.stdin.flush()
    assert [0] * 4 == [starter.wait(60) for starter in starters]
    for starter in starters:
        assert starter.stdin
        starter.stdin.close()
    with closing(sqlite3.connect(path)) as conn:
        assert (SCHEMA_VERSION,) == conn.execute("PRAGMA user_version").fetchone()
        applied = conn.execute("SELECT COUNT(*) FROM _sqlite_migrations").fetchone()
        assert (SCHEMA_VERSION,) == applied


def test_a_ledger_from_the_future_is_left_alone(tmp_path: Path) -> None:
    """An older acm neither reads nor writes it, and says what to do."""
    path = tmp_path / "ledger.db"
    SqliteLedger(path).close()
    with closing(sqlite3.connect(path)) as conn:
        conn.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(AcmError, match="newer version"):
        SqliteLedger(path)
    with LedgerReader(path) as reader, pytest.raises(AcmError, match="newer version"):
        reader.newest_rowid()


def test_a_file_that_is_no_ledger_is_an_error_with_a_hint(tmp_path: Path) -> None:
    """Neither side touches it."""
    path = tmp_path / "ledger.db"
    path.write_text("dear diary, " * 100)
    with pytest.raises(AcmError, match="cannot open the ledger") as refused:
        SqliteLedger(path)
    assert refused.value.hint
    with LedgerReader(path) as reader, pytest.raises(AcmError, match="cannot read the ledger"):
        reader.newest_rowid()
    assert path.read_text().startswith("dear diary, ")

import gzip
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from acm_addon.home import Home
from acm_addon.ledger.reader import LedgerReader
from acm_addon.model import Entry, Source
from cli.entries import entry_json
from cli.imports import progress_line
from tests.calls import NOON, make_entry
from tests.capture_files import har, har_entry, lines, recording, saved

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "row.schema.json").read_text())

MIXED = (
    recording(),
    recording(status=429, response_body=None),
    recording(method="GET", path="/v1/models"),
    recording(provider_host="example.com"),
)


def rows(home: Home) -> list[Entry]:
    with LedgerReader(home.ledger) as reader:
        return [call.entry for call in reader.recent(0, 100)]


def test_what_was_found_is_said(acm, home: Home, tmp_path: Path) -> None:
    """Everything is counted, on standard error; standard output is empty."""
    path = saved(tmp_path / "a.jsonl", lines(*MIXED) + "nonsense\n")
    acm("project", "create", "shop")
    assert (0, "") == acm("import", str(path), "--project", "shop", "--tag", "a=b:c")[:2]
    assert [("shop", {"a": "b:c"}, 1), ("shop", {"a": "b:c"}, 2)] == [
        (row.project, row.tags, row.source.line) for row in rows(home) if row.source
    ]
    assert (
        0,
        "",
        f"acm: {path} (JSON lines): 5 entries\n"
        "  2 billable calls: $0.00004; 0 booked, 2 in the ledger already\n"
        "    1 of them answered with an error\n"
        "  1 free calls\n"
        "  1 not calls of a provider\n"
        "  1 unreadable: line 5\n",
    ) == acm("import", str(path))
    assert 2 == len(rows(home))


def test_a_dry_run_writes_nothing(acm, home: Home, tmp_path: Path) -> None:
    """And prints the very rows that an import would book."""
    path = saved(tmp_path / "a.har", har(har_entry(), har_entry()))
    code, out, said = acm("import", "--dry-run", "--json", str(path))
    assert (0, False) == (code, home.root.exists())
    assert "2 billable calls: $0.00008; nothing was written" in said
    found = [json.loads(line) for line in out.splitlines()]
    assert [("0.00004", {"file": str(path), "index": 0})] == [
        (row["cost_usd"], row["source"]) for row in found[:1]
    ]
    _, booked, _ = acm("import", "--json", str(path))
    assert out == booked
    assert found == [entry_json(row) for row in rows(home)]


def test_rollups_count_an_imported_call_once(acm, home: Home, tmp_path: Path) -> None:
    """However often its file is read."""
    path = str(saved(tmp_path / "a.har", har(har_entry())))
    for _ in range(2):
        acm("import", path, path)
    with closing(sqlite3.connect(home.ledger)) as conn:
        sums = conn.execute("SELECT SUM(requests), SUM(cost) FROM total_rollups").fetchone()
    assert (1, 40_000) == sums


@pytest.mark.parametrize("content", ["", "nonsense", "\x00" * 99, '{"log": {"entries": [{"re'])
def test_nothing_readable_is_a_failure(content: str, acm, tmp_path: Path) -> None:
    """With what would be readable."""
    code, out, said = acm("import", str(saved(tmp_path / "a", content)))
    assert (1, "") == (code, out)
    assert "error: nothing could be read\nhint: acm import takes HAR files" in said


def test_one_readable_file_is_enough(acm, tmp_path: Path) -> None:
    """The other one is reported."""
    empty, good = saved(tmp_path / "a", ""), saved(tmp_path / "b", lines(recording()))
    code, _, said = acm("import", str(empty), str(good))
    assert (0, 1) == (code, said.count("0 entries\n"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.har"], "error: there is no file missing.har\n"),
        (["."], "error: . is no regular file\n"),
        (["--tag", "x", "."], "error: --tag 'x' is no tag\n"),
        ([], "error: missing argument"),
    ],
)
def test_what_cannot_be_meant(arguments: list[str], message: str, acm) -> None:
    """A usage error, before anything is read."""
    code, _, said = acm("import", *arguments)
    assert (2, True) == (code, said.lower().startswith(message))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--tag", "a b=c"], "'a b=c' is no tag"),
        (["--tag", "a=b", "--tag", "a=c"], "the tag 'a' is given twice"),
        (["--tag", "a=\x1b[31m"], "is no tag"),
        ([word for at in range(11) for word in ("--tag", f"t{at}=1")], "at most 10 tags"),
        (["--project", " "], "--project is empty"),
    ],
)
def test_who_pays_is_said_as_programs_say_it(
    arguments: list[str], message: str, acm, tmp_path: Path
) -> None:
    """By the same rule as X-ACM-Tags, so that a report can be asked for every tag."""
    path = saved(tmp_path / "a.har", har(har_entry()))
    code, _, said = acm("import", "--dry-run", str(path), *arguments)
    assert (2, True, True) == (code, message in said, "\nhint: " in said)


def test_a_project_that_is_not_there_pays_for_nothing(acm, home: Home, tmp_path: Path) -> None:
    """Rows of one would be in no budget, and `acm project` would know nothing of them.

    A former name leads to the project, as it does for programs.
    """
    path = str(saved(tmp_path / "a.har", har(har_entry())))
    code, _, err = acm("import", path, "--project", "shop")
    assert (1, True) == (code, "there is no project 'shop'" in err)
    assert not home.ledger.exists()
    acm("project", "create", "shop")
    acm("project", "rename", "shop", "store")
    assert 0 == acm("import", path, "--project", "shop")[0]
    assert ["store"] == [row.project for row in rows(home)]


def test_a_compressed_file_is_a_usage_error(acm, home: Home, tmp_path: Path) -> None:
    """With what to do; nothing of the other files is read."""
    packed = saved(tmp_path / "a.har.gz", gzip.compress(har(har_entry()).encode()))
    code, _, said = acm("import", str(saved(tmp_path / "a", har(har_entry()))), str(packed))
    assert (2, False) == (code, home.root.exists())
    assert f"error: {packed} is compressed with gzip\nhint: unpack it first" in said


def test_a_ledger_that_cannot_be_written(acm, home: Home, tmp_path: Path) -> None:
    """Such as on a full disk: an error with what to do, and no fault of ours."""
    path = str(saved(tmp_path / "a.jsonl", lines(recording())))
    acm("import", path)
    with closing(sqlite3.connect(home.ledger)) as conn:
        conn.execute("DELETE FROM calls")
        conn.execute(
            "CREATE TRIGGER full BEFORE INSERT ON calls BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
        conn.commit()
    code, _, said = acm("import", path)
    assert (1, True) == (code, said.startswith("error: cannot write to the ledger (Integrity"))
    assert "hint: is there room on the disk?" in said


@pytest.mark.parametrize(
    ("columns", "line"),
    [(80, "acm: a.har: 7%, 12 calls"), (25, "acm: a.har: 7%, 12 calls"), (24, "7%, 12 calls")],
)
def test_progress_keeps_to_one_line(columns: int, line: str) -> None:
    """The numbers stay where the name has no room; a line that wraps would fill the screen."""
    assert line == progress_line("a.har", "7%, 12 calls", columns)
    assert "7%, " == progress_line("a.har", "7%, 12 calls", 5)


def test_explain_says_where_a_row_comes_from(acm, tmp_path: Path) -> None:
    """The file and the place in it."""
    path = saved(tmp_path / "a.har", har(har_entry()))
    acm("import", str(path))
    _, out, _ = acm("explain", "last")
    assert f"Source    {path}, index 0" in out
    assert "openai chat.completions, through an import" in out


def test_importing_lines_starts_no_proxy_code(tmp_path: Path) -> None:
    """mitmproxy is loaded only to read its own files, and then in another process."""
    path = saved(tmp_path / "a.jsonl", lines(recording()))
    code = (
        "import sys; from cli.main import main; main(['import', '--dry-run', sys.argv[1]]);"
        " sys.exit('mitmproxy' in sys.modules)"
    )
    assert 0 == subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode


@pytest.mark.parametrize(
    "entry",
    [
        make_entry(),
        make_entry(source=Source("a.har", index=0), cost=None, computed_cost=None),
        make_entry(time=NOON.replace(microsecond=7), provider_cost=1, source=Source("a", line=1)),
    ],
)
def test_rows_keep_to_the_schema(entry: Entry) -> None:
    """The contract that docs/ledger.md states."""
    jsonschema.validate(json.loads(json.dumps(entry_json(entry))), SCHEMA)


@pytest.mark.parametrize(
    "damage", [{"cost_usd": 0.5}, {"cost_usd": "1e-7"}, {"source": {"file": "a"}}, {"prompt": "x"}]
)
def test_the_schema_refuses_what_is_no_row(damage: dict[str, Any]) -> None:
    """Money as a float, a source without a place, a field that is not known."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(entry_json(make_entry()) | damage, SCHEMA)


def test_the_schema_has_every_field() -> None:
    """In the order in which they are printed."""
    fields = list(entry_json(make_entry()))
    assert fields == list(SCHEMA["properties"]) == SCHEMA["required"]

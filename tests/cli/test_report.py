import csv
import io
import json
import os
import pty
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from acm_addon.model import Completeness

TABLE = """\
Cost by model, 2026-11-16 00:00 to 2026-11-22 15:30

 Model             Requests   Input   Output     Cost   Unpriced   Partial   Avg latency
 ───────────────────────────────────────────────────────────────────────────────────────
 gpt-4o                   2   2,468      112    $8.23          0         1        342 ms
 claude-3-sonnet          1   1,234       56    $2.89          0         0        342 ms
 (unknown)                1   1,234       56        -          1         0        342 ms

 Total                    4   4,936      224   $11.12          1         1        342 ms
"""


@pytest.fixture
def week(now, make, book):
    """Four calls of this week, and one of the month before."""
    return book(
        make.costing(now - timedelta(hours=3), "gpt-4o", 8_000_000_000),
        make.costing(
            now - timedelta(days=2), "gpt-4o", 230_000_000, completeness=Completeness.PARTIAL
        ),
        make.costing(now - timedelta(days=6), "claude-3-sonnet", 2_890_000_001),
        make.unpriced(now - timedelta(hours=1), None),
        make.costing(now - timedelta(days=30), "old", 10**9),
    )


def test_the_table(week, acm) -> None:
    """The last seven days by model, dearest first, unpriced calls always beside the cost."""
    code, out, err = acm("report")
    assert (0, "") == (code, err)
    assert TABLE.splitlines() == [line.rstrip() for line in out.rstrip().splitlines()]


def test_json_is_exact_and_sums_up(week, acm) -> None:
    """Range, zone, rows, totals; the rows' amounts add to the total's, to the nano-dollar."""
    code, out, _ = acm("report", "--json")
    found = json.loads(out)
    assert 0 == code
    assert ["range", "tz", "by", "rows", "totals"] == list(found)
    assert {
        "since": "2026-11-16T00:00:00+01:00",
        "until": "2026-11-22T15:30:00+01:00",
    } == found["range"]
    assert [("gpt-4o", "8.23"), ("claude-3-sonnet", "2.890000001"), (None, None)] == [
        (row["model"], row["cost_usd"]) for row in found["rows"]
    ]
    assert "11.120000001" == found["totals"]["cost_usd"]
    assert 1 == found["totals"]["unpriced"]


def test_csv_has_the_names_of_the_json(week, acm) -> None:
    """A header and one line a row; the unknown is empty, not zero."""
    _, out, _ = acm("report", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [("gpt-4o", "8.23"), ("claude-3-sonnet", "2.890000001"), ("", "")] == [
        (row["model"], row["cost_usd"]) for row in rows
    ]
    assert "2" == rows[0]["requests"]


def test_days_are_calendar_days_in_order(week, acm) -> None:
    """Each day as the zone has it; days without calls are left out."""
    _, out, _ = acm("report", "--by", "day", "--json")
    rows = json.loads(out)["rows"]
    assert ["2026-11-16", "2026-11-20", "2026-11-22"] == [row["day"] for row in rows]


@pytest.mark.parametrize("by", ["provider", "project", "key", "endpoint", "hour"])
def test_every_grouping_sums_to_the_same(by: str, week, acm) -> None:
    """However the calls are cut, they are the same calls."""
    found = json.loads(acm("report", "--by", by, "--json")[1])
    assert 4 == sum(row["requests"] for row in found["rows"]) == found["totals"]["requests"]


def test_since_and_until_cut_the_range(week, acm) -> None:
    """A named day is the whole day, at either end."""
    found = json.loads(acm("report", "--since", "2026-11-20", "--until", "2026-11-20", "--json")[1])
    assert [("gpt-4o", "0.23")] == [(row["model"], row["cost_usd"]) for row in found["rows"]]


def test_the_zone_decides_the_day(now, make, book, acm) -> None:
    """23:30 UTC on the 20th is the 21st in Berlin."""
    book(make.costing(datetime(2026, 11, 20, 23, 30, tzinfo=UTC), "gpt-4o", 10**9))
    berlin = json.loads(acm("report", "--by", "day", "--json")[1])
    utc = json.loads(acm("report", "--by", "day", "--json", "--tz", "UTC")[1])
    assert (["2026-11-21"], "Europe/Berlin") == (
        [row["day"] for row in berlin["rows"]],
        berlin["tz"],
    )
    assert (["2026-11-20"], "UTC") == ([row["day"] for row in utc["rows"]], utc["tz"])


def test_an_empty_range_says_so(now, acm) -> None:
    """No table of nothing; the range that was asked for is named."""
    code, out, err = acm("report", "--since", "yesterday")
    assert (0, "No calls 2026-11-21 00:00 to 2026-11-22 15:30.\n") == (code, out)
    assert err.startswith("hint: ")


def test_an_empty_range_is_empty_data(now, acm) -> None:
    """A program gets a header, or an empty list."""
    assert [] == json.loads(acm("report", "--json")[1])["rows"]
    assert 1 == len(acm("report", "--csv")[1].splitlines())


@pytest.mark.parametrize("term", ["xterm", "dumb"])
@pytest.mark.parametrize("width", [30, 60, 80, 140])
def test_a_narrow_terminal_cuts_no_number(width: int, term: str, home, make, book) -> None:
    """Columns give way and names fold; a shortened number would be a wrong number."""
    when = datetime.now(UTC) - timedelta(hours=1)
    book(make.costing(when, "a-model-with-quite-a-long-name-2026-11-22", 1_234_567_890_000))
    screen, terminal = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "cli", "report"],
        stdout=terminal,
        env=os.environ | {"COLUMNS": str(width), "TERM": term},
        timeout=60,
        check=False,
    )
    out = os.read(screen, 65536).decode()
    os.close(terminal)
    os.close(screen)
    assert 0 == done.returncode
    assert 2 == out.count("$1,234.57")
    assert "…" not in out
    assert "Unpriced" in out
    assert (width == 140) == ("Avg latency" in out)
    assert (width == 140) == ("a-model-with-quite-a-long-name-2026-11-22" in out)


def test_names_are_not_markup(now, make, book, acm) -> None:
    """Square brackets in a model's name stay what they are, and control characters do nothing."""
    book(make.costing(now - timedelta(hours=1), "[bold]x\x1b[0m", 10**9))
    assert "[bold]x�[0m" in acm("report")[1]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--since", "soon"), "error: --since 'soon' is not a time\n"),
        (("--since", ""), "error: --since '' is not a time\n"),
        (("--until", ""), "error: --until '' is not a time\n"),
        (("--until", "soon"), "error: --until 'soon' is not a time\n"),
        (("--tz", "Europe/Berlim"), "error: --tz 'Europe/Berlim' is not a time zone\n"),
        (("--json", "--csv"), "error: --json and --csv exclude each other\n"),
        (("--since", "today", "--until", "yesterday"), "error: the range ends "),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(arguments, complaint: str, acm) -> None:
    """One line, a hint, and exit code 2; nothing on standard output."""
    code, out, err = acm("report", *arguments)
    assert (2, "") == (code, out)
    assert err.startswith(complaint)
    assert err.splitlines()[1].startswith("hint: ")
    assert 2 == len(err.splitlines())

"""acm report by tags and by two keys, and its check of a limit."""

import csv
import io
import json
from datetime import timedelta

import pytest

TABLE = """\
Cost by tag:feature and day, 2026-11-16 00:00 to 2026-11-22 15:30

 tag:feature       Day            Requests   Input   Output     Cost   Unpriced   Avg latency
 ────────────────────────────────────────────────────────────────────────────────────────────
 search            2026-11-20            1   1,234       56    $2.00          0        342 ms
 search            2026-11-22            1   1,234       56    $8.00          0        342 ms
 (none)            2026-11-22            2   2,468      112    $1.25          1        342 ms

 Total                                   4   4,936      224   $11.25          1        342 ms
"""


@pytest.fixture
def week(now, make, book):
    """Two calls of a feature, and two without one, of which one has no known cost."""
    search = {"feature": "search"}
    return book(
        make.costing(now - timedelta(hours=3), "gpt-4o", 8_000_000_000, tags=search),
        make.costing(now - timedelta(days=2), "gpt-4o", 2_000_000_000, tags=search),
        make.costing(now - timedelta(hours=2), "gpt-4o-mini", 1_250_000_000, tags={"x": "y"}),
        make.unpriced(now - timedelta(hours=1)),
    )


def squeezed(text: str) -> list[list[str]]:
    """Lines as words: how wide a name's column is, is rich's to choose."""
    return [line.split() for line in text.splitlines() if line.strip(" ─")]


def test_the_table_of_a_tag_and_days(week, acm) -> None:
    """Two columns of names; calls without the tag are (none), and the total is theirs too."""
    code, out, err = acm("report", "--by", "tag:feature,day")
    assert (0, "") == (code, err)
    assert squeezed(TABLE) == squeezed(out)


@pytest.mark.parametrize(
    "said", [("--by", "model,tag:feature"), ("--by", "model", "--by", "tag:feature")]
)
def test_two_keys_in_json(said, week, acm) -> None:
    """Named in a row as they are typed; what has no name is null."""
    found = json.loads(acm("report", *said, "--json")[1])
    assert "model,tag:feature" == found["by"]
    assert [
        ("gpt-4o", "search", "10.00"),
        ("gpt-4o-mini", None, "1.25"),
        ("gpt-99", None, None),
    ] == [(row["model"], row["tag:feature"], row["cost_usd"]) for row in found["rows"]]


def test_two_keys_in_csv(week, acm) -> None:
    """A column each."""
    rows = list(csv.DictReader(io.StringIO(acm("report", "--by", "day,model", "--csv")[1])))
    assert [
        ("2026-11-20", "gpt-4o"),
        ("2026-11-22", "gpt-4o"),
        ("2026-11-22", "gpt-4o-mini"),
        ("2026-11-22", "gpt-99"),
    ] == [(row["day"], row["model"]) for row in rows]


def test_a_check_that_holds_says_what_it_does_not_know(week, acm) -> None:
    """Exit code 0 at the very limit; calls of unknown cost are never passed over in silence."""
    code, out, err = acm("report", "--check", "11.25")
    assert 0 == code
    assert "gpt-4o-mini" in out
    assert "warning: 1 call of unknown cost is not in the $11.25 that was checked\n" == err


def test_a_check_that_fails_is_exit_code_4(week, acm) -> None:
    """A nano-dollar is enough. The report is printed all the same."""
    code, out, err = acm("report", "--check", "$11.249999999")
    assert 4 == code
    assert "gpt-4o-mini" in out
    assert "over the limit: $11.25 is above $11.249999999" == err.splitlines()[0]
    assert "warning: 1 call of unknown cost" in err


def test_a_check_is_of_the_range(week, acm) -> None:
    """The spend of another day does not count."""
    day = ("--since", "2026-11-20", "--until", "2026-11-20")
    assert (0, "") == acm("report", *day, "--check", "2")[::2]
    assert 4 == acm("report", *day, "--check", "1.99")[0]


def test_a_check_in_json(week, acm) -> None:
    """A verdict among the data; without --check there is none."""
    code, out, _ = acm("report", "--check", "10", "--json")
    assert 4 == code
    assert {
        "limit_usd": "10.00",
        "cost_usd": "11.25",
        "exceeded": True,
        "without_cost": 1,
    } == json.loads(out)["check"]
    assert "check" not in json.loads(acm("report", "--json")[1])


def test_nothing_is_within_every_limit(now, acm) -> None:
    """No calls cost nothing."""
    assert 0 == acm("report", "--check", "0")[0]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--by", "colour"), "--by 'colour' is no key"),
        (("--by", "tag:"), "--by 'tag:' is no key"),
        (("--by", "model,"), "--by '' is no key"),
        (("--by", "model,day,hour"), "--by takes one key or two"),
        (("--by", "model,model"), "--by model comes twice"),
        (("--check", "much"), "--check 'much' is no amount in USD"),
        (("--check", "-1"), "--check '-1' is no amount in USD"),
        (("--check", "nan"), "--check 'nan' is no amount in USD"),
        (("--check", "1e999"), "--check '1e999' is no amount in USD"),
        (("--check", "0.0000000001"), "--check '0.0000000001' is no amount in USD"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(arguments, complaint: str, acm) -> None:
    """One line, a hint, and exit code 2; nothing on standard output."""
    code, out, err = acm("report", *arguments)
    assert (2, "") == (code, out)
    assert [f"error: {complaint}", "hint: "] == [err.splitlines()[0], err.splitlines()[1][:6]]

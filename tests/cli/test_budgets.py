"""acm budget, as it is typed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from acm_addon.budgets import Claim
from acm_addon.control import budgets
from acm_addon.control.store import ControlStore
from acm_addon.hold_store import HoldStore, prepare
from acm_addon.home import Home
from acm_addon.model import NANO
from acm_addon.windows import Period
from cli.budget import parse_budget
from cli.exits import UsageError
from tests.calls import make_entry

type Screen = Callable[..., tuple[int, str, str]]
type Book = Callable[..., object]


def test_a_budget_from_its_setting_to_its_removal(acm: Screen, book: Book) -> None:
    """What is spent is what is booked in its window, for whom it is."""
    acm("project", "create", "bot")
    now = datetime.now(UTC)
    book(*(make_entry(time=now, project=project, cost=NANO) for project in ("bot", "other")))
    code, out, _ = acm("budget", "set", "8/month", "--project", "bot", "--hard", "--tz", "UTC")
    assert (0, "Budget 1 is set: project=bot/month, $8/month, hard\n") == (code, out)
    line = "Budget Limit: $8/month · Current Usage: $1.00 (12.5%) · Remaining: $7.00"
    assert line in acm("budget", "show", "project=bot/month")[1]
    assert line in acm("budget", "show", "1")[1]
    assert line in acm("project", "show", "bot")[1]
    assert 0 == acm("budget", "set", "0.5/total", "--project", "bot", "--tz", "UTC")[0]
    listed = acm("budget", "list")[1].splitlines()
    assert ["1", "project=bot/month", "hard", "$8.00", "$1.00", "12.5%", "$7.00", "-"] == (
        listed[1].split()
    )
    assert ["2", "project=bot/total", "soft", "$0.50", "$1.00", "200.0%", "$0.00", "100%"] == (
        listed[2].split()
    )
    assert 0 == acm("budget", "rm", "2")[0]
    assert 1 == len(json.loads(acm("budget", "list", "--json")[1]))
    code, _, err = acm("budget", "rm", "2")
    assert 1 == code
    assert "hint: `acm budget list`" in err


def test_what_is_held_for_good_is_told_apart(acm: Screen, home: Home) -> None:
    """A running call will let go of most; one that has ended holds what it cost, or may have."""
    acm("budget", "set", "8/total", "--hard")
    with ControlStore(home) as store:
        (budget,) = budgets.everything(store)
    claim = Claim(budget, budget.window(datetime.now(UTC)), NANO)
    prepare(home, [claim], [budget.id], busy_seconds=5)
    holds = HoldStore(home.ledger)
    for call in ("runs", "ended"):
        holds.claim(call, [claim], "journal")
    assert "Held:           $2.00\n" in acm("budget", "show", "1")[1]
    holds.shrink([("ended", NANO // 2)])
    holds.close()
    assert (
        "Held:           $1.50 ($0.50 by calls that have ended)\n" in acm("budget", "show", "1")[1]
    )


def test_every_option_is_kept(acm: Screen, home: Home) -> None:
    """And printed as JSON."""
    scope = ["--provider", "openai", "--model", "gpt-4o*", "--tag", "a=1", "--tag", "b=2"]
    policy = ["--unknown", "0.25", "--when-locked", "allow", "--wait", "1.5"]
    more = ["--tz", "Asia/Kathmandu", "--thresholds", "100,20%"]
    out = acm("budget", "set", "$12.50/day", "--hard", *scope, *policy, *more, "--json")[1]
    found = json.loads(out)
    assert {
        "number": 1,
        "name": "provider=openai,model=gpt-4o*,tag:a=1,tag:b=2/day",
        "project": None,
        "key": None,
        "provider": "openai",
        "model": "gpt-4o*",
        "tags": {"a": "1", "b": "2"},
        "window": "day",
        "time_zone": "Asia/Kathmandu",
        "hard": True,
        "limit_usd": "12.50",
        "spent_usd": "0.00",
        "held_usd": "0.00",
        "remaining_usd": "12.50",
        "percent": 0.0,
        "resets": found["resets"],
        "thresholds": [20, 100],
        "threshold_reached": None,
        "unknown": "hold",
        "unknown_hold_usd": "0.25",
        "when_locked": "allow",
        "wait_seconds": 1.5,
    } == found
    assert datetime.fromisoformat(found["resets"]) > datetime.now(UTC)
    with ControlStore(home) as store:
        assert found["name"] == budgets.get(store, "1").label


def test_a_project_can_be_made_with_a_budget(acm: Screen) -> None:
    """In one step; without a good one no project is made."""
    assert 2 == acm("project", "create", "bot", "--budget", "much")[0]
    found = json.loads(acm("project", "create", "bot", "--budget", "500/month", "--json")[1])
    assert ["500.00"] == [budget["limit_usd"] for budget in found["budgets"]]
    line = "Budget Limit: $500/month · Current Usage: $0.00 (0.0%) · Remaining: $500.00"
    assert line in acm("project", "show", "bot")[1]


@pytest.mark.parametrize(
    "words",
    [
        ["500"],
        ["500/year"],
        ["-5/month"],
        ["nan/month"],
        ["1e3/month"],
        ["0.0000000001/month"],
        ["5/day", "--provider", "none"],
        ["5/day", "--tag", "none"],
        ["5/day", "--tz", "none"],
        ["5/day", "--thresholds", "0,50"],
        ["5/day", "--thresholds", ""],
        ["5/day", "--unknown", "maybe"],
        ["5/day", "--wait", "-1"],
    ],
)
def test_what_is_no_budget_is_said(acm: Screen, words: list[str]) -> None:
    """A usage error, and nothing is set."""
    code, _, err = acm("budget", "set", *words)
    assert 2 == code
    assert "Traceback" not in err
    assert [] == json.loads(acm("budget", "list", "--json")[1])


@pytest.mark.parametrize("words", [["--project", "none"], ["--key", "none"], ["--model", "a b"]])
def test_a_scope_that_there_is_not(acm: Screen, words: list[str]) -> None:
    """An error with a hint."""
    code, _, err = acm("budget", "set", "5/day", *words)
    assert 1 == code
    assert "hint:" in err


def test_a_zone_without_a_name_must_be_chosen(
    acm: Screen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The proxy could not find it again."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    assert 2 == acm("budget", "set", "5/day")[0]
    assert 0 == acm("budget", "set", "5/day", "--tz", "Europe/Berlin")[0]


def test_amounts_are_exact() -> None:
    """To the nano-dollar, with a dollar sign or without."""
    assert (1, Period.HOUR) == parse_budget("$0.000000001/hour")
    with pytest.raises(UsageError):
        parse_budget("0.0000000001/hour")

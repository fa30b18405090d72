"""acm reprice, acm prices verify and missing, on a real ledger."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from acm_addon.booking import book as price_row
from acm_addon.home import Home
from acm_addon.ledger.reader import LedgerReader
from acm_addon.ledger.repricings import BATCH
from acm_addon.model import (
    Attribution,
    Completeness,
    Entrance,
    Entry,
    Exchange,
    ModelUsage,
    PriceStatus,
    Usage,
    UsageSource,
    new_id,
)
from acm_addon.price_store import current_table
from acm_addon.pricing import PriceTable
from tests.cli.conftest import Book, Screen

THEN = datetime(2026, 11, 20, 13, 3, 22, tzinfo=UTC)
USAGE = {"input_tokens": 1_000_000, "output_tokens": 100_000}


def call(
    model: str = "gpt-4o",
    usage: dict[str, int] = USAGE,
    table: PriceTable | None = None,
    others: tuple[ModelUsage, ...] = (),
    **changes: object,
) -> Entry:
    """A call as the proxy prices it: $3.50 for gpt-4o."""
    table = table or PriceTable.current()
    exchange = Exchange(
        id=new_id(),
        time=THEN,
        entrance=Entrance.GATEWAY,
        provider="openai",
        endpoint="chat.completions",
        attribution=Attribution(),
        upstream="api.openai.com",
        model=model,
        status=200,
    )
    exchange = replace(exchange, **changes)  # type: ignore[arg-type]
    consumed = Usage(usage, UsageSource.REPORTED, others=others)
    return price_row(exchange, consumed, table, "openai")


@pytest.fixture
def kept(home: Home) -> Home:
    """A home that keeps the shipped table, as one where a proxy ran."""
    PriceTable.current().freeze(home.ensure().prices)
    return home


def test_the_diff_comes_first_and_a_dry_run_ends_there(kept: Home, book: Book, acm: Screen) -> None:
    """By model, the largest difference first; the ledger is as it was."""
    big, small = call(), call("gpt-4o-mini")
    book(big, small, call("gpt-99"))
    acm("prices", "set", "--discount", "50", "--provider", "openai")
    code, out, err = acm("reprice", "--dry-run")
    assert 0 == code
    assert [
        "Model               Calls  Before   After  Difference  Unknown before  Unknown after",
        "openai gpt-4o           1   $3.50  $1.75      -$1.75                0              0",
        "openai gpt-4o-mini      1   $0.21  $0.105     -$0.105               0              0",
    ] == out.splitlines()
    assert "2 of 3 calls change" in err
    assert "nothing was written" in err
    with LedgerReader(kept.ledger) as reader:
        assert big == reader.find(big.id)


def test_calls_have_their_new_bill_and_explain_shows_the_old_one(
    kept: Home, book: Book, acm: Screen
) -> None:
    """Sums follow, the row can be proved, and what it was is still there."""
    (entry,) = book(call())
    acm("prices", "set", "--discount", "50", "--provider", "openai")
    assert 0 == acm("reprice", "--yes")[0]

    report = json.loads(acm("report", "--since", "2026-11-01", "--json")[1])
    assert "1.75" in json.dumps(report)
    _, screen, _ = acm("explain", entry.id)
    assert f"UTC; it was $3.50 by table {entry.price_version}" in screen
    shown = json.loads(acm("explain", entry.id, "--json")[1])
    (earlier,) = shown["repricings"]
    assert ("1.75", "3.50", entry.price_version) == (
        shown["cost_usd"],
        earlier["cost_usd"],
        earlier["price_version"],
    )
    assert 0 == acm("prices", "verify")[0]
    assert "0 of 1 calls change" in acm("reprice", "--yes")[2]


def test_a_price_that_is_set_later_fills_the_history(kept: Home, book: Book, acm: Screen) -> None:
    """Only what is not known in full, with --unpriced."""
    new, known = book(call("gpt-99"), call())
    rows = json.loads(acm("prices", "missing", "--json")[1])
    assert [{"provider": "openai", "model": "gpt-99", "unit": None, "calls": 1}] == rows
    acm("prices", "set", "--discount", "50", "--provider", "openai")
    acm(
        *("prices", "set", "--provider", "openai", "--model", "gpt-99"),
        *("--rate", "input_tokens=1", "--rate", "output_tokens=10"),
    )
    assert 0 == acm("reprice", "--unpriced", "--yes")[0]
    with LedgerReader(kept.ledger) as reader:
        assert 2_000_000_000 == reader.find(new.id).cost
        assert PriceStatus.PRICED is reader.find(new.id).price_status
        assert reader.find(new.id).reason is None
        assert known == reader.find(known.id)
    assert [] == json.loads(acm("prices", "missing", "--json")[1])


def test_a_unit_without_a_price_is_named(kept: Home, book: Book, acm: Screen) -> None:
    """Beside the units that have one, or are counted inside one that has; in older rows, too."""
    details = {"output_reasoning_tokens": 500}
    book(
        call(usage={**USAGE, **details, "warp_seconds": 7}),
        call(usage={**USAGE, "input_audio_tokens": 9, "warp_seconds": 0}),
        replace(call(usage={**USAGE, "warp_seconds": 1}), price_context=None),
    )
    rows = json.loads(acm("prices", "missing", "--json")[1])
    assert [("warp_seconds", 2), ("input_audio_tokens", 1)] == [
        (row["unit"], row["calls"]) for row in rows
    ]
    assert "warp_seconds" in acm("prices", "missing")[1]


def test_another_model_of_a_call_is_named(kept: Home, book: Book, acm: Screen) -> None:
    """It is what has no price; the call's own model has one."""
    book(call(others=(ModelUsage("gpt-99", USAGE),)))
    (row,) = json.loads(acm("prices", "missing", "--json")[1])
    assert ("gpt-99", None) == (row["model"], row["unit"])


def test_what_no_table_decides_stays(kept: Home, book: Book, acm: Screen) -> None:
    """The provider's own figure, what is free, what is not finished, what cannot be recomputed."""
    calls = book(
        call(provider_cost=5),
        call(completeness=Completeness.REFUSED),
        call(completeness=Completeness.PENDING),
        replace(call(), price_context=None),
    )
    acm("prices", "set", "--discount", "50", "--provider", "openai")
    code, _, err = acm("reprice", "--yes")
    assert 0 == code
    assert "1 calls stay: an earlier version recorded them" in err
    with LedgerReader(kept.ledger) as reader:
        assert [entry.cost for entry in calls] == [reader.find(entry.id).cost for entry in calls]
        assert 1_750_000_000 == reader.find(calls[0].id).computed_cost


def test_the_range_bounds_what_changes(kept: Home, book: Book, acm: Screen) -> None:
    """Half-open, in the order in which calls happened and not that of booking."""
    entries = book(*(call(time=THEN + timedelta(days=days)) for days in (-3, 0, -1, -2)))
    acm("prices", "set", "--discount", "50", "--provider", "openai")
    acm("reprice", "--yes", "--since", "2026-11-18", "--until", "2026-11-19", "--tz", "UTC")
    with LedgerReader(kept.ledger) as reader:
        costs = [reader.find(entry.id).cost for entry in entries]
    assert [3_500_000_000, 3_500_000_000, 1_750_000_000, 1_750_000_000] == costs


def test_an_earlier_table_can_price_again(kept: Home, book: Book, acm: Screen) -> None:
    """By its hash, or as the one that was known at a time."""
    book(call())
    shipped = PriceTable.current()
    os.utime(shipped.freeze(kept.prices), (1_000_000_000, 1_000_000_000))
    acm("prices", "set", "--discount", "50", "--provider", "openai")
    acm("reprice", "--yes")
    for as_of in (shipped.version[:8], "2020-01-01"):
        out = json.loads(acm("reprice", "--dry-run", "--json", "--as-of", as_of)[1])
        assert (shipped.version, "1.75", "3.50") == (
            out["table"],
            out["models"][0]["before_usd"],
            out["models"][0]["after_usd"],
        )
    assert (1, "hint: give a later --as-of\n") == (
        (outcome := acm("reprice", "--dry-run", "--as-of", "1999-01-01"))[0],
        outcome[2].splitlines(keepends=True)[-1],
    )
    assert 1 == acm("reprice", "--dry-run", "--as-of", "abcdef")[0]


def test_a_table_that_came_back_is_known_again(kept: Home, book: Book, acm: Screen) -> None:
    """Its file is older than that of the table that was in use between."""
    book(call())
    acm("prices", "set", "--discount", "50", "--provider", "openai")
    acm("prices", "remove", "1")
    for now in ((), ("--as-of", "2999-01-01")):
        assert "0 of 1 calls change" in acm("reprice", "--dry-run", *now)[2]


def test_nobody_to_ask_is_a_usage_error(kept: Home, book: Book, acm: Screen) -> None:
    """Nothing is changed that nobody agreed to."""
    book(call())
    code, out, err = acm("reprice")
    assert (2, "") == (code, out)
    assert "--yes" in err


def test_a_killed_repricing_is_finished_by_the_same_command(
    kept: Home, book: Book, acm: Screen
) -> None:
    """Each call is priced again once, and the sums are right."""
    book(*(call(usage={"input_tokens": 1_000}) for _ in range(2 * BATCH + 5)))
    acm("prices", "set", "--discount", "50", "--provider", "openai")
    code = (
        "import os, signal, sys\n"
        "from acm_addon.ledger.repricings import Repricer\n"
        "from cli.main import main\n"
        "real = Repricer._book\n"
        "def once(self, *batch):\n"
        "    real(self, *batch)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "Repricer._book = once\n"
        "main(['reprice', '--yes'])\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert (
        -9 == subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode
    )
    assert f"{BATCH + 5:,} of {2 * BATCH + 5:,} calls change" in acm("reprice", "--yes")[2]
    with LedgerReader(kept.ledger) as reader:
        span = (THEN - timedelta(days=1), THEN + timedelta(days=1))
        assert 1_250_000 * (2 * BATCH + 5) == reader.summary(*span).cost
    assert 0 == acm("prices", "verify")[0]


def test_a_second_repricing_at_once_is_refused(kept: Home, book: Book, acm: Screen) -> None:
    """Two would book each other's work twice."""
    from cli.reprice import _alone

    book(call())
    with _alone(kept):
        code, _, err = acm("reprice", "--yes")
    assert 1 == code
    assert "another `acm reprice`" in err


def tampered(entry: Entry) -> Entry:
    return replace(entry, cost=1, computed_cost=1)


@pytest.mark.parametrize("change", [tampered, lambda entry: replace(entry, lines=entry.lines[:1])])
def test_a_row_that_differs_is_found(
    kept: Home, book: Book, acm: Screen, change: SimpleNamespace
) -> None:
    """Named, with exit code 1."""
    wrong, _ = book(change(call()), call())
    code, out, _ = acm("prices", "verify")
    assert 1 == code
    assert wrong.id in out
    found = json.loads(acm("prices", "verify", "--json")[1])
    assert (False, 1, 1, [wrong.id]) == (
        found["sound"],
        found["same"],
        found["different"],
        found["different_ids"],
    )


def test_every_kind_of_row_can_be_proved(kept: Home, book: Book, acm: Screen) -> None:
    """What is not finished, what the provider billed itself, what is not known, and the rest."""
    book(
        call(),
        call("gpt-99"),
        call(provider_cost=5),
        call(completeness=Completeness.PENDING),
        call(completeness=Completeness.PARTIAL),
    )
    code, out, _ = acm("prices", "verify", "--json")
    assert (0, 5) == (code, json.loads(out)["same"])


def test_a_renamed_project_keeps_its_prices(kept: Home, book: Book, acm: Screen) -> None:
    """Those to come, and those of old rows, whose table knows it by its former name."""
    acm("project", "create", "shop")
    acm("prices", "set", "--discount", "50", "--provider", "openai", "--project", "shop")
    acm("prices", "set", "--discount", "10", "--provider", "openai", "--project", "shop2")
    its_own = current_table(kept)
    book(call(table=its_own, attribution=Attribution("shop")))
    for old, new in (("shop", "store"), ("store", "market")):
        assert 0 == acm("project", "rename", old, new)[0]
        assert 0 == acm("prices", "verify")[0]
        assert new in current_table(kept).projects
        assert "0 of 1 calls change" in acm("reprice", "--dry-run")[2]
        for table in (its_own.version, current_table(kept).version):
            assert "0 of 1 calls change" in acm("reprice", "--dry-run", "--as-of", table)[2]
    assert {"market", "shop2"} == current_table(kept).projects
    before = kept.price_overrides.read_text()
    assert 0 == acm("project", "rename", "shop", "market")[0]
    assert before == kept.price_overrides.read_text()
    book(call(attribution=Attribution("market")))  # Before the proxy had the new name's prices.
    assert 0 == acm("prices", "verify")[0]


def test_a_table_that_is_gone_is_said(home: Home, book: Book, acm: Screen) -> None:
    """What cannot be proved is not passed over."""
    book(call())
    code, out, _ = acm("prices", "verify")
    assert 1 == code
    assert PriceTable.current().version in out


def test_rows_of_an_earlier_version_must_add_up(kept: Home, book: Book, acm: Screen) -> None:
    """Their price context was not kept; their lines are still arithmetic."""
    sound = replace(call(), price_context=None)
    book(sound)
    assert (0, 1) == (
        acm("prices", "verify")[0],
        json.loads(acm("prices", "verify", "--json")[1])["arithmetic_only"],
    )
    book(replace(sound, id=new_id(), known_cost=1))
    assert 1 == acm("prices", "verify")[0]


def test_what_was_free_needs_no_proof(kept: Home, book: Book, acm: Screen) -> None:
    """No table had a part in it."""
    book(call(status=500, completeness=Completeness.REFUSED))
    assert 1 == json.loads(acm("prices", "verify", "--json")[1])["nothing_due"]

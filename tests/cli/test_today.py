import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from acm_addon.model import Completeness, PriceStatus, UsageSource

SCREEN = """\
Today's Activity
Requests:    8 (+60% vs yesterday)
Total cost:  $12.45 (1 unpriced, 1 partly priced, 1 partial, 1 estimated)
Avg latency: 342 ms
Top models:
  1. gpt-4o           $8.23      (66%)  █████████████▎
  2. claude-3-sonnet  $2.89      (23%)  ████▋
  3. mistral-large    $1.33      (11%)  ██▏
  4. gpt-4o-mini      $0.0000015 (<1%)  ▏
  5. gpt-99                    -
  and 1 more, -: acm report --since today
"""


def booked_today(now, make):
    morning = now - timedelta(hours=6)
    return [
        make.costing(morning, "gpt-4o", 8_000_000_000),
        make.costing(morning, "gpt-4o", 230_000_000),
        make.costing(morning, "claude-3-sonnet", 2_890_000_000, usage_source=UsageSource.ESTIMATED),
        make.costing(morning, "mistral-large", 1_330_000_000, completeness=Completeness.PARTIAL),
        make.costing(morning, "gpt-4o-mini", 1_500),
        make.unpriced(morning),
        make.unpriced(
            morning, "gpt-tools", price_status=PriceStatus.PARTLY_PRICED, known_cost=5_000_000
        ),
        make.costing(morning, "gpt-4o-mini", 0),
    ]


def booked_yesterday(now, make):
    same_time = now - timedelta(days=1)
    return [
        *(make.costing(same_time - timedelta(hours=2), "gpt-4o", 10**9) for _ in range(5)),
        make.costing(same_time + timedelta(minutes=1), "gpt-4o", 10**9),
    ]


def test_the_screen(now, make, book, acm) -> None:
    """Requests against yesterday up to the same time, cost with doubts, top models with bars."""
    book(*booked_today(now, make), *booked_yesterday(now, make))
    assert (0, SCREEN, "") == acm("today")


def test_json_carries_the_exact_sums(now, make, book, acm) -> None:
    """Amounts are decimal strings to the nano-dollar, and the counts of doubt stand beside them."""
    book(*booked_today(now, make), *booked_yesterday(now, make))
    code, out, err = acm("today", "--json")
    found = json.loads(out)
    assert (0, "") == (code, err)
    assert ["date", "tz", "range", "totals", "yesterday", "models", "alerts"] == list(found)
    assert ("2026-11-22", "Europe/Berlin") == (found["date"], found["tz"])
    assert {
        "since": "2026-11-22T00:00:00+01:00",
        "until": "2026-11-22T15:30:00+01:00",
    } == found["range"]
    assert {
        "requests": 8,
        "errors": 0,
        "cost_usd": "12.4500015",
        "known_cost_usd": "12.4550015",
        "without_cost": 2,
        "unpriced": 1,
        "partly_priced": 1,
        "partial": 1,
        "sent_unknown": 0,
        "pending": 0,
        "refused": 0,
        "estimated": 1,
        "input_tokens": 8 * 1234,
        "output_tokens": 8 * 56,
        "cache_read_tokens": 8 * 1000,
        "cache_write_tokens": 0,
        "average_latency_ms": 342.0,
    } == found["totals"]
    assert 5 == found["yesterday"]["totals"]["requests"]
    by_model = {row["model"]: row["cost_usd"] for row in found["models"]}
    assert "8.23" == by_model["gpt-4o"]
    assert by_model["gpt-99"] is None


def test_a_sum_of_unknowns_is_unknown(now, make, book, acm) -> None:
    """When no call's cost is known the total is a dash, not $0.00."""
    book(make.unpriced(now - timedelta(hours=1)))
    code, out, _ = acm("today")
    assert 0 == code
    assert "Total cost:  - (1 unpriced)\n" in out
    assert "%" not in out


def test_what_is_known_of_the_other_models_is_summed(now, make, book, acm) -> None:
    """Beside the sum stands how many calls are not in it."""
    then = now - timedelta(hours=1)
    book(
        *(make.costing(then, f"model-{number}", 10**9) for number in range(6)),
        make.unpriced(then),
    )
    assert "and 2 more, $1.00 (1 without cost): acm report" in acm("today")[1]


def test_without_calls_yesterday_there_is_no_percentage(now, make, book, acm) -> None:
    """Nothing can be compared with nothing."""
    book(make.costing(now - timedelta(hours=1), "gpt-4o", 10**9))
    assert "Requests:    1 (none yesterday by this time)\n" in acm("today")[1]


def test_an_empty_ledger_says_what_to_type(acm) -> None:
    """The first thing that a new user sees names the next command."""
    code, out, err = acm("today")
    assert (0, "") == (code, err)
    assert "No calls recorded yet." in out
    assert "acm run -- " in out


def test_a_day_without_calls_points_at_the_days_before(now, make, book, acm) -> None:
    """An idle day is not an empty ledger."""
    book(make.costing(now - timedelta(days=3), "gpt-4o", 10**9))
    assert (0, "No calls today. For the days before:\n  acm report --by day\n", "") == acm("today")


def test_an_empty_ledger_is_still_json(acm) -> None:
    """A program reads the same shape on the first day."""
    code, out, _ = acm("today", "--json")
    found = json.loads(out)
    assert 0 == code
    assert 0 == found["totals"]["requests"]
    assert "0.00" == found["totals"]["cost_usd"]
    assert [] == found["models"]


def test_the_day_is_that_of_the_zone(now, make, book, acm) -> None:
    """23:30 UTC is today in Berlin, and yesterday in UTC."""
    book(make.costing(datetime(2026, 11, 21, 23, 30, tzinfo=UTC), "gpt-4o", 10**9))
    assert "Requests:    1 " in acm("today")[1]
    assert "No calls today." in acm("today", "--tz", "UTC")[1]


def test_a_model_name_cannot_drive_the_terminal(now, make, book, acm) -> None:
    """Names come over the wire; escape sequences in them are shown, not obeyed."""
    book(replace(make.costing(now - timedelta(hours=1), "x", 10**9), model="a\x1b[2Jb[red]c"))
    out = acm("today")[1]
    assert "\x1b" not in out
    assert "a�[2Jb[red]c" in out


def test_the_shape_that_was_asked_for(now, make, book, acm) -> None:
    """The lines of the README, with bars added at their ends."""
    morning = now - timedelta(hours=6)
    book(
        make.costing(morning, "gpt-4o", 8_230_000_000),
        make.costing(morning, "claude-3-sonnet", 2_890_000_000),
        make.costing(morning, "mistral-large", 1_330_000_000),
    )
    lines = acm("today")[1].splitlines()
    assert "Total cost:  $12.45" == lines[2]
    assert [
        "  1. gpt-4o           $8.23 (66%)",
        "  2. claude-3-sonnet  $2.89 (23%)",
        "  3. mistral-large    $1.33 (11%)",
    ] == [line.rstrip("█▏▎▍▌▋▊▉ ") for line in lines[5:]]

"""acm alert, acm limits, acm project guard, and the alerts of acm today, as they are typed."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from acm_addon.alerts import Alert, Attempt, Kind
from acm_addon.budgets import Budget, Scope
from acm_addon.control import alert_log, budgets, projects
from acm_addon.control.records import Switch
from acm_addon.control.snapshot import snapshot
from acm_addon.control.store import ControlStore
from acm_addon.home import Home
from acm_addon.limit_keeper import as_json, file_of
from acm_addon.model import NANO
from acm_addon.rate_limits import Quota, RateLimits
from acm_addon.windows import Period
from tests.webhook import Webhook

type Screen = Callable[..., tuple[int, str, str]]

SECRET = "canary-of-a-url"


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with Webhook() as running:
        yield running


def test_a_channel_from_its_making_to_its_end(
    acm: Screen, home: Home, hook: Webhook, pipe: Callable[[str], None]
) -> None:
    """Nothing of its URL but the service is shown anywhere; a test message arrives, or is told."""
    pipe(hook.url(SECRET) + "\n")
    said = [acm("alert", "add", "--name", "ops", "--on", "budget,errors")]
    said += [acm("alert", "list"), acm("alert", "list", "--json"), acm("alert", "test", "ops")]
    assert [0] * 4 == [code for code, _, _ in said]
    assert "ops      json://…  budget, errors" in said[1][1]
    assert "This is a test. Alerts of acm arrive here." == hook.message()
    hook.status = 500
    said.append(acm("alert", "test", "--json"))
    assert (1, "not_taken") == (said[-1][0], json.loads(said[-1][1])[0]["outcome"])
    pipe(hook.url(SECRET))
    said.append(acm("alert", "add", "--name", "ops"))
    said.append(acm("alert", "rm", "ops"))
    assert [1, 0] == [code for code, _, _ in said[-2:]]
    assert SECRET not in repr(said)
    assert "go nowhere yet" in acm("alert", "list")[1]


def test_a_check_of_the_vault_opens_the_urls_too(
    acm: Screen, home: Home, hook: Webhook, pipe: Callable[[str], None]
) -> None:
    """One that was changed is named, with what to do. It is what a failed alert points at."""
    pipe(hook.url(SECRET))
    assert 0 == acm("alert", "add", "--name", "ops")[0]
    assert 0 == acm("key", "list", "--check")[0]
    with ControlStore(home) as store, store.writing() as conn:
        conn.execute("UPDATE alert_channels SET sealed = zeroblob(60)")
    code, _, err = acm("key", "list", "--check")
    assert 1 == code
    assert "alert channel ops" in err
    assert "hint: `acm alert rm ops`" in err


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (f"json://host/{SECRET}", 2),
        (f"json://{SECRET}@host", 2),
        (f"slack://{SECRET}", 2),
        (f"json://host?token={SECRET}", 2),
        ("json://127.0.0.1:8080", 0),
    ],
)
def test_a_secret_on_the_command_line_is_refused(acm: Screen, url: str, code: int) -> None:
    """A host and a port are none. What is refused is not repeated."""
    found, out, err = acm("alert", "add", url)
    assert code == found
    assert SECRET not in out + err
    if code:
        assert "hint: `acm alert add` asks for it" in err


@pytest.mark.parametrize(
    ("arguments", "text", "code"),
    [
        (("add", "--on", "nothing"), "json://h", 2),
        (("add",), "", 1),
        (("add",), f"nosuchservice://{SECRET}", 1),
        (("add", "--name", "a b"), "json://h", 1),
        (("rm", "nobody"), "", 1),
        (("test",), "", 1),
        (("log", "--since", "whenever"), "", 2),
    ],
)
def test_bad_input_is_one_line_and_a_hint(
    acm: Screen, pipe: Callable[[str], None], arguments: tuple[str, ...], text: str, code: int
) -> None:
    """And nothing that was read is in it."""
    pipe(text)
    found, out, err = acm("alert", *arguments)
    assert (code, "") == (found, out)
    assert err.startswith("error: ") and "\nhint: " in err
    assert SECRET not in err and "Traceback" not in err


def test_the_log_shows_each_alert_and_its_way(acm: Screen, home: Home) -> None:
    """Whether or not there is a channel; the terminal is not controlled by it."""
    assert "No alerts\n" == acm("alert", "log")[1]
    assert acm("alert", "add", "json://127.0.0.1:9")[0] == 0
    with ControlStore(home) as store:
        alert_log.record(store, [Alert("k", Kind.ERRORS, "many\x1b errors")], datetime.now(UTC))
    shown = acm("alert", "log")[1]
    assert "errors" in shown and "json: waiting" in shown and "\x1b" not in shown
    (raised,) = json.loads(acm("alert", "log", "--json")[1])
    assert ("errors", "k") == (raised["kind"], raised["key"])
    assert [{"channel": "json", "state": "waiting", "attempts": 0, "outcome": None}] == raised[
        "deliveries"
    ]


def test_the_doctor_names_a_channel_that_fails(acm: Screen, home: Home) -> None:
    """Once it was tried, until it takes the alert, and for a day after it was given up."""

    def said() -> dict[str, int]:
        found = json.loads(acm("doctor", "--json")[1])["checks"]
        return next(one["data"]["undelivered"] for one in found if one["check"] == "alerts")

    assert {} == said()
    now = datetime.now(UTC)
    assert acm("alert", "add", "json://127.0.0.1:9", "--name", "ops")[0] == 0
    with ControlStore(home) as store:
        alert_log.record(store, [Alert("k", Kind.ERRORS, "many errors")], now)
        assert {} == said()
        (due,) = alert_log.due(store, now)
        alert_log.note(store, due, Attempt.TIMED_OUT, now)
        assert {"ops": 1} == said()
        assert "ops: waiting after 1 attempt (timed_out)" in acm("alert", "log")[1]
        alert_log.note(store, due, Attempt.TIMED_OUT, now + alert_log.GIVE_UP_AFTER)
        assert {"ops": 1} == alert_log.undelivered(store, now + timedelta(hours=47))
        assert {} == alert_log.undelivered(store, now + timedelta(hours=49))
        alert_log.note(store, due, Attempt.SENT, now)
        assert {} == said()


def test_today_shows_what_stands(
    acm: Screen,
    home: Home,
    now: datetime,
    book: Callable[..., object],
    make: SimpleNamespace,
) -> None:
    """A budget as it stands now, under its calls; eased as soon as the limit is raised."""
    book(make.costing(now - timedelta(minutes=5), "gpt-4o", 425 * NANO, project="ChatBot"))
    limit = Budget(0, Scope(project="ChatBot"), Period.TOTAL, "UTC", 500 * NANO)
    with ControlStore(home) as store:
        projects.create(store, "ChatBot", None, now)
        budgets.put(store, limit)
        alert_log.record(store, [Alert("e", Kind.ERRORS, "10 errors")], now)
        alert_log.record(store, [Alert("o", Kind.ERRORS, "old")], now - timedelta(days=2))
    line = "Project ChatBot at 85% of budget: $425.00 of $500.00 in all"
    code, out, _ = acm("today")
    assert (0, f"Alerts:\n  {line}\n  10 errors\n") == (code, out[out.index("Alerts:") :])
    assert [line, "10 errors"] == json.loads(acm("today", "--json")[1])["alerts"]
    with ControlStore(home) as store:
        budgets.put(store, Budget(0, limit.scope, Period.TOTAL, "UTC", 5000 * NANO))
    assert ["10 errors"] == json.loads(acm("today", "--json")[1])["alerts"]


def test_limits_are_shown_as_they_were_stated(acm: Screen, home: Home) -> None:
    """Numbers, how long ago, and what has been reset since; a broken file is none."""
    assert "No provider has stated a rate limit yet\n" == acm("limits")[1]
    now = datetime.now(UTC)
    said = RateLimits(
        "openai",
        "ci",
        now - timedelta(hours=3),
        (
            Quota("requests", 500, 499, now - timedelta(hours=1)),
            Quota("tokens", 150_000, None, now + timedelta(hours=5, minutes=1)),
        ),
        now,
        now + timedelta(minutes=10, seconds=5),
    )
    home.ensure()
    file_of(home).write_text(json.dumps([as_json(said)]))
    lines = [line.split("  ") for line in acm("limits")[1].splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert ["openai", "ci", "requests", "499", "500", "(reset)", "3 h ago"] == cells[1]
    assert ["openai", "ci", "tokens", "-", "150,000", "5 h", "3 h ago"] == cells[2]
    assert ["openai", "ci", "(told to wait)", "-", "-", "10 min", "3 h ago"] == cells[3]
    assert [as_json(said)] == json.loads(acm("limits", "--json")[1])
    over = replace(said, quotas=(), wait_until=now)
    file_of(home).write_text(json.dumps([as_json(over)]))
    assert "No provider has stated a rate limit that still holds\n" == acm("limits")[1]
    file_of(home).write_text("{")
    assert [] == json.loads(acm("limits", "--json")[1])


def test_a_guard_is_turned_on_and_off(acm: Screen, home: Home) -> None:
    """A running proxy sees it in the control data, also under a project's new name."""

    def guarded() -> frozenset[str]:
        with ControlStore(home) as store, store.reading() as conn:
            return snapshot(conn).switched[Switch.GUARD]

    acm("project", "create", "bot")
    assert 0 == acm("project", "guard", "bot", "on")[0]
    acm("project", "rename", "bot", "robot")
    assert {"robot"} == guarded()
    assert 0 == acm("project", "guard", "robot", "off")[0]
    assert set() == guarded()
    assert 1 == acm("project", "guard", "nobody", "on")[0]
    assert 2 == acm("project", "guard", "robot", "maybe")[0]

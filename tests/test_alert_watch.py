"""Alerts from the ledger to a webhook: the real process, a real server, a real file."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from acm_addon import alert_facts, master_key
from acm_addon.alert_sender import Message, Sender
from acm_addon.alert_watch import AlertWatch
from acm_addon.alerts import Alert, Attempt, Kind, Passed
from acm_addon.budgets import Budget, Scope
from acm_addon.control import alert_channels, alert_log, budgets, projects
from acm_addon.control.alert_log import Raised, State
from acm_addon.control.store import ControlStore
from acm_addon.home import Home
from acm_addon.journal import Journal
from acm_addon.ledger.sqlite import SqliteLedger
from acm_addon.model import Completeness, Entry, PriceStatus, Reason
from acm_addon.presence import ProxyState, write_state
from acm_addon.windows import Period
from tests.calls import make_begin, make_entry
from tests.drains import drain_process
from tests.webhook import PATIENCE, Webhook

SECRET = "canary-of-a-webhook"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def utc_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """On a machine without a keyring, for this process and for those that it starts."""
    monkeypatch.delenv(master_key.VARIABLE, raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setattr(keyring.core, "_keyring_backend", NoKeyring())  # type: ignore[no-untyped-call]
    return Home(tmp_path / "acm").ensure()


@pytest.fixture
def store(home: Home) -> Iterator[ControlStore]:
    with ControlStore(home) as opened:
        yield opened


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with Webhook() as running:
        yield running


def listen(store: ControlStore, hook: Webhook) -> None:
    alert_channels.add(store, "hook", hook.url(SECRET), service="json", kinds=None, now=utc_now())


def journal(home: Home, *entries: Entry) -> None:
    """Finished calls of a process that is gone."""
    with closing(Journal(home.journal)) as writer:
        for entry in entries:
            writer.begin(make_begin(entry.id)).end(entry)


def call(nano: int, **changes: object) -> Entry:
    amounts = {"cost": nano, "computed_cost": nano, "known_cost": nano, "lines": ()}
    return make_entry(time=utc_now(), **(amounts | changes))


def until(store: ControlStore, wanted: Callable[[list[Raised]], object]) -> list[Raised]:
    """The alerts, once ``wanted`` accepts them."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = alert_log.since(store, EPOCH)
        if wanted(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.02)


@contextmanager
def drain(home: Home) -> Iterator[None]:
    process = drain_process(home)
    try:
        yield
    finally:
        output, _ = process.communicate()
    assert b"" == output, "it complained"


def test_a_threshold_is_told_once_whatever_restarts(
    home: Home, store: ControlStore, hook: Webhook
) -> None:
    """85% is told as it is reached, 86% is not, 90% is, and a new process repeats nothing."""
    projects.create(store, "bot", None, utc_now())
    budgets.put(store, Budget(0, Scope(project="bot"), Period.TOTAL, "UTC", 100_000_000_000))
    listen(store, hook)
    journal(home, call(85_000_000_000, project="bot"))
    with drain(home):
        assert "Project bot at 85% of budget: $85.00 of $100.00 in all" == hook.message()
    until(store, lambda found: found[0].deliveries[0].state is State.SENT)
    journal(home, call(1_000_000_000, project="bot"))
    with drain(home):
        journal(home, call(4_000_000_000, project="bot"))
        assert "Project bot at 90% of budget" in hook.message()
    assert [75, 90] == [
        int(one.alert.key.rpartition("/")[2]) for one in alert_log.since(store, EPOCH)
    ]
    assert hook.messages.empty()


def test_what_the_last_calls_reach_is_stored_before_the_process_ends(
    home: Home, store: ControlStore
) -> None:
    """It looks once more after the last call is booked; what is not sent is sent another time."""
    budgets.put(store, Budget(0, Scope(), Period.TOTAL, "UTC", 100))
    journal(home, call(90))
    with drain(home):
        pass
    (raised,) = alert_log.since(store, EPOCH)
    assert "Everything at 90% of budget" in raised.alert.message


def test_what_a_process_left_unsent_the_next_one_sends(
    home: Home, store: ControlStore, hook: Webhook
) -> None:
    """It was stored before anything was sent."""
    listen(store, hook)
    alert_log.record(store, [Alert("k", Kind.ERRORS, "left behind")], utc_now())
    with drain(home):
        assert "left behind" == hook.message()
        (raised,) = until(store, lambda found: found[0].deliveries[0].state is State.SENT)
    assert (1, Attempt.SENT) == (raised.deliveries[0].attempts, raised.deliveries[0].outcome)


def test_what_a_service_refuses_is_sent_again(
    home: Home, store: ControlStore, hook: Webhook
) -> None:
    """After a pause, which has passed here as soon as the file says so."""
    hook.status = 500
    listen(store, hook)
    alert_log.record(store, [Alert("k", Kind.ERRORS, "refused at first")], utc_now())
    watch = AlertWatch(home, pytest.fail)
    watch.start()
    try:
        hook.refused.get(timeout=PATIENCE)
        (raised,) = until(store, lambda found: found[0].deliveries[0].attempts == 1)
        assert Attempt.NOT_TAKEN is raised.deliveries[0].outcome
        hook.status = 200
        with store.writing() as conn:
            conn.execute("UPDATE alert_deliveries SET due = 0")
        assert "refused at first" == hook.message()
        until(store, lambda found: found[0].deliveries[0].state is State.SENT)
    finally:
        watch.stop()


def test_a_vault_that_does_not_open_delays_an_alert_and_loses_none(
    home: Home, store: ControlStore, hook: Webhook
) -> None:
    """The log says what is wrong, and it is sent once the key is there again."""
    listen(store, hook)
    home.master_key.rename(home.root / "aside")
    alert_log.record(store, [Alert("k", Kind.ERRORS, "later")], utc_now())
    with drain(home):
        (raised,) = until(store, lambda found: found[0].deliveries[0].attempts)
    assert (State.WAITING, Attempt.VAULT) == (
        raised.deliveries[0].state,
        raised.deliveries[0].outcome,
    )
    (home.root / "aside").rename(home.master_key)
    with store.writing() as conn:
        conn.execute("UPDATE alert_deliveries SET due = 0")
    with drain(home):
        assert "later" == hook.message()


def test_missing_prices_and_bursts_of_errors_are_found_in_the_ledger(
    home: Home, store: ControlStore
) -> None:
    """Failed calls cost nothing and are no missing price; refusals of ours are no errors."""
    unpriced = {"cost": None, "computed_cost": None, "price_status": PriceStatus.UNPRICED}
    failed = {"cost": 0, "price_status": PriceStatus.FREE, "reason": Reason.PROVIDER_ERROR}
    now = utc_now()
    long_ago = now - timedelta(minutes=30)
    with closing(SqliteLedger(home.ledger)) as ledger:
        ledger.book(
            [
                *(call(0, model="gpt-99", **unpriced) for _ in range(2)),
                *(make_entry(time=now, status=529, **failed) for _ in range(9)),
                make_entry(time=now, status=429, completeness=Completeness.REFUSED, **failed),
                # It began long ago, and failed just now.
                make_entry(time=long_ago, latency_ms=30 * 60_000 - 1000, status=500, **failed),
                *(
                    make_entry(time=long_ago, provider="cohere", latency_ms=5, status=500, **failed)
                    for _ in range(20)
                ),
            ],
            {},
        )
    found = {one.kind: one.message for one in alert_facts.due_alerts(home, store, utc_now())}
    assert {Kind.UNPRICED, Kind.ERRORS} == found.keys()
    assert "2 calls of openai gpt-99 today" in found[Kind.UNPRICED]
    assert "10 errors of openai within 5 minutes: 9 x 529, 1 x 500" == found[Kind.ERRORS]


def test_the_counters_of_a_run_before_are_no_news(home: Home) -> None:
    """Until the running proxy has written its own, nothing is known of it."""
    counters = home.run / "counters.json"
    counters.write_text(json.dumps({"unmetered": 3, "passed_unread": {"b": 1, "a": 2}}))
    assert alert_facts.passed_of(home) is None
    now = utc_now()
    write_state(home, ProxyState(1, "127.0.0.1", 1, now.isoformat(), "0", None, None))
    os.utime(counters, (now.timestamp() - 5,) * 2)
    assert alert_facts.passed_of(home) is None
    os.utime(counters, (now.timestamp() + 5,) * 2)
    assert Passed(now.isoformat(), 3, ["a", "b"]) == alert_facts.passed_of(home)
    counters.write_text("[]")
    os.utime(counters, (now.timestamp() + 5,) * 2)
    assert alert_facts.passed_of(home) is None


def test_no_command_line_and_no_file_has_a_url(
    home: Home, store: ControlStore, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked for while it is being sent, by the receiver, and in all files afterwards. What sends
    it does not know what opens the vault."""
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("this system shows command lines elsewhere")
    monkeypatch.setenv(master_key.VARIABLE, "ab" * 32)
    listen(store, hook)
    lines: list[bytes] = []
    environments: list[bytes] = []

    def look() -> None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # It has ended meanwhile.
                lines.append(path.read_bytes())
                if b"alert_sender" in lines[-1]:
                    environments.append((path.parent / "environ").read_bytes())

    hook.looking = look
    alert_log.record(store, [Alert("k", Kind.ERRORS, "text")], utc_now())
    with drain(home):
        hook.message()
        until(store, lambda found: found[0].deliveries[0].state is State.SENT)
    assert environments
    assert not any(SECRET.encode() in text for text in lines + environments)
    assert not any(master_key.VARIABLE.encode() in text for text in environments)
    for path in home.root.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("url", "outcome"),
    [("nonsense", Attempt.BAD_URL), ("slack://x", Attempt.BAD_URL), ("json://h", Attempt.SENT)],
)
def test_a_url_is_judged_without_sending(url: str, outcome: Attempt) -> None:
    """Without a text there is nothing to send."""
    reply = Sender().send(Message(url))
    assert (outcome, "json" if outcome is Attempt.SENT else "") == (reply.outcome, reply.service)


def test_nothing_is_sent_any_more_once_it_is_over(hook: Webhook) -> None:
    """What is closed from another thread ends its process, and starts none."""
    sender = Sender()
    sender.close()
    assert Attempt.NOT_TAKEN is sender.send(Message(hook.url(), "title", "text")).outcome
    assert hook.messages.empty()

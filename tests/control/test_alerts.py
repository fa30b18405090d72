"""Alerts in the control data: one of each key, each on its way to each channel; URLs sealed."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from acm_addon import master_key
from acm_addon.alerts import Alert, Attempt, Kind
from acm_addon.control import alert_channels, alert_log, provider_keys, vault_access
from acm_addon.control.alert_channels import Channel
from acm_addon.control.alert_log import Delivery, State
from acm_addon.control.store import ControlStore
from acm_addon.errors import AcmError
from acm_addon.home import Home
from tests.control.conftest import MemoryKeyring

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
URL = "slack://TokenThatNobodyMaySee/B/C"


def add(
    store: ControlStore, name: str, kinds: Collection[Kind] | None = None, url: str = URL
) -> Channel:
    return alert_channels.add(store, name, url, service="slack", kinds=kinds, now=NOW)


def alert(key: str, kind: Kind = Kind.BUDGET) -> Alert:
    return Alert(key, kind, f"about {key}")


def deliveries(store: ControlStore) -> dict[str, tuple[Delivery, ...]]:
    return {one.alert.key: one.deliveries for one in alert_log.since(store, NOW)}


def test_a_url_is_sealed_and_opens_again(
    home: Home, store: ControlStore, ring: MemoryKeyring
) -> None:
    """No file has it in clear, also after it was put under another master key."""
    channel = add(store, "chat")
    assert URL == alert_channels.url_of(store, channel)
    assert "Token" not in repr(channel)
    vault_access.rotate_master(store, None)
    (after,) = alert_channels.everything(store)
    assert after.sealed != channel.sealed
    assert URL == alert_channels.url_of(store, after)
    for path in home.root.iterdir():
        assert b"TokenThatNobodyMaySee" not in path.read_bytes(), path


def test_a_sealed_url_opens_in_its_own_row_alone(store: ControlStore, ring: MemoryKeyring) -> None:
    """Moved to another channel it is damage, which a rotation tells and a removal ends."""
    add(store, "one")
    add(store, "two", url="slack://Another/B/C")
    with store.writing() as conn:
        conn.execute("UPDATE alert_channels SET sealed = (SELECT MIN(sealed) FROM alert_channels)")
    broken = []
    for channel in alert_channels.everything(store):
        try:
            alert_channels.url_of(store, channel)
        except AcmError as error:
            broken.append(channel.name)
            assert "Token" not in f"{error.message}{error.hint}"
    assert 1 == len(broken)
    with pytest.raises(AcmError, match="damaged"):
        vault_access.rotate_master(store, None)
    alert_channels.remove(store, broken[0])
    vault_access.rotate_master(store, None)


def test_the_vault_goes_with_the_last_thing_in_it(
    store: ControlStore, monkeypatch: pytest.MonkeyPatch, ring: MemoryKeyring
) -> None:
    """A key that is revoked leaves a channel's URL readable; the next vault has a new key."""
    provider_keys.add(store, "main", "openai", "sk-proj-abcdefghijklmnop", NOW)
    channel = add(store, "chat")
    provider_keys.revoke(store, "main", NOW)
    assert URL == alert_channels.url_of(store, channel)
    alert_channels.remove(store, "chat")
    monkeypatch.setenv(master_key.VARIABLE, "ab" * 32)
    assert URL == alert_channels.url_of(store, add(store, "chat"))


@pytest.mark.parametrize("text", ["", " \n", "no url", "slack://a b", "slack://\x00", "x" * 5000])
def test_what_is_no_url_is_refused_without_being_repeated(store: ControlStore, text: str) -> None:
    """Whatever was pasted may be a secret all the same."""
    with pytest.raises(AcmError) as raised:
        add(store, "chat", url=text)
    assert not text.strip() or text not in raised.value.message


def test_there_is_one_alert_of_a_key(store: ControlStore, ring: MemoryKeyring) -> None:
    """Raised again, by whomever and however often, it is neither kept nor sent again."""
    add(store, "chat")
    with ControlStore(store.home) as other:
        first = alert_log.record(store, [alert("a"), alert("b"), alert("a")], NOW)
        again = alert_log.record(other, [alert("b"), alert("c")], NOW)
    assert ["a", "b"] == [one.key for one in first]
    assert ["c"] == [one.key for one in again]
    assert ["a", "b", "c"] == [one.alert.key for one in alert_log.due(store, NOW)]


def test_alerts_that_are_raised_at_once_are_raised_once(
    home: Home, store: ControlStore, ring: MemoryKeyring
) -> None:
    """Four that look at the same moment keep each alert once, and send it once."""
    add(store, "chat")
    alerts = [alert(str(number)) for number in range(25)]
    together = Barrier(4)

    def look(_: int) -> list[Alert]:
        with ControlStore(home) as own:
            together.wait()
            return [one for each in alerts for one in alert_log.record(own, [each], NOW)]

    with ThreadPoolExecutor(4) as pool:
        kept = [one.key for found in pool.map(look, range(4)) for one in found]
    assert sorted(one.key for one in alerts) == sorted(kept)
    assert [1] * 25 == [len(ways) for ways in deliveries(store).values()]


def test_a_channel_gets_the_kinds_that_it_takes(store: ControlStore, ring: MemoryKeyring) -> None:
    """Also those that are raised before there is any channel are kept, and sent to none."""
    alert_log.record(store, [alert("early")], NOW)
    add(store, "all")
    add(store, "errors", {Kind.ERRORS})
    alert_log.record(store, [alert("b"), alert("e", Kind.ERRORS)], NOW)
    sent_to = {key: [one.channel for one in ways] for key, ways in deliveries(store).items()}
    assert {"early": [], "b": ["all"], "e": ["all", "errors"]} == sent_to
    alert_channels.remove(store, "all")
    assert ["e"] == [one.alert.key for one in alert_log.due(store, NOW)]


def test_what_fails_is_tried_less_and_less_often_and_given_up(
    store: ControlStore, ring: MemoryKeyring
) -> None:
    """Half a minute after the first attempt, at most an hour after another, for a day."""
    add(store, "chat")
    alert_log.record(store, [alert("a")], NOW)
    at, attempts, pauses = NOW, 0, []
    while (due_at := alert_log.next_due(store)) is not None:
        pauses.append(due_at - at)
        at = due_at
        assert [] == alert_log.due(store, at - timedelta(microseconds=1))
        (due,) = alert_log.due(store, at)
        assert attempts == due.attempts
        alert_log.note(store, due, Attempt.NOT_TAKEN, at)
        attempts += 1
    minutes = [pause.total_seconds() / 60 for pause in pauses]
    assert [0, 0.5, 1, 2, 4, 8, 16, 32, 60, 60] == minutes[:10]
    assert alert_log.GIVE_UP_AFTER <= at - NOW <= alert_log.GIVE_UP_AFTER + timedelta(hours=1)
    expected = Delivery("chat", State.FAILED, attempts, Attempt.NOT_TAKEN)
    assert {"a": (expected,)} == deliveries(store)


def test_what_was_sent_is_sent_no_more(store: ControlStore, ring: MemoryKeyring) -> None:
    """One channel's failure does not repeat the message to the other."""
    add(store, "good")
    add(store, "bad")
    alert_log.record(store, [alert("a")], NOW)
    for due in alert_log.due(store, NOW):
        good = due.channel.name == "good"
        alert_log.note(store, due, Attempt.SENT if good else Attempt.TIMED_OUT, NOW)
    later = alert_log.due(store, NOW + timedelta(minutes=1))
    assert ["bad"] == [due.channel.name for due in later]
    assert Delivery("good", State.SENT, 1, Attempt.SENT) == deliveries(store)["a"][0]

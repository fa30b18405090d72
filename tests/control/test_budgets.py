"""Budgets in the control data."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from acm_addon.budgets import Budget, Scope, Unknown, WhenLocked
from acm_addon.control import budgets, projects
from acm_addon.control.snapshot import ControlView
from acm_addon.control.store import ControlStore
from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.windows import Period

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FULL = Budget(
    id=0,
    scope=Scope("bot", None, "openai", "gpt-4o*", {"feature": "search"}),
    period=Period.WEEK,
    zone="Europe/Berlin",
    limit=12_345,
    hard=True,
    thresholds=(10, 100),
    unknown=Unknown.HOLD,
    unknown_hold=7,
    when_locked=WhenLocked.ALLOW,
    wait_seconds=1.5,
)


@pytest.fixture
def store(home: Home) -> Iterator[ControlStore]:
    with ControlStore(home) as opened:
        projects.create(opened, "bot", None, NOW)
        yield opened


def test_a_budget_comes_back_as_it_was_set(store: ControlStore) -> None:
    """Every field of it, by its number and by its label."""
    made = budgets.put(store, FULL)
    assert replace(FULL, id=made.id) == made
    assert [made] == budgets.everything(store)
    assert made == budgets.get(store, str(made.id))
    assert made == budgets.get(store, made.label)


def test_there_is_one_of_a_scope_and_a_period(store: ControlStore) -> None:
    """Setting it again changes it under its number; another period is another budget."""
    first = budgets.put(store, FULL)
    again = budgets.put(store, replace(FULL, limit=5, hard=False))
    other = budgets.put(store, replace(FULL, period=Period.DAY))
    assert first.id == again.id
    assert [again, other] == budgets.everything(store)


def test_a_number_is_never_given_again(store: ControlStore) -> None:
    """The ledger knows a budget by it."""
    first = budgets.put(store, FULL)
    assert first == budgets.remove(store, first.label)
    assert budgets.put(store, FULL).id > first.id


def test_a_budget_follows_its_project(store: ControlStore) -> None:
    """Under the present name, whichever of its names is typed."""
    first = budgets.put(store, FULL)
    projects.rename(store, "bot", "robot", lambda *_: None)
    again = budgets.put(store, FULL)
    assert (first.id, "robot") == (again.id, again.scope.project)


@pytest.mark.parametrize(
    "scope", [Scope(project="none"), Scope(key="none"), Scope(model="gpt[4]"), Scope(model="a b")]
)
def test_a_scope_of_nothing_is_refused(store: ControlStore, scope: Scope) -> None:
    """Such a budget would never say anything."""
    with pytest.raises(AcmError):
        budgets.put(store, replace(FULL, scope=scope))
    with pytest.raises(AcmError):
        budgets.get(store, "1")


def test_a_running_proxy_sees_a_budget(store: ControlStore) -> None:
    """At its next request."""
    with ControlStore(store.home) as other:
        view = ControlView(other)
        assert () == view.snapshot.budgets
        made = budgets.put(store, FULL)
        assert view.refresh()
        assert (made,) == view.snapshot.budgets

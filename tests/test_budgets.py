"""Which budgets a call falls under, and what they say of it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.budgets import (
    PASSED,
    Budget,
    Claim,
    Decision,
    Scope,
    Standing,
    Unknown,
    WhenLocked,
    claims_of,
    decide,
    decide_unasked,
    hard_ones,
    percent,
    reached,
)
from acm_addon.model import Attribution
from acm_addon.windows import Period
from tests.calls import NOON

CALL = Attribution("bot", "ci", {"feature": "search", "customer": "a"})
BUDGET = Budget(1, Scope(), Period.MONTH, "UTC", 100, hard=True)
amounts = st.integers(0, 300)


def claim(amount: int, **changes: Any) -> Claim:
    budget = replace(BUDGET, **changes)
    return Claim(budget, budget.window(NOON), amount)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope(), True),
        (Scope(project="bot"), True),
        (Scope(project="other"), False),
        (Scope(key="ci"), True),
        (Scope(key="other"), False),
        (Scope(provider="openai"), True),
        (Scope(provider="anthropic"), False),
        (Scope(model="gpt-4o*"), True),
        (Scope(model="gpt-?o-mini"), True),
        (Scope(model="gpt-4o"), False),
        (Scope(tags={"feature": "search"}), True),
        (Scope(tags={"feature": "search", "customer": "b"}), False),
        (Scope(tags={"team": "x"}), False),
        (Scope("bot", "ci", "openai", "gpt-4o-mini", {"customer": "a"}), True),
        (Scope("bot", "ci", "openai", "gpt-4", {"customer": "a"}), False),
    ],
)
def test_a_call_must_be_all_that_a_scope_names(scope: Scope, expected: bool) -> None:
    """Project, key, provider, model, and every tag."""
    found = hard_ones([replace(BUDGET, scope=scope)], CALL, "openai", "gpt-4o-mini")
    assert expected == bool(found)


def test_a_model_that_is_not_known_may_be_any() -> None:
    """Otherwise a body that cannot be read would be a way around the budget."""
    assert hard_ones([replace(BUDGET, scope=Scope(model="gpt-4"))], CALL, "openai", None)


def test_a_soft_budget_never_stands_in_the_way() -> None:
    """However much is spent of it."""
    assert () == hard_ones([replace(BUDGET, hard=False)], CALL, "openai")


@given(amounts, amounts, amounts, amounts)
def test_the_limit_decides(spent: int, fixed: int, running: int, own: int) -> None:
    """Room: pass. Room if running calls cost nothing: wait. Else: refuse."""
    verdict = decide([(claim(own), Standing(spent, fixed, running))])
    if spent + fixed + running + own <= 100:
        assert verdict == PASSED
    else:
        certain = spent + fixed + own > 100
        assert (Decision.REFUSE if certain else Decision.WAIT) == verdict.decision


def test_the_budget_that_refuses_is_named() -> None:
    """Also where an earlier one would let the call wait."""
    waits = claim(10), Standing(running=95)
    refuses = claim(10, id=2), Standing(spent=95)
    assert 2 == decide([waits, refuses]).claim.budget.id  # type: ignore[union-attr]
    assert Decision.WAIT is decide([waits, (claim(10), Standing())]).decision
    assert PASSED == decide([])


def test_what_a_call_of_unknown_price_holds() -> None:
    """Each budget decides: none takes it before one that blocks."""
    block, hold, allow = (
        replace(BUDGET, unknown=unknown, unknown_hold=7)
        for unknown in (Unknown.BLOCK, Unknown.HOLD, Unknown.ALLOW)
    )
    claims = claims_of([hold, allow], NOON, None)
    assert isinstance(claims, tuple)
    assert [7] == [one.amount for one in claims]
    assert block == claims_of([hold, block, allow], NOON, None)
    known = claims_of([block, hold], NOON, 3)
    assert isinstance(known, tuple)
    assert [3, 3] == [one.amount for one in known]
    assert () == claims_of([block, hold], NOON, 0)


def test_a_ledger_that_does_not_answer() -> None:
    """One budget that refuses then is enough."""
    allow = claim(1, when_locked=WhenLocked.ALLOW)
    assert PASSED == decide_unasked([allow])
    assert Decision.LOCKED is decide_unasked([allow, claim(1)]).decision


def test_a_label_tells_scopes_apart() -> None:
    """It is what people call a budget."""
    assert "everything/month" == BUDGET.label
    scope = Scope("bot", None, None, "gpt-4o*", {"b": "2", "a": "1"})
    assert "project=bot,model=gpt-4o*,tag:a=1,tag:b=2/day" == (
        replace(BUDGET, scope=scope, period=Period.DAY).label
    )


@pytest.mark.parametrize(
    ("spent", "expected"), [(0, None), (49, None), (50, 50), (89, 75), (90, 90), (300, 100)]
)
def test_the_highest_threshold_that_is_reached(spent: int, expected: int | None) -> None:
    """To the nano-dollar; what is only held reaches none."""
    assert expected == reached(BUDGET, Standing(spent=spent, running=100))


def test_how_much_of_a_limit_is_spent() -> None:
    """Held is not spent; a limit of nothing is used up."""
    assert 25.0 == percent(Standing(spent=25, running=50), 100)
    assert 100.0 == percent(Standing(), 0)

"""What deserves an alert, and that looking twice raises nothing twice."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from acm_addon import alerts
from acm_addon.alerts import BudgetState, Errors, NoPrice, Passed
from acm_addon.budgets import Budget, Scope
from acm_addon.model import NANO
from acm_addon.windows import Period

NOW = datetime(2026, 11, 16, 12, tzinfo=UTC)
MONTH = Budget(1, Scope(project="ChatBot"), Period.MONTH, "UTC", 500 * NANO)
amounts = st.integers(0, 10**13)


def state(spent: int, budget: Budget = MONTH, at: datetime = NOW) -> BudgetState:
    return BudgetState(budget, budget.window(at), spent)


def test_a_threshold_names_project_share_and_amounts() -> None:
    """The highest one that is reached, in the words of the product."""
    alert = alerts.of_threshold(state(425 * NANO))
    assert alert is not None
    assert "Project ChatBot at 85% of budget: $425.00 of $500.00 this month" == alert.message
    assert alert.key.endswith("/75")
    assert alerts.of_threshold(state(250 * NANO - 1)) is None
    exactly = alerts.of_threshold(state(250 * NANO))
    assert exactly is not None and exactly.key.endswith("/50")


def test_keys_tell_windows_limits_and_thresholds_apart() -> None:
    """The same threshold in another window, or of another limit, is another alert."""
    other_limit = Budget(1, MONTH.scope, Period.MONTH, "UTC", 400 * NANO)
    found = [
        alerts.of_threshold(state(300 * NANO)),
        alerts.of_threshold(state(300 * NANO, at=NOW + timedelta(days=30))),
        alerts.of_threshold(state(300 * NANO, other_limit)),
        alerts.of_threshold(state(460 * NANO)),
    ]
    assert 4 == len({alert.key for alert in found if alert})
    assert alerts.of_threshold(state(301 * NANO)).key == found[0].key  # type: ignore[union-attr]


@given(amounts, amounts, st.lists(st.integers(1, 1000), min_size=1, unique=True))
def test_an_alert_says_no_more_than_was_spent(
    spent: int, limit: int, thresholds: list[int]
) -> None:
    """It is raised exactly when a threshold is reached, to the nano-dollar."""
    ordered = tuple(sorted(thresholds))
    budget = Budget(1, Scope(), Period.DAY, "UTC", limit, thresholds=ordered)
    reached = [one for one in ordered if spent * 100 >= one * limit]
    alert = alerts.of_threshold(state(spent, budget))
    assert (bool(reached) and spent > 0) == (alert is not None)
    if alert:
        assert str(max(reached)) == alert.key.rpartition("/")[2]


def test_a_forecast_names_the_day() -> None:
    """Half of the month for two thirds of the limit: the limit is reached after three quarters."""
    middle = datetime(2026, 11, 16, tzinfo=UTC)
    budget = Budget(1, Scope(project="ChatBot"), Period.MONTH, "Europe/Berlin", 300 * NANO)
    alert = alerts.of_forecast(state(200 * NANO, budget, middle), middle)
    assert alert is not None
    assert "exceeded on 23 November" in alert.message and "$200.00 spent" in alert.message
    hour = Budget(1, Scope(), Period.HOUR, "UTC", 100)
    at = NOW + timedelta(minutes=30)
    soon = alerts.of_forecast(state(80, hour, at), at)
    assert soon is not None and "exceeded at 12:37" in soon.message


@given(st.integers(1, 10**13), st.integers(1, 10**13), st.integers(0, 30 * 86400 - 1))
def test_a_forecast_is_the_rule_of_three(spent: int, limit: int, second: int) -> None:
    """It is raised where a tenth has passed and the straight line crosses the limit in time."""
    budget = Budget(1, Scope(), Period.MONTH, "UTC", limit)
    at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=second)
    alert = alerts.of_forecast(state(spent, budget, at), at)
    crosses = spent < limit and second * limit < 30 * 86400 * spent
    if second * 10 < 30 * 86400:
        assert alert is None
    elif abs(second * limit - 30 * 86400 * spent) > spent:  # Apart from the last microsecond.
        assert crosses == (alert is not None)


def test_a_total_has_no_end_to_forecast() -> None:
    """All time has no pace; neither has nothing spent."""
    total = Budget(1, Scope(), Period.TOTAL, "UTC", 100)
    assert alerts.of_forecast(state(99, total), NOW) is None
    assert alerts.of_forecast(state(0), NOW) is None


def test_models_without_a_price_are_told_once_a_day_and_not_without_bound() -> None:
    """A name from the wire controls no terminal; a flood of names is cut to the most called."""
    (alert,) = alerts.of_no_price([NoPrice("openai", "gpt-\x1b[2J", 3)], NOW)
    assert "3 calls of openai gpt-?[2J today without a known cost" in alert.message
    assert "unpriced/2026-11-16/openai/gpt-\x1b[2J" == alert.key
    flood = [NoPrice("openai", f"m{number}", number) for number in range(1, 500)]
    kept = alerts.of_no_price(flood, NOW)
    assert (alerts.MOST_MODELS, True) == (len(kept), "m499" in kept[0].message)
    (unknown,) = alerts.of_no_price([NoPrice("openai", None, 1)], NOW)
    assert "1 call of openai (unknown model)" in unknown.message


def test_a_burst_is_ten_errors_of_one_provider() -> None:
    """Nine are none, and two providers' errors are not one burst."""
    nine, ten = {529: 6, None: 3}, {529: 6, None: 4}
    assert [] == alerts.of_errors([Errors("openai", nine), Errors("anthropic", nine)], NOW)
    (alert,) = alerts.of_errors([Errors("anthropic", ten)], NOW)
    said = "10 errors of anthropic within 5 minutes: 6 x 529, 4 x no answer"
    assert said == alert.message
    (later,) = alerts.of_errors([Errors("anthropic", ten)], NOW + timedelta(hours=1))
    assert later.key != alert.key


def test_what_passes_unrecorded_is_told_at_each_power_of_ten() -> None:
    """One more call is no news; ten times as many are, and so is another run."""
    keys = [
        alerts.of_passed(Passed(start, number))[0].key
        for start, number in (("a", 1), ("a", 9), ("a", 10), ("a", 99), ("b", 1))
    ]
    assert keys[0] == keys[1] != keys[2] == keys[3] != keys[4]
    (host,) = alerts.of_passed(Passed("a", 0, ["api.example.com"]))
    assert "api.example.com pass unread" in host.message
    assert [] == alerts.of_passed(Passed("a", 0))


def test_a_budget_is_called_by_what_it_is_of() -> None:
    """One part is said in words, several by the label."""

    def subject(scope: Scope) -> str:
        return alerts.subject(Budget(1, scope, Period.DAY, "UTC", 1))

    assert "Everything" == subject(Scope())
    assert "Key ci" == subject(Scope(key="ci"))
    assert "Budget project=a,model=gpt-*" == subject(Scope(project="a", model="gpt-*"))
    assert "Budget tag:feature=search" == subject(Scope(tags={"feature": "search"}))

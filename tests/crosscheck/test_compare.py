"""The comparison with another source of prices."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from acm_addon.pricing import PriceTable
from pricing_data import load_files
from tests.crosscheck.compare import LIST, Compared, Outcome, Popular, compare, peak, popular
from tests.crosscheck.page import BEGIN, END, agreement, page
from tests.crosscheck.theirs import Theirs, theirs

AT = datetime(2026, 11, 20, 2, tzinfo=UTC)
GPT_4O = Popular("openai", "gpt-4o", "gpt-4o", {})


def usd(**prices: str) -> dict[str, Decimal]:
    return {field: Decimal(amount) for field, amount in prices.items()}


def compared(model: Popular, their: Theirs | None) -> Compared:
    findings = load_files(PriceTable.current().units.by_name)
    return compare(PriceTable.current(), model, their, findings[model.provider].findings, AT)


def test_equal_fields_agree() -> None:
    """A field that only one side has is no conflict."""
    assert compared(GPT_4O, Theirs(usd(input="2.50", cache_write="9"), None)).outcome == "agree"


def test_a_difference_is_a_conflict_without_a_verdict() -> None:
    """Ours comes first."""
    found = compared(GPT_4O, Theirs(usd(input="2.5", output="11"), None))

    assert found.outcome == "conflict"
    assert found.differences == {"output": (Decimal(10), Decimal(11))}
    assert found.finding is None


def test_a_verdict_is_found_by_the_name() -> None:
    """Without the path that a provider puts before it."""
    model = Popular("fireworks", "accounts/fireworks/models/llama-v3p1-8b-instruct", "x", {})

    found = compared(model, Theirs(usd(input="0.1"), None))

    assert found.outcome == "conflict"
    assert found.finding is not None
    assert found.finding.verdict == "base_right"


def test_a_retired_model_is_compared_on_its_last_day() -> None:
    """They keep its last price; we go on with what its name came to mean."""
    model = Popular("deepseek", "deepseek-chat", "x", {})
    old = usd(input="0.28", output="0.42")

    assert compared(model, Theirs(old, date(2026, 7, 24))).outcome == "agree until retired"
    assert compared(model, Theirs(old, None)).outcome == "conflict"


@pytest.mark.parametrize(
    ("model", "their", "outcome"),
    [
        (GPT_4O, None, Outcome.ONLY_OURS),
        (Popular("openai", "gpt-7", "gpt-7", {}), Theirs({}, None), Outcome.ONLY_THEIRS),
        (Popular("openai", "gpt-7", None, {}), None, Outcome.NEITHER),
    ],
)
def test_one_side_alone_is_said(model: Popular, their: Theirs | None, outcome: Outcome) -> None:
    """What nobody else has is not counted as agreement."""
    assert outcome is compared(model, their).outcome
    assert (0, 0) == agreement([compared(model, their)])


def test_the_page_counts_and_explains() -> None:
    """By provider, and each conflict with its verdict."""
    agree = compared(GPT_4O, Theirs(usd(input="2.5"), None))
    conflict = compared(GPT_4O, Theirs(usd(input="3"), None))

    text = page([agree, conflict], "litellm 9", "2026-11-20")

    assert "| openai | 2 | 2 | 1 | 1 | 0 | 0 |" in text
    assert "(50.0%)" in text
    assert "input 2.5 / 3 | **unexplained** |" in text


def test_the_last_comparison_agrees() -> None:
    """As docs/prices.md has it: nearly everywhere, and each conflict has its verdict."""
    _, _, rest = (Path(__file__).parents[2] / "docs" / "prices.md").read_text().partition(BEGIN)
    text, _, _ = rest.partition(END)
    found = re.search(r"\((\d+\.\d)%\) agree", text)
    assert found
    assert float(found[1]) >= 98
    assert "unexplained" not in text


def test_amounts_are_for_a_million() -> None:
    """A zero is a field that does not apply; a voice answers in audio alone."""
    voice = {
        "mode": "audio_speech",
        "input_cost_per_token": Decimal("6e-07"),
        "output_cost_per_token": Decimal("1e-05"),
        "output_cost_per_audio_token": Decimal("1.2e-05"),
        "cache_read_input_token_cost": 0,
        "deprecation_date": "2027-01-06",
    }

    assert Theirs(usd(input="0.6", output_audio="12"), date(2027, 1, 6)) == theirs(voice)


def test_the_list_names_each_model_once() -> None:
    """177 of them."""
    models = popular(LIST.read_text())

    assert len(models) == 177
    assert len({(each.provider, each.model) for each in models}) == 177


def test_the_moment_is_a_peak_hour_of_a_working_day() -> None:
    """Off-peak prices and weekends would only look like conflicts."""
    assert datetime(2026, 11, 20, 2, tzinfo=UTC) == peak(date(2026, 11, 22))
    assert datetime(2026, 11, 18, 2, tzinfo=UTC) == peak(date(2026, 11, 18))

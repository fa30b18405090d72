"""The rules of asynchronous work, as far as no store is needed; see also tests/ledger."""

from dataclasses import replace
from datetime import timedelta

from acm_addon.model import Completeness, Reason
from acm_addon.settlement import settled, settlement_id
from tests.calls import NOON, make_entry

PENDING = make_entry(completeness=Completeness.PENDING, cost=None)


def test_a_pending_row_takes_what_the_result_says_of_usage_and_cost() -> None:
    """Who asked, when, and how the call itself went stay."""
    result = make_entry(
        time=NOON + timedelta(days=1),
        project="other",
        tags={},
        status=404,
        latency_ms=1,
        usage={"input_tokens": 5},
        completeness=Completeness.PARTIAL,
        cost=7,
        provider_cost=7,
        reason=Reason.NO_PRICE_FOR_UNIT,
    )
    expected = replace(
        PENDING,
        usage={"input_tokens": 5},
        completeness=Completeness.PARTIAL,
        cost=7,
        provider_cost=7,
        reason=Reason.NO_PRICE_FOR_UNIT,
    )
    assert expected == settled(PENDING, result)


def test_only_a_pending_row_is_settled_and_only_by_a_finished_one() -> None:
    """Anything else leaves the row as it is."""
    done = make_entry()
    assert done == settled(done, replace(done, cost=1))
    assert PENDING == settled(PENDING, replace(PENDING, cost=1))


def test_the_id_of_a_settlement_is_that_of_its_object() -> None:
    """The same object at the same time has the same id, and ids sort by time."""
    first = settlement_id("openai", "batch_1", NOON)
    assert first == settlement_id("openai", "batch_1", NOON)
    others = {
        settlement_id("openai", "batch_2", NOON),
        settlement_id("azure", "batch_1", NOON),
        settlement_id("openaib", "atch_1", NOON),
        settlement_id("openai", "batch_\ud800", NOON),
    }
    assert 4 == len(others - {first})
    assert first < settlement_id("openai", "batch_1", NOON + timedelta(seconds=1))

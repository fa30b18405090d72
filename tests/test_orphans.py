import pytest

from acm_addon import booking
from acm_addon.journal import Progress, Sent
from acm_addon.model import (
    Completeness,
    Entry,
    Exchange,
    PriceStatus,
    Reason,
    Usage,
    UsageSource,
)
from acm_addon.orphans import Orphan, orphan_entry
from acm_addon.pricing import PriceTable
from tests.calls import make_begin


def book(exchange: Exchange, usage: Usage, price_provider: str) -> Entry:
    """The real booking: gpt-4.1 costs 2,000 nano-dollars for an input token, 8,000 for output."""
    return booking.book(exchange, usage, PriceTable.current(), price_provider)


def test_a_call_cut_off_in_its_answer_is_partial() -> None:
    """The output that was seen is billed with the estimated input, and the row says both."""
    orphan = Orphan(make_begin(), Sent("gpt-4.1", True, 100, 500), Progress(20, 4000))
    entry = orphan_entry(orphan, book)
    assert (Completeness.PARTIAL, Reason.PROXY_STOPPED) == (entry.completeness, entry.reason)
    assert ({"input_tokens": 100, "output_tokens": 20}, UsageSource.ESTIMATED) == (
        entry.usage,
        entry.usage_source,
    )
    assert (PriceStatus.PRICED, 360_000) == (entry.price_status, entry.cost)
    assert (orphan.begin.id, "shop", "key_1", {"feature": "search"}, "gpt-4.1", True, None) == (
        entry.id,
        entry.project,
        entry.key,
        entry.tags,
        entry.model,
        entry.stream,
        entry.status,
    )


def test_a_websocket_keeps_what_was_reported() -> None:
    """The answers that were over are billed; of the last one nothing is claimed."""
    usage = {"input_tokens": 100, "output_tokens": 20}
    orphan = Orphan(make_begin(), Sent(), Progress(25, 4000, usage, "gpt-4.1"))
    entry = orphan_entry(orphan, book)
    assert (usage, UsageSource.REPORTED, "gpt-4.1") == (
        entry.usage,
        entry.usage_source,
        entry.model,
    )
    assert (Completeness.PARTIAL, None, 360_000) == (
        entry.completeness,
        entry.cost,
        entry.known_cost,
    )


def test_a_call_whose_answer_was_not_seen_has_no_cost() -> None:
    """The input's part is known; the output is not, and is not taken for nothing."""
    entry = orphan_entry(Orphan(make_begin(), Sent("gpt-4.1", input_tokens_estimate=100)), book)
    assert (Completeness.SENT_UNKNOWN, Reason.PROXY_STOPPED) == (entry.completeness, entry.reason)
    assert (PriceStatus.PARTLY_PRICED, None, None, 200_000) == (
        entry.price_status,
        entry.cost,
        entry.computed_cost,
        entry.known_cost,
    )


@pytest.mark.parametrize("sent", [None, Sent("gpt-4.1")])
def test_a_call_of_which_only_the_begin_is_known(sent: Sent | None) -> None:
    """Nothing was counted, so nothing is claimed: no usage, no cost."""
    entry = orphan_entry(Orphan(make_begin(), sent), book)
    assert (Completeness.SENT_UNKNOWN, UsageSource.NONE) == (entry.completeness, entry.usage_source)
    assert (PriceStatus.UNPRICED, None, {}) == (entry.price_status, entry.cost, entry.usage)


def test_an_unknown_input_leaves_the_cost_unknown() -> None:
    """Output was seen, but the input was not measured: the row is only partly priced."""
    entry = orphan_entry(Orphan(make_begin(), Sent("gpt-4.1"), Progress(20, 4000)), book)
    assert Completeness.PARTIAL == entry.completeness
    assert (PriceStatus.PARTLY_PRICED, None, 160_000) == (
        entry.price_status,
        entry.cost,
        entry.known_cost,
    )

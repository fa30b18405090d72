"""Prices are only ever appended."""

from pricing_data import read_files
from tests.pricing_data.published import (
    RECORD,
    Published,
    entries,
    read,
    unrecorded,
    violations,
    write,
)

PRICE = {"model": "a", "unit": "images", "usd": "1", "per": 1}


def published(*prices: dict[str, object]) -> Published:
    return entries({"acme": {"price": list(prices)}})


def test_what_was_published_is_still_there() -> None:
    """To change or to remove a published entry is to change what old calls cost."""
    assert [] == violations(read(RECORD.read_text()), entries(read_files()))


def test_everything_is_recorded() -> None:
    """New entries are pinned too: run ``python -m tests.pricing_data.published``."""
    assert [] == unrecorded(read(RECORD.read_text()), entries(read_files()))


def test_a_changed_or_removed_entry_is_noticed() -> None:
    """Also where only its conditions or its source changed."""
    before = published(PRICE)

    assert len(violations(before, published({**PRICE, "usd": "2"}))) == 1
    assert len(violations(before, published({**PRICE, "conditions": {"size": "b"}}))) == 1
    assert len(violations(before, {})) == 1


def test_an_entry_may_be_ended_once() -> None:
    """Its end is then as fixed as the rest of it."""
    ended = published({**PRICE, "effective_to": "2026-12-01"})

    assert [] == violations(published(PRICE), ended)
    assert len(unrecorded(published(PRICE), ended)) == 1
    assert len(violations(ended, published({**PRICE, "effective_to": "2026-12-02"}))) == 1
    assert len(violations(ended, published(PRICE))) == 1


def test_the_record_reads_as_it_was_written() -> None:
    """One line an entry."""
    both = published(PRICE, {**PRICE, "model": "b", "effective_to": "2026-12-01"})

    assert both == read(write(both))

"""Which table prices the calls: its sources, and what happens when they change or break."""

import asyncio
import gzip
import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from acm_addon.home import Home
from acm_addon.price_store import (
    base_release,
    current_table,
    store_base,
    stored_tables,
    table_in_use,
    tables_used,
)
from acm_addon.prices_in_use import PricesInUse
from acm_addon.pricing import PriceTable
from acm_addon.pricing.base import base_document
from pricing_data import PriceDataError

HALF_OFF = '[[discount]]\nprovider = "openai"\npercent = "50"\n'
TYPO = '[[discount]]\nprovider = "openai"\nper_cent = "50"\n'


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).ensure()


def test_a_new_home_has_the_shipped_table(home: Home) -> None:
    """It is kept by its hash from the first look on, since rows will name it."""
    table, unsound = table_in_use(home)
    assert (PriceTable.current().version, None) == (table.version, unsound)
    assert [table.version] == [name for _, name in stored_tables(home)]


def test_a_running_proxy_takes_over_what_changes(home: Home) -> None:
    """The user's discount counts from the next look on, and the new table is kept."""
    prices = PricesInUse(home)
    before = prices.table.version
    home.price_overrides.write_text(HALF_OFF)
    asyncio.run(prices.follow())
    assert before != prices.table.version
    assert prices.table.version == current_table(home).version
    assert {before, prices.table.version} == {name for _, name in stored_tables(home)}


@pytest.mark.parametrize("uses", ["{0}\n", "{0} 2026-11-22T12:00:00+00:00\n", "", "junk", "\n \n"])
def test_the_last_sound_table_is_the_last_that_was_in_use(home: Home, uses: str) -> None:
    """An earlier version wrote no time. Where nothing says so, it is the shipped one."""
    discounted = PriceTable.current({"discount": [{"provider": "openai", "percent": "50"}]})
    discounted.freeze(home.prices)
    home.price_pointer.write_text(uses.format(discounted.version))
    home.price_overrides.write_text(TYPO)
    wanted = discounted if "{0}" in uses else PriceTable.current()
    assert wanted.version == table_in_use(home)[0].version
    assert [discounted.version] == [name for _, name in tables_used(home)][:1]


def test_nothing_changes_where_nothing_changed(home: Home) -> None:
    """The very table stays, with what it has cached."""
    prices = PricesInUse(home)
    before = prices.table
    asyncio.run(prices.follow())
    assert before is prices.table


def test_an_unsound_file_leaves_the_table_in_use(home: Home) -> None:
    """While running, and after a restart as well: a typo must not undo the discount before it."""
    home.price_overrides.write_text(HALF_OFF)
    prices = PricesInUse(home)
    discounted = prices.table.version
    home.price_overrides.unlink()
    home.price_overrides.write_text(TYPO)
    asyncio.run(prices.follow())
    assert discounted == prices.table.version
    assert discounted == PricesInUse(home).table.version
    with pytest.raises(PriceDataError, match=r"overrides.toml.*line 1"):
        current_table(home)


@pytest.mark.parametrize(
    ("text", "place"),
    [(TYPO, "discount 1 (line 1)"), ("price = 1\n", "overrides.toml"), ("[[", "not TOML")],
)
@pytest.mark.parametrize("updated", [False, True])
def test_a_mistake_is_named_beside_providers_of_ones_own(
    home: Home, text: str, place: str, updated: bool
) -> None:
    """Their prices are entries, too. Over the shipped base and over a newer one."""
    if updated:
        store_base(home, base_document() | {"as_of": "2099-01-01"})
    home.providers.write_text('[lab]\nhost = "https://a.example"\nprice = { requests = "1" }\n')
    home.price_overrides.write_text(text)
    with pytest.raises(PriceDataError) as refused:
        current_table(home)
    assert place in str(refused.value)
    assert isinstance(table_in_use(home)[1], PriceDataError)


def test_newer_base_data_is_the_base(home: Home) -> None:
    """Until a version of acm ships data that is newer still."""
    document = {**base_document(), "version": "published"}
    store_base(home, document | {"as_of": "2099-01-01"})
    assert "genai-prices published" == current_table(home).base_name
    assert ("published", date(2099, 1, 1)) == base_release(home)
    store_base(home, document | {"as_of": "2020-01-01"})
    assert PriceTable.current().version == current_table(home).version


@pytest.mark.parametrize(
    "content", [b"", b"junk", gzip.compress(b"[]", mtime=0), gzip.compress(b"{}", mtime=0)]
)
def test_damaged_base_data_is_noticed(home: Home, content: bytes) -> None:
    """The shipped table stands in, and it is said."""
    home.price_base.write_bytes(content)
    table, unsound = table_in_use(home)
    assert PriceTable.current().version == table.version
    assert isinstance(unsound, ValueError)


def test_tables_are_told_by_when_they_were_first_kept(home: Home) -> None:
    """The oldest first, whatever their hashes."""
    first = PriceTable.current().freeze(home.prices)
    os.utime(first, (1_000_000_000, 1_000_000_000))
    second = PriceTable.of(base_document(), {"discount": [{"percent": "1"}]}).freeze(home.prices)
    assert [first.name[:16], second.name[:16]] == [name for _, name in stored_tables(home)]
    assert datetime.fromtimestamp(1_000_000_000, UTC) == stored_tables(home)[0][0]

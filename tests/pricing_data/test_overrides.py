"""The user's price file: what it accepts, and how it refuses the rest."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pricing_data import Confidence, Overrides, PriceDataError, load_overrides

UNITS = {"input_tokens", "images"}
PRICE = '[[price]]\nprovider = "openai"\nmodel = "A"\nunit = "images"\nusd = "1"\nper = 1\n'
MAP = '[[map]]\nprovider = "azure"\nmodel = "mine"\npriced_as = "gpt-4o"\n'
DISCOUNT = '[[discount]]\npercent = "12.5"\n'


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], Overrides]:
    def write_and_load(text: str) -> Overrides:
        path = tmp_path / "overrides.toml"
        path.write_text(text)
        return load_overrides(path, UNITS)

    return write_and_load


def test_no_file_is_no_override(tmp_path: Path) -> None:
    """Most users have none."""
    assert Overrides() == load_overrides(tmp_path / "overrides.toml", UNITS)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A folder in the place of the file is a mistake as well."""
    path = tmp_path / "overrides.toml"
    path.mkdir()

    with pytest.raises(PriceDataError, match=r"overrides.toml: cannot be read") as caught:
        load_overrides(path, UNITS)

    assert caught.value.hint


def test_a_source_may_be_left_out(load: Callable[[str], Overrides]) -> None:
    """It is the user's word then, of an unknown day."""
    (price,) = load(PRICE).prices["openai"]

    assert (price.origin.checked, price.origin.confidence) == (None, Confidence.HIGH)
    assert price.origin.source


def test_a_source_may_be_given(load: Callable[[str], Overrides]) -> None:
    """Such as the contract."""
    (price,) = load(PRICE + 'source = "contract 17"\nchecked = 2026-11-22\n').prices["openai"]

    assert price.origin.source == "contract 17"
    assert str(price.origin.checked) == "2026-11-22"


@pytest.mark.parametrize(
    ("text", "problem", "hint"),
    [
        (PRICE.replace('provider = "openai"\n', ""), "price 1 (line 1): provider is", "provider ="),
        (PRICE + "per_cent = 1\n", "unknown field 'per_cent'", "project"),
        (PRICE + PRICE, "price 2 (line 7): as likely as", "effective_to"),
        (PRICE + 'checked = "soon"\n', "checked is not a day", "2026-11-22"),
        (PRICE + "checked = 7\n", "checked is missing or no text", "checked"),
        (PRICE + 'tiers = [[5, "1"], [5, "2"]]\n', "tiers must rise", "272000"),
        (PRICE + 'tiers = [["5", "1"]]\n', "whole numbers of tokens", "272000"),
        (PRICE + "tiers = [[5, 1]]\n", "tiers is not a number", "272000"),
        (PRICE + "tiers = [5]\n", "tiers must be pairs", "272000"),
        (PRICE + "instead_of_tokens = 1\n", "neither true nor false", "true"),
        (PRICE.replace('"1"', '"1e99"'), "usd is no amount of money", "0.04"),
        (MAP + MAP, "map 2 (line 5): as likely as", "effective_to"),
        (MAP.replace('"gpt-4o"', '"mine"'), "an alias of itself", "billed as"),
        (DISCOUNT + DISCOUNT, "discount 2 (line 3): as likely as", "effective_to"),
        (DISCOUNT.replace("12.5", "101"), "percent is 101", "at most 100"),
        (DISCOUNT.replace("12.5", "-1"), "percent is -1", "12.5"),
        (DISCOUNT + 'units = ["smiles"]\n', "unknown unit 'smiles'", "docs/prices.md"),
        (DISCOUNT + "units = [7]\n", "units must be a list of texts", "units"),
        ('[[multiplier]]\nfactor = "2"\n', "unknown kind of entry 'multiplier'", "discount"),
        ("price = [1]\n", "no table of fields", "[[price]]"),
        ("price = 1\n", "price is no list of entries", "[[price]]"),
        ("[[price]\n", "not TOML", "toml.io"),
    ],
)
def test_refuses_what_is_malformed(
    load: Callable[[str], Overrides], text: str, problem: str, hint: str
) -> None:
    """The file is named, the line where there is one, and what to write instead."""
    with pytest.raises(PriceDataError) as caught:
        load(text)

    assert str(caught.value).startswith("overrides.toml")
    assert problem in str(caught.value)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        PRICE + PRICE + 'project = "shop"\n',
        PRICE + PRICE.replace("openai", "azure"),
        MAP + MAP.replace("azure", "aws"),
        DISCOUNT + DISCOUNT + 'model = "a"\n',
        DISCOUNT + "effective_to = 2026-05-15\n" + DISCOUNT + "effective_from = 2026-05-15\n",
        DISCOUNT + 'units = ["images"]\n' + DISCOUNT + 'units = ["input_tokens"]\n',
    ],
)
def test_takes_what_never_competes(load: Callable[[str], Overrides], text: str) -> None:
    """Of other scopes, times, or units."""
    overrides = load(text)

    entries = (*overrides.prices.values(), *overrides.maps.values(), overrides.discounts)
    assert sum(map(len, entries)) == 2

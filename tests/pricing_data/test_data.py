"""The files that are shipped."""

import gzip
import hashlib
from pathlib import Path

import pytest
from genai_prices.data_units import unit_data

from pricing_data import (
    ProviderPrices,
    Verdict,
    load_files,
    own_units,
    tokenizer_ranks,
)


@pytest.fixture(scope="module")
def shipped() -> dict[str, ProviderPrices]:
    return load_files(own_units().keys() | unit_data.keys())


def test_every_file_loads(shipped: dict[str, ProviderPrices]) -> None:
    """All entries are sound, and no file is empty."""
    assert shipped
    for name, entries in shipped.items():
        assert any((entries.prices, entries.aliases, entries.standard_rates, entries.findings)), (
            name
        )


def test_our_units_do_not_shadow_the_base(shipped: dict[str, ProviderPrices]) -> None:
    """A unit means one thing."""
    assert not own_units().keys() & unit_data.keys()


def test_units_and_choices_are_explained(shipped: dict[str, ProviderPrices]) -> None:
    """docs/prices.md has a row for each unit of ours and each key that selects a price."""
    page = (Path(__file__).parents[2] / "docs" / "prices.md").read_text(encoding="utf-8")
    prices = [price for entries in shipped.values() for price in entries.prices]
    multipliers = [each for entries in shipped.values() for each in entries.multipliers]
    keys = {key for price in prices for key in price.conditions}
    keys |= {key for each in multipliers for key in (*each.conditions, *each.unless)}
    rows = "".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    assert not {name for name in {*own_units(), *keys} if f"`{name}`" not in rows}


def test_what_is_undecided_is_marked(shipped: dict[str, ProviderPrices]) -> None:
    """The disagreements that nobody could settle are in the data, with what each source says."""
    undecided = {
        (name, finding.model)
        for name, entries in shipped.items()
        for finding in entries.findings
        if finding.verdict is Verdict.UNDECIDED and finding.values
    }

    assert ("together", "qwen/qwen3.7-max") in undecided


@pytest.mark.parametrize(
    ("encoding", "sha256"),
    [
        ("o200k_base", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"),
        ("cl100k_base", "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"),
    ],
)
def test_rank_files_are_those_of_tiktoken(encoding: str, sha256: str) -> None:
    """Their hashes are the ones that tiktoken itself checks for."""
    ranks = gzip.decompress(tokenizer_ranks(encoding))

    assert sha256 == hashlib.sha256(ranks).hexdigest()

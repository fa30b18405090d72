"""The price files' loader: what it accepts, and how it refuses the rest."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from pricing_data import Confidence, PriceDataError, ProviderPrices, load_files

UNITS = {"input_tokens", "images"}

ORIGIN = 'source = "a page"\nchecked = 2026-11-22\nconfidence = "high"\n'
PRICE = f'[[price]]\nmodel = "Model-A"\nunit = "images"\nusd = "0.04"\nper = 1\n{ORIGIN}'

MULTIPLIER = f'[[multiplier]]\nfactor = "1.1"\nconditions = {{ region = "us" }}\n{ORIGIN}'


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], ProviderPrices]:
    def write_and_load(text: str) -> ProviderPrices:
        (tmp_path / "acme.toml").write_text(text)
        return load_files(UNITS, tmp_path)["acme"]

    return write_and_load


def test_reads_a_whole_price(load: Callable[[str], ProviderPrices]) -> None:
    """Every field arrives as a value: names in lower case, days as UTC midnights."""
    text = PRICE + (
        'conditions = { size = "1024x1024" }\nbeijing_weekdays = ["sat", "sun"]\n'
        "effective_from = 2026-05-15\neffective_to = 2026-08-17T10:30:00+02:00\n"
        'note = "why"\n'
    )

    (price,) = load(text).prices

    assert price.model == "model-a"
    assert (price.unit, price.usd, price.per) == ("images", Decimal("0.04"), 1)
    assert price.conditions == {"size": "1024x1024"}
    assert price.beijing_weekdays == {5, 6}
    assert price.period.start == datetime(2026, 5, 15, tzinfo=UTC)
    assert price.period.end == datetime(2026, 8, 17, 8, 30, tzinfo=UTC)
    assert price.origin.checked == date(2026, 11, 22)
    assert price.origin.confidence is Confidence.HIGH
    assert price.origin.note == "why"


def test_an_unknown_date_stays_unknown(load: Callable[[str], ProviderPrices]) -> None:
    """A date that is left out is None at both ends, and the price always holds."""
    (price,) = load(PRICE).prices

    assert (price.period.start, price.period.end) == (None, None)
    assert price.active(datetime(1999, 1, 1, tzinfo=UTC))


def test_periods_are_half_open(load: Callable[[str], ProviderPrices]) -> None:
    """A price holds from its first moment up to, and without, its last."""
    text = PRICE + "effective_from = 2026-05-15\neffective_to = 2026-05-16\n"

    (price,) = load(text).prices

    moments = [(14, 23, 59), (15, 0, 0), (15, 23, 59), (16, 0, 0)]
    held = [price.active(datetime(2026, 5, *moment, tzinfo=UTC)) for moment in moments]
    assert held == [False, True, True, False]


def test_weekdays_are_those_of_beijing(load: Callable[[str], ProviderPrices]) -> None:
    """Saturday there begins at 16:00 UTC on Friday."""
    (price,) = load(PRICE + 'beijing_weekdays = ["sat"]\n').prices

    assert not price.active(datetime(2026, 11, 20, 15, 59, tzinfo=UTC))
    assert price.active(datetime(2026, 11, 20, 16, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("wrong", "right", "problem", "hint"),
    [
        ('usd = "-1"', 'usd = "0.04"', "usd is -1", "at least zero"),
        ('usd = "NaN"', 'usd = "0.04"', "usd is NaN", "at least zero"),
        ('usd = "4 cents"', 'usd = "0.04"', "usd is not a number", 'usd = "0.04"'),
        ("usd = 0.04", 'usd = "0.04"', "usd is missing or no text", 'usd = "'),
        ("per = 0", "per = 1", "per must be", "per = 1000000"),
        ("per = true", "per = 1", "per must be", "per = 1000000"),
        ('unit = "smiles"', 'unit = "images"', "unknown unit 'smiles'", "units.toml"),
        ("", 'model = "Model-A"\n', "model is missing", "model = "),
        ('confidence = "sure"', 'confidence = "high"', "confidence is not known", "high, medium"),
        ('checked = "soon"', "checked = 2026-11-22", "checked is not a day", "2026-11-22"),
        ("per = 1\nprize = 2", "per = 1", "unknown field 'prize'", "conditions"),
        ("per = 1\nconditions = { n = 1 }", "per = 1", "conditions must be", "size"),
        ('per = 1\nbeijing_weekdays = ["Sat"]', "per = 1", "unknown day", "sat"),
        ("per = 1\neffective_from = 12:00:00", "per = 1", "is not a date", "2026-05-15"),
        (
            "per = 1\neffective_from = 2026-05-15T08:30:00",
            "per = 1",
            "without an offset",
            "T08:30:00Z",
        ),
        (
            "per = 1\neffective_from = 2026-05-15T08:30:01Z",
            "per = 1",
            "whole minute",
            "T08:30:00Z",
        ),
        (
            "per = 1\neffective_from = 2026-05-15\neffective_to = 2026-05-15",
            "per = 1",
            "not before",
            "swap",
        ),
    ],
)
def test_refuses_a_malformed_price(
    load: Callable[[str], ProviderPrices], wrong: str, right: str, problem: str, hint: str
) -> None:
    """The message names file, entry, line and problem; the hint says what to write."""
    with pytest.raises(PriceDataError) as caught:
        load("# a comment\n" + PRICE.replace(right, wrong, 1))

    assert str(caught.value).startswith("acme.toml: price 1 (line 2): ")
    assert problem in str(caught.value)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("", ""),
        ("effective_to = 2026-05-16\n", "effective_from = 2026-05-15\n"),
        ('conditions = { size = "a" }\n', 'conditions = { size = "a" }\n'),
        ('conditions = { size = "a" }\n', 'conditions = { quality = "b" }\n'),
        ('beijing_weekdays = ["sat"]\n', 'beijing_weekdays = ["sat", "sun"]\n'),
    ],
)
def test_refuses_two_prices_with_nothing_to_choose_between_them(
    load: Callable[[str], ProviderPrices], first: str, second: str
) -> None:
    """Equal priority, and a call that both fit: the second is refused, and the first is named."""
    with pytest.raises(PriceDataError, match=r"price 2 \(line \d+\): as likely as .*price 1"):
        load(PRICE + first + PRICE + second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("effective_to = 2026-05-15\n", "effective_from = 2026-05-15\n"),
        ('conditions = { size = "a" }\n', 'conditions = { size = "b" }\n'),
        ("", 'conditions = { size = "a" }\n'),
        ("", 'beijing_weekdays = ["sat"]\n'),
        ('beijing_weekdays = ["sat"]\n', 'beijing_weekdays = ["sun"]\n'),
    ],
)
def test_takes_prices_that_never_compete(
    load: Callable[[str], ProviderPrices], first: str, second: str
) -> None:
    """One after the other, under other conditions, or one of them more specific."""
    assert len(load(PRICE + first + PRICE + second).prices) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[[price]\n", "not TOML"),
        (f'[[discount]]\nmodel = "a"\n{ORIGIN}', "unknown kind of entry 'discount'"),
        (f'[[alias]]\nmodel = "a"\npriced_as = "A"\n{ORIGIN}', "an alias of itself"),
        (
            2 * f'[[alias]]\nmodel = "a"\npriced_as = "b"\n{ORIGIN}',
            "alias 2 (line 7): as likely as",
        ),
        (f"[[standard_rate]]\nconditions = {{}}\n{ORIGIN}", "no conditions"),
        (f'[[finding]]\nmodel = "a"\nverdict = "perhaps"\n{ORIGIN}', "verdict is not known"),
        (f'[[multiplier]]\nfactor = "1.1"\n{ORIGIN}', "no conditions"),
        (MULTIPLIER.replace("1.1", "0"), "factor is zero"),
        (2 * MULTIPLIER, "multiplier 2 (line 7): as likely as"),
        (MULTIPLIER + MULTIPLIER.replace("conditions", "unless"), "as likely as"),
        (f"[[own_price]]\nunits = []\n{ORIGIN}", "no units"),
        (f'[[own_price]]\nunits = ["smiles"]\n{ORIGIN}', "unknown unit 'smiles'"),
        ("price = [1]\n", "no table of fields"),
    ],
)
def test_refuses_other_malformed_entries(
    load: Callable[[str], ProviderPrices], text: str, problem: str
) -> None:
    """Syntax, kinds, aliases, standard rates and findings are checked as prices are."""
    with pytest.raises(PriceDataError) as caught:
        load(text)

    assert str(caught.value).startswith("acme.toml")
    assert problem in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    "other",
    [
        MULTIPLIER.replace("us", "eu"),
        MULTIPLIER.replace("region", "inference_geo"),
        MULTIPLIER + 'models = ["a"]\n' + MULTIPLIER.replace("1.1", "1.2") + 'models = ["b"]\n',
        MULTIPLIER.replace("1.1", "1.2") + "effective_to = 2026-05-15\n",
    ],
)
def test_takes_multipliers_that_never_compete(
    load: Callable[[str], ProviderPrices], other: str
) -> None:
    """Another value, another cause (both then apply), other models, another time."""
    text = other if "models" in other else MULTIPLIER + "effective_from = 2026-05-15\n" + other

    assert len(load(text).multipliers) == 2


def test_a_batch_and_a_tier_never_compete(load: Callable[[str], ProviderPrices]) -> None:
    """A batch has no service tier, but for the default one."""
    batch = PRICE + 'conditions = { processing = "batch" }\n'
    tier = PRICE + 'conditions = { service_tier = "flex" }\n'

    assert len(load(batch + tier).prices) == 2
    with pytest.raises(PriceDataError, match="as likely as"):
        load(batch + tier.replace("flex", "default"))

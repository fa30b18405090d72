"""A user's own prices, discounts and maps of names."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acm_addon.model import Cost, PriceStatus, Quantities, Reason, Usage
from acm_addon.pricing import PriceTable, price
from acm_addon.pricing.base import base_document
from pricing_data import PriceDataError, read_overrides

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MILLION = 1_000_000

type Bill = Callable[..., Cost]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "overrides.toml"


@pytest.fixture
def bill(file: Path) -> Bill:
    """Prices usage below what the file says by then."""

    def price_it(
        quantities: Quantities,
        *,
        provider: str = "openai",
        model: str = "gpt-4o",
        context: Mapping[str, str] | None = None,
        project: str | None = None,
        at: datetime = NOW,
    ) -> Cost:
        return price(
            Usage(quantities),
            provider=provider,
            model=model,
            at=at,
            context=context or {},
            table=PriceTable.current(read_overrides(file)),
            project=project,
        )

    return price_it


def own_price(usd: str, *more: str, model: str = "gpt-4o", provider: str = "openai") -> str:
    return "\n".join(
        [
            "[[price]]",
            f'provider = "{provider}"',
            f'model = "{model}"',
            'unit = "input_tokens"',
            f'usd = "{usd}"',
            "per = 1000000",
            *more,
            "",
        ]
    )


def skus(cost: Cost) -> dict[str, int]:
    return {line.sku: line.amount for line in cost.lines}


def test_without_a_file_the_shipped_table_counts(file: Path) -> None:
    """It is the very same, and so is its version."""
    assert PriceTable.current() is PriceTable.current(read_overrides(file))


def test_an_own_rate_comes_first(bill: Bill, file: Path) -> None:
    """For its unit alone, also where the list has a tier or a batch price; the line says so."""
    file.write_text(own_price("2"))

    usual = bill({"input_tokens": MILLION, "output_tokens": MILLION})
    batch = bill({"input_tokens": MILLION}, context={"processing": "batch"})

    assert skus(usual) == {
        "openai/gpt-4o:input_mtok!own": 2_000_000_000,
        "openai/gpt-4o:output_mtok": 10_000_000_000,
    }
    assert skus(batch) == {"openai/gpt-4o:input_mtok!own": 2_000_000_000}


def test_the_closest_own_rate_counts(bill: Bill, file: Path) -> None:
    """A project's before everybody's, a model's before a provider's, conditions before none."""
    file.write_text(
        own_price("5", model="*")
        + own_price("4")
        + own_price("3", 'conditions = { service_tier = "flex" }')
        + own_price("2", 'project = "shop"')
    )

    def rate(**call: object) -> int:
        (line,) = bill({"input_tokens": MILLION}, **call).lines
        return line.amount // 1_000_000_000

    assert rate(model="gpt-4.1") == 5
    assert rate() == 4
    assert rate(context={"service_tier": "flex"}) == 3
    assert rate(project="shop") == 2
    assert rate(project="other") == 4


def test_an_own_rate_holds_within_its_dates(bill: Bill, file: Path) -> None:
    """Half-open, in UTC."""
    file.write_text(own_price("2", "effective_from = 2026-05-15", "effective_to = 2026-05-16"))

    days = [datetime(2026, 5, day, tzinfo=UTC) for day in (14, 15, 16)]

    rates = [bill({"input_tokens": MILLION}, at=day).computed for day in days]
    assert rates == [2_500_000_000, 2_000_000_000, 2_500_000_000]


def test_a_discount_is_off_list_prices(bill: Bill, file: Path) -> None:
    """Tiers and batches too, but never off an own rate."""
    file.write_text(
        own_price("2") + '[[discount]]\npercent = "10"\nprovider = "openai"\nmodel = "gpt-4o"\n'
    )

    cost = bill({"input_tokens": MILLION, "output_tokens": MILLION})

    assert skus(cost) == {
        "openai/gpt-4o:input_mtok!own": 2_000_000_000,
        "openai/gpt-4o:output_mtok*0.9": 9_000_000_000,
    }
    assert bill({"output_tokens": MILLION}, model="gpt-4.1").computed == 8_000_000_000


def test_the_closest_discount_counts_alone(bill: Bill, file: Path) -> None:
    """Discounts are not added up."""
    file.write_text(
        '[[discount]]\npercent = "10"\n'
        '[[discount]]\npercent = "20"\nprovider = "openai"\n'
        '[[discount]]\npercent = "50"\nproject = "shop"\n'
    )

    usage = {"input_tokens": MILLION}

    assert bill(usage).computed == 2_000_000_000
    assert bill(usage, project="shop").computed == 1_250_000_000
    assert bill(usage, provider="anthropic", model="claude-opus-4-5").computed == 4_500_000_000


def test_a_discount_follows_an_uplift(bill: Bill, file: Path) -> None:
    """The provider's factor first, then the negotiated one."""
    file.write_text('[[discount]]\npercent = "10"\n')

    cost = bill({"input_tokens": MILLION}, model="gpt-5.4", context={"region": "eu"})

    # 2.5 million tokens' tier: above 272k the list says 5.
    assert skus(cost) == {"openai/gpt-5.4:input_mtok*1.1*0.9>272k": 4_950_000_000}


@settings(max_examples=50, deadline=None)
@given(
    percent=st.decimals(0, 100, places=2),
    tokens=st.integers(1, 10**12),
)
def test_a_discount_is_exact(percent: Decimal, tokens: int) -> None:
    """Rounded once, half-even, at the end."""
    table = PriceTable.of(base_document(), {"discount": [{"percent": str(percent)}]})

    cost = price(
        Usage({"input_tokens": tokens}),
        provider="openai",
        model="gpt-4o",
        at=NOW,
        context={},
        table=table,
    )

    exact = tokens * Decimal("2500") * (1 - percent / 100)
    assert int(exact.to_integral_value(ROUND_HALF_EVEN)) == cost.computed


def test_a_map_names_the_model_that_is_billed(bill: Bill, file: Path) -> None:
    """A deployment's name, in any case; with what the name says of the call."""
    file.write_text(
        '[[map]]\nprovider = "azure"\nmodel = "My-Deployment"\npriced_as = "gpt-4o"\n'
        'context = { deployment = "data_zone" }\n'
    )

    cost = bill({"input_tokens": MILLION}, provider="azure", model="my-deployment")

    assert skus(cost) == {"openai/gpt-4o:input_mtok*1.1": 2_750_000_000}


def test_a_map_may_lead_to_another_provider(bill: Bill, file: Path) -> None:
    """A self-hosted model at the price of a host of it; a Replicate model by its hardware."""
    file.write_text(
        '[[map]]\nprovider = "local"\nmodel = "llama"\npriced_by = "groq"\n'
        'priced_as = "openai/gpt-oss-20b"\n'
        '[[map]]\nprovider = "replicate"\nmodel = "me/mine"\npriced_as = "hardware:gpu-t4"\n'
    )

    hosted = bill({"input_tokens": MILLION}, provider="local", model="llama")
    ran = bill({"compute_seconds": 10}, provider="replicate", model="me/mine")

    assert hosted.computed == 75_000_000
    assert ran.computed == 2_250_000


def test_what_the_call_says_counts_before_its_name(bill: Bill, file: Path) -> None:
    """A map's context fills in what the call leaves open."""
    file.write_text(
        '[[map]]\nprovider = "azure"\nmodel = "mine"\npriced_as = "gpt-4o"\n'
        'context = { deployment = "data_zone" }\n'
    )

    cost = bill(
        {"input_tokens": MILLION},
        provider="azure",
        model="mine",
        context={"deployment": "global"},
    )

    assert cost.computed == 2_500_000_000


def test_a_model_that_only_the_user_knows(bill: Bill, file: Path) -> None:
    """It is unpriced until they say what it costs."""
    usage = {"input_tokens": MILLION}
    before = bill(usage, provider="local", model="mine")

    file.write_text(own_price("0.1", provider="local", model="mine"))
    after = bill(usage, provider="local", model="mine")

    assert (before.status, before.reason) == (PriceStatus.UNPRICED, Reason.UNKNOWN_MODEL)
    assert skus(after) == {"local/mine:input_mtok!own": 100_000_000}


def test_a_mistake_is_refused(bill: Bill, file: Path) -> None:
    """The file as a whole; what was read before is not changed by it."""
    file.write_text(own_price("2"))
    table = PriceTable.current(read_overrides(file))
    file.write_text(own_price("2") + own_price("-1", model="gpt-4.1"))

    with pytest.raises(PriceDataError, match=r"overrides.toml: price 2: usd is -1"):
        PriceTable.current(read_overrides(file))
    assert table.card("openai", "gpt-4o", {}, NOW) is not None


def test_overrides_are_frozen_with_the_table(file: Path, tmp_path: Path) -> None:
    """A row that an own rate priced can be recomputed after the file has changed."""
    file.write_text(own_price("2", 'project = "shop"'))
    table = PriceTable.current(read_overrides(file))
    table.freeze(tmp_path / "frozen")
    file.unlink()

    again = PriceTable.read(tmp_path / "frozen", table.version)

    assert table.version != PriceTable.current().version
    cost = price(
        Usage({"input_tokens": MILLION}),
        provider="openai",
        model="gpt-4o",
        at=NOW,
        context={},
        table=again,
        project="shop",
    )
    assert cost.computed == 2_000_000_000

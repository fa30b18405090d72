import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from acm_addon.model import (
    Completeness,
    CostLine,
    ModelUsage,
    PriceStatus,
    Reason,
    UsageSource,
)
from cli import entries
from cli.money import parse_usd

THEN = datetime(2026, 11, 22, 13, 3, 22, tzinfo=UTC)

SCREEN = """\
Call {id}
  Time      2026-11-22 14:03:22 CET
  Model     gpt-4o-2024-08-06 (asked for gpt-4o)
  Endpoint  openai chat.completions, through the gateway
  Answer    HTTP 200, 342 ms, first byte after 120 ms
  Project   default

    234 input_tokens      x $2.50 / 1M  = $0.000585  openai/gpt-4o:input_mtok
  1,000 cache_read_tokens x $1.25 / 1M  = $0.00125   openai/gpt-4o:cache_read_mtok
     56 output_tokens     x $10.00 / 1M = $0.00056   openai/gpt-4o:output_mtok
  -------------------------------------------------
        sum                             = $0.002395

  Cost  $0.002395

  Usage  input_tokens 1,234, cache_read_tokens 1,000, output_tokens 56: reported by the provider
  Call   complete: seen to its end
  Price  priced: every quantity has a price
  Table  3f2a9c
  Note   input_tokens and output_tokens are totals; each token is in one line
"""


def test_the_screen(make, book, acm) -> None:
    """Quantity x price = amount, line by line, the sum, and where each number is from."""
    (entry,) = book(
        make.priced(THEN, model="gpt-4o-2024-08-06", requested_model="gpt-4o", lines=LINES)
    )
    assert (0, SCREEN.format(id=entry.id), "") == acm("explain", entry.id)


LINES = (
    CostLine("openai/gpt-4o:input_mtok", "input_tokens", 234, Decimal("0.0000025"), 585_000),
    CostLine(
        "openai/gpt-4o:cache_read_mtok", "cache_read_tokens", 1000, Decimal("0.00000125"), 1_250_000
    ),
    CostLine("openai/gpt-4o:output_mtok", "output_tokens", 56, Decimal("0.00001"), 560_000),
)


def test_what_other_models_consumed_is_named(make, book, acm) -> None:
    """The lines of the bill are all models', and the usage of each stands apart."""
    other = ModelUsage("whisper-1", {"input_audio_seconds": 3})
    book(make.priced(THEN, model="gpt-realtime", other_usage=(other,)))
    assert "  Also   whisper-1: input_audio_seconds 3\n" in acm("explain", "last")[1]


def test_the_start_of_an_id_is_enough(make, book, acm) -> None:
    """What `acm tail` shows of an id finds the call."""
    (entry,) = book(make.priced(THEN))
    assert f"Call {entry.id}\n" in acm("explain", entry.id[:18])[1]


def test_last_is_the_newest(make, book, acm) -> None:
    """Without looking an id up."""
    _, newest = book(make.priced(THEN), make.priced(THEN + timedelta(seconds=1)))
    assert f"Call {newest.id}\n" in acm("explain", "last")[1]


def test_json_is_the_row(make, book, acm) -> None:
    """The ledger's own names; the lines' exact amounts sum to the computed cost."""
    (entry,) = book(make.priced(THEN, tags={"feature": "search"}))
    code, out, _ = acm("explain", entry.id, "--json")
    found = json.loads(out)
    assert 0 == code
    assert (entry.id, THEN.isoformat(timespec="microseconds")) == (found["id"], found["time"])
    assert {"feature": "search"} == found["tags"]
    assert "0.002395" == found["cost_usd"] == found["computed_cost_usd"]
    assert found["provider_cost_usd"] is None
    assert parse_usd(found["computed_cost_usd"]) == sum(
        parse_usd(line["amount_usd"]) for line in found["lines"]
    )
    for line in found["lines"]:
        product = Decimal(line["quantity"]) * Decimal(line["unit_price_usd"])
        assert product == Decimal(line["amount_usd"])


def test_the_providers_figure_is_booked_and_ours_shown(make, book, acm) -> None:
    """Both are named, so that a difference can be seen."""
    (entry,) = book(make.priced(THEN, cost=4_100_000, provider_cost=4_100_000))
    assert (
        "Cost  $0.0041, the provider's own figure (our arithmetic: $0.002395)\n"
        in acm("explain", entry.id)[1]
    )


def test_a_partly_priced_row_says_what_it_lacks(make, book, acm) -> None:
    """The cost is unknown, the known part is shown, and the quantity without a price is named."""
    (entry,) = book(
        make.priced(
            THEN,
            usage={
                "input_tokens": 1234,
                "cache_read_tokens": 1000,
                "output_tokens": 56,
                "web_searches": 2,
            },
            price_status=PriceStatus.PARTLY_PRICED,
            cost=None,
            computed_cost=None,
            reason=Reason.NO_PRICE_FOR_UNIT,
        )
    )
    out = acm("explain", entry.id)[1]
    assert "  Cost  not known; $0.002395 of it is\n" in out
    assert "no line prices web_searches\n" in out
    assert "the model is known, but a quantity has no price\n" in out


def test_a_row_whose_output_was_never_seen_says_so(make, book, acm) -> None:
    """All that is known has its price; what lacks is a quantity."""
    (entry,) = book(
        make.priced(
            THEN,
            usage={"input_tokens": 234},
            usage_source=UsageSource.ESTIMATED,
            completeness=Completeness.SENT_UNKNOWN,
            price_status=PriceStatus.PARTLY_PRICED,
            cost=None,
            computed_cost=None,
            known_cost=585_000,
            lines=LINES[:1],
            reason=Reason.PROXY_STOPPED,
        )
    )
    out = acm("explain", entry.id)[1]
    assert "partly priced: a quantity is not known" in out
    assert "output_tokens not known\n" in out
    assert "no price" not in out
    assert "no line prices" not in out


def test_an_unpriced_estimate_of_a_broken_call(make, book, acm) -> None:
    """Source, completeness, and reason are said in words; nothing reads as zero."""
    (entry,) = book(
        make.unpriced(
            THEN,
            usage_source=UsageSource.ESTIMATED,
            completeness=Completeness.PARTIAL,
            status=None,
            latency_ms=None,
        )
    )
    out = acm("explain", entry.id)[1]
    assert "Cost  not known\n" in out
    assert "estimated by a tokenizer, in whole or in part\n" in out
    assert "partial: cut off before its end\n" in out
    assert "the price table does not know the model\n" in out
    assert "no answer" in out
    assert "$" not in out


def test_a_rounded_line_says_so(make, book, acm) -> None:
    """An amount that is not the exact product is marked."""
    line = CostLine("x/y:z", "images", 1, Decimal("0.0000000014"), 1)
    (entry,) = book(make.priced(THEN, lines=(line,), cost=1, computed_cost=1, known_cost=1))
    assert (
        "1 images x $0.0000000014 each = $0.000000001  x/y:z (rounded)\n"
        in acm("explain", entry.id)[1]
    )


@pytest.mark.parametrize("wanted", ["no-such-id", "last"])
def test_no_such_call(wanted: str, acm) -> None:
    """Exit code 1 and a hint; also on an empty ledger."""
    code, out, err = acm("explain", wanted)
    assert (1, "") == (code, out)
    assert ["error: ", "hint: "] == [line[: line.index(" ") + 1] for line in err.splitlines()]


def test_every_word_of_the_model_is_spoken() -> None:
    """A reason, source, completeness or price status that is added needs words here."""
    assert set(Reason) == set(entries.REASONS)
    assert set(UsageSource) == set(entries.USAGE_SOURCES)
    assert set(Completeness) == set(entries.COMPLETENESS)
    assert set(PriceStatus) == set(entries.PRICE_STATUSES)

"""acm cost: what a call would cost."""

import json

import pytest

from tests.cli.conftest import Screen

SCREEN = """\
gpt-4o of openai, at the prices of 2026-11-20 10:00 CET

  700 input_tokens      x $2.50 / 1M  = $0.00175   openai/gpt-4o:input_mtok
  300 cache_read_tokens x $1.25 / 1M  = $0.000375  openai/gpt-4o:cache_read_mtok
  200 output_tokens     x $10.00 / 1M = $0.002     openai/gpt-4o:output_mtok
  -----------------------------------------------
      sum                             = $0.004125

  Cost  $0.004125
"""
AT = ("--at", "2026-11-20T10:00")
TOKENS = ("--input", "1000", "--output", "200", "--cache-read", "300")


def test_the_screen(acm: Screen) -> None:
    """The arithmetic of acm explain: input tokens are all of them, and each is in one line."""
    code, out, err = acm("cost", "--model", "gpt-4o", "--provider", "openai", *TOKENS, *AT)
    assert (0, SCREEN, "") == (code, out, err)


@pytest.mark.parametrize(
    ("options", "usd"),
    [
        (("--tier", "batch"), "0.00225"),
        (("--tier", "priority"), "0.0070125"),
        (("--unit", "web_searches=2"), "0.024125"),
        (("--choice", "service_tier=default"), "0.004125"),
    ],
)
def test_what_selects_a_price(acm: Screen, options: tuple[str, ...], usd: str) -> None:
    """The tier, other units, and what else a provider distinguishes."""
    typed = ("--model", "gpt-4o", "--provider", "openai", *TOKENS, *AT, *options)
    code, out, _ = acm("cost", "--json", *typed)
    assert (0, usd) == (code, json.loads(out)["cost_usd"])


def test_the_prices_of_then(acm: Screen) -> None:
    """A price that was raised later is not in it."""
    options = ("--model", "grok-code-fast-1", "--provider", "x-ai", "--input", "1000000", "--json")
    before = json.loads(acm("cost", *options, "--at", "2026-05-01")[1])
    after = json.loads(acm("cost", *options, "--at", "2026-06-01")[1])
    assert ("0.20", "1.00") == (before["cost_usd"], after["cost_usd"])


def test_the_name_of_a_route_is_the_provider(acm: Screen) -> None:
    """Gemini's prices are Google's."""
    out = json.loads(
        acm(
            "cost", "--model", "gemini-2.5-flash", "--provider", "gemini", "--input", "9", "--json"
        )[1]
    )
    assert "google" == out["provider"]


@pytest.mark.parametrize(
    ("options", "code", "word"),
    [
        (("--model", "gpt-99", "--input", "1"), 1, "gpt-99"),
        (("--model", "gpt-4o"), 2, "nothing to price"),
        (("--model", "gpt-4o", "--unit", "images"), 2, "pair"),
        (("--model", "gpt-4o", "--unit", "images=x"), 2, "quantity"),
        (("--model", "gpt-4o", "--unit", "images=-1"), 2, "quantity"),
        (("--model", "gpt-4o", "--unit", "images=1e999999"), 2, "quantity"),
        (("--model", "gpt-4o", "--unit", "images=1", "--unit", "images=2"), 2, "twice"),
        (("--model", "gpt-4o", "--input", "-1"), 2, "--input"),
        (("--model", "gpt-4o", "--provider", "nobody", "--input", "1"), 1, "no cost"),
        (("--model", "gpt-4o", "--input", "1", "--at", "yore"), 2, "--at"),
        (("--model", "gpt-4o", "--provider", "openai", "--unit", "warps=1"), 1, "no cost"),
    ],
)
def test_what_cannot_be_priced(acm: Screen, options: tuple[str, ...], code: int, word: str) -> None:
    """Said on standard error, with a hint; a cost that is not known is never zero."""
    found, out, err = acm("cost", *options)
    assert code == found
    assert word in err
    assert "hint: " in err
    assert "$0.00\n" not in out

"""Amounts as text: exact for machines, short for people. Amounts are integer nano-dollars."""

from decimal import ROUND_HALF_EVEN, Decimal

from acm_addon.amounts import CENTS, exact_usd
from acm_addon.model import NANO

__all__ = [
    "by_the_million",
    "dollars",
    "exact_dollars",
    "exact_usd",
    "parse_usd",
    "unit_price",
]

SIGNIFICANT = 3
"""How many digits of an amount below a dollar are shown."""


def parse_usd(text: str) -> int:
    """The nano-dollars of ``exact_usd``. Raises ValueError for what is finer, or no number."""
    nano = Decimal(text) * NANO
    if nano != int(nano):
        raise ValueError("finer than a nano-dollar")
    return int(nano)


def dollars(nano: int | None) -> str:
    """For people: at least cents, more digits for small amounts, and a dash for the unknown.

    ``$1,247.00``, ``$12.45``, ``$0.0421``, ``$0.000000150`` → ``$0.00000015``. What is not zero
    never reads as ``$0.00``.
    """
    if nano is None:
        return "-"
    sign = "-" if nano < 0 else ""
    amount = Decimal(abs(nano)) / NANO
    decimals = (
        CENTS if amount >= 1 or not amount else max(CENTS, SIGNIFICANT - 1 - amount.adjusted())
    )
    rounded = amount.quantize(Decimal(1).scaleb(-min(decimals, 9)), ROUND_HALF_EVEN)
    return f"{sign}${_trim(f'{rounded:,f}')}"


def exact_dollars(nano: int) -> str:
    """The whole amount with a dollar sign, for arithmetic that must add up: ``$0.003085``."""
    return f"${exact_usd(nano)}" if nano >= 0 else f"-${exact_usd(-nano)}"


def unit_price(price: Decimal) -> str:
    """An exact price, at least to cents: ``$2.50``, ``$0.0000025``."""
    return f"${_trim(f'{price:,f}')}"


def by_the_million(unit: str) -> bool:
    """Whether price lists say what a million of it costs."""
    return unit.endswith(("tokens", "characters"))


def _trim(text: str) -> str:
    """Drop zeros behind the cents."""
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(CENTS, '0')}"

"""Amounts as text, to the last nano-dollar. Amounts are integer nano-dollars."""

from acm_addon.model import NANO

CENTS = 2
"""The least number of decimals that a dollar amount is shown with."""


def exact_usd(nano: int) -> str:
    """The amount to the last nano-dollar, in plain notation: ``12.45``, ``0.003085``, ``0.00``."""
    sign = "-" if nano < 0 else ""
    dollars, rest = divmod(abs(nano), NANO)
    decimals = f"{rest:09d}".rstrip("0").ljust(CENTS, "0")
    return f"{sign}{dollars}.{decimals}"

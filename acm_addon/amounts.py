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


def cents(nano: int) -> str:
    """For messages, whose amounts are limits and what is spent of them: ``$1,247.00``, ``$0.42``.

    An amount below a cent is given whole, so that it does not read as nothing.
    """
    if 0 < nano < NANO // 100:
        return f"${exact_usd(nano)}"
    whole, rest = divmod((nano + NANO // 200) // (NANO // 100), 100)
    return f"${whole:,}.{rest:02d}"

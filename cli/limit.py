"""``--check LIMIT``: whether the spend of a range is above what was meant to be spent."""

import re
from dataclasses import dataclass

import typer

from acm_addon.ledger.totals import Totals
from cli.exits import UsageError
from cli.money import exact_dollars, exact_usd, parse_usd

_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
"""As fine as the ledger counts."""


@dataclass(frozen=True, slots=True)
class Check:
    limit: int
    """Nano-dollars."""
    totals: Totals

    @property
    def exceeded(self) -> bool:
        """Calls of unknown cost cannot exceed anything; they are said instead."""
        return self.totals.cost > self.limit


def parse_limit(text: str) -> int:
    """Nano-dollars of an amount in USD, with a dollar sign or without. Raises UsageError."""
    amount = text.strip().removeprefix("$")
    if not _AMOUNT.fullmatch(amount):
        raise UsageError(f"--check {text!r} is no amount in USD", "write it as 12.50")
    return parse_usd(amount)


def as_json(check: Check) -> dict[str, object]:
    return {
        "limit_usd": exact_usd(check.limit),
        "cost_usd": exact_usd(check.totals.cost),
        "exceeded": check.exceeded,
        "without_cost": check.totals.without_cost,
    }


def tell(check: Check) -> None:
    """Say on standard error where the spend is above, and what is not in it."""
    booked, limit = exact_dollars(check.totals.cost), exact_dollars(check.limit)
    if check.exceeded:
        typer.echo(f"over the limit: {booked} is above {limit}", err=True)
    if unknown := check.totals.without_cost:
        calls = f"{unknown:,} call{'s' if unknown > 1 else ''} of unknown cost"
        verb = "are" if unknown > 1 else "is"
        typer.echo(f"warning: {calls} {verb} not in the {booked} that was checked", err=True)

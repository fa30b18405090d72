"""The price table as commands use it: of this home, and its faults said to the user."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from acm_addon.errors import AcmError
from acm_addon.home import Home

if TYPE_CHECKING:
    from acm_addon.pricing import PriceTable

OLD_DAYS = 45
"""Base data that is older than this is said to be old."""


def age_days(as_of: date | None, now: datetime) -> int | None:
    """Since the day up to which the base data knows prices; None where that is not known."""
    return max(0, (now.date() - as_of).days) if as_of else None


def current(home: Home) -> "PriceTable":
    """The table as its sources are now. Raises AcmError where one cannot be used."""
    from acm_addon.price_store import current_table

    return _made(current_table, home)


def with_overrides(home: Home, overrides: Path) -> "PriceTable":
    """The table that it would be with this price file of the user's. Raises AcmError."""
    from acm_addon.price_store import table_with

    return _made(lambda home: table_with(home, overrides), home)


def to_update(home: Home) -> "PriceTable":
    """The table that an update starts from: it mends base data that is damaged. Raises AcmError."""
    from acm_addon.price_store import table_to_update

    return _made(table_to_update, home)


def _made(make: "Callable[[Home], PriceTable]", home: Home) -> "PriceTable":
    from pricing_data import PriceDataError

    try:
        return make(home)
    except PriceDataError as error:
        raise AcmError(str(error), error.hint) from error
    except (OSError, ValueError) as error:
        raise AcmError(
            f"the price table cannot be read ({type(error).__name__})",
            f"look at the files in {home.prices}; `acm prices update` fetches the base data again",
        ) from error


def stored(home: Home, version: str) -> "PriceTable":
    """A table that was in use, by its hash or the beginning of it. Raises AcmError."""
    from acm_addon.price_store import stored_tables
    from acm_addon.pricing import PriceTable

    wanted = version.strip().lower()
    found = [name for _, name in stored_tables(home) if wanted and name.startswith(wanted)]
    if len(found) != 1:
        many = "several tables start" if found else "no table starts"
        raise AcmError(
            f"{many} with {version!r} in {home.prices}", "`acm prices list` names the table in use"
        )
    try:
        return PriceTable.read(home.prices, found[0])
    except (OSError, ValueError) as error:
        raise AcmError(
            f"the price table {found[0]} is damaged", "restore it from a copy"
        ) from error


def kept(home: Home) -> "Callable[[str], PriceTable | None]":
    """Gives the tables that were in use by their hash, each read once; None for one that is gone
    or damaged."""
    from acm_addon.pricing import PriceTable

    @cache
    def table(version: str) -> PriceTable | None:
        try:
            return PriceTable.read(home.prices, version)
        except (OSError, ValueError):
            return None

    return table


def as_of(home: Home, moment: datetime) -> "PriceTable":
    """The table that was in use at a moment. Raises AcmError where there was none."""
    from acm_addon.price_store import tables_used

    known = [name for time, name in tables_used(home) if time <= moment]
    if not known:
        raise AcmError(
            f"no price table was kept by {moment:%Y-%m-%d %H:%M} UTC", "give a later --as-of"
        )
    return stored(home, known[-1])


def priced_by(provider: str) -> str:
    """The provider's id in the price table: ``google`` for ``gemini``; others are their own."""
    from acm_addon.providers import PROVIDERS

    names = {each.name: each.price_provider for each in PROVIDERS}
    return names.get(provider, provider)


def serving(table: "PriceTable", model: str, at: datetime) -> list[str]:
    """The price table's ids of all who have a price for a model, the likeliest to be meant first.

    Those whose own model it is go before those who sell another's (Azure sells Anthropic's), and
    then those that acm meters.
    """
    from acm_addon.providers import PROVIDERS

    metered = [each.price_provider for each in PROVIDERS]
    everybody = dict.fromkeys([*metered, *sorted({name for name, _ in table.models()})])
    owners = {
        name: found.provider for name in everybody if (found := table.listed(name, model, at))
    }
    return sorted(owners, key=lambda name: owners[name] != name)


def unknown(model: str) -> AcmError:
    return AcmError(
        f"no price for the model {model!r}",
        "`acm prices list` names the models; `acm prices set` and `map` add your own",
    )


def say_others(names: Sequence[str]) -> None:
    """The first one was taken, and a user may mean another."""
    if names[1:]:
        others = ", ".join(names[1:6]) + (", …" if len(names) > 6 else "")
        typer.echo(f"acm: prices of {names[0]}; --provider chooses another: {others}", err=True)

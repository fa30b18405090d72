"""The price table of one home: the base data that is newer, our entries, the user's own prices.

What it is made of lies in ``Home.prices``: ``base.json.gz`` after an update, ``overrides.toml``
where the user has prices of their own. Every table that was in use is kept there by its hash.
"""

import contextlib
import gzip
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.model import utc_now
from acm_addon.pricing import PriceTable
from acm_addon.user_providers import price_entries, user_providers
from acm_addon.whole_file import replace_file
from pricing_data import (
    PriceDataError,
    RawProvider,
    load_overrides,
    own_units,
    read_overrides,
)
from pricing_data.dates import base_as_of

type Signature = tuple[tuple[int, int] | None, ...]
"""Changes when a source of the table does."""


def current_table(home: Home) -> PriceTable:
    """The table as its sources are now. Slow the first time.

    Raises ValueError where a source is unsound; PriceDataError, which is one, names file and line.
    """
    return table_over(updated_base(home), home)


def table_with(home: Home, overrides: Path) -> PriceTable:
    """The table that it would be if ``overrides`` were the user's price file. Raises as well."""
    return table_over(updated_base(home), home, overrides)


def table_to_update(home: Home) -> PriceTable:
    """The same, but that the shipped base stands in for a damaged one: an update replaces it.

    Raises ValueError where another source is unsound.
    """
    try:
        base = updated_base(home)
    except ValueError:
        base = None
    return table_over(base, home)


def table_over(
    base: Mapping[str, Any] | None, home: Home, overrides: Path | None = None
) -> PriceTable:
    """Our entries and the user's over a base document, or over what is shipped (None).

    Raises ValueError; PriceDataError, which is one, names file and line.
    """
    overrides = overrides or home.price_overrides
    raw = _own_prices(home, overrides)
    try:
        return PriceTable.current(raw) if base is None else PriceTable.of(base, raw)
    except PriceDataError:
        units = PriceTable.current().units.by_name if base is None else base["units"]
        load_overrides(overrides, [*units, *own_units()])  # This names the lines.
        raise


def _own_prices(home: Home, overrides: Path) -> RawProvider:
    """What the user wrote as prices: in the price file, and beside providers of their own.

    Raises ValueError where either is unsound.
    """
    raw = read_overrides(overrides)
    try:
        entries = price_entries(user_providers(home.providers))
    except AcmError as error:
        raise ValueError(error.message) from None
    own = raw.get("price", [])
    # What is no list is refused by whoever parses it.
    return {**raw, "price": [*own, *entries]} if entries and isinstance(own, list) else raw


def table_in_use(home: Home) -> tuple[PriceTable, Exception | None]:
    """The current table; where its sources are unsound the last sound one, and what is wrong."""
    try:
        table = current_table(home)
        publish(home, table)
    except (OSError, ValueError) as error:
        return _last_sound(home), error
    return table, None


def publish(home: Home, table: PriceTable) -> None:
    """Keep a table by its hash, and remember that it is the one in use."""
    table.freeze(home.prices)
    if _pointed_at(home) != table.version:
        uses = f"{_uses(home)}{table.version} {utc_now().isoformat()}\n"
        replace_file(home.price_pointer, uses.encode())


def signature(home: Home) -> Signature:
    """Cheap: three looks at the disk."""
    return tuple(_stamp(path) for path in (home.price_base, home.price_overrides, home.providers))


def updated_base(home: Home) -> Mapping[str, Any] | None:
    """The base data of the last update, unless what this version ships is newer.

    Raises ValueError where it is damaged.
    """
    try:
        document: Mapping[str, Any] = json.loads(gzip.decompress(home.price_base.read_bytes()))
        fetched = date.fromisoformat(document["as_of"])
    except FileNotFoundError:
        return None
    except (EOFError, OSError, KeyError, TypeError, ValueError):
        raise ValueError(f"{home.price_base.name} is damaged: `acm prices update` again") from None
    shipped = base_as_of(version("genai-prices"))
    return None if shipped is not None and shipped > fetched else document


def store_base(home: Home, document: Mapping[str, Any]) -> None:
    """Make base data the base of the current table, from the next look on.

    ``as_of`` in it is the day up to which it knows prices.
    """
    text = json.dumps(document, sort_keys=True)
    replace_file(home.ensure().price_base, gzip.compress(text.encode(), mtime=0))


def base_release(home: Home) -> tuple[str, date | None]:
    """The release of the base data, and up to which day it knows prices; None if not known.

    Raises ValueError where the data of the last update is damaged.
    """
    base = updated_base(home)
    if base is None:
        shipped = version("genai-prices")
        return shipped, base_as_of(shipped)
    return str(base["version"]), date.fromisoformat(base["as_of"])


def stored_tables(home: Home) -> list[tuple[datetime, str]]:
    """When each table was first kept, and its hash; the oldest first."""
    found = [
        (datetime.fromtimestamp(path.stat().st_mtime, UTC), path.name.removesuffix(".json.gz"))
        for path in home.prices.glob("*.json.gz")
        if path != home.price_base
    ]
    return sorted(found)


def tables_used(home: Home) -> list[tuple[datetime, str]]:
    """When each table came into use, again perhaps, and its hash; the oldest first."""
    found = set(stored_tables(home))
    for line in _uses(home).splitlines():
        version, _, time = line.partition(" ")
        with contextlib.suppress(ValueError):
            found.add((datetime.fromisoformat(time), version))
    return sorted(found)


def _last_sound(home: Home) -> PriceTable:
    pointed = _pointed_at(home)
    try:
        return PriceTable.read(home.prices, pointed) if pointed else PriceTable.current()
    except (OSError, ValueError):
        return PriceTable.current()


def _pointed_at(home: Home) -> str | None:
    lines = _uses(home).split("\n")
    return lines[-2].partition(" ")[0] if len(lines) > 1 else None


def _uses(home: Home) -> str:
    """What ``publish`` wrote: a line for each time that a table came into use."""
    try:
        return home.price_pointer.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino

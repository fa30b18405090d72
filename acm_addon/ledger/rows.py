"""A row of ``calls`` and the Entry that it is: pure, and lossless for every sound entry."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from acm_addon.entry_json import entry_from_json, entry_to_json
from acm_addon.model import CostLine, Entry, PriceStatus, Reason

COLUMNS = tuple(field.name for field in fields(Entry))

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NESTED = ("tags", "usage", "lines", "source", "price_context", "other_usage")
_AMOUNTS = ("cost", "computed_cost", "provider_cost", "known_cost")
SANE_AMOUNT = 10**15
"""A million dollars. An amount beyond it, for one call, is garbage that a sum must not carry."""
_SANE_INTEGER = 2**53

_encode = json.JSONEncoder(separators=(",", ":")).encode


def to_micros(time: datetime) -> int:
    """Microseconds since 1970, exact (no float)."""
    return (time - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def row(entry: Entry) -> list[object]:
    """The values of ``COLUMNS``. Never raises: what cannot be stored is replaced, the call is kept.

    A bill that is out of this world is dropped and the row says ``bad_usage``; characters that are
    no text (half a surrogate pair) become question marks.
    """
    values = entry_to_json(entry)
    if any(_beyond(values[name], SANE_AMOUNT) for name in _AMOUNTS):
        values = entry_to_json(_without_money(entry))
    values["time"] = to_micros(entry.time)
    values["stream"] = int(entry.stream)
    for name in _NESTED:
        if values[name] is not None:
            values[name] = _json(values[name])
    return [scalar(values[name]) for name in COLUMNS]


def entry(values: Sequence[object]) -> Entry:
    """The Entry of the values of ``COLUMNS``."""
    found: dict[str, Any] = dict(zip(COLUMNS, values, strict=True))
    found["time"] = from_micros(found["time"]).isoformat(timespec="microseconds")
    found["stream"] = bool(found["stream"])
    for name in _NESTED:
        found[name] = None if found[name] is None else json.loads(found[name])
    return entry_from_json(found)


def lines_text(lines: Sequence[CostLine]) -> str:
    """A bill's lines as ``row`` writes them, fast: a million rows are priced again at once."""
    return f"[{','.join([_line_text(line) for line in lines])}]"


def _line_text(line: CostLine) -> str:
    quantity = line.quantity if isinstance(line.quantity, int) else f'"{line.quantity}"'
    name, price = _line_frame(line.sku, line.unit, str(line.unit_price))
    return f"{name}{quantity}{price}{line.amount}}}"


@lru_cache(10_000)
def _line_frame(sku: str, unit: str, unit_price: str) -> tuple[str, str]:
    """What the lines of one price have in common, before the quantity and behind it.

    ``unit_price`` is a text, since Decimals that are equal need not be written alike.
    """
    names = _json({"sku": sku, "unit": unit})[:-1]
    return f'{names},"quantity":', f',"unit_price":"{Decimal(unit_price):f}","amount":'


def _beyond(value: object, limit: int) -> bool:
    return isinstance(value, int) and abs(value) > limit


def _without_money(entry: Entry) -> Entry:
    return replace(
        entry,
        price_status=PriceStatus.UNPRICED,
        cost=None,
        computed_cost=None,
        provider_cost=None,
        known_cost=0,
        lines=(),
        reason=Reason.BAD_USAGE,
    )


def scalar(value: object) -> object:
    """``value`` as SQLite can hold it. One row that cannot be bound would hold up all behind it."""
    if value is None:
        return None
    if isinstance(value, str):
        return value if value.isascii() else _text(value)
    return value if isinstance(value, int) and not _beyond(value, _SANE_INTEGER) else None


def _json(value: object) -> str:
    """ASCII JSON text without half surrogate pairs, which SQLite's JSON functions hand out as they
    are and Python then refuses to read."""
    if not value:  # as most of a row's are
        return "{}" if isinstance(value, dict) else "[]"
    encoded = _encode(value)
    return _encode(_text(value)) if "\\ud" in encoded else encoded


def _text(value: object) -> object:
    """``value`` with every string in it encodable as UTF-8."""
    match value:
        case str():
            return value if value.isascii() else value.encode("utf-8", "replace").decode()
        case Mapping():
            return {_text(name): _text(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_text(inner) for inner in value]
        case _:
            return value

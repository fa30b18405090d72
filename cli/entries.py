"""One row of the ledger for a reader: as JSON, and in words."""

from decimal import Decimal

from acm_addon.entry_json import entry_to_json
from acm_addon.model import (
    Completeness,
    CostLine,
    Entry,
    PriceStatus,
    Quantity,
    Reason,
    Source,
    UsageSource,
)
from cli.money import exact_usd
from cli.render import plain_decimal

USAGE_SOURCES = {
    UsageSource.REPORTED: "reported by the provider",
    UsageSource.DERIVED: "derived from the request's own parameters",
    UsageSource.ESTIMATED: "estimated by a tokenizer, in whole or in part",
    UsageSource.NONE: "not known",
}

COMPLETENESS = {
    Completeness.COMPLETE: "complete: seen to its end",
    Completeness.PARTIAL: "partial: cut off before its end",
    Completeness.SENT_UNKNOWN: "sent, outcome unknown: what became of it was not seen",
    Completeness.PENDING: "pending: asynchronous, and not finished",
    Completeness.REFUSED: "refused: it never left for the provider",
}

PRICE_STATUSES = {
    PriceStatus.PRICED: "priced: every quantity has a price",
    PriceStatus.PARTLY_PRICED: "partly priced: a quantity has no price, so the whole is not known",
    PriceStatus.UNPRICED: "unpriced: what it cost is not known",
    PriceStatus.FREE: "free: the provider charges nothing for it",
}

REASONS = {
    Reason.UNKNOWN_MODEL: "the price table does not know the model",
    Reason.UNKNOWN_ENDPOINT: "the path may cost money, and acm does not read it yet",
    Reason.NO_PRICE_FOR_UNIT: "the model is known, but a quantity has no price",
    Reason.NO_USAGE: "the response carried no usage, and nothing could be counted",
    Reason.BAD_USAGE: "the reported usage contradicts itself, or is not numbers",
    Reason.UNREADABLE_BODY: "the body was malformed, cut short, or too large to read",
    Reason.PROVIDER_ERROR: "the provider answered with an error, without usage",
    Reason.CLIENT_LEFT: "the client left before the end",
    Reason.UPSTREAM_FAILED: "the provider could not be reached, broke off, or never answered",
    Reason.PROXY_STOPPED: "the proxy ended before the call did",
    Reason.WEBSOCKET: "a websocket: passed through, and not metered",
    Reason.UNAUTHORIZED: "its token or key was missing, wrong, or not allowed this; acm refused it",
    Reason.BUDGET_EXCEEDED: "a hard budget had no room, or could not be asked; acm refused it",
    Reason.RATE_LIMITED: "the provider had said to wait, which the project heeds; acm refused it",
    Reason.INTERNAL_ERROR: "a fault in acm, before anything was sent; acm refused it",
    Reason.NOT_CAPTURED: "the capture that it was imported from lacks the body, or part of it",
}

QUANTITY_UNKNOWN = "partly priced: a quantity is not known, so the whole is not known either"
"""In place of the price status' words, where every quantity that is known has a price."""

_AMOUNTS = ("cost", "computed_cost", "provider_cost", "known_cost")


def lacking(entry: Entry) -> list[str]:
    """The units that were used and that no line prices."""
    priced = {line.unit for line in entry.lines}
    return [unit for unit, value in entry.usage.items() if value and unit not in priced]


def quantity_unknown(entry: Entry) -> bool:
    """Whether a partly priced row lacks a quantity, and not the price of one."""
    return (
        entry.price_status is PriceStatus.PARTLY_PRICED
        and entry.reason is not Reason.NO_PRICE_FOR_UNIT
        and not lacking(entry)
    )


def price_words(entry: Entry) -> str:
    return QUANTITY_UNKNOWN if quantity_unknown(entry) else PRICE_STATUSES[entry.price_status]


def marks(entry: Entry) -> list[str]:
    """What a reader must know about a row beside its cost; nothing for a plain one."""
    found = []
    if entry.status is not None and entry.status >= 400:
        found.append(f"HTTP {entry.status}")
    if entry.completeness is not Completeness.COMPLETE:
        found.append(_words(entry.completeness))
    if entry.usage_source is UsageSource.ESTIMATED:
        found.append("estimated")
    if entry.price_status is not PriceStatus.PRICED:
        found.append(_words(entry.price_status))
    return found


def entry_json(entry: Entry) -> dict[str, object]:
    """A row with the ledger's own field names; amounts are exact decimal strings in USD."""
    readable = {
        "usage": {unit: _quantity(quantity) for unit, quantity in entry.usage.items()},
        "lines": [line_json(line) for line in entry.lines],
    }
    row = entry_to_json(entry) | readable
    return {
        f"{name}_usd" if name in _AMOUNTS else name: (
            _usd(getattr(entry, name)) if name in _AMOUNTS else value
        )
        for name, value in row.items()
    }


def place(source: Source) -> str:
    """``calls.jsonl, line 7``."""
    where = f"index {source.index}" if source.line is None else f"line {source.line}"
    return f"{source.file}, {where}"


def line_json(line: CostLine) -> dict[str, object]:
    return {
        "sku": line.sku,
        "unit": line.unit,
        "quantity": _quantity(line.quantity),
        "unit_price_usd": plain_decimal(line.unit_price),
        "amount_usd": exact_usd(line.amount),
    }


def _quantity(quantity: Quantity) -> int | str:
    """Whole numbers as numbers, others as decimal strings: JSON's floats would round them."""
    return quantity if isinstance(quantity, int) else plain_decimal(Decimal(quantity))


def _usd(nano: int | None) -> str | None:
    return None if nano is None else exact_usd(nano)


def _words(value: Completeness | PriceStatus) -> str:
    return value.value.replace("_", " ")

"""A row as JSON and back, without loss: what the journal and the ledger store.

Field names are the row's. Decimals are texts, times are ISO 8601 in UTC with microseconds, amounts
are integer nano-dollars, enums their values.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from acm_addon.model import (
    Completeness,
    CostLine,
    Entrance,
    Entry,
    ModelUsage,
    PriceContext,
    PriceStatus,
    Quantities,
    Quantity,
    Reason,
    Source,
    UsageSource,
)


def entry_to_json(entry: Entry) -> dict[str, object]:
    """Values that ``json.dumps`` takes. ``entry.time`` must be aware."""
    return {
        "id": entry.id,
        "time": entry.time.astimezone(UTC).isoformat(timespec="microseconds"),
        "latency_ms": entry.latency_ms,
        "first_byte_ms": entry.first_byte_ms,
        "entrance": entry.entrance.value,
        "provider": entry.provider,
        "endpoint": entry.endpoint,
        "requested_model": entry.requested_model,
        "model": entry.model,
        "tier": entry.tier,
        "region": entry.region,
        "project": entry.project,
        "key": entry.key,
        "tags": dict(entry.tags),
        "status": entry.status,
        "stream": entry.stream,
        "request_id": entry.request_id,
        "object_id": entry.object_id,
        "usage": quantities_to_json(entry.usage),
        "usage_source": entry.usage_source.value,
        "completeness": entry.completeness.value,
        "price_status": entry.price_status.value,
        "cost": entry.cost,
        "computed_cost": entry.computed_cost,
        "provider_cost": entry.provider_cost,
        "known_cost": entry.known_cost,
        "lines": [_from_line(line) for line in entry.lines],
        "price_version": entry.price_version,
        "reason": entry.reason.value if entry.reason else None,
        "source": source_to_json(entry.source),
        "price_context": _from_context(entry.price_context),
        "other_usage": [_from_model_usage(other) for other in entry.other_usage],
    }


def entry_from_json(values: Mapping[str, Any]) -> Entry:
    """The Entry that ``entry_to_json`` wrote.

    Raises KeyError for a missing field, TypeError or ValueError for one that is malformed.
    """
    time = datetime.fromisoformat(values["time"])
    if time.tzinfo is None:
        raise ValueError("the time of an entry has no offset")
    reason = values["reason"]
    return Entry(
        id=values["id"],
        time=time.astimezone(UTC),
        latency_ms=values["latency_ms"],
        first_byte_ms=values["first_byte_ms"],
        entrance=Entrance(values["entrance"]),
        provider=values["provider"],
        endpoint=values["endpoint"],
        requested_model=values["requested_model"],
        model=values["model"],
        tier=values["tier"],
        region=values["region"],
        project=values["project"],
        key=values["key"],
        tags=dict(values["tags"]),
        status=values["status"],
        stream=values["stream"],
        request_id=values["request_id"],
        object_id=values["object_id"],
        usage=quantities_from_json(values["usage"]),
        usage_source=UsageSource(values["usage_source"]),
        completeness=Completeness(values["completeness"]),
        price_status=PriceStatus(values["price_status"]),
        cost=values["cost"],
        computed_cost=values["computed_cost"],
        provider_cost=values["provider_cost"],
        known_cost=values["known_cost"],
        lines=lines_from_json(values["lines"]),
        price_version=values["price_version"],
        reason=Reason(reason) if reason is not None else None,
        # Journals of earlier versions lack these.
        source=_to_source(values.get("source")),
        price_context=context_from_json(values.get("price_context")),
        other_usage=tuple(
            model_usage_from_json(other) for other in values.get("other_usage") or ()
        ),
    )


def source_to_json(source: Source | None) -> dict[str, object] | None:
    """``{"file", "line"}`` or ``{"file", "index"}``; None for live traffic."""
    if source is None:
        return None
    place = {"line": source.line, "index": source.index}
    return {"file": source.file, **{name: at for name, at in place.items() if at is not None}}


def _to_source(values: Mapping[str, Any] | None) -> Source | None:
    if values is None:
        return None
    return Source(values["file"], values.get("line"), values.get("index"))


def _from_model_usage(other: ModelUsage) -> dict[str, object]:
    return {
        "model": other.model,
        "usage": quantities_to_json(other.quantities),
        "price_context": dict(other.price_context),
    }


def model_usage_from_json(values: Mapping[str, Any]) -> ModelUsage:
    usage = quantities_from_json(values["usage"])
    return ModelUsage(values["model"], usage, dict(values["price_context"]))


def _from_context(context: PriceContext | None) -> dict[str, object] | None:
    if context is None:
        return None
    return {
        "provider": context.provider,
        "choices": dict(context.choices),
        "incomplete": context.incomplete,
    }


def context_from_json(values: Mapping[str, Any] | None) -> PriceContext | None:
    """Raises KeyError, TypeError or ValueError for what is malformed."""
    if values is None:
        return None
    return PriceContext(values["provider"], dict(values["choices"]), values["incomplete"])


def quantities_to_json(quantities: Quantities) -> dict[str, int | str]:
    return {unit: _from_quantity(value) for unit, value in quantities.items()}


def quantities_from_json(values: Mapping[str, int | str]) -> dict[str, Quantity]:
    """Raises TypeError or ValueError for what is no quantity."""
    return {unit: quantity_from_json(value) for unit, value in values.items()}


def _from_quantity(value: Quantity) -> int | str:
    return value if isinstance(value, int) else str(value)


def quantity_from_json(value: int | str) -> Quantity:
    """Raises ValueError for a text that is no number."""
    return value if isinstance(value, int) else _decimal(value)


def _from_line(line: CostLine) -> dict[str, object]:
    return {
        "sku": line.sku,
        "unit": line.unit,
        "quantity": _from_quantity(line.quantity),
        "unit_price": f"{line.unit_price:f}",
        "amount": line.amount,
    }


def lines_from_json(values: Sequence[Mapping[str, Any]]) -> tuple[CostLine, ...]:
    """The lines of a bill. Raises KeyError or ValueError for what is malformed."""
    return tuple(_to_line(line) for line in values)


def _to_line(values: Mapping[str, Any]) -> CostLine:
    return CostLine(
        sku=values["sku"],
        unit=values["unit"],
        quantity=quantity_from_json(values["quantity"]),
        unit_price=_decimal(values["unit_price"]),
        amount=values["amount"],
    )


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("not a decimal number") from None

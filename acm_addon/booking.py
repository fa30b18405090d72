"""A call, its usage and the price table give the row of the ledger. Pure.

What is booked, first match wins: the provider's own figure; nothing at all for a call that cannot
cost anything (it never left, or the provider answered with an error and no usage); our computed
cost; NULL, with a reason. A pending call is not booked: what its order says of its cost is
computed, and is booked once the work is done, unless its result says more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from acm_addon.model import (
    Completeness,
    Cost,
    Entry,
    Exchange,
    ModelUsage,
    PriceContext,
    PriceStatus,
    Quantities,
    Reason,
    Source,
    Usage,
    UsageSource,
)
from acm_addon.pricing import PriceTable, price

_NOTHING_DUE = Cost((), PriceStatus.FREE, 0, 0, None)


def book(
    exchange: Exchange,
    usage: Usage,
    table: PriceTable,
    price_provider: str,
    source: Source | None = None,
) -> Entry:
    """The row. ``price_provider`` is the provider's id in the price table.

    An error is billed only for usage that the provider itself reports: what we derived from the
    request or counted in it was not consumed. A call without an answer stays without a cost.
    """
    model = exchange.model or exchange.requested_model
    context = None
    reason = exchange.reason or usage.reason
    if exchange.provider_cost is None and _nothing_due(exchange, usage):
        usage = Usage()
        cost = _NOTHING_DUE
        reason = reason or (Reason.PROVIDER_ERROR if _failed(exchange) else None)
    else:
        choices = _price_context(exchange)
        context = PriceContext(price_provider, choices, usage.incomplete)
        cost = price_of(
            usage.quantities,
            context,
            model,
            table,
            project=exchange.attribution.project,
            at=exchange.time,
            others=usage.others,
        )
    status, booked = outcome(cost, exchange.provider_cost, exchange.completeness)
    return Entry(
        id=exchange.id,
        time=exchange.time,
        latency_ms=exchange.latency_ms,
        first_byte_ms=exchange.first_byte_ms,
        entrance=exchange.entrance,
        provider=exchange.provider,
        endpoint=exchange.endpoint,
        requested_model=exchange.requested_model,
        model=model,
        tier=exchange.tier,
        region=exchange.region,
        project=exchange.attribution.project,
        key=exchange.attribution.key,
        tags=exchange.attribution.tags,
        status=exchange.status,
        stream=exchange.stream,
        request_id=exchange.request_id,
        object_id=exchange.object_id,
        usage=usage.quantities,
        other_usage=usage.others,
        usage_source=usage.source,
        completeness=exchange.completeness,
        price_status=status,
        cost=booked,
        computed_cost=cost.computed,
        provider_cost=exchange.provider_cost,
        known_cost=cost.known,
        lines=cost.lines,
        price_version=cost.price_version,
        reason=reason or cost.reason,
        source=source,
        price_context=context,
    )


def price_of(
    quantities: Quantities,
    context: PriceContext,
    model: str | None,
    table: PriceTable,
    *,
    project: str,
    at: datetime,
    others: Sequence[ModelUsage] = (),
) -> Cost:
    """What was consumed, at the prices of a table: the same for a new row and an old one.

    ``others`` are what other models consumed in the same call: each at its own prices.
    """

    def priced(model: str | None, quantities: Quantities, choices: Mapping[str, str]) -> Cost:
        return price(
            Usage(quantities),
            provider=context.provider,
            model=model,
            at=at,
            context=choices,
            table=table,
            project=project,
        )

    cost = priced(model, quantities, context.choices)
    if others:
        consumed = [other for other in others if other.quantities]
        cost = _sum(
            [cost, *(priced(each.model, each.quantities, each.price_context) for each in consumed)]
        )
    free = cost.status is PriceStatus.FREE
    return _without_total(cost) if context.incomplete and not free else cost


def outcome(
    cost: Cost, provider_cost: int | None, completeness: Completeness
) -> tuple[PriceStatus, int | None]:
    """How a row counts, and what it books: the same for a new row and an old one."""
    if provider_cost is None:
        status, booked = cost.status, cost.computed
    else:
        free = cost.status is PriceStatus.FREE
        status, booked = PriceStatus.FREE if free else PriceStatus.PRICED, provider_cost
    return status, None if completeness is Completeness.PENDING else booked


def _nothing_due(exchange: Exchange, usage: Usage) -> bool:
    if exchange.completeness is Completeness.REFUSED:
        return True
    return _failed(exchange) and usage.source is not UsageSource.REPORTED


def _sum(costs: list[Cost]) -> Cost:
    """One cost of what several models consumed. It is unknown where one of them is."""
    if len(costs) == 1:
        return costs[0]
    lines = tuple(line for cost in costs for line in cost.lines)
    known = sum(cost.known for cost in costs)
    reason = next((cost.reason for cost in costs if cost.reason), None)
    if all(cost.computed is not None for cost in costs):
        return Cost(lines, PriceStatus.PRICED, known, known, costs[0].price_version, reason)
    status = PriceStatus.PARTLY_PRICED if lines else PriceStatus.UNPRICED
    return Cost(lines, status, None, known, costs[0].price_version, reason)


def _without_total(cost: Cost) -> Cost:
    status = PriceStatus.PARTLY_PRICED if cost.lines else PriceStatus.UNPRICED
    return replace(cost, computed=None, status=status)


def _failed(exchange: Exchange) -> bool:
    """Whether the provider answered with an error: a status, or an event inside a stream."""
    if exchange.status is None:
        return False
    return exchange.status >= 300 or exchange.reason is Reason.PROVIDER_ERROR


def _price_context(exchange: Exchange) -> Mapping[str, str]:
    """The tier and the region as served decide where the provider module says nothing closer."""
    served = {"service_tier": exchange.tier, "region": exchange.region}
    known = {name: value for name, value in served.items() if value is not None}
    return {**known, **exchange.price_context}

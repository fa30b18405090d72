"""Calls whose process ended before they did: what is known of them, as a row.

The estimate is bounded by what was journalled: the size of the request, and the output that had
been seen. What the provider generated after that is not known, and nothing is made up for it.
"""

from collections.abc import Callable
from dataclasses import dataclass

from acm_addon.journal import Begin, Progress, Sent
from acm_addon.model import (
    Completeness,
    Entry,
    Exchange,
    Quantity,
    Reason,
    Usage,
    UsageSource,
)

type Booker = Callable[[Exchange, Usage, str], Entry]
"""Prices a call: exchange, usage, and the provider's id in the price table."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """A begin without an end, and the last that was heard of it."""

    begin: Begin
    sent: Sent | None = None
    progress: Progress | None = None


def orphan_entry(orphan: Orphan, book: Booker) -> Entry:
    """The row of a call that never ended.

    With progress it is ``partial``: the answer had begun, and its output so far is counted.
    Without, it is ``sent_unknown``: the output is unknown. Where input or output is unknown the
    cost is, too, and the other's part of it is ``known_cost``.
    """
    return book(_exchange(orphan), _usage(orphan), orphan.begin.price_provider)


def _exchange(orphan: Orphan) -> Exchange:
    begin, sent = orphan.begin, orphan.sent or Sent()
    return Exchange(
        id=begin.id,
        time=begin.time,
        entrance=begin.entrance,
        provider=begin.provider,
        endpoint=begin.endpoint,
        attribution=begin.attribution,
        upstream=begin.upstream,
        requested_model=sent.model,
        model=(orphan.progress.model if orphan.progress else None) or sent.model,
        stream=sent.stream,
        completeness=Completeness.PARTIAL if orphan.progress else Completeness.SENT_UNKNOWN,
        reason=Reason.PROXY_STOPPED,
        price_context=sent.price_context,
    )


def _usage(orphan: Orphan) -> Usage:
    if orphan.progress and orphan.progress.usage:
        # Of the answers on a websocket that are over; what the last one came to is not known.
        usage = orphan.progress.usage
        return Usage(usage, UsageSource.REPORTED, Reason.PROXY_STOPPED, incomplete=True)
    quantities: dict[str, Quantity] = {}
    if orphan.sent and orphan.sent.input_tokens_estimate is not None:
        quantities["input_tokens"] = orphan.sent.input_tokens_estimate
    if orphan.progress:
        quantities["output_tokens"] = orphan.progress.output_tokens
    source = UsageSource.ESTIMATED if quantities else UsageSource.NONE
    return Usage(quantities, source, Reason.PROXY_STOPPED, incomplete=len(quantities) < 2)

"""Asynchronous work is one row: the call that creates it, and the answer that says what it cost.

A batch, a prediction, or a background response is booked ``pending`` by the call that creates it.
Its ``Settlement`` comes later, from whatever shows the result, and finds the row by (provider,
object id). The two may be recorded by different processes, and so come in either order, and any of
them again. The rules below give the same row all the same:

- An object has one row. It keeps what the creating call says (id, time, who pays, …) and takes what
  the first settlement says (usage, cost, …); later settlements change nothing.
- A settlement without a call makes a row of its own, ``unclaimed``: the work was created where acm
  could not see it. Should its call be recorded after all, the call claims that row.
- A ``Link`` says that an object is the result of another one, as a file is of a batch. A settlement
  of the first is one of the second. Links are followed one step.

``take`` is written against ``Rows``, which each store offers; nothing here has I/O of its own.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

from acm_addon.model import Completeness, Entry, PriceContext, Reason, derived_id


@dataclass(frozen=True, slots=True)
class Settlement:
    """What the work of ``entry.object_id`` consumed, as a whole row: that of the work itself if its
    creating call is never seen. One that is ``pending`` itself knows of the work, no more."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Link:
    """The object ``object_id`` holds the result of the object ``to``."""

    provider: str
    object_id: str
    to: str

    def to_json(self) -> dict[str, object]:
        return {
            "record": "link",
            "provider": self.provider,
            "object_id": self.object_id,
            "to": self.to,
        }

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> "Link":
        """Raises KeyError or TypeError where ``record`` is not a link."""
        names = (record["provider"], record["object_id"], record["to"])
        if not all(isinstance(name, str) for name in names):
            raise TypeError("a link joins names")
        return Link(*names)


type Record = Entry | Settlement | Link
"""What is booked. A bare Entry is a call."""


@dataclass(frozen=True, slots=True)
class Held:
    """A row that stands for an object."""

    place: int
    """Where the store keeps it; grows in the order of booking."""
    entry: Entry
    unclaimed: bool
    """Made by a settlement: the creating call has not been seen."""


class Rows(Protocol):
    """What the rules need of a store, within one transaction."""

    def has(self, call_id: str) -> bool:
        """Whether there is a row of that id."""

    def holder(self, provider: str, object_id: str) -> Held | None:
        """The row of an object: one that is not pending, if there is one; else the earliest."""

    def linked(self, provider: str, object_id: str) -> str | None:
        """What the object is the result of, where that is known."""

    def add(self, entry: Entry, *, unclaimed: bool) -> None:
        """A new row. Its id is not there yet."""

    def change(self, held: Held) -> None:
        """Write the row anew at its place."""

    def drop(self, held: Held) -> None: ...

    def add_link(self, link: Link) -> bool:
        """False where the object is linked already: the first link stays."""


class Effect(Enum):
    """What became of a record."""

    INSERTED = "inserted"
    """A new row."""
    SETTLED = "settled"
    """A row that was there is now what the call and the settlement say together."""
    DUPLICATE = "duplicate"
    """It says nothing new."""
    LINKED = "linked"
    """A link, whether it was known or not."""


def settlement_id(provider: str, object_id: str, time: datetime) -> str:
    """The id of a settlement's row, the same whoever sees the result at that ``time``."""
    digest = hashlib.sha256(f"{provider}\0{object_id}".encode("utf-8", "surrogatepass"))
    return derived_id(time.timestamp(), digest.digest())


def settled(call: Entry, by: Entry) -> Entry:
    """The row of the work: ``call`` with what ``by`` says of usage and cost.

    It is ``call`` itself where that is not pending, or where ``by`` is.
    """
    if not _pending(call) or _pending(by):
        return call
    silent = not by.usage and by.reason in (Reason.NO_USAGE, Reason.UNKNOWN_MODEL)
    if silent and call.computed_cost is not None:
        # The result says no more than that the work is done: its order said what it consumes.
        return replace(call, completeness=by.completeness, cost=call.computed_cost)
    return replace(
        call,
        model=by.model or call.model,
        tier=by.tier or call.tier,
        region=by.region or call.region,
        usage=by.usage,
        usage_source=by.usage_source,
        completeness=by.completeness,
        price_status=by.price_status,
        cost=by.cost,
        computed_cost=by.computed_cost,
        provider_cost=by.provider_cost,
        known_cost=by.known_cost,
        lines=by.lines,
        price_version=by.price_version,
        reason=by.reason,
        price_context=_together(call.price_context, by.price_context),
        other_usage=by.other_usage,
    )


def _together(order: PriceContext | None, result: PriceContext | None) -> PriceContext | None:
    """What decides the price: what the result says, and what of the order it leaves out."""
    if order is None or result is None:
        return result
    return replace(result, choices={**order.choices, **result.choices})


def take(record: Record, rows: Rows) -> Effect:
    """Bring a record into ``rows``. Taking it again changes nothing."""
    match record:
        case Settlement(entry):
            return _settle(entry, rows)
        case Link():
            return _link(record, rows)
        case call:
            return _create(call, rows)


def _create(call: Entry, rows: Rows) -> Effect:
    if rows.has(call.id):
        return Effect.DUPLICATE
    held = rows.holder(call.provider, call.object_id) if call.object_id else None
    if held and held.unclaimed:
        rows.change(Held(held.place, settled(call, held.entry), unclaimed=False))
        return Effect.SETTLED
    if held and _pending(call):
        # The same work, recorded twice: live and in a capture, or in two captures.
        return Effect.DUPLICATE
    rows.add(call, unclaimed=False)
    return Effect.INSERTED


def _settle(entry: Entry, rows: Rows) -> Effect:
    if entry.object_id:
        to = rows.linked(entry.provider, entry.object_id)
        entry = replace(entry, object_id=to or entry.object_id)
    held = rows.holder(entry.provider, entry.object_id) if entry.object_id else None
    if held is None and not rows.has(entry.id):
        rows.add(entry, unclaimed=bool(entry.object_id))
        return Effect.INSERTED
    if held is None or not _pending(held.entry) or _pending(entry):
        return Effect.DUPLICATE
    rows.change(replace(held, entry=settled(held.entry, entry)))
    return Effect.SETTLED


def _link(link: Link, rows: Rows) -> Effect:
    if link.object_id == link.to or not rows.add_link(link):
        return Effect.LINKED
    early = rows.holder(link.provider, link.object_id)
    if early is None or not early.unclaimed:
        return Effect.LINKED
    # The settlement came before its link, and made a row that belongs to the other object.
    moved = replace(early, entry=replace(early.entry, object_id=link.to))
    target = rows.holder(link.provider, link.to)
    if target is None:
        rows.change(moved)
    else:
        # The later place stays, for the next row would be given it anew if it were the last.
        rows.drop(min(early, target, key=lambda held: held.place))
        place = max(early.place, target.place)
        entry = settled(target.entry, moved.entry)
        rows.change(Held(place, entry, unclaimed=target.unclaimed))
    return Effect.LINKED


def _pending(entry: Entry) -> bool:
    return entry.completeness is Completeness.PENDING

"""What an import would add to an empty ledger: each piece of asynchronous work counted once.

The rules are the ledger's (``settlement``). Held in memory are the rows that may still change, and
a number for each other call that names an object.
"""

from collections.abc import Iterable

from acm_addon.model import Completeness, Entry
from acm_addon.settlement import Effect, Held, Link, Record, Settlement, take


class DryRun:
    """Takes records as a ledger does, and keeps their sums."""

    def __init__(self) -> None:
        self.cost = 0
        """Nano-dollars: the sum over the rows whose cost is known."""
        self.without_cost = 0
        """Rows whose cost is not known."""
        self._ids: set[str] = set()
        self._held: dict[tuple[str, str], Held] = {}
        self._rows: dict[int, Held] = {}
        """The same, by place."""
        self._links: dict[tuple[str, str], str] = {}
        self._finished: set[int] = set()
        """Hashes of the objects of calls that were complete from the beginning."""
        self._places = 0

    def book(self, records: Iterable[Record]) -> list[Entry]:
        """The rows that are new with these records, or other than they were."""
        return [row for record in records if (row := self._row(record)) is not None]

    def _row(self, record: Record) -> Entry | None:
        effect = self._take(record)
        if effect not in (Effect.INSERTED, Effect.SETTLED) or isinstance(record, Link):
            return None
        entry = record.entry if isinstance(record, Settlement) else record
        to = self.linked(entry.provider, entry.object_id) if entry.object_id else None
        held = self._held.get((entry.provider, to or entry.object_id or entry.id))
        return entry if held is None else held.entry

    def _take(self, record: Record) -> Effect:
        if isinstance(record, Link):
            effect = take(record, self)
            moved = self._held.get((record.provider, record.to))
            if moved and self._is_finished(moved.entry):
                self.drop(moved)
            return effect
        if isinstance(record, Settlement):
            return Effect.DUPLICATE if self._is_finished(record.entry) else take(record, self)
        if record.completeness is Completeness.PENDING:
            return Effect.DUPLICATE if self._is_finished(record) else take(record, self)
        return self._take_finished(record)

    def _take_finished(self, call: Entry) -> Effect:
        if call.object_id:
            held = self._held.get((call.provider, call.object_id))
            if held and held.unclaimed:
                return take(call, self)
            self._finished.add(hash((call.provider, call.object_id)))
        self._count(call, 1)
        return Effect.INSERTED

    def _is_finished(self, entry: Entry) -> bool:
        if not entry.object_id:
            return False
        to = self.linked(entry.provider, entry.object_id) or entry.object_id
        return hash((entry.provider, to)) in self._finished

    def has(self, call_id: str) -> bool:
        return call_id in self._ids

    def holder(self, provider: str, object_id: str) -> Held | None:
        return self._held.get((provider, object_id))

    def linked(self, provider: str, object_id: str) -> str | None:
        return self._links.get((provider, object_id))

    def add(self, entry: Entry, *, unclaimed: bool) -> None:
        self._ids.add(entry.id)
        self._places += 1
        self._put(Held(self._places, entry, unclaimed))

    def change(self, held: Held) -> None:
        self.drop(self._rows[held.place])
        self._ids.add(held.entry.id)
        self._put(held)

    def drop(self, held: Held) -> None:
        del self._rows[held.place]
        del self._held[_key(held.entry)]
        self._count(held.entry, -1)

    def add_link(self, link: Link) -> bool:
        key = (link.provider, link.object_id)
        if key in self._links:
            return False
        self._links[key] = link.to
        return True

    def _put(self, held: Held) -> None:
        self._rows[held.place] = self._held[_key(held.entry)] = held
        self._count(held.entry, 1)

    def _count(self, entry: Entry, sign: int) -> None:
        self.cost += sign * (entry.cost or 0)
        self.without_cost += sign * (entry.cost is None)


def _key(entry: Entry) -> tuple[str, str]:
    return entry.provider, entry.object_id or entry.id

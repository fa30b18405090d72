"""What the drain needs of a store. Small, so that another database can offer the same."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from acm_addon.settlement import Record


@dataclass(frozen=True, slots=True)
class Position:
    """How far a journal file has been drained, in bytes from its start."""

    resume: int
    """Where a drain that knows nothing must start: the earliest begin without an end."""
    drained: int
    """Every record that ended before here and could be booked is in the ledger."""


@dataclass(frozen=True, slots=True)
class Booked:
    """Rows in equals rows out: the sum is the number of calls and settlements given."""

    inserted: int
    duplicates: int
    """Calls, and settlements, that were in the ledger already; nothing changed for them."""
    settled: int = 0
    """Settlements of a pending row, and calls whose settlement was there before them."""


class Ledger(Protocol):
    def positions(self) -> Mapping[str, Position]:
        """By the journal file's name."""

    def book(self, records: Sequence[Record], positions: Mapping[str, Position]) -> Booked:
        """Insert and settle rows, add the difference to the rollups, and store positions, in one
        transaction.

        A call whose id is there already is ignored; ``settlement`` has the rules for asynchronous
        work. An error leaves nothing of the batch behind.
        """

    def forget(self, journals: Iterable[str]) -> None:
        """Drop the positions of files that are removed."""

    def sync(self) -> None:
        """Make what was booked survive a power loss."""

    def close(self) -> None: ...

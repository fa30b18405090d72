"""What the drain needs of a store. Small, so that another database can offer the same."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from acm_addon.model import Entry


@dataclass(frozen=True, slots=True)
class Position:
    """How far a journal file has been drained, in bytes from its start."""

    resume: int
    """Where a drain that knows nothing must start: the earliest begin without an end."""
    drained: int
    """Every record that ended before here and could be booked is in the ledger."""


@dataclass(frozen=True, slots=True)
class Booked:
    """Rows in equals rows out: ``inserted + duplicates`` is the number of entries given."""

    inserted: int
    duplicates: int
    """Entries whose id was in the ledger already; nothing changed for them."""


class Ledger(Protocol):
    def positions(self) -> Mapping[str, Position]:
        """By the journal file's name."""

    def book(self, entries: Sequence[Entry], positions: Mapping[str, Position]) -> Booked:
        """Insert rows, add the new ones to the rollups, and store positions, in one transaction.

        An entry whose id is there already is ignored. An error leaves nothing of the batch behind.
        """

    def forget(self, journals: Iterable[str]) -> None:
        """Drop the positions of files that are removed."""

    def sync(self) -> None:
        """Make what was booked survive a power loss."""

    def close(self) -> None: ...

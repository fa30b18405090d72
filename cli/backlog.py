"""What the journal holds that the ledger does not have yet, and waiting for it to get there."""

import time

from acm_addon.home import Home
from acm_addon.journal import SUFFIX
from acm_addon.ledger.reader import LedgerReader

LOOK_SECONDS = 0.02


def journal_sizes(home: Home) -> dict[str, int]:
    """Bytes written so far, by the journal file's name."""
    sizes = {}
    for path in home.journal.glob(f"*{SUFFIX}"):
        try:
            sizes[path.name] = path.stat().st_size
        except FileNotFoundError:
            continue  # Drained and removed in between.
    return sizes


def waiting_bytes(home: Home, reader: LedgerReader) -> int:
    """Bytes of the journal that the drain has not come to yet."""
    sizes = journal_sizes(home)
    positions = reader.journal_positions()
    return sum(
        max(0, size - (positions[name].drained if name in positions else 0))
        for name, size in sizes.items()
    )


def wait_until_booked(home: Home, reader: LedgerReader, timeout: float) -> bool:
    """Wait until every call that has begun by now has ended and is in the ledger.

    False after ``timeout`` seconds: a call of somebody still runs, or nobody drains.
    """
    begun = journal_sizes(home)
    deadline = time.monotonic() + timeout
    while not _all_booked(begun, home, reader):
        if time.monotonic() >= deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True


def _all_booked(begun: dict[str, int], home: Home, reader: LedgerReader) -> bool:
    there = journal_sizes(home)
    positions = reader.journal_positions()
    # A position resumes at the earliest begin without an end.
    return all(
        name not in there or (name in positions and positions[name].resume >= size)
        for name, size in begun.items()
    )

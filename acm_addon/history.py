"""How much models really wrote, from the ledger: for calls whose request sets no ceiling.

Looked up off the event loop, and remembered for a minute.
"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from acm_addon.errors import AcmError
from acm_addon.ledger.reader import LedgerReader
from acm_addon.logs import fault, logger

log = logger("history")

_FRESH_SECONDS = 60.0
_MAX_KEYS = 1000


@dataclass(frozen=True, slots=True)
class Writer:
    """Whose answers are looked at."""

    project: str
    provider: str
    model: str


class OutputHistory:
    """The longest of the recent answers. For the event loop's thread."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._found: dict[Writer, tuple[float, int | None]] = {}

    def is_fresh(self, writer: Writer) -> bool:
        found = self._found.get(writer)
        return found is not None and time.monotonic() - found[0] < _FRESH_SECONDS

    def tokens(self, writer: Writer) -> int | None:
        """Output tokens; None where there was no such answer."""
        found = self._found.get(writer)
        return found[1] if found else None

    async def look(self, writer: Writer) -> None:
        """Look it up anew. What was known stays where that fails."""
        most = self.tokens(writer)
        try:
            most = await asyncio.to_thread(self._most, writer)
        except AcmError as error:
            log.error("could not look up what calls used: %s", fault(error))
        if len(self._found) >= _MAX_KEYS:
            self._found.clear()
        self._found[writer] = time.monotonic(), most

    def _most(self, writer: Writer) -> int | None:
        with LedgerReader(self._ledger) as reader:
            return reader.most_output(writer.project, writer.provider, writer.model)

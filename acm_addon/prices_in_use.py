"""The running proxy's price table: follows what ``acm prices`` changes, without a restart."""

import asyncio

from acm_addon.home import Home
from acm_addon.logs import fault, logger
from acm_addon.price_store import signature, table_in_use
from acm_addon.pricing import PriceTable

log = logger("prices")


class PricesInUse:
    """Holds the table, and replaces it when its sources have changed. Never raises."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._seen = signature(home)
        self.table = self._load()

    async def follow(self) -> None:
        """Take over what has changed; calls are priced by the old table until the new one is up."""
        now = signature(self._home)
        if now == self._seen:
            return
        self._seen = now
        before = self.table.version
        self.table = await asyncio.to_thread(self._load)
        if self.table.version != before:
            log.info("prices are those of table %s now", self.table.version)

    def _load(self) -> PriceTable:
        table, unsound = table_in_use(self._home)
        if unsound is not None:
            log.error(
                "a price file cannot be used (%s), and the prices stay as they were:"
                " `acm prices list` says what is wrong with it",
                fault(unsound),
            )
        return table

"""The daily update of the prices: off unless the user turned it on, and never in the proxy itself.

``Home.prices`` / ``auto`` is there while it is on. Its date is that of the last attempt, so that a
failed one is not repeated at once, nor after every restart.
"""

import asyncio
import contextlib
import os
import sys
import time
from pathlib import Path

from acm_addon.home import Home
from acm_addon.logs import logger
from acm_addon.whole_file import replace_file

log = logger("prices")

EVERY_SECONDS = 24 * 3600
_PACKAGES = Path(__file__).parent.parent
"""Where this very code lies, for the process to find the same."""


def is_on(home: Home) -> bool:
    return _switch(home).exists()


def turn(home: Home, *, on: bool) -> None:
    """On: a running proxy makes the first attempt at once."""
    if not on:
        _switch(home).unlink(missing_ok=True)
    elif not is_on(home):
        replace_file(_switch(home.ensure()), b"daily\n")
        os.utime(_switch(home), (0, 0))


def begin(home: Home) -> None:
    """An attempt is made now."""
    with contextlib.suppress(OSError):
        os.utime(_switch(home))


def is_due(home: Home, now: float) -> bool:
    """``now`` is seconds since 1970. Also where the last attempt lies in the future."""
    try:
        last = _switch(home).stat().st_mtime
    except OSError:
        return False
    return not 0 <= now - last < EVERY_SECONDS


class PriceSchedule:
    """The proxy's side: starts the update's process when it is due."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._running: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Cheap; for the event loop's thread."""
        if (self._running is None or self._running.done()) and is_due(self._home, time.time()):
            begin(self._home)
            self._running = asyncio.get_running_loop().create_task(_update())

    async def stop(self) -> None:
        """End an update that is under way: what it has stored is whole, or not there."""
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running


async def _update() -> None:
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "acm_addon.price_updates"),
            cwd=_PACKAGES,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        log.error("could not start the update of the prices: %s", os.strerror(error.errno or 0))
        return
    try:
        said, _ = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode:
        log.warning("the prices were not updated: %s", said.decode(errors="replace").strip())


def _switch(home: Home) -> Path:
    return home.prices / "auto"

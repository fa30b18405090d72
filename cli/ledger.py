"""The ledger as commands read it: first what a dead proxy left in the journal, then a reader."""

import sqlite3

import typer

from acm_addon.errors import AcmError
from acm_addon.home import Home, acm_home
from acm_addon.ledger.reader import LedgerReader


def opened() -> LedgerReader:
    """A reader of the user's ledger, which is up to date. Use it in a ``with`` statement."""
    home = acm_home()
    settle(home)
    return LedgerReader(home.ledger)


def settle(home: Home) -> None:
    """Book what is left in the journal, so that a killed proxy's calls show.

    Returns at once while a proxy is draining: it holds the election, and needs no help. Where the
    ledger cannot be written, what it holds can still be read: that is said, and no failure.
    """
    if not any(home.journal.glob("*.journal")):
        return  # Without importing the drain: most of the time there is nothing left.
    from acm_addon.drain import Drain

    try:
        Drain(home).run_once()
    except (AcmError, OSError, sqlite3.Error) as error:
        typer.echo(
            f"warning: the newest calls are missing here: the journal in {home.journal} could not"
            f" be booked ({type(error).__name__})",
            err=True,
        )

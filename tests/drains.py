"""Drains as processes of their own, and what comes of them."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable

from acm_addon.home import Home
from acm_addon.ledger.reader import LedgerReader
from acm_addon.model import Entry

DRAIN = """
import sys
from pathlib import Path
from acm_addon.drain import Drain
from acm_addon.home import Home
for _ in range(int(sys.argv[2])):
    Drain(Home(Path(sys.argv[1]))).run_once()
"""
"""Arguments: the home, and how many passes."""


def drain_process(home: Home) -> subprocess.Popen[bytes]:
    """The drain as a proxy starts it.

    A byte wakes it, and the end of its input ends it, after a last pass.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "acm_addon.drain_process"],
        env={**os.environ, "ACM_HOME": str(home.root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def wait_for_a_change(home: Home, process: subprocess.Popen[bytes]) -> None:
    """Until ``process`` has changed the ledger, or is through."""
    with LedgerReader(home.ledger) as reader:
        before = reader.newest_rowid()
        while process.poll() is None and reader.newest_rowid() == before:
            time.sleep(0.001)


def by_id(entries: Iterable[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: entry.id)

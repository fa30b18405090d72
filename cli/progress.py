"""Going through very many calls: fast, and with a line on standard error that moves meanwhile."""

import gc
import sys
import time
from collections.abc import Iterable, Iterator

import typer

EVERY_SECONDS = 0.2


def watched[T](items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """The items, with their share of ``total`` shown: ``acm: pricing calls: 42%, 420,000``."""
    if not sys.stderr.isatty():
        yield from items
        return
    shown = 0.0
    for count, item in enumerate(items):
        if count % 256 == 0 and (now := time.monotonic()) - shown > EVERY_SECONDS:
            shown = now
            _show(what, count, total)
        yield item
    _clear()


def last_watched(counts: Iterable[int], total: int, what: str) -> int:
    """The last of these numbers, each of them shown as it is reached; 0 where there is none."""
    count, terminal = 0, sys.stderr.isatty()
    for count in counts:
        if terminal:
            _show(what, count, total)
    if terminal:
        _clear()
    return count


def _show(what: str, count: int, total: int) -> None:
    share = min(100 * count // (total or 1), 100)
    typer.echo(f"\r\033[Kacm: {what}: {share}%, {count:,}", err=True, nl=False)


def _clear() -> None:
    typer.echo("\r\033[K", err=True, nl=False)


def uncollected[T](items: Iterable[T]) -> Iterator[T]:
    """The items, with the search for cyclic garbage put off until the last one.

    Rows make none, and the search would look at the whole price table again and again: without it
    a sixth of the time is saved.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield from items
    finally:
        if enabled:
            gc.enable()

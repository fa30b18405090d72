"""``acm limits``: what providers last said of their rate limits."""

from datetime import datetime
from typing import Annotated

import typer

from acm_addon.home import acm_home
from acm_addon.limit_keeper import as_json as limits_json
from acm_addon.limit_keeper import file_of, load
from acm_addon.model import utc_now
from acm_addon.rate_limits import Quota, RateLimits
from cli.output import print_json
from cli.render import UNKNOWN, clean, columns, count


def limits(
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Show the rate limits that providers last stated, for each key."""
    now = utc_now()
    found = sorted(load(file_of(acm_home())), key=lambda one: (one.provider, one.key))
    if as_json:
        print_json([limits_json(one) for one in found])
        return
    rows = [row for one in found for row in _rows(one, now)]
    if not rows:
        typer.echo(
            "No provider has stated a rate limit" + (" that still holds" if found else " yet")
        )
        return
    heading = ("PROVIDER", "KEY", "LIMIT OF", "REMAINING", "LIMIT", "RESETS IN", "SEEN")
    typer.echo("\n".join(columns([heading, *rows], right=frozenset({3, 4}))))


def _rows(said: RateLimits, now: datetime) -> list[tuple[str, ...]]:
    rows = [_row(said, quota, now) for quota in said.quotas]
    if said.wait_until is not None and said.wait_until > now:
        left = _until(said.wait_until, now)
        place = said.provider, clean(said.key)
        rows.append((*place, "(told to wait)", UNKNOWN, UNKNOWN, left, _ago(said, now)))
    return rows


def _row(said: RateLimits, quota: Quota, now: datetime) -> tuple[str, ...]:
    return (
        said.provider,
        clean(said.key),
        quota.name,
        count(quota.remaining),
        count(quota.limit),
        _until(quota.reset, now),
        _ago(said, now),
    )


def _until(time: datetime | None, now: datetime) -> str:
    """A reset that is over is no news: all of the limit was there again."""
    if time is None:
        return UNKNOWN
    return _span((time - now).total_seconds()) if time > now else "(reset)"


def _ago(said: RateLimits, now: datetime) -> str:
    return f"{_span(max(0.0, (now - said.seen).total_seconds()))} ago"


def _span(seconds: float) -> str:
    """``0.5 s``, ``42 s``, ``6 min``, ``3 h``, ``2 d``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"

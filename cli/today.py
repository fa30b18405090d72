"""``acm today``: what was spent since midnight, and how that compares to yesterday."""

from typing import Annotated

import typer

from acm_addon.home import acm_home
from acm_addon.ledger.totals import GroupRow, Totals
from acm_addon.model import utc_now
from cli import ledger, sums, times
from cli.output import print_json
from cli.render import (
    BOLD,
    CYAN,
    UNKNOWN,
    YELLOW,
    bar,
    change,
    clean,
    columns,
    count,
    milliseconds,
    paint,
    percent,
    point_aligned,
    remarks,
)
from cli.standing import standing_alerts
from cli.zones import chosen_zone

TOP = 5
"""Models shown."""

BAR_WIDTH = 20
NAME_WIDTH = 40
"""A longer model name is cut on this screen; `acm report` shows it whole."""

NOTHING_YET = """\
No calls recorded yet.

Run a program through acm, and come back:
  acm run -- python your_program.py

Or see it at work first, without a key and without cost:
  acm demo"""

NOTHING_TODAY = """\
No calls today. For the days before:
  acm report --by day"""


def today(
    tz: Annotated[
        str | None, typer.Option("--tz", help="Time zone, such as Europe/Berlin.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
) -> None:
    """Show today's requests, cost, latency and top models."""
    zone = chosen_zone(tz)
    now = utc_now()
    span = times.today(now, zone)
    before = times.yesterday_until_now(now, zone)
    with ledger.opened() as reader:
        totals = reader.summary(span.since, span.until)
        yesterday = reader.summary(before.since, before.until)
        models = reader.grouped("model", span.since, span.until, zone)
        empty = not totals.requests and not reader.newest_rowid()
        alerts = standing_alerts(acm_home(), reader, now, zone)
    if as_json:
        print_json(
            {
                "date": f"{now.astimezone(zone):%Y-%m-%d}",
                "tz": zone.key,
                "range": sums.range_json(span, zone),
                "totals": sums.totals_json(totals),
                "yesterday": {
                    "range": sums.range_json(before, zone),
                    "totals": sums.totals_json(yesterday),
                },
                "models": [{"model": row.name, **sums.totals_json(row.totals)} for row in models],
                "alerts": alerts,
            }
        )
    elif empty:
        typer.echo(NOTHING_YET)
    elif not totals.requests:
        typer.echo(NOTHING_TODAY)
    else:
        typer.echo("\n".join(screen(totals, yesterday, models)))
    if alerts and not as_json:
        typer.echo("\n".join(["Alerts:", *(paint(f"  {clean(text)}", YELLOW) for text in alerts)]))


def screen(totals: Totals, yesterday: Totals, models: list[GroupRow]) -> list[str]:
    """The screen, line by line. ``totals`` has at least one request."""
    notes = remarks(sums.remarks_of(totals))
    return [
        paint("Today's Activity", BOLD),
        f"Requests:    {count(totals.requests)} ({_against(totals, yesterday)})",
        f"Total cost:  {sums.cost_of(totals)}"
        + (f" {paint(f'({notes})', YELLOW)}" if notes else ""),
        f"Avg latency: {milliseconds(totals.average_latency_ms)}",
        "Top models:",
        *_top(totals, models[:TOP]),
        *_others(models[TOP:]),
    ]


def _against(totals: Totals, yesterday: Totals) -> str:
    if not yesterday.requests:
        return "none yesterday by this time"
    return f"{change(totals.requests, yesterday.requests)} vs yesterday"


def _top(totals: Totals, models: list[GroupRow]) -> list[str]:
    """``1. gpt-4o   $8.23 (66%)  ███``: shares are of the booked cost."""
    whole = totals.cost
    costs = point_aligned([sums.cost_of(row.totals) for row in models])
    rows = []
    for place, (row, cost) in enumerate(zip(models, costs, strict=True), start=1):
        share = f"({percent(row.totals.cost, whole)})" if row.totals.cost and whole else ""
        name = (clean(row.name) if row.name else "(unknown model)")[:NAME_WIDTH]
        rows.append((f"{place}. {name} ", cost, share))
    bars = [bar(row.totals.cost / whole, BAR_WIDTH) if whole else "" for row in models]
    lines = columns(rows, gap=" ")
    width = max(map(len, lines), default=0)
    return [
        f"  {line.ljust(width)}  {paint(drawn, CYAN)}".rstrip()
        for line, drawn in zip(lines, bars, strict=True)
    ]


def _others(models: list[GroupRow]) -> list[str]:
    if not models:
        return []
    rest = sums.added(row.totals for row in models)
    cost = sums.cost_of(rest)
    if rest.without_cost and cost != UNKNOWN:
        cost += f" ({count(rest.without_cost)} without cost)"
    return [f"  and {len(models)} more, {cost}: acm report --since today"]

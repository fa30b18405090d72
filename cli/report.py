"""``acm report``: cost by model, provider, project, endpoint, day, or hour, over any range."""

from enum import StrEnum
from typing import Annotated

import typer

from acm_addon.model import utc_now
from cli import ledger, sums, times
from cli.exits import UsageError
from cli.output import print_json
from cli.zones import chosen_zone


class By(StrEnum):
    MODEL = "model"
    PROVIDER = "provider"
    PROJECT = "project"
    ENDPOINT = "endpoint"
    DAY = "day"
    HOUR = "hour"


def report(
    *,
    since: Annotated[
        str | None,
        typer.Option(help="Start: 2026-11-01, 2026-11-01T09:30, yesterday, 7d, 24h, 'this month'."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="End, in the same words; a day counts to its end.")
    ] = None,
    by: Annotated[By, typer.Option(help="What a row stands for.")] = By.MODEL,
    tz: Annotated[
        str | None, typer.Option("--tz", help="Time zone, such as Europe/Berlin.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
) -> None:
    """Show cost by model, or by what you choose; the last seven days unless told otherwise."""
    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other", "choose one of them")
    zone = chosen_zone(tz)
    span = times.parse_range(since, until, utc_now(), zone)
    with ledger.opened() as reader:
        totals = reader.summary(span.since, span.until)
        rows = reader.grouped(by.value, span.since, span.until, zone)
    if as_json:
        print_json(
            {
                "range": sums.range_json(span, zone),
                "tz": zone.key,
                "by": by.value,
                "rows": [{by.value: row.name, **sums.totals_json(row.totals)} for row in rows],
                "totals": sums.totals_json(totals),
            }
        )
    elif as_csv:
        from cli.tables import print_csv

        print_csv(by.value, rows)
    elif not rows:
        typer.echo(f"No calls {sums.range_words(span, zone)}.")
        typer.echo("hint: `acm report --since 2026-01-01` looks further back", err=True)
    else:
        from cli.tables import print_table

        print_table(f"Cost by {by.value}, {sums.range_words(span, zone)}", by.value, rows, totals)

"""``acm report``: cost by names, days, hours, or tags, one or two at once, over any range."""

from typing import Annotated

import typer

from acm_addon.model import utc_now
from cli import grouping, ledger, limit, sums, times
from cli.exits import ExitCode, UsageError
from cli.output import print_json
from cli.zones import chosen_zone


def report(
    *,
    since: Annotated[
        str | None,
        typer.Option(help="Start: 2026-11-01, 2026-11-01T09:30, yesterday, 7d, 24h, 'this month'."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="End, in the same words; a day counts to its end.")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY[,KEY]",
            help="What a row stands for: model, provider, project, key, endpoint, day, hour, "
            "or tag:NAME; two at once as model,day.",
            show_default="model",
        ),
    ] = None,
    check: Annotated[
        str | None,
        typer.Option(
            metavar="LIMIT", help="Exit with 4 where the booked spend is above LIMIT, in USD."
        ),
    ] = None,
    tz: Annotated[
        str | None, typer.Option("--tz", help="Time zone, such as Europe/Berlin.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the numbers as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV.")] = False,
) -> None:
    """Show cost by model, or by what you choose; the last seven days unless told otherwise."""
    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other", "choose one of them")
    keys = grouping.parse(by or ["model"])
    words = [grouping.word(key) for key in keys]
    most = None if check is None else limit.parse_limit(check)
    zone = chosen_zone(tz)
    span = times.parse_range(since, until, utc_now(), zone)
    with ledger.opened() as reader:
        totals = reader.summary(span.since, span.until)
        rows = reader.crossed(keys, span.since, span.until, zone)
    checked = None if most is None else limit.Check(most, totals)
    if as_json:
        print_json(
            {
                "range": sums.range_json(span, zone),
                "tz": zone.key,
                "by": ",".join(words),
                "rows": [
                    dict(zip(words, row.names, strict=True)) | sums.totals_json(row.totals)
                    for row in rows
                ],
                "totals": sums.totals_json(totals),
                **({"check": limit.as_json(checked)} if checked else {}),
            }
        )
    elif as_csv:
        from cli.tables import print_csv

        print_csv(words, rows)
    elif not rows:
        typer.echo(f"No calls {sums.range_words(span, zone)}.")
        typer.echo("hint: `acm report --since 2026-01-01` looks further back", err=True)
    else:
        from cli.tables import print_table

        title = f"Cost by {' and '.join(words)}, {sums.range_words(span, zone)}"
        print_table(title, keys, rows, totals)
    if checked:
        limit.tell(checked)
        if checked.exceeded:
            raise typer.Exit(ExitCode.BUDGET_EXCEEDED)

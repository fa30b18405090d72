"""``acm reprice``: recorded calls at the prices of another table, the old bills kept beside."""

import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, Annotated

import typer

from acm_addon.errors import AcmError
from acm_addon.file_lock import only_one
from acm_addon.home import Home, acm_home
from acm_addon.ledger.priceable import END_OF_TIME, Bill, Extent, Priceable
from acm_addon.ledger.reader import LedgerReader
from acm_addon.model import PriceStatus, utc_now
from cli import ledger, price_table
from cli.exits import UsageError
from cli.money import dollars, exact_usd
from cli.output import print_json
from cli.progress import last_watched, uncollected, watched
from cli.render import clean, columns, count, point_aligned
from cli.times import parse_range, span_of
from cli.zones import chosen_zone

if TYPE_CHECKING:
    from acm_addon.ledger.repricings import Repricer
    from acm_addon.pricing import PriceTable

_UNPRICED = (PriceStatus.UNPRICED, PriceStatus.PARTLY_PRICED)
_SINCE_EVER = "1970-01-01"


@dataclass(slots=True)
class Change:
    """What a repricing does to the calls of one model. Amounts are nano-dollars."""

    calls: int = 0
    before: int = 0
    after: int = 0
    unknown_before: int = 0
    """Calls whose cost was not known."""
    unknown_after: int = 0

    def add(self, old: Bill, new: Bill) -> None:
        self.calls += 1
        self.before += old.cost or 0
        self.after += new.cost or 0
        self.unknown_before += old.cost is None
        self.unknown_after += new.cost is None


@dataclass(slots=True)
class Diff:
    """All changes, by provider and model, and what was looked at."""

    changes: dict[tuple[str, str], Change]
    looked_at: int = 0
    not_recomputable: int = 0
    """Calls whose row does not say what selected their price."""

    @property
    def calls(self) -> int:
        return sum(change.calls for change in self.changes.values())


def reprice(
    since: Annotated[
        str | None, typer.Option(help="Calls from here on; all of them unless given.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Up to here; by default all.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of",
            help="By the table that was known then (a time), or by one (its hash). Else the "
            "current one.",
        ),
    ] = None,
    *,
    unpriced: Annotated[
        bool, typer.Option("--unpriced", help="Only calls whose cost is not known in full.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the diff, and change nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    tz: Annotated[
        str | None, typer.Option("--tz", help="Time zone, such as Europe/Berlin.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the diff as JSON.")] = False,
) -> None:
    """Price recorded calls again: first what would change, model by model, then the change."""
    home, zone, now = acm_home(), chosen_zone(tz), utc_now()
    span = parse_range(_SINCE_EVER if since is None else since, until, now, zone)
    end = END_OF_TIME if until is None else span.until  # A clock may have been ahead.
    if not (dry_run or yes):
        _somebody_is_there()
    table = _table(home, as_of, zone)
    with ledger.opened() as reader:
        extent = reader.extent(span.since, end)
        if dry_run or not extent.calls:
            _show(_diff(reader, extent, table, unpriced, None), table, as_json, dry=True)
            return
        table.freeze(home.prices)
        with _alone(home), _repricer(home) as repricer:
            diff = _diff(reader, extent, table, unpriced, repricer)
            _show(diff, table, as_json, dry=False)
            if diff.calls and (
                yes or typer.confirm(f"Give {diff.calls:,} calls their new bill?", err=True)
            ):
                booked = last_watched(repricer.book(utc_now()), diff.calls, "booking")
                typer.echo(f"acm: {booked:,} calls have their new bill", err=True)


def _table(home: Home, as_of: str | None, zone: tzinfo) -> "PriceTable":
    if as_of is None:
        return price_table.current(home)
    if len(as_of) >= 6 and set(as_of.lower()) <= set("0123456789abcdef"):
        return price_table.stored(home, as_of)
    return price_table.as_of(home, span_of("--as-of", as_of, utc_now(), zone).until)


def _diff(
    reader: LedgerReader,
    extent: Extent,
    table: "PriceTable",
    unpriced: bool,
    repricer: "Repricer | None",
) -> Diff:
    """What changes; staged with ``repricer``, where there is one."""
    from acm_addon.repricing import bill_by

    diff = Diff(defaultdict(Change))
    rows = watched(uncollected(reader.priceable(extent)), extent.calls, "pricing calls")
    for row in rows:
        if not row.due or (unpriced and row.bill.price_status not in _UNPRICED):
            continue
        diff.looked_at += 1
        if row.context is None:
            diff.not_recomputable += 1
            continue
        bill = bill_by(row, row.context, table)
        if bill.says_the_same(row.bill):
            continue
        diff.changes[_name(row)].add(row.bill, bill)
        if repricer is not None:
            repricer.stage(row, bill)
    return diff


def _name(row: Priceable) -> tuple[str, str]:
    return row.provider, row.model or ""


def _show(diff: Diff, table: "PriceTable", as_json: bool, *, dry: bool) -> None:
    if as_json:
        print_json(diff_json(diff, table.version))
    elif diff.changes:
        typer.echo("\n".join(lines_of(diff)))
    talk = f"acm: {diff.calls:,} of {diff.looked_at:,} calls change by table {table.version}"
    typer.echo(f"{talk}{'; nothing was written' if dry else ''}", err=True)
    if diff.not_recomputable:
        typer.echo(
            f"acm: {diff.not_recomputable:,} calls stay: an earlier version recorded them, and did"
            " not keep what selected their price",
            err=True,
        )


def diff_json(diff: Diff, version: str) -> dict[str, object]:
    return {
        "table": version,
        "looked_at": diff.looked_at,
        "not_recomputable": diff.not_recomputable,
        "calls": diff.calls,
        "models": [
            {
                "provider": provider,
                "model": model or None,
                "calls": change.calls,
                "before_usd": exact_usd(change.before),
                "after_usd": exact_usd(change.after),
                "without_cost_before": change.unknown_before,
                "without_cost_after": change.unknown_after,
            }
            for (provider, model), change in _sorted(diff)
        ],
    }


def lines_of(diff: Diff) -> list[str]:
    """The diff as a table, the largest difference first."""
    rows = _sorted(diff)
    sums = {
        name: point_aligned([dollars(value) for value in values])
        for name, values in {
            "before": [change.before for _, change in rows],
            "after": [change.after for _, change in rows],
            "difference": [change.after - change.before for _, change in rows],
        }.items()
    }
    heading = ("Model", "Calls", "Before", "After", "Difference", "Unknown before", "Unknown after")
    body = [
        (
            f"{clean(provider)} {clean(model or None)}",
            count(change.calls),
            sums["before"][place],
            sums["after"][place],
            sums["difference"][place],
            count(change.unknown_before),
            count(change.unknown_after),
        )
        for place, ((provider, model), change) in enumerate(rows)
    ]
    return columns([heading, *body], right=frozenset(range(1, 7)))


def _sorted(diff: Diff) -> list[tuple[tuple[str, str], Change]]:
    return sorted(
        diff.changes.items(), key=lambda item: (-abs(item[1].after - item[1].before), item[0])
    )


def _somebody_is_there() -> None:
    """Raises UsageError where nobody could be asked."""
    if not (sys.stdin and sys.stdin.isatty()):
        raise UsageError("nobody is there to agree to the change", "add --yes, or --dry-run")


def _repricer(home: Home) -> "Repricer":
    from acm_addon.ledger.repricings import Repricer

    return Repricer(home.ledger)


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Hold this home's repricing lock; the kernel frees it however the process ends."""
    with only_one(home.ensure().run / "reprice.lock") as alone:
        if not alone:
            raise AcmError("another `acm reprice` is at work", "let it finish first")
        yield

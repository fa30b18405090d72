"""``acm budget …``: how much may be spent, by whom, in which time."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from acm_addon import budgets as rules
from acm_addon.budgets import Budget, Scope, Standing, Unknown, WhenLocked
from acm_addon.control import budgets
from acm_addon.control.store import ControlStore
from acm_addon.home import acm_home
from acm_addon.model import utc_now
from acm_addon.windows import Period
from cli import ledger
from cli.exits import UsageError
from cli.known import known_provider, typed_tags
from cli.money import dollars, exact_usd, parse_usd
from cli.output import print_json
from cli.render import UNKNOWN, columns
from cli.zones import chosen_zone

app = typer.Typer(name="budget", help="Budgets: how much may be spent, by whom, in which time.")

_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_MAX_PERCENT = 1000

Which = Annotated[
    str,
    typer.Argument(metavar="BUDGET", help="Its number, or its name.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@dataclass(frozen=True, slots=True)
class Stand:
    """A budget, and what is used of it in the window that is now."""

    budget: Budget
    standing: Standing
    until: datetime


@app.command("set")
def set_(  # noqa: PLR0917
    amount: Annotated[
        str,
        typer.Argument(
            metavar="LIMIT/WINDOW",
            help="USD for each hour, day, week or month, or total: 500/month.",
            show_default=False,
        ),
    ],
    project: Annotated[
        str | None, typer.Option("--project", help="Only this project.", show_default="every call")
    ] = None,
    key: Annotated[str | None, typer.Option("--key", help="Only this proxy key.")] = None,
    provider: Annotated[str | None, typer.Option("--provider", help="Only this provider.")] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="Only this model, as calls ask for it; * and ? match any."),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="NAME=VALUE", help="Only calls with this tag. Repeatable."),
    ] = None,
    hard: Annotated[
        bool, typer.Option("--hard/--soft", help="Refuse what does not fit, or only tell.")
    ] = False,
    tz: Annotated[
        str | None,
        typer.Option(
            "--tz", metavar="ZONE", help="Zone of its calendar.", show_default="this machine's"
        ),
    ] = None,
    thresholds: Annotated[
        str, typer.Option("--thresholds", metavar="PERCENT,…", help="When to tell.")
    ] = ",".join(map(str, rules.THRESHOLDS)),
    unknown: Annotated[
        str,
        typer.Option(
            "--unknown",
            metavar="block|allow|USD",
            help="With --hard: calls whose price is not known beforehand. An amount is held.",
        ),
    ] = Unknown.BLOCK.value,
    when_locked: Annotated[
        WhenLocked,
        typer.Option("--when-locked", help="With --hard: while the ledger does not answer."),
    ] = WhenLocked.REFUSE,
    wait: Annotated[
        float,
        typer.Option(
            "--wait",
            metavar="SECONDS",
            min=0,
            max=600,
            help="With --hard: how long a call waits for running calls to end.",
        ),
    ] = rules.WAIT_SECONDS,
    as_json: Json = False,
) -> None:
    """Set a budget, in place of the one of the same calls and window."""
    limit, period = parse_budget(amount)
    policy, sum_held = _parse_unknown(unknown)
    wanted = Budget(
        id=0,
        scope=Scope(project, key, known_provider(provider), model, typed_tags(tag or ())),
        period=period,
        zone=zone_name(tz),
        limit=limit,
        hard=hard,
        thresholds=_parse_thresholds(thresholds),
        unknown=policy,
        unknown_hold=sum_held,
        when_locked=when_locked,
        wait_seconds=wait,
    )
    with ControlStore(acm_home()) as store:
        made = budgets.put(store, wanted)
    if as_json:
        print_json(budget_json(_stands([made])[0]))
    else:
        typer.echo(f"Budget {made.id} is set: {made.label}, {limit_text(made)}, {_kind(made)}")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the budgets, and how they stand now."""
    with ControlStore(acm_home()) as store:
        found = _stands(budgets.everything(store))
    if as_json:
        print_json([budget_json(stand) for stand in found])
        return
    rows = [("NUMBER", "BUDGET", "KIND", "LIMIT", "SPENT", "USED", "REMAINING", "REACHED")]
    rows += [
        (
            str(stand.budget.id),
            stand.budget.label,
            _kind(stand.budget),
            dollars(stand.budget.limit),
            dollars(stand.standing.spent),
            f"{_percent(stand):.1f}%",
            dollars(_remaining(stand)),
            UNKNOWN if (threshold := _reached(stand)) is None else f"{threshold}%",
        )
        for stand in found
    ]
    typer.echo("\n".join(columns(rows)))


@app.command()
def show(which: Which, as_json: Json = False) -> None:
    """Show a budget: what is spent and held of it, and when it begins anew."""
    with ControlStore(acm_home()) as store:
        budget = budgets.get(store, which)
    stand = _stands([budget])[0]
    if as_json:
        print_json(budget_json(stand))
        return
    zone = ZoneInfo(budget.zone)
    resets = (
        "never"
        if budget.period is Period.TOTAL
        else f"{stand.until.astimezone(zone):%Y-%m-%d %H:%M} ({budget.zone})"
    )
    lines = [
        f"Budget {budget.id}: {budget.label}",
        usage_line(stand),
        f"Kind:           {_kind(budget)}",
        f"Held:           {_held(stand.standing)}",
        f"Resets:         {resets}",
        f"Thresholds:     {', '.join(f'{one}%' for one in budget.thresholds)}",
    ]
    if budget.hard:
        lines += [
            f"Unknown price:  {_unknown(budget)}",
            f"Locked ledger:  {budget.when_locked.value}",
            f"Wait:           {budget.wait_seconds:g} s",
        ]
    typer.echo("\n".join(lines))


@app.command("rm")
def remove(which: Which) -> None:
    """Remove a budget. A running proxy lets everything pass it from its next request."""
    with ControlStore(acm_home()) as store:
        gone = budgets.remove(store, which)
    typer.echo(f"Budget {gone.id} ({gone.label}) is removed")


def parse_budget(text: str) -> tuple[int, Period]:
    """Nano-dollars and window of ``500/month``. Raises UsageError."""
    amount, _, period = text.strip().removeprefix("$").partition("/")
    names = [one.value for one in Period]
    if not _AMOUNT.fullmatch(amount) or period not in names:
        raise UsageError(
            f"{text!r} is no budget", f"an amount in USD and one of {', '.join(names)}: 500/month"
        )
    return parse_usd(amount), Period(period)


def zone_name(tz: str | None) -> str:
    """The name of the zone that was chosen, or of this machine's. Raises UsageError."""
    name = chosen_zone(tz).key
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # A zone file without a name, or a rule: the proxy could not find it again.
        raise UsageError(
            "this machine's time zone has no name", "choose one with --tz, such as Europe/Berlin"
        ) from None


def project_budgets(project: str) -> list[Stand]:
    """The budgets of a project as a whole, as they stand now."""
    with ControlStore(acm_home()) as store:
        found = budgets.everything(store)
    return _stands([one for one in found if one.scope == Scope(project=project)])


def limit_text(budget: Budget) -> str:
    """``$500/month``: whole dollars without cents, as people say it."""
    amount = dollars(budget.limit).removesuffix(".00")
    return f"{amount}/{budget.period.value}" if budget.period is not Period.TOTAL else amount


def usage_line(stand: Stand) -> str:
    """``Budget Limit: $500/month · Current Usage: $127.45 (25.5%) · Remaining: $372.55``."""
    return (
        f"Budget Limit: {limit_text(stand.budget)}"
        f" · Current Usage: {dollars(stand.standing.spent)} ({_percent(stand):.1f}%)"
        f" · Remaining: {dollars(_remaining(stand))}"
    )


def budget_json(stand: Stand) -> dict[str, object]:
    budget, standing, scope = stand.budget, stand.standing, stand.budget.scope
    return {
        "number": budget.id,
        "name": budget.label,
        "project": scope.project,
        "key": scope.key,
        "provider": scope.provider,
        "model": scope.model,
        "tags": dict(scope.tags),
        "window": budget.period.value,
        "time_zone": budget.zone,
        "hard": budget.hard,
        "limit_usd": exact_usd(budget.limit),
        "spent_usd": exact_usd(standing.spent),
        "held_usd": exact_usd(standing.held),
        "remaining_usd": exact_usd(_remaining(stand)),
        "percent": round(_percent(stand), 1),
        "resets": None if budget.period is Period.TOTAL else stand.until.isoformat(),
        "thresholds": list(budget.thresholds),
        "threshold_reached": _reached(stand),
        "unknown": budget.unknown.value,
        "unknown_hold_usd": (
            exact_usd(budget.unknown_hold) if budget.unknown is Unknown.HOLD else None
        ),
        "when_locked": budget.when_locked.value,
        "wait_seconds": budget.wait_seconds,
    }


def _stands(found: list[Budget]) -> list[Stand]:
    """How budgets stand now. Raises AcmError."""
    from acm_addon.ledger.sqlite import SqliteLedger

    now, home = utc_now(), acm_home()
    if home.ledger.exists():
        SqliteLedger(home.ledger).close()  # One of an older version has no holds yet.
    with ledger.opened() as reader:
        windows = [(budget, budget.window(now)) for budget in found]
        return [
            Stand(budget, reader.standing(budget, window), window.until)
            for budget, window in windows
        ]


def _percent(stand: Stand) -> float:
    return rules.percent(stand.standing, stand.budget.limit)


def _reached(stand: Stand) -> int | None:
    return rules.reached(stand.budget, stand.standing)


def _remaining(stand: Stand) -> int:
    """Of what is spent, for a running call may cost less than it holds. Never below zero."""
    return max(0, stand.budget.limit - stand.standing.spent)


def _held(standing: Standing) -> str:
    if not standing.fixed:
        return dollars(standing.held)
    return f"{dollars(standing.held)} ({dollars(standing.fixed)} by calls that have ended)"


def _kind(budget: Budget) -> str:
    return "hard" if budget.hard else "soft"


def _unknown(budget: Budget) -> str:
    if budget.unknown is Unknown.HOLD:
        return f"hold {dollars(budget.unknown_hold)}"
    return budget.unknown.value


def _parse_thresholds(text: str) -> tuple[int, ...]:
    """Raises UsageError."""
    parts = [part.strip().removesuffix("%") for part in text.split(",")]
    if not all(part.isdecimal() and 0 < int(part) <= _MAX_PERCENT for part in parts):
        raise UsageError(
            f"--thresholds {text!r} is no list of percentages", "write it as 50,75,90,100"
        )
    return tuple(sorted({int(part) for part in parts}))


def _parse_unknown(text: str) -> tuple[Unknown, int]:
    """Raises UsageError."""
    if text in (Unknown.BLOCK.value, Unknown.ALLOW.value):
        return Unknown(text), 0
    amount = text.removeprefix("$")
    if not _AMOUNT.fullmatch(amount):
        raise UsageError(f"--unknown {text!r} is none of them", "block, allow, or USD to hold")
    return Unknown.HOLD, parse_usd(amount)

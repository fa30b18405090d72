"""``acm project …``: who pays, and the tokens by which programs say so."""

from datetime import datetime
from typing import Annotated

import typer

from acm_addon.budgets import Budget, Scope
from acm_addon.control import budgets, project_tokens, projects
from acm_addon.control.records import Project, ProjectToken, Switch, ended
from acm_addon.control.store import ControlStore
from acm_addon.home import acm_home
from acm_addon.ledger.totals import Totals
from acm_addon.model import utc_now
from cli import ledger, sums, times
from cli.budget import budget_json, parse_budget, project_budgets, usage_line, zone_name
from cli.config import OnOff
from cli.expiry import Expires, parse_expiry, shown_expiry
from cli.known import known_provider
from cli.output import print_json, time_text
from cli.render import UNKNOWN, columns, remarks
from cli.zones import chosen_zone

app = typer.Typer(
    name="project",
    help="Projects: who pays for a call. Their tokens say it for a program.",
)
tokens = typer.Typer(name="token", help="Tokens of a project, shown once, revocable at once.")
app.add_typer(tokens)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The project.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@app.command()
def create(
    name: Name,
    provider: Annotated[
        str | None,
        typer.Option("--provider", help="Where its plain /v1/… calls go.", show_default="openai"),
    ] = None,
    limit: Annotated[
        str | None,
        typer.Option(
            "--budget",
            metavar="LIMIT/WINDOW",
            help="USD for each window, which tells and refuses nothing: 500/month."
            " `acm budget set` has the rest.",
            show_default="none",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a project."""
    wanted = None if limit is None else (*parse_budget(limit), zone_name(None))
    with ControlStore(acm_home()) as store:
        made = projects.create(store, name, known_provider(provider), utc_now())
        if wanted:
            amount, period, zone = wanted
            budgets.put(store, Budget(0, Scope(project=name), period, zone, amount))
    if as_json:
        print_json({**_json(made), "budgets": [budget_json(one) for one in project_budgets(name)]})
    else:
        typer.echo(f"Project {made.name} is there. `acm project token new {made.name}` for a token")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the projects."""
    with ControlStore(acm_home()) as store:
        found = projects.everything(store)
    if as_json:
        print_json([_json(project) for project in found])
        return
    rows = [("PROJECT", "PROVIDER", "STATUS", "CREATED")]
    rows += [
        (project.name, project.provider or UNKNOWN, _status(project), _day(_made(project)))
        for project in found
    ]
    typer.echo("\n".join(columns(rows)))


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show a project: its provider, status, tokens, and what it used this month."""
    now, zone = utc_now(), chosen_zone(None)
    with ControlStore(acm_home()) as store:
        project = projects.get(store, name)
        its_tokens = project_tokens.of_project(store, project.name)
    month = times.parse_range("this month", None, now, zone)
    with ledger.opened() as reader:
        groups = reader.grouped("project", month.since, month.until, zone)
    used = next((group.totals for group in groups if group.name == project.name), Totals())
    stands = project_budgets(project.name)
    good = sum(ended(token, now) is None for token in its_tokens)
    if as_json:
        print_json(
            {
                **_json(project),
                "active_tokens": good,
                "budgets": [budget_json(stand) for stand in stands],
                "this_month": {**sums.range_json(month, zone), **sums.totals_json(used)},
            }
        )
        return
    doubts = remarks(sums.remarks_of(used))
    cost = sums.cost_of(used) + (f" ({doubts})" if doubts else "")
    typer.echo(
        "\n".join(
            [
                f"Project {project.name}",
                f"Provider:       {project.provider or 'any'}",
                f"Status:         {_status(project)}",
                f"Created:        {_day(_made(project))}",
                f"Tokens:         {good} active of {len(its_tokens)}",
                f"This month:     {cost}, {used.requests:,} calls",
                *map(usage_line, stands),
            ]
        )
    )


@app.command()
def rename(
    name: Name,
    new: Annotated[
        str, typer.Argument(metavar="NEW", help="Its name from now on.", show_default=False)
    ],
) -> None:
    """Rename a project, in every row of the ledger too. Programs may go on saying the old name."""
    from acm_addon.ledger.sqlite import SqliteLedger
    from cli import own_prices

    home = acm_home()
    ledger.settle(home)
    called = {name}

    def rewrite(old: str, renamed: str) -> None:
        called.add(old)
        book = SqliteLedger(home.ledger)
        try:
            book.rename_project(old, renamed)
        finally:
            book.close()

    with ControlStore(home) as store:
        project = projects.rename(store, name, new, rewrite)
    for old in called - {project.name}:
        own_prices.follow_rename(home, old, project.name)
    typer.echo(f"Project {name} is now {project.name}, with all of its history")


@app.command()
def archive(
    name: Name,
    undo: Annotated[bool, typer.Option("--undo", help="Open it again.")] = False,
) -> None:
    """Close a project: its tokens are refused from now on, and its history stays."""
    with ControlStore(acm_home()) as store:
        project = projects.archive(store, name, None if undo else utc_now())
    typer.echo(f"Project {project.name} is {_status(project)}")


@app.command()
def guard(
    name: Name,
    value: Annotated[OnOff, typer.Argument(metavar="VALUE", help="on or off.", show_default=False)],
) -> None:
    """Hold its calls back, or not, while a provider says to wait: they get a 429 at once."""
    with ControlStore(acm_home()) as store:
        project = projects.switch(store, name, Switch.GUARD, on=value is OnOff.ON)
    typer.echo(f"The rate-limit guard of project {project.name} is {value}")


@app.command()
def include_usage(
    name: Name,
    value: Annotated[OnOff, typer.Argument(metavar="VALUE", help="on or off.", show_default=False)],
) -> None:
    """Ask for the usage of its streams where its programs do not, and keep the answer from them."""
    with ControlStore(acm_home()) as store:
        project = projects.switch(store, name, Switch.INCLUDE_USAGE, on=value is OnOff.ON)
    typer.echo(f"Asking for the usage of streams of project {project.name} is {value}")


@tokens.command("new")
def token_new(
    name: Name,
    expires: Expires = None,
    as_json: Json = False,
) -> None:
    """Make a token and print it, this once. Those that are there already stay good."""
    now = utc_now()
    with ControlStore(acm_home()) as store:
        end = parse_expiry(expires, now, chosen_zone(None))
        secret, made = project_tokens.issue(store, name, end, now)
    if as_json:
        print_json({"token": secret, **_token_json(made, now)})
        return
    typer.echo(secret)
    typer.echo(
        "acm: this token is shown once. Send it as X-Project-Token, or as the user name of the "
        "proxy URL (HTTPS_PROXY=http://TOKEN@127.0.0.1:4141)",
        err=True,
    )


@tokens.command("list")
def token_list(name: Name, as_json: Json = False) -> None:
    """List the tokens of a project, without what is secret of them."""
    now, zone = utc_now(), chosen_zone(None)
    with ControlStore(acm_home()) as store:
        found = project_tokens.of_project(store, name)
    if as_json:
        print_json([_token_json(token, now) for token in found])
        return
    rows = [("NUMBER", "TOKEN", "STATUS", "CREATED", "EXPIRES")]
    rows += [
        (
            str(token.id),
            token.shown,
            ended(token, now) or "active",
            _day(token.created),
            shown_expiry(token.expires, zone) if token.expires else UNKNOWN,
        )
        for token in found
    ]
    typer.echo("\n".join(columns(rows)))


@tokens.command("revoke")
def token_revoke(
    name: Name,
    which: Annotated[
        str,
        typer.Argument(
            metavar="TOKEN", help="Its number, or its last four characters.", show_default=False
        ),
    ],
) -> None:
    """Refuse a token from now on: a running proxy does so at its next request."""
    with ControlStore(acm_home()) as store:
        token = project_tokens.revoke(store, name, which, utc_now())
    typer.echo(f"Token {token.id} ({token.shown}) is revoked")


def _json(project: Project) -> dict[str, object]:
    return {
        "name": project.name,
        "provider": project.provider,
        "status": _status(project),
        "created": time_text(_made(project)),
        "archived": time_text(project.archived),
    }


def _token_json(token: ProjectToken, now: datetime) -> dict[str, object]:
    return {
        "number": token.id,
        "shown": token.shown,
        "status": ended(token, now) or "active",
        "created": time_text(token.created),
        "expires": time_text(token.expires),
        "revoked": time_text(token.revoked),
    }


def _made(project: Project) -> datetime | None:
    """None for the default project, which nobody made."""
    return None if project.id == 1 else project.created


def _status(project: Project) -> str:
    return "archived" if project.archived else "active"


def _day(time: datetime | None) -> str:
    return f"{time.astimezone(chosen_zone(None)):%Y-%m-%d}" if time else UNKNOWN

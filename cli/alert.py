"""``acm alert …``: who hears of budgets, missing prices, unrecorded calls, and errors.

The URL of a channel holds a token as often as not. So it is read from a prompt or from standard
input, and taken from the command line only where it can hold none.
"""

import re
import sys
from typing import Annotated

import typer

from acm_addon.alert_sender import TITLE, Message, Sender
from acm_addon.alerts import KINDS, Attempt, Kind
from acm_addon.control import alert_channels, alert_log
from acm_addon.control.alert_channels import Channel
from acm_addon.control.alert_log import Delivery, Raised
from acm_addon.control.store import ControlStore
from acm_addon.errors import AcmError
from acm_addon.home import acm_home
from acm_addon.model import utc_now
from cli import times
from cli.exits import UsageError
from cli.known import listed
from cli.output import print_json
from cli.render import UNKNOWN, clean, columns
from cli.zones import chosen_zone

app = typer.Typer(
    name="alert",
    help="Alerts of budgets, missing prices, unrecorded calls, and errors; and where they go.",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The channel.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]

_PIPED = "-"
_WITHOUT_SECRET = re.compile(
    r"(?:dbus|qt|kde|gnome|glib|macosx|windows|growl|syslog)://[\w.:-]*/?"
    r"|(?:json|xml|form)s?://[\w.-]+(?::\d{1,5})?/?"
)
"""The desktop, and a host and a port alone: no user, path, or query."""

_OUTCOMES = {
    Attempt.SENT: "sent",
    Attempt.NOT_TAKEN: "the service could not be reached, or refused it",
    Attempt.TIMED_OUT: "the service did not answer in time",
    Attempt.BAD_URL: "the URL is that of no service that apprise knows",
    Attempt.VAULT: "the vault does not open: `acm key list --check` says why",
    Attempt.NOT_STARTED: "the process that sends could not be started",
}


@app.command()
def add(
    url: Annotated[
        str,
        typer.Argument(
            metavar="URL",
            help="Left out or -, it is asked for, or read from standard input. On the command "
            "line only one without a secret: a desktop's, or a host and port.",
            show_default=False,
        ),
    ] = _PIPED,
    *,
    name: Annotated[
        str | None,
        typer.Option("--name", help="What to call it.", show_default="the service's name"),
    ] = None,
    on: Annotated[
        list[str] | None,
        typer.Option(
            "--on",
            metavar="KIND",
            help=f"Only these: {', '.join(KINDS)}. Repeatable.",
            show_default="all",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Send alerts to a service of apprise's: slack://…, mailto://…, ntfy://…, json://…"""
    kinds = _kinds(on)
    if url != _PIPED and not _WITHOUT_SECRET.fullmatch(url):
        raise UsageError(
            "a URL may hold a secret, and every process of this machine sees a command line",
            "`acm alert add` asks for it; or pipe it in: `acm alert add - < file`",
        )
    secret = alert_channels.check_url(_read_url() if url == _PIPED else url)
    service = _service_of(secret)
    with ControlStore(acm_home()) as store:
        made = alert_channels.add(
            store, name or service, secret, service=service, kinds=kinds, now=utc_now()
        )
    if as_json:
        print_json(_json(made))
    else:
        typer.echo(f"Alerts go to {made.name} ({_shown(made)}). `acm alert test {made.name}` tries")


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List where alerts go, without what is secret of it."""
    with ControlStore(acm_home()) as store:
        found = alert_channels.everything(store)
    if as_json:
        print_json([_json(channel) for channel in found])
        return
    if not found:
        typer.echo("Alerts go nowhere yet. `acm alert add` sends them somewhere")
        return
    rows = [("CHANNEL", "URL", "ON")]
    rows += [(channel.name, _shown(channel), ", ".join(_words(channel))) for channel in found]
    typer.echo("\n".join(columns(rows)))


@app.command()
def test(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The channel.", show_default="all")
    ] = None,
    as_json: Json = False,
) -> None:
    """Send a message to a channel, or to all of them. Exit code 1 where one did not take it."""
    with ControlStore(acm_home()) as store:
        found = [one for one in alert_channels.everything(store) if name in (None, one.name)]
        if not found:
            raise AcmError(
                "there is no alert channel" if name is None else f"there is no channel {name!r}",
                "`acm alert list` shows them; `acm alert add` makes one",
            )
        urls = [alert_channels.url_of(store, channel) for channel in found]
    text = "This is a test. Alerts of acm arrive here."
    outcomes = [Sender().send(Message(url, TITLE, text)).outcome for url in urls]
    if as_json:
        print_json(
            [
                {"channel": channel.name, "outcome": outcome}
                for channel, outcome in zip(found, outcomes, strict=True)
            ]
        )
    else:
        rows = [
            (channel.name, _OUTCOMES[outcome])
            for channel, outcome in zip(found, outcomes, strict=True)
        ]
        typer.echo("\n".join(columns(rows)))
    failed = [
        channel.name
        for channel, outcome in zip(found, outcomes, strict=True)
        if outcome is not Attempt.SENT
    ]
    if failed:
        raise AcmError(
            f"no test arrived at {', '.join(failed)}",
            "is the URL right, and is the service reachable from here?",
        )


@app.command()
def rm(name: Name) -> None:
    """Send nothing more to a channel, and forget its URL."""
    with ControlStore(acm_home()) as store:
        removed = alert_channels.remove(store, name)
    typer.echo(f"Channel {removed.name} is gone")


@app.command()
def log(
    since: Annotated[
        str, typer.Option("--since", help="From when on, as for `acm report`.")
    ] = "30d",
    as_json: Json = False,
) -> None:
    """Show the alerts that there were, and whether they arrived."""
    now, zone = utc_now(), chosen_zone(None)
    start = times.parse_range(since, None, now, zone).since
    with ControlStore(acm_home()) as store:
        found = alert_log.since(store, start)
    if as_json:
        print_json([_raised_json(raised) for raised in found])
        return
    if not found:
        typer.echo("No alerts")
        return
    rows = [("TIME", "KIND", "ALERT", "SENT")]
    rows += [
        (
            f"{raised.time.astimezone(zone):%Y-%m-%d %H:%M}",
            raised.alert.kind,
            clean(raised.alert.message),
            ", ".join(map(_progress, raised.deliveries)) or UNKNOWN,
        )
        for raised in found
    ]
    typer.echo("\n".join(columns(rows)))


def _kinds(names: list[str] | None) -> list[Kind] | None:
    """Raises UsageError."""
    chosen = listed(names)
    if chosen is None:
        return None
    for name in chosen:
        if name not in KINDS:
            raise UsageError(f"there is no kind of alert {name!r}", f"one of {', '.join(KINDS)}")
    return [Kind(name) for name in chosen]


def _read_url() -> str:
    """One line from a prompt that shows nothing, or all of standard input where it is piped."""
    if sys.stdin is None:
        raise UsageError("there is nothing to read the URL from", "pipe it in")
    if sys.stdin.isatty():
        return str(typer.prompt("URL of the channel", hide_input=True, err=True))
    return sys.stdin.read(65536)


def _service_of(url: str) -> str:
    """What apprise calls the service of a URL. Raises AcmError where it knows none."""
    reply = Sender().send(Message(url))
    if reply.outcome is Attempt.SENT and reply.service:
        return reply.service
    if reply.outcome is Attempt.BAD_URL:
        raise AcmError(
            "what was given is not the URL of a service that apprise knows, or lacks a part",
            "https://github.com/caronc/apprise/wiki lists them",
        )
    raise AcmError(f"could not judge the URL: {_OUTCOMES[reply.outcome]}", "try again")


def _shown(channel: Channel) -> str:
    """Nothing behind the service's name: in some URLs all of it is secret."""
    return f"{channel.service}://…"


def _words(channel: Channel) -> list[str]:
    return ["all"] if channel.kinds is None else sorted(channel.kinds)


def _progress(delivery: Delivery) -> str:
    text = f"{delivery.channel}: {delivery.state}"
    if delivery.outcome in (None, Attempt.SENT):
        return text
    attempts = f"{delivery.attempts} attempt{'' if delivery.attempts == 1 else 's'}"
    return f"{text} after {attempts} ({delivery.outcome})"


def _json(channel: Channel) -> dict[str, object]:
    return {
        "name": channel.name,
        "service": channel.service,
        "shown": _shown(channel),
        "on": sorted(KINDS if channel.kinds is None else channel.kinds),
        "created": channel.created.isoformat(timespec="seconds"),
    }


def _raised_json(raised: Raised) -> dict[str, object]:
    return {
        "time": raised.time.isoformat(),
        "kind": raised.alert.kind,
        "key": raised.alert.key,
        "message": raised.alert.message,
        "deliveries": [
            {
                "channel": delivery.channel,
                "state": delivery.state,
                "attempts": delivery.attempts,
                "outcome": delivery.outcome,
            }
            for delivery in raised.deliveries
        ],
    }

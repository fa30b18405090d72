"""``acm prices update``, ``import`` and ``auto``: newer base data, looked at before it counts."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from acm_addon import price_schedule
from acm_addon.errors import AcmError
from acm_addon.home import acm_home
from acm_addon.model import utc_now
from cli import price_table
from cli.exits import UsageError
from cli.output import print_json
from cli.price_lists import change_json, change_lines
from cli.render import clean

if TYPE_CHECKING:
    from acm_addon.price_updates import Update


def update(*, accept: bool, dry_run: bool, as_json: bool) -> None:
    from acm_addon.price_updates import fetch, url

    _take(fetch(url()), accept=accept, dry_run=dry_run, as_json=as_json)


def import_file(file: Path, sha256: str, *, accept: bool, dry_run: bool, as_json: bool) -> None:
    from acm_addon.price_updates import LARGEST_BYTES, believable

    try:
        with file.open("rb") as opened:
            content = believable(opened.read(LARGEST_BYTES + 1))
    except OSError as error:
        raise AcmError(
            f"cannot read {file} ({error.strerror})", "name a file that exists"
        ) from None
    if hashlib.sha256(content).hexdigest() != sha256.strip().lower():
        raise AcmError(
            f"{file} does not have this SHA-256", "fetch it again, and compare with its origin"
        )
    _take(content, accept=accept, dry_run=dry_run, as_json=as_json)


def auto(when: str | None) -> None:
    home = acm_home()
    if when is None:
        typer.echo("daily" if price_schedule.is_on(home) else "off")
        return
    if when not in ("daily", "off"):
        raise UsageError(f"{when!r} is no schedule", "daily or off")
    price_schedule.turn(home.ensure(), on=when == "daily")
    said = "a running proxy updates the prices daily" if when == "daily" else "nothing is fetched"
    typer.echo(f"acm: {said}", err=True)


def _take(content: bytes, *, accept: bool, dry_run: bool, as_json: bool) -> None:
    from acm_addon.price_updates import judge, take_over

    home = acm_home().ensure()
    found = judge(content, home, price_table.to_update(home), utc_now())
    if as_json:
        print_json([change_json(change) for change in found.changes])
    elif found.changes:
        typer.echo("\n".join(change_lines(found.changes)))
    typer.echo(f"acm: {len(found.changes):,} prices change; table {found.table.version}", err=True)
    if found.refusals and not accept:
        raise _refused(found)
    if dry_run:
        typer.echo("acm: nothing was written", err=True)
        return
    take_over(found, home)
    typer.echo("acm: calls from now on have these prices, also in a running proxy", err=True)


def _refused(found: "Update") -> AcmError:
    shown = "; ".join(map(clean, found.refusals[:3]))
    more = f"; and {len(found.refusals) - 3:,} more" if len(found.refusals) > 3 else ""
    return AcmError(f"this looks wrong: {shown}{more}", "--accept takes it over nevertheless")

"""``acm doctor``: is everything in order, and what to do where it is not."""

import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from acm_addon.home import acm_home
from cli.exits import ExitCode
from cli.output import print_json
from cli.render import BOLD, RED, YELLOW, clean, paint

if TYPE_CHECKING:
    from cli.checkup import Finding

_STYLES = {"ok": "", "warn": YELLOW, "fail": RED}
_WIDTH = 96
_MARGIN = 20
"""Columns of the verdict and the check's name."""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check that everything is in order. Exit code 1 when something needs hands."""
    from cli import checkup, examine

    findings = checkup.examine(examine.look(acm_home()))
    well = checkup.healthy(findings)
    if as_json:
        print_json({"healthy": well, "checks": [finding_json(one) for one in findings]})
    else:
        typer.echo("\n".join(line for one in findings for line in lines(one)))
        typer.echo(f"\n{paint(summary(findings), BOLD)}")
    if not well:
        raise typer.Exit(ExitCode.FAILED)


def finding_json(finding: "Finding") -> dict[str, object]:
    return {
        "check": finding.check,
        "status": finding.verdict.value,
        "message": finding.message,
        "hint": finding.hint,
        "data": finding.data,
    }


def lines(finding: "Finding") -> list[str]:
    """The verdict, the check and what was found; below it, what to do."""
    verdict = finding.verdict.value
    head = f"{paint(verdict.ljust(6), _STYLES[verdict])}{finding.check.ljust(_MARGIN - 6)}"
    said = _wrapped(clean(finding.message))
    told = _wrapped(f"hint: {clean(finding.hint)}") if finding.hint else []
    return [head + said[0], *(" " * _MARGIN + line for line in [*said[1:], *told])]


def summary(findings: "list[Finding]") -> str:
    """How many findings there are of what is not ok."""
    counts = {name: sum(one.verdict == name for one in findings) for name in ("fail", "warn")}
    if not any(counts.values()):
        return "Everything is in order."
    needs = f"{counts['fail']} need{'s' if counts['fail'] == 1 else ''} hands"
    worth = f"{counts['warn']} {'is' if counts['warn'] == 1 else 'are'} worth knowing"
    return f"{needs}, {worth}." if counts["fail"] else f"Nothing needs hands; {worth}."


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH - _MARGIN, break_on_hyphens=False, break_long_words=False)

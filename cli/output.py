"""Data on standard output: JSON, in one place so that it looks the same everywhere."""

import json
from datetime import datetime

import typer

from cli.render import speaks_unicode


def print_json(value: object) -> None:
    """One JSON document, indented, in the order in which it was made."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=not speaks_unicode()))


def print_json_line(value: object) -> None:
    """One JSON document on one line, written out at once."""
    typer.echo(json.dumps(value, ensure_ascii=not speaks_unicode()))


def time_text(time: datetime | None) -> str | None:
    """An instant as JSON has it, to the second."""
    return time.isoformat(timespec="seconds") if time else None

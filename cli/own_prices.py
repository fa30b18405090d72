"""The user's own price file: entries added at its end, listed by number, and removed.

The file is theirs: what they wrote in it, comments included, stays as it is.
"""

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import typer

from acm_addon.errors import AcmError
from acm_addon.file_lock import in_turn
from acm_addon.home import Home, acm_home
from acm_addon.model import utc_now
from cli import price_table
from cli.exits import UsageError
from cli.money import by_the_million
from cli.output import print_json
from cli.pairs import pairs
from cli.render import clean
from pricing_data.loader import HEADER


@dataclass(frozen=True, slots=True)
class Scope:
    """Which calls an entry is for; None is all of them."""

    provider: str | None
    model: str | None
    project: str | None
    begin: str | None
    end: str | None

    @property
    def dated(self) -> bool:
        return self.begin is not None or self.end is not None

    def fields(self) -> dict[str, str | None]:
        return {
            "provider": _provider(self.provider),
            "model": self.model,
            "project": self.project,
            "effective_from": self.begin,
            "effective_to": self.end,
        }


def add(discount: str | None, rates: list[str], scope: Scope, conditions: list[str]) -> None:
    if (discount is None) == (not rates):
        raise UsageError(
            "give a discount, or rates", "--discount 12.5, or --rate input_tokens=2.50"
        )
    scope = replace(scope, project=_project(acm_home(), scope.project))
    if discount is not None:
        if conditions:
            raise UsageError("a discount has no conditions", "leave out --condition")
        entry = _entry("discount", {"percent": discount, **scope.fields()})
        _append(acm_home(), entry, dated=scope.dated)
        _warn_of_nothing(scope.fields()["provider"], scope.model)
        return
    if scope.provider is None:
        raise UsageError("rates need their provider", "add --provider")
    fields = {**scope.fields(), "model": scope.model or "*"}
    entries = [
        _entry(
            "price",
            {**fields, "unit": unit, "usd": usd, "per": _per(unit)},
            pairs("--condition", conditions),
        )
        for unit, usd in pairs("--rate", rates).items()
    ]
    _append(acm_home(), "".join(entries), dated=scope.dated)


def map_name(
    name: str, model: str, provider: str, priced_by: str | None, conditions: list[str]
) -> None:
    fields = {
        "provider": _provider(provider),
        "model": name,
        "priced_as": model,
        "priced_by": _provider(priced_by),
    }
    _append(acm_home(), _entry("map", fields, pairs("--condition", conditions), "context"))
    _warn_of_nothing(fields["priced_by"] or fields["provider"], model)


def show(as_json: bool) -> None:
    text = _text(acm_home().price_overrides)
    entries = [text[entry] for entry in _entries(text)]
    if as_json:
        print_json([{"number": number + 1, "entry": text} for number, text in enumerate(entries)])
        return
    for number, text in enumerate(entries):
        first, *rest = [clean(line) for line in text.strip().splitlines() if line.strip()]
        typer.echo(f"{number + 1:>3}  {first}")
        typer.echo("\n".join(f"     {line}" for line in rest))
    typer.echo(f"acm: {len(entries)} of your own in {acm_home().price_overrides}", err=True)


def remove(number: int) -> None:
    removed = ""

    def without(text: str) -> str:
        nonlocal removed
        entries = _entries(text)
        if not 1 <= number <= len(entries):
            raise UsageError(f"there is no number {number}", "`acm prices own` lists them")
        entry = entries[number - 1]
        removed = text[entry].strip().splitlines()[0]
        return text[: entry.start] + text[entry.stop :]

    _change(acm_home(), without)
    typer.echo(f"acm: removed {clean(removed)} {number}", err=True)


def follow_rename(home: Home, old: str, new: str) -> None:
    """Prices and discounts of a project are its own under its new name, too. Raises AcmError."""
    its = re.compile(rf"""^(\s*project\s*=\s*)(["']){re.escape(old)}\2""", re.MULTILINE)
    _change(home, lambda text: its.sub(rf"\g<1>\g<2>{new}\g<2>", text))


def _append(home: Home, entry: str, *, dated: bool = False) -> None:
    def longer(text: str) -> str:
        gap = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{gap}{entry}"

    _change(home, longer)
    which = "calls of these dates" if dated else "calls from now on"
    typer.echo(
        f"acm: {which} have these prices; `acm reprice` is for those that are recorded", err=True
    )


def _warn_of_nothing(provider: str | None, model: str | None) -> None:
    """A scope that no price is in is mostly a typo; the price may also be still to come."""
    table, now = price_table.current(acm_home()), utc_now()
    if provider is None:
        known = model is None or bool(price_table.serving(table, model, now))
    elif model is None:
        known = any(name == provider for name, _ in table.models())
    else:
        known = table.card(provider, model, {}, now) is not None
    if not known:
        whose = f" of a provider {clean(provider)!r}" if provider else ""
        what = f"the model {clean(model)!r}" if model else "anything"
        typer.echo(
            f"warning: there is no price for {what}{whose} yet; `acm prices list` names what has"
            " one",
            err=True,
        )


def _change(home: Home, change: Callable[[str], str]) -> None:
    """Put the changed file in place once it is proved sound, one change after another.

    Raises AcmError; what was there stays.
    """
    path = home.ensure().price_overrides
    with in_turn(path.with_suffix(".lock")):
        before = _text(path)
        if (text := change(before)) != before:
            _write(home, text)


def _write(home: Home, text: str) -> None:
    from acm_addon.price_store import publish
    from acm_addon.whole_file import replace_file

    with tempfile.TemporaryDirectory(prefix="acm-") as folder:
        draft = Path(folder) / home.price_overrides.name
        draft.write_text(text, encoding="utf-8")
        table = price_table.with_overrides(home, draft)
    replace_file(home.price_overrides, text.encode())
    publish(home, table)


def _entries(text: str) -> list[slice]:
    """Where each entry lies, with the empty lines behind it. A comment behind it is not its own:
    mostly it is about the next one."""
    starts = [match.start() for match in HEADER.finditer(text)]
    return [
        slice(start, end - _comments_at_the_end(text[start:end]))
        for start, end in pairwise([*starts, len(text)])
    ]


def _comments_at_the_end(text: str) -> int:
    """How many characters they are, the empty lines between them and after them included."""
    length, found = 0, 0
    for line in reversed(text.split("\n")):
        if line.strip() and not line.lstrip().startswith("#"):
            break
        length += len(line) + 1
        found = length if line.strip() else found
    return max(found - 1, 0)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise AcmError(
            f"{path} cannot be read ({type(error).__name__})", "it must be UTF-8, and yours to read"
        ) from error


def _entry(
    kind: str,
    fields: Mapping[str, str | int | None],
    texts: Mapping[str, str] | None = None,
    texts_name: str = "conditions",
) -> str:
    """An entry of the file, as TOML."""
    lines = [f"[[{kind}]]"]
    lines += [f"{name} = {_toml(value)}" for name, value in fields.items() if value is not None]
    if texts:
        inner = ", ".join(f"{_toml(name)} = {_toml(value)}" for name, value in texts.items())
        lines.append(f"{texts_name} = {{ {inner} }}")
    return "\n".join(lines) + "\n\n"


def _toml(value: str | int) -> str:
    """A basic string or an integer. Control characters, which TOML refuses, are escaped."""
    if isinstance(value, int):
        return str(value)
    escaped = "".join(
        char if char.isprintable() and char not in '"\\' else f"\\U{ord(char):08x}"
        for char in value
    )
    return f'"{escaped}"'


def _provider(name: str | None) -> str | None:
    """Its id in the price table. An empty one stays, and is refused: it is no "every provider"."""
    return None if name is None else price_table.priced_by(name.strip().lower())


def _project(home: Home, name: str | None) -> str | None:
    """What it is called now. One that nobody knows is taken, and said: it may be still to come."""
    from acm_addon.control import projects
    from acm_addon.control.store import ControlStore

    if not name:
        return name
    with ControlStore(home.ensure()) as store:
        try:
            return projects.get(store, name).name
        except AcmError:
            typer.echo(f"warning: there is no project {clean(name)!r} yet", err=True)
            return name


def _per(unit: str) -> int:
    return 1_000_000 if by_the_million(unit) else 1

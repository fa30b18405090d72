"""Reads the price files, and refuses what is wrong with file, line, entry and hint.

``read_files`` gives what the files say as plain JSON values, which is what a frozen table keeps;
``parse_provider`` (in ``parsing``) turns one provider's part of that into values. So a table that
was frozen years ago goes through the same checks as the files of today.
"""

import datetime as dt
import re
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from pricing_data.entries import Overrides, ProviderPrices
from pricing_data.fields import PriceDataError, Source
from pricing_data.overrides import parse_overrides
from pricing_data.parsing import UNITS_FILE_NAME, RawProvider, parse_provider

FOLDER = Path(__file__).parent / "prices"
UNITS_FILE = Path(__file__).parent / UNITS_FILE_NAME

HEADER = re.compile(r"^\s*\[\[\s*(\w+)\s*\]\]", re.MULTILINE)
"""Where an entry begins, and of which kind it is."""


def own_units() -> dict[str, dict[str, str]]:
    """Units that the base dataset lacks, and their dimensions: none for one that stands alone."""
    return {name: dict(raw.get("dimensions", {})) for name, raw in _read(UNITS_FILE).items()}


def read_files(folder: Path = FOLDER) -> dict[str, RawProvider]:
    """What each ``<provider>.toml`` says, as JSON values. Raises PriceDataError for syntax."""
    return {path.stem: _read(path) for path in sorted(folder.glob("*.toml"))}


def load_files(known_units: Collection[str], folder: Path = FOLDER) -> dict[str, ProviderPrices]:
    """Every provider's entries, parsed and checked. Raises PriceDataError."""
    return {
        path.stem: parse_provider(_read(path), known_units, _source(path))
        for path in sorted(folder.glob("*.toml"))
    }


def read_overrides(path: Path) -> RawProvider:
    """What a user's own price file says, as JSON values. Raises PriceDataError for syntax.

    Nothing, where there is no such file.
    """
    return _read(path) if path.exists() else {}


def load_overrides(path: Path, known_units: Collection[str]) -> Overrides:
    """A user's own prices, discounts and maps, parsed and checked. Raises PriceDataError."""
    if not path.exists():
        return Overrides()
    return parse_overrides(_read(path), known_units, _source(path))


def _source(path: Path) -> Source:
    counts: dict[str, int] = {}
    lines: dict[tuple[str, int], int] = {}
    text = path.read_text(encoding="utf-8")
    for match in HEADER.finditer(text):
        kind = match[1]
        index = counts.get(kind, 0)
        counts[kind] = index + 1
        lines[kind, index] = text.count("\n", 0, match.start(1)) + 1
    return Source(path.name, lines)


def _read(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problem = error.strerror or "an unknown reason"
        raise PriceDataError(
            path.name, f"cannot be read: {problem}", "make it a file that you may read"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PriceDataError(
            path.name, f"not TOML: {error}", "see toml.io for the syntax"
        ) from None
    plain: dict[str, Any] = _plain(values)
    return plain


def _plain(value: Any) -> Any:
    """TOML's values as JSON's: dates become ISO texts."""
    match value:
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case dt.date() | dt.time():
            return value.isoformat()
        case _:
            return value

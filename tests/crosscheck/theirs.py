"""litellm's price file, as its newest wheel in the package registry has it. Never installed."""

import json
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

_FILE = "litellm/model_prices_and_context_window_backup.json"
_EXPLANATION = "sample_spec"
"""An entry of theirs that says what the fields mean."""
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Theirs:
    """What they say of one model: USD for a million tokens by field, and its last day."""

    prices: Mapping[str, Decimal]
    retired: date | None


_FIELDS = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
    "input_audio": "input_cost_per_audio_token",
    "output_audio": "output_cost_per_audio_token",
}


def download(folder: Path) -> Path:
    """The newest wheel. Raises subprocess.CalledProcessError where there is no registry."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary"]
    subprocess.run([*command, ":all:", "--dest", str(folder), "litellm"], check=True)
    (wheel,) = folder.glob("litellm-*.whl")
    return wheel


def read(wheel: Path) -> dict[str, Theirs]:
    """By their name of the model. Raises KeyError where the wheel has no price file."""
    with zipfile.ZipFile(wheel) as archive:
        raw: dict[str, dict[str, Any]] = json.loads(archive.read(_FILE), parse_float=Decimal)
    return {name: theirs(entry) for name, entry in raw.items() if name != _EXPLANATION}


def theirs(entry: Mapping[str, Any]) -> Theirs:
    """A zero is no price: their way to say that a field does not apply."""
    prices = {
        field: Decimal(entry[key]) * _MILLION for field, key in _FIELDS.items() if entry.get(key)
    }
    if entry.get("mode") == "audio_speech" and "output_audio" in prices:
        prices.pop("output", None)  # a voice answers in audio alone
    ended = entry.get("deprecation_date")
    return Theirs(prices, date.fromisoformat(ended) if ended else None)

"""Recorded exchanges: one JSON object a line, bodies without their content coding.

Our own small ones are in ``tests/recordings``. A folder of more is named by ``ACM_RECORDINGS``.
"""

import base64
import json
import os
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("ACM_RECORDINGS") or ROOT.parent / "shared" / "recordings")
FIXTURES = ROOT / "tests" / "recordings"

type Recording = dict[str, Any]


@cache
def recordings(folder: Path = FOLDER) -> tuple[Recording, ...]:
    """Every recording of a folder, file by file; none where the folder is absent."""
    return tuple(_lines(folder))


def _lines(folder: Path) -> Iterator[Recording]:
    for file in sorted(folder.glob("*.jsonl")):
        with file.open() as lines:
            yield from (json.loads(line) for line in lines if line.strip())


def is_comparable(record: Recording) -> bool:
    """Whether the provider's usage is in a response that was recorded to its end."""
    whole: bool = record["response_body_encoding"] != "text-truncated"
    return whole and bool(record["usage_reported"])


def body(record: Recording, side: str) -> bytes:
    """The body of the ``request`` or the ``response``, decoded."""
    text = record[f"{side}_body"] or ""
    if record[f"{side}_body_encoding"] == "base64":
        return base64.b64decode(text)
    return str(text).encode()


def headers(record: Recording, side: str) -> Mapping[str, str]:
    """By lower-case name; of duplicates the first."""
    fields = reversed(record[f"{side}_headers"] or [])
    return {name.lower(): value for name, value in fields}

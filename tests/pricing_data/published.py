"""``python -m tests.pricing_data.published``: record the entries of the price files as published.

An entry that has been published is never changed or removed. It may be ended, once: that is the one
thing about it that is recorded beside the digest of all the rest.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from pricing_data import RawProvider, read_files

RECORD = Path(__file__).parent / "published.tsv"
_KINDS = ("price", "alias", "multiplier", "standard_rate", "own_price")
"""A finding changes no price, and may be settled."""
_OPEN = "-"

type Published = dict[tuple[str, str, str], str]
"""Provider, kind and digest of an entry to its end, or ``-`` where it has none."""


def entries(files: Mapping[str, RawProvider]) -> Published:
    return {
        (provider, kind, _digest(entry)): str(entry.get("effective_to", _OPEN))
        for provider, raw in files.items()
        for kind in _KINDS
        for entry in raw.get(kind, ())
    }


def read(text: str) -> Published:
    rows = (line.split("\t") for line in text.splitlines())
    return {(provider, kind, digest): end for provider, kind, digest, end in rows}


def write(published: Published) -> str:
    return "".join("\t".join((*key, end)) + "\n" for key, end in sorted(published.items()))


def violations(published: Published, now: Published) -> list[str]:
    """What was published and is not there any more, or ends at another time than it did."""
    gone = [" ".join(key) for key in published if key not in now]
    moved = [
        " ".join((*key, end, "is now", now[key]))
        for key, end in published.items()
        if key in now and end not in {_OPEN, now[key]}
    ]
    return gone + moved


def unrecorded(published: Published, now: Published) -> list[str]:
    """New entries, and ends of old ones."""
    return [" ".join(key) for key, end in now.items() if published.get(key) != end]


def _digest(entry: Mapping[str, object]) -> str:
    kept: Iterable[str] = entry.keys() - {"effective_to"}
    content = json.dumps({name: entry[name] for name in kept}, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def main() -> int:
    now = entries(read_files())
    wrong = violations(read(RECORD.read_text()), now) if RECORD.exists() else []
    if wrong:
        print("error: published prices were changed", *wrong, sep="\n")
        print("hint: restore them; end one with effective_to and append its successor")
        return 1
    RECORD.write_text(write(now))
    print(f"{len(now)} entries are recorded")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""``acm import``: calls a second of one core, and memory, on captures of our own making, and on the
recordings of the folder ``ACM_RECORDINGS``, if it names one.

Measured on the whole command, from its start to the last row in the ledger: processor time of its
process and of the one that it starts, and the memory of the larger of the two.
``python -m bench.import_calls 2000`` measures files of 2 GB.
"""

import os
import sys
import tempfile
from pathlib import Path

from bench.captures import write_flows, write_har, write_lines, write_recordings
from bench.commands import acm

_CALLS = 50_000
_LARGE_WORDS = 12_000
"""In the prompts of a large file: 68 KB."""
_KILOBYTES = 70
_FORMATS = (("JSON lines", write_lines), ("HAR", write_har), ("flows", write_flows))


def main(large_megabytes: int = 300) -> None:
    """``large_megabytes``: the size of the files that memory is measured on."""
    print(f"Import: {_CALLS:,} calls into an empty ledger, on one core")
    with tempfile.TemporaryDirectory(prefix="acm-bench-") as folder:
        path = Path(folder) / "capture"
        for name, write in _FORMATS:
            write(path, _CALLS)
            _measure(name, path, _CALLS)
        if recordings := os.environ.get("ACM_RECORDINGS"):
            write_recordings(path, _CALLS, Path(recordings))
            _measure("recordings", path, _CALLS)
        for name, write in _FORMATS:
            calls = large_megabytes * 1000 // _KILOBYTES
            write(path, calls, _LARGE_WORDS)
            _measure(f"large {name}", path, calls)


def _measure(name: str, path: Path, calls: int) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as home:
        seconds, megabytes = acm(Path(home), "import", str(path))
    print(
        f"  {name:<16}  {calls / seconds:,.0f} calls/s,"
        f" {megabytes:,.0f} MB of memory, {path.stat().st_size / 1e6:,.0f} MB of file",
        flush=True,
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

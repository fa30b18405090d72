"""``acm import``: calls a second of one core, and memory, on captures of our own making, and on the
recordings of the folder ``ACM_RECORDINGS``, if it names one.

Measured on the whole command, from its start to the last row in the ledger: processor time of its
process and of the one that it starts, and the memory of the larger of the two.
``python -m bench.import_calls 2000`` measures files of 2 GB.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.captures import write_flows, write_har, write_lines, write_recordings

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
    seconds, megabytes = _import(path, str(path.parent))
    print(
        f"  {name:<16}  {calls / seconds:,.0f} calls/s,"
        f" {megabytes:,.0f} MB of memory, {path.stat().st_size / 1e6:,.0f} MB of file",
        flush=True,
    )


def _import(path: Path, folder: str) -> tuple[float, float]:
    """Processor seconds, and the most memory in megabytes."""
    with tempfile.TemporaryDirectory(dir=folder) as home:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "import", str(path)],
            env={**os.environ, "ACM_HOME": home},
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError("the import failed")
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

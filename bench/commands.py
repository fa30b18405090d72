"""A whole ``acm`` command, and what it took."""

import os
import subprocess
import sys
from pathlib import Path


def acm(home: Path, *arguments: str) -> tuple[float, float]:
    """Processor seconds, and the most memory in megabytes: of its process, and those it started."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", *arguments],
        env={**os.environ, "ACM_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"acm {' '.join(arguments)} failed")
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6

"""The drain as a proxy starts it."""

import os
import subprocess
import sys

from acm_addon.home import Home


def drain_process(home: Home) -> subprocess.Popen[bytes]:
    """A byte wakes it, and the end of its input ends it, after a last pass."""
    return subprocess.Popen(
        [sys.executable, "-m", "acm_addon.drain_process"],
        env={**os.environ, "ACM_HOME": str(home.root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )

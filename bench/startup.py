"""``acm today`` on a ledger of 100,000 calls, against a bare typer-and-rich hello program."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_CALLS = 100_000
_PAIRS = 15

_HELLO = """
import typer
from rich.console import Console

app = typer.Typer()

@app.command()
def hello() -> None:
    Console().print("[bold]hello[/bold]")

app()
"""


def main() -> None:
    print(f"Start-up: acm today on {_CALLS:,} calls / a bare typer-and-rich hello program")
    with tempfile.TemporaryDirectory(prefix="acm-bench-") as home:
        hello = Path(home) / "hello.py"
        hello.write_text(_HELLO)
        environment = {**os.environ, "ACM_HOME": home, "NO_COLOR": "1"}
        subprocess.run(
            [sys.executable, "-m", "bench.fill_ledger", str(_CALLS)], env=environment, check=True
        )
        today = [str(Path(sys.executable).with_name("acm")), "today"]
        bare = [sys.executable, str(hello)]
        pairs = [(_seconds(today, environment), _seconds(bare, environment)) for _ in range(_PAIRS)]
    ratios = [ours / theirs for ours, theirs in pairs[1:]]
    print(
        f"  {statistics.median(ratios):.2f}x (min {min(ratios):.2f}, max {max(ratios):.2f};"
        f" medians {statistics.median(a for a, _ in pairs) * 1000:.0f} ms"
        f" against {statistics.median(b for _, b in pairs) * 1000:.0f} ms)"
    )


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started

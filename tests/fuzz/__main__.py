"""``python -m tests.fuzz SECONDS [TARGET…]``: fuzz every target for that long, one after another.

What was learned is kept in ``.fuzz/TARGET/corpus``; an input that broke a promise is in
``.fuzz/TARGET`` and is printed. Exit code 1 if there was one.
"""

import subprocess
import sys
from pathlib import Path

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

_FOLDER = Path(".fuzz")


def _fuzz(name: str, seconds: int) -> bool:
    """Fuzz one target in a process of its own, which the fuzzer ends in its own way."""
    folder = _FOLDER / name
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-max_total_time={seconds}", "-timeout=20", "-max_len=4096", "-rss_limit_mb=2048"]
    run = [sys.executable, "-m", "tests.fuzz.engine", name, str(corpus), *limits]
    run += [f"-artifact_prefix={folder}/", "-print_final_stats=1"]
    return subprocess.run(run, check=False).returncode == 0


def main(arguments: list[str]) -> int:
    seconds = int(arguments[0]) if arguments else 30
    names = arguments[1:] or list(TARGETS)
    failed = [name for name in names if not _fuzz(name, seconds)]
    print(f"fuzzed {', '.join(names)}, {seconds} s each: {', '.join(failed) or 'none'} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

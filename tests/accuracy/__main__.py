"""``python -m tests.accuracy``: compare every recording with what its provider reported.

Writes docs/accuracy.md and prints it but for its lists. Without a folder of recordings it compares
our own small ones, writes nothing, and says how many tests have nothing to run on. Exits 1 where
any quantity or any replayed row differs.
"""

import contextlib
import io
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from acm_addon.home import Home
from acm_addon.model import LIVE
from tests.accuracy.compare import Agreement, judge_all
from tests.accuracy.estimator import estimates
from tests.accuracy.page import page
from tests.accuracy.recordings import FIXTURES, FOLDER, ROOT, Recording, recordings
from tests.accuracy.stations import is_replayable
from tests.loopback.harness import LiveProxy
from tests.loopback.replay import ReplayUpstream, compare

_PAGE = ROOT / "docs" / "accuracy.md"


def main() -> int:
    found = recordings() or recordings(FIXTURES)
    verdicts = judge_all(found)
    metered = [record for record in found if is_replayable(record)]
    wrong = _replayed(metered)
    text = page(verdicts, estimates(found), _sentence(len(metered), wrong))
    print("\n".join(_without_lists(line) for line in text.splitlines()))
    for name, differences in wrong.items():
        print(f"{name}: {differences or 'no row'}")
    if recordings():
        _PAGE.write_text(text)
        print(f"\nwrote {_PAGE.relative_to(ROOT)}")
    else:
        print(f"\nno recordings in {FOLDER}: this is of our own few")
        print(f"{_skipped()} tests were skipped, and no page is written")
        print("hint: name a folder of recordings in ACM_RECORDINGS")
    return 1 if wrong or any(each.agreement is Agreement.DIFFERENT for each in verdicts) else 0


def _replayed(records: Sequence[Recording]) -> dict[str, dict[str, object] | None]:
    """The replayed calls whose rows differ, by recording and entrance."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        with (
            ReplayUpstream(Path(folder), records) as upstream,
            LiveProxy(home, (upstream.port, upstream.ca_file)) as proxy,
        ):
            return {
                f"{name}, {entrance}": differences
                for entrance in LIVE
                for name, differences in compare(proxy, records, entrance).items()
            }


def _sentence(metered: int, wrong: dict[str, dict[str, object] | None]) -> str:
    calls = metered * len(LIVE)
    return (
        "All recordings of metered endpoints were also played by a local provider through the\n"
        "live proxy, compressed as they once were and cut into awkward pieces, by both entrances.\n"
        f"{calls - len(wrong):,} of {calls:,} calls gave the row that the same exchange gives\n"
        "without proxy and network, in every field but the id, the times, and the entrance, and\n"
        "the client got the very bytes that were sent."
    )


def _without_lists(line: str) -> str:
    return line if len(line) <= 120 else f"{line[:117]}..."


def _skipped() -> int:
    """How many tests need the recordings."""
    counted = _Skips()
    with contextlib.redirect_stdout(io.StringIO()):
        paths = [
            ROOT / "tests" / "providers" / "test_recordings.py",
            ROOT / "tests" / "loopback" / "test_replay.py",
        ]
        pytest.main(["-q", "-k", "not own", *map(str, paths)], plugins=[counted])
    return counted.count


class _Skips:
    """Counts what pytest skips."""

    count = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.count += report.skipped


if __name__ == "__main__":
    sys.exit(main())

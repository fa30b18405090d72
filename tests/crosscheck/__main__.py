"""``python -m tests.crosscheck [WHEEL]``: our prices against litellm's, by provider.

Fetches litellm's newest wheel from the package registry, or reads the one named, and writes the
comparison into docs/prices.md. Exits 1 where a conflict has no verdict in our price files.
"""

import sys
import tempfile
from pathlib import Path

from acm_addon.pricing import PriceTable
from pricing_data import load_files
from pricing_data.dates import last_checked
from tests.crosscheck.compare import LIST, Outcome, compare_all, peak, popular
from tests.crosscheck.page import BEGIN, END, page
from tests.crosscheck.theirs import download, read

_PAGE = Path(__file__).parents[2] / "docs" / "prices.md"


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(sys.argv[1]) if sys.argv[1:] else download(Path(folder))
        theirs = read(wheel)
    table = PriceTable.current()
    findings = {
        provider: entries.findings for provider, entries in load_files(table.units.by_name).items()
    }
    at = peak(last_checked())
    models = popular(LIST.read_text(encoding="utf-8"))
    compared = compare_all(table, models, theirs, findings, at)
    release = " ".join(wheel.name.split("-")[:2])
    text = page(compared, release, f"{at:%Y-%m-%d %H:%M} UTC")
    print(text)
    before, _, rest = _PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2].strip()
    written = f"{before.rstrip()}\n\n{BEGIN}\n\n{text.strip()}\n\n{END}\n\n{after}\n"
    _PAGE.write_text(written, encoding="utf-8")
    print(f"wrote {_PAGE.name}")
    return int(any(each.outcome is Outcome.CONFLICT and not each.finding for each in compared))


if __name__ == "__main__":
    sys.exit(main())

"""The comparison as Markdown, and its place in docs/prices.md."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from tests.crosscheck.compare import Compared, Outcome

BEGIN = "<!-- from here on `make crosscheck` writes -->"
END = "<!-- end of the cross-check -->"

_AGREE = {Outcome.AGREE, Outcome.AGREE_UNTIL_RETIRED}
_BOTH = {*_AGREE, Outcome.CONFLICT}


def agreement(compared: Sequence[Compared]) -> tuple[int, int]:
    """How many models agree in every field, and how many both sides have."""
    outcomes = Counter(each.outcome for each in compared)
    return sum(outcomes[each] for each in _AGREE), sum(outcomes[each] for each in _BOTH)


def page(compared: Sequence[Compared], source: str, day: str) -> str:
    agree, both = agreement(compared)
    lines = [
        f"Compared with {source} at the prices of {day}: both sides have {both} of",
        f"{len(compared)} popular models, and {agree} of them ({_percent(agree, both)}) agree",
        "in every field that both have: input, output, cache reads and writes, audio.",
        "",
        "| Provider | Models | Both have | Agree | Conflict | Only ours | Only theirs |",
        "|---|---|---|---|---|---|---|",
        *_by_provider(compared),
        "",
        *_conflicts(compared),
    ]
    retired = [each for each in compared if each.outcome is Outcome.AGREE_UNTIL_RETIRED]
    if retired:
        names = ", ".join(f"`{each.popular.model}`" for each in retired)
        lines += ["", f"Retired, and compared on their last day: {names}."]
    return "\n".join([*lines, ""])


def _by_provider(compared: Sequence[Compared]) -> list[str]:
    providers = sorted({each.popular.provider for each in compared})
    rows = []
    for provider in providers:
        mine = [each for each in compared if each.popular.provider == provider]
        outcomes = Counter(each.outcome for each in mine)
        agree, both = agreement(mine)
        counts = [
            len(mine),
            both,
            agree,
            outcomes[Outcome.CONFLICT],
            outcomes[Outcome.ONLY_OURS],
            outcomes[Outcome.ONLY_THEIRS],
        ]
        rows.append(f"| {provider} | {' | '.join(map(str, counts))} |")
    return rows


def _conflicts(compared: Sequence[Compared]) -> list[str]:
    conflicts = [each for each in compared if each.outcome is Outcome.CONFLICT]
    if not conflicts:
        return ["No conflict."]
    return [
        "| Conflict | Ours / theirs, USD per million | Verdict |",
        "|---|---|---|",
        *(
            f"| {each.popular.provider} `{each.popular.model}` | {_values(each.differences)} "
            f"| {_verdict(each)} |"
            for each in conflicts
        ),
    ]


def _values(differences: Mapping[str, tuple[Decimal, Decimal]]) -> str:
    return ", ".join(
        f"{field} {_plain(ours)} / {_plain(theirs)}"
        for field, (ours, theirs) in differences.items()
    )


def _plain(usd: Decimal) -> str:
    return format(usd.normalize(), "f")


def _verdict(each: Compared) -> str:
    if each.finding is None:
        return "**unexplained**"
    words = each.finding.verdict.replace("_", " ")
    return f"{words}: {each.finding.origin.note}" if each.finding.origin.note else words


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "none"

"""The report as Markdown, from values alone: the same on every machine."""

from collections import Counter
from collections.abc import Iterable, Sequence
from email.utils import parsedate

from tests.accuracy.compare import REASONS, Agreement, Verdict
from tests.accuracy.estimator import Estimate, Kind, spread
from tests.accuracy.recordings import Recording, headers

_ABOUT_ESTIMATES = """\
Where a provider reports no usage (a stream without it, a connection that was cut), acm counts the
texts with a tokenizer and marks the row as estimated. To see how good that is, usage was taken out
of the recordings that have it, and the count compared with it.

Texts of OpenAI's models are counted with their own encodings, all others with OpenAI's newest times
a factor (Mistral's with its own, if the extra `tokenizers` is installed), and what is put around
messages and tools with numbers measured for each family (`acm_addon/families.py`). Those numbers
come from these recordings. How they do on recordings that they did not come from,
`python -m tests.accuracy.fit` says: it fits them anew with each test suite left out in turn.

"Together" is the error of the sum, as in a month's bill; the others are absolute errors of single
calls. Most recorded calls are tiny (a question of ten tokens), where a handful of tokens
around a message is a large part. "Not counted" are calls whose body was not recorded, or holds
nothing that can be counted; the errors are those of the rest."""

_ABOUT_KINDS = (
    "- **text**: all that counts was there to be counted.",
    "- **with tools**: providers put instructions of their own around tools (hundreds of tokens",
    "  with Claude), which are billed as input, and which no request contains.",
    "- **not all seen**: pictures, sound, files, stored or sealed conversations, searches, or",
    "  reasoning of which the response shows a summary or nothing. An estimate says little there,",
    "  and its row is marked as incomplete where the request or the model gives it away.",
)
_TITLES = {"input_tokens": "Input", "output_tokens": "Output"}


def page(verdicts: Sequence[Verdict], counted: Sequence[Estimate], replayed: str = "") -> str:
    """``replayed``: a sentence about the replay through the live proxy."""
    records = [verdict.record for verdict in verdicts]
    parts = [
        "# Accuracy",
        "",
        "Written by `make accuracy`. It runs recorded exchanges of public test suites through the",
        "same stations as live traffic, and compares each row with what the provider reported,",
        "which a second implementation reads (`tests/accuracy/expected.py`, without acm's code).",
        "The recordings themselves are not in this repository: they are other people's prompts.",
        "",
        f"{len(records):,} recordings{_span(records)}.",
        "",
        "## Usage that providers report",
        "",
        *_agreement(verdicts),
        "",
        *([replayed, ""] if replayed else []),
        "## What is not read, and why",
        "",
        *_unread(verdicts),
        "",
        "## Estimates",
        "",
        _ABOUT_ESTIMATES,
        "",
        *_ABOUT_KINDS,
        "",
        *_estimates(counted),
    ]
    return "\n".join(parts).rstrip() + "\n"


def summary(verdicts: Sequence[Verdict]) -> str:
    """The comparison in a sentence."""
    counts = Counter(verdict.agreement for verdict in verdicts)
    read = counts[Agreement.EQUAL] + counts[Agreement.DIFFERENT]
    return (
        f"Of {read:,} recordings whose reported usage acm reads, {counts[Agreement.EQUAL]:,} are"
        f" equal in every quantity and {counts[Agreement.DIFFERENT]:,} differ."
    )


def _span(records: Iterable[Recording]) -> str:
    given = (parsedate(headers(record, "response").get("date", "")) for record in records)
    dates = sorted(f"{date[0]}-{date[1]:02}" for date in given if date)
    return f", made from {dates[0]} to {dates[-1]}" if dates else ""


def _agreement(verdicts: Sequence[Verdict]) -> list[str]:
    places = Counter((each.provider, each.endpoint, each.agreement) for each in verdicts)
    read = {key[:2] for key in places if key[2] in (Agreement.EQUAL, Agreement.DIFFERENT)}
    rows = [
        [*place, *(f"{places[*place, each]:,}" for each in (Agreement.EQUAL, Agreement.DIFFERENT))]
        for place in sorted(read)
    ]
    differing = [each for each in verdicts if each.agreement is Agreement.DIFFERENT]
    return [
        summary(verdicts),
        "",
        *_table(["Provider", "Endpoint", ">Equal", ">Different"], rows),
        *([""] if differing else []),
        *(f"- {each.record['id']}: {'; '.join(each.differences)}" for each in differing),
    ]


def _unread(verdicts: Sequence[Verdict]) -> list[str]:
    missed = [each for each in verdicts if each.agreement is Agreement.NOT_READ]
    reasons = Counter(each.reason or "" for each in missed)
    places: dict[tuple[str, str, str], list[str]] = {}
    for each in missed:
        if each.reason != "host":
            place = (each.provider, each.endpoint, each.reason or "")
            places.setdefault(place, []).append(each.record["id"])
    hosts = Counter(each.provider for each in missed if each.reason == "host")
    silent = sum(each.agreement is Agreement.NOTHING_REPORTED for each in verdicts)
    return [
        f"{len(missed):,} recordings report usage that acm does not book."
        f" {silent:,} more report none.",
        "",
        *_table(
            ["Reason", ">Recordings", "Why"],
            [[key, f"{reasons[key]:,}", why] for key, why in REASONS.items() if reasons[key]],
        ),
        "",
        *_table(
            ["Provider", "Endpoint or path", "Reason", "Recordings"],
            [[*place, ", ".join(sorted(ids))] for place, ids in sorted(places.items())],
        ),
        *(["", "Of such hosts: " + _counted(hosts) + "."] if hosts else []),
    ]


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))


_HEADER = [
    "Of what counts",
    "Models",
    ">Calls",
    ">Not counted",
    ">Together",
    ">Median",
    ">90th percentile",
    ">Median, tokens",
]


def _summary(unit: str, counted: Sequence[Estimate]) -> list[str]:
    """The medians of what is text alone, of OpenAI's models and of all others."""
    texts = [each for each in counted if each.unit == unit and each.kind is Kind.TEXT]
    parts = [
        f"{title} {spread(of).median:.1%}"
        for title, own in (("OpenAI's models", True), ("all others", False))
        if (of := [each for each in texts if each.family.startswith("OpenAI") is own])
        and any(each.estimated is not None for each in of)
    ]
    return [f"Of text, the median error: {', '.join(parts)}."] if parts else []


def _estimates(counted: Sequence[Estimate]) -> list[str]:
    lines: list[str] = []
    for unit, title in _TITLES.items():
        groups: dict[tuple[Kind, str], list[Estimate]] = {}
        for each in counted:
            if each.unit == unit:
                groups.setdefault((each.kind, each.family), []).append(each)
        rows = [
            _row(kind, family, groups[kind, family])
            for kind in Kind
            for family in sorted(name for of_kind, name in groups if of_kind is kind)
        ]
        lines += [f"### {title}", "", *_summary(unit, counted), "", *_table(_HEADER, rows), ""]
    return lines


def _row(kind: Kind, family: str, of: list[Estimate]) -> list[str]:
    names = [kind.value, family, f"{len(of):,}"]
    if all(each.estimated is None for each in of):
        return [*names, f"{len(of):,}", "", "", "", ""]
    errors = spread(of)
    return [
        *names,
        f"{errors.uncounted:,}",
        f"{errors.sum:+.1%}",
        f"{errors.median:.1%}",
        f"{errors.p90:.1%}",
        f"{errors.tokens:,.0f}",
    ]


def _table(header: list[str], rows: Iterable[list[str]]) -> list[str]:
    """A Markdown table; a column whose header begins with ``>`` is aligned right."""
    rule = ("---:" if name.startswith(">") else "---" for name in header)
    cells = [[name.removeprefix(">") for name in header], *rows]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return [lines[0], f"|{'|'.join(rule)}|", *lines[1:]]

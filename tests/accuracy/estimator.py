"""How far the tokenizer is from the provider: usage is taken out of recordings that have it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median, quantiles

from acm_addon.families import family_of
from acm_addon.model import UsageSource
from acm_addon.pricing import PriceTable
from tests.accuracy.expected import expected_quantities
from tests.accuracy.recordings import Recording, body, is_comparable
from tests.accuracy.stations import booked, is_metered, outcome
from tests.accuracy.stripping import without_usage

_UNSEEN_INPUT = re.compile(
    rb'"(?:image_url|input_image|image|file|input_file|document|audio|input_audio|inlineData'
    rb"|inline_data|fileData|file_data|file_id|previous_response_id|conversation|cachedContent"
    rb"|encrypted_content|google_search|googleSearch|googleSearchRetrieval|urlContext|url_context"
    rb"|codeExecution|code_execution|web_search\w*|x_search|web_fetch\w*|mcp|mcp_servers|prompt_id"
    rb"|file_search\w*|code_interpreter|tool_search\w*|container|compaction|search_parameters"
    rb"|web_search_options|(?:advisor|computer|text_editor|bash|memory)_\d+"
    rb'|openrouter:\w+|thoughtSignature|thought_signature)"'
)
"""Names in a request of what counts as input though no text of the request holds it."""
_UNSEEN_OUTPUT = re.compile(
    rb'"(?:encrypted_content|thinking|redacted_thinking|server_tool_use|executed_tools|mcp_call'
    rb"|mcp_tool_use|web_search_call|image_generation_call|code_interpreter_call|reasoning_details"
    rb'|thoughtSignature|thought_signature)"'
)
"""Names in a response that shows only a summary, or nothing, of what was generated."""
_TOOLS = re.compile(rb'"(?:tools|functions)"\s*:\s*\[\s*\{')
_UNSEEN_UNITS = {
    "input_tokens": (
        "input_image_tokens",
        "input_audio_tokens",
        "input_video_tokens",
        "input_tool_tokens",
        "web_searches",
    ),
    "output_tokens": (
        "output_reasoning_tokens",
        "output_audio_tokens",
        "output_image_tokens",
        "output_citation_tokens",
    ),
}


class Kind(Enum):
    """What a recording shows of the tokens that count."""

    TEXT = "text"
    """All of it, as text."""
    TOOLS = "with tools"
    """Input with tools, around which every provider puts a text of its own."""
    UNSEEN = "not all seen"
    """Pictures, sound, files, searches, stored input, or hidden reasoning count too."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """One total of one recording, in tokens."""

    id: str
    family: str
    unit: str
    """``input_tokens`` or ``output_tokens``."""
    reported: int
    estimated: int | None
    """None where nothing was recorded, or could be read, that can be counted."""
    kind: Kind

    @property
    def error(self) -> float:
        """Relative; positive where we count too many. Raises ValueError without an estimate."""
        if self.estimated is None:
            raise ValueError("not estimated")
        return self.estimated / self.reported - 1


@dataclass(frozen=True, slots=True)
class Spread:
    """The errors of many estimates, as fractions."""

    calls: int
    uncounted: int
    """Of these calls, those without an estimate, which the errors leave out."""
    sum: float
    """Of all of them together: where errors cancel, as in a month's bill."""
    median: float
    """Of the absolute error of a call."""
    p90: float
    tokens: float
    """Median of the absolute error in tokens."""


def estimates(records: Iterable[Recording]) -> list[Estimate]:
    """Both totals of every metered recording that reports them, counted without its usage."""
    table = PriceTable.current()
    found = []
    for record in records:
        if not (is_metered(record) and is_comparable(record)) or record["status"] >= 400:
            continue
        expected = expected_quantities(record)
        row = booked(outcome(record, without_usage(body(record, "response"))), table)
        if row.usage_source is UsageSource.REPORTED:
            continue  # What is reported beside the body, or in a binary one, is still there.
        found += [
            Estimate(
                record["id"],
                family_of(row.model, record["provider"]).name,
                unit,
                expected[unit],
                int(row.usage[unit]) if unit in row.usage else None,
                kind(record, unit, expected),
            )
            for unit in _UNSEEN_UNITS
            if expected.get(unit)
        ]
    return found


def spread(of: Sequence[Estimate]) -> Spread:
    """Raises ValueError where none of them is estimated."""
    pairs = [(each.reported, each.estimated) for each in of if each.estimated is not None]
    if not pairs:
        raise ValueError("no estimates")
    errors = sorted(abs(estimated / reported - 1) for reported, estimated in pairs)
    return Spread(
        calls=len(of),
        uncounted=len(of) - len(pairs),
        sum=sum(estimated for _, estimated in pairs) / sum(reported for reported, _ in pairs) - 1,
        median=median(errors),
        p90=quantiles(errors, n=10, method="inclusive")[-1] if len(errors) > 1 else errors[0],
        tokens=median(abs(estimated - reported) for reported, estimated in pairs),
    )


def kind(record: Recording, unit: str, expected: dict[str, int]) -> Kind:
    """By what the request or the response contains, and the parts that the provider reports."""
    side, unseen = (
        ("request", _UNSEEN_INPUT) if unit == "input_tokens" else ("response", _UNSEEN_OUTPUT)
    )
    data = body(record, side)
    if any(expected.get(part) for part in _UNSEEN_UNITS[unit]) or unseen.search(data):
        return Kind.UNSEEN
    return Kind.TOOLS if side == "request" and _TOOLS.search(data) else Kind.TEXT

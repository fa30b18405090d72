"""``python -m tests.accuracy.fit``: measures what ``acm_addon/families.py`` states.

For each family and total it prints the tokens that each part is worth, fitted to the recordings,
and three medians of the absolute error: with the table's numbers, with the fitted ones, and on
recordings that the fit did not see. For the last, each test suite is left out in turn, and its
recordings are counted with what the others gave; families with one suite have none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from statistics import median

from acm_addon.estimate import counted_family, input_amounts, output_amounts
from acm_addon.families import FAMILIES, with_own_encoding
from acm_addon.parts import InputParts, OutputParts, weigh
from acm_addon.tokens import is_available
from tests.accuracy.estimator import Kind, kind
from tests.accuracy.expected import expected_quantities
from tests.accuracy.recordings import Recording, body, is_comparable, recordings
from tests.accuracy.stations import is_metered, outcome
from tests.accuracy.stripping import without_usage

_ROUNDS = 30
_ENOUGH = 3
"""Samples with a part, from which on its worth is fitted."""


@dataclass(frozen=True, slots=True)
class Sample[T: (InputParts, OutputParts)]:
    """One total of one recording."""

    suite: str
    """The repository whose test made the recording."""
    family: str
    amounts: T
    reported: int


def samples(records: Iterable[Recording]) -> list[Sample[InputParts] | Sample[OutputParts]]:
    """Of every metered recording that shows all that counts and reports it."""
    found: list[Sample[InputParts] | Sample[OutputParts]] = []
    for record in records:
        if not (is_metered(record) and is_comparable(record)) or record["status"] >= 400:
            continue
        ended = outcome(record, without_usage(body(record, "response")))
        if ended.texts is None:
            continue
        expected = expected_quantities(record)
        prompt, answer = ended.texts()
        family = counted_family(ended.exchange.model, ended.exchange.provider)
        suite, endpoint = record["source_repo"], ended.exchange.endpoint
        if _is_whole(record, "input_tokens", expected) and not prompt.is_empty:
            given = input_amounts(prompt, family, endpoint)
            found.append(Sample(suite, family.name, given, expected["input_tokens"]))
        if _is_whole(record, "output_tokens", expected) and not answer.is_empty:
            written = output_amounts(answer, family, endpoint)
            found.append(Sample(suite, family.name, written, expected["output_tokens"]))
    return found


def fitted[T: (InputParts, OutputParts)](of: Sequence[Sample[T]], start: T) -> T:
    """The worth of each part with a small sum of absolute relative errors, from ``start`` on.

    One part after the other is set to the best value while the rest stand: the weighted median of
    what they leave over. That is never worse than the start, and not always the best there is.
    What occurs too rarely stays as it is.
    """
    worth = start
    names = [each.name for each in fields(start) if _occurs(of, each.name) >= _ENOUGH]
    for _ in range(_ROUNDS):
        before = worth
        for name in names:
            worth = replace(worth, **{name: _best(of, worth, name)})
        if worth == before:
            break
    return worth


def errors[T: (InputParts, OutputParts)](of: Iterable[Sample[T]], worth: T) -> list[float]:
    """Absolute and relative, one a sample."""
    return [abs(round(weigh(each.amounts, worth)) / each.reported - 1) for each in of]


def held_out[T: (InputParts, OutputParts)](of: Sequence[Sample[T]], start: T) -> list[float]:
    """The errors on each suite with what was fitted to the others; none for a single suite."""
    suites = sorted({each.suite for each in of})
    if len(suites) < 2:
        return []
    return [
        error
        for suite in suites
        for error in errors(
            [each for each in of if each.suite == suite],
            fitted([each for each in of if each.suite != suite], start),
        )
    ]


def _best[T: (InputParts, OutputParts)](of: Sequence[Sample[T]], worth: T, name: str) -> float:
    without = replace(worth, **{name: 0.0})
    points = sorted(
        ((each.reported - weigh(each.amounts, without)) / amount, amount / each.reported)
        for each in of
        if (amount := float(getattr(each.amounts, name)))
    )
    half, passed = sum(weight for _, weight in points) / 2, 0.0
    for value, weight in points:
        passed += weight
        if passed >= half:
            return value
    raise ValueError("no samples")


def _occurs[T: (InputParts, OutputParts)](of: Sequence[Sample[T]], name: str) -> int:
    return sum(bool(getattr(each.amounts, name)) for each in of)


def _is_whole(record: Recording, unit: str, expected: dict[str, int]) -> bool:
    return bool(expected.get(unit)) and kind(record, unit, expected) is not Kind.UNSEEN


def _report[T: (InputParts, OutputParts)](
    name: str, of: Sequence[Sample[T]], table: T, neutral: T
) -> None:
    found = fitted(of, neutral)
    unseen = held_out(of, neutral)
    suites = len({each.suite for each in of})
    total = "input" if isinstance(table, InputParts) else "output"
    print(
        f"{name}, {total}: {len(of)} calls of {suites} suites; median error"
        f" {median(errors(of, table)):.1%} by the table, {median(errors(of, found)):.1%} fitted,"
        f" {f'{median(unseen):.1%}' if unseen else 'unknown'} held out"
    )
    worth = (
        f"{each.name}={getattr(found, each.name):.2f} (table {getattr(table, each.name):g})"
        for each in fields(found)
        if _occurs(of, each.name)
    )
    print("   ", ", ".join(worth))


def main() -> None:
    found = samples(recordings())
    if not found:
        print("no recordings: name a folder of them in ACM_RECORDINGS")
        return
    for listed in FAMILIES:
        family = with_own_encoding(listed) if is_available(listed.own_encoding) else listed
        mine = [each for each in found if each.family == family.name]
        given = [each for each in mine if isinstance(each.amounts, InputParts)]
        written = [each for each in mine if isinstance(each.amounts, OutputParts)]
        if given:
            _report(family.name, given, family.input, InputParts())
        if written:
            _report(family.name, written, family.output, OutputParts())


if __name__ == "__main__":
    main()

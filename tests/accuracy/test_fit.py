"""The fit finds what samples were made with, and judges it on what it did not see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon.parts import InputParts, OutputParts, weigh
from tests.accuracy.fit import Sample, errors, fitted, held_out

TRUTH = OutputParts(text=1.25, answer=3, called=20, tool_call=8)
AMOUNTS = [
    *(OutputParts(text=text, answer=1) for text in (4, 8, 40, 400)),
    *(
        OutputParts(text=text, called=1, tool_call=calls)
        for text, calls in ((8, 1), (16, 2), (4, 3))
    ),
]


def _samples(truth: OutputParts) -> list[Sample[OutputParts]]:
    return [
        Sample(f"suite {index % 2}", "f", amounts, round(weigh(amounts, truth)))
        for index, amounts in enumerate(AMOUNTS)
    ]


def test_the_fit_finds_the_truth() -> None:
    """Where samples say what every part is worth."""
    of = [each for each in _samples(TRUTH) if each.amounts.answer]

    assert [0.0] * len(of) == errors(of, fitted(of, OutputParts()))


@given(st.lists(st.integers(1, 1000), min_size=len(AMOUNTS), max_size=len(AMOUNTS)))
def test_the_fit_is_never_worse_than_its_start(reported: list[int]) -> None:
    """Whatever was reported. Rounding to whole tokens comes after the fit."""
    of = [
        Sample("a", "f", amounts, count) for amounts, count in zip(AMOUNTS, reported, strict=True)
    ]

    def distance(worth: OutputParts) -> float:
        return sum(abs(weigh(each.amounts, worth) / each.reported - 1) for each in of)

    assert distance(fitted(of, TRUTH)) <= distance(TRUTH) + 1e-9


def test_what_occurs_rarely_is_not_fitted() -> None:
    """One sample can be explained by anything."""
    odd = Sample("suite", "f", OutputParts(text=10, thought=1), 500)

    found = fitted([*_samples(TRUTH), odd], OutputParts())

    assert OutputParts().thought == found.thought


def test_held_out_suites_are_judged_by_the_others() -> None:
    """A suite that contradicts the other has large errors, whichever is left out."""
    of = [
        Sample(suite, "f", OutputParts(text=text), text * worth)
        for suite, worth in (("a", 1), ("b", 2))
        for text in (10, 20, 30)
    ]

    assert [1.0] * 3 + [0.5] * 3 == sorted(held_out(of, OutputParts()), reverse=True)


def test_a_single_suite_says_nothing_of_others() -> None:
    of = [Sample("a", "f", OutputParts(text=10), 10)]

    assert [] == held_out(of, OutputParts())


@pytest.mark.parametrize("kind", [InputParts, OutputParts])
def test_a_count_is_never_negative(kind: type[InputParts] | type[OutputParts]) -> None:
    """Some parts are worth less than nothing, as a shared message is."""
    assert 0 == weigh(kind(text=1), kind(text=-5))


@given(st.integers(0, 10**6), st.floats(0, 3))
def test_a_part_adds_its_worth(amount: int, worth: float) -> None:
    none = weigh(OutputParts(text=0), OutputParts(text=worth))

    assert 0 == none
    assert amount * worth == weigh(OutputParts(text=amount), OutputParts(text=worth))

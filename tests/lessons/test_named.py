"""The lessons of the field, one or more tests each: what went wrong with tools like this one."""

import re
from pathlib import Path

_TESTS = Path(__file__).parents[1]
_LESSONS = {
    1: "cached tokens billed twice, or at the full price",
    2: "the split of cache writes lost",
    6: "an unknown model costs nothing",
    7: "rows lost at shutdown",
    8: "a flush cut short in silence",
    9: "writers that lock each other out",
    10: "polling or retrieving billed again",
    11: "one call logged twice",
    12: "a partial usage kept because it came first",
    13: "disconnects: zeros replaced by guesses, and spend refunded",
    14: "a stream without usage counted as nothing",
    15: "websockets logged as no tokens",
    16: "the tier that was asked for priced, not the one that served",
    17: "dated and other names mispriced",
    18: "the provider's own cost ignored",
    19: "time zones",
    23: "a cost that depends on when the process began",
    25: "input skipped in silence, or held in memory",
    26: "clients that ignore the certificate",
    27: "a bundle without the system's roots",
}


def test_every_lesson_has_a_test_that_names_it() -> None:
    """By its number, so that a failure says what has gone wrong before."""
    names = re.compile(r"^(?:async )?def test_lesson_(\d+)_", re.MULTILINE)
    sources = (path.read_text() for path in _TESTS.rglob("test_*.py"))
    assert _LESSONS.keys() == {int(number) for text in sources for number in names.findall(text)}

"""Every fuzz target over its seeds, and over damaged ones. ``make fuzz`` goes on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_keep_every_promise(name: str) -> None:
    """A seed, cut off anywhere near its start, middle, or end, is read the same in all pieces."""
    for seed in SEEDS[name]:
        for end in (0, 1, 2, len(seed) // 3, len(seed) // 2, len(seed) - 1, len(seed)):
            TARGETS[name](seed[:end])


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.data())
def test_damaged_seeds_keep_every_promise(name: str, data: st.DataObject) -> None:
    """So is a seed in whose middle something was replaced by anything."""
    seed = data.draw(st.sampled_from(SEEDS[name]))
    start = data.draw(st.integers(0, len(seed)))
    end = data.draw(st.integers(start, min(len(seed), start + 8)))
    TARGETS[name](seed[:start] + data.draw(st.binary(max_size=8)) + seed[end:])


def test_every_target_has_seeds() -> None:
    assert list(TARGETS) == [name for name in SEEDS if SEEDS[name]]

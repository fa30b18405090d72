"""Inclusive totals to disjoint quantities, for the units that a rate card prices.

Each unit keeps what its priced parts leave of it. Usage that contradicts itself is never priced by
halves: where a part is more than its whole, nothing of that whole (all input, or all output) is.

Which units are parts of which depends only on the names, so it is worked out once (``plan``) for
each rate card and set of reported names; ``split`` then only does sums.
"""

from collections.abc import Collection, Iterator, Set
from dataclasses import dataclass

from acm_addon.model import Quantities, Quantity
from acm_addon.pricing.rates import Ladder, RateCard
from acm_addon.pricing.units import Unit, Units

LARGEST = 10**15
"""A quantity beyond this is garbage, and its amount might not fit an integer on disk."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is left of one priced unit: the sum of ``added`` without its parts ``taken``."""

    unit: str
    root: str
    added: tuple[str, ...]
    """Itself where it is reported, else its parts that are: there was at least that much."""
    taken: tuple[str, ...]


type Charge = tuple[str, Ladder | None, int | None]
"""A unit, its rates (None: it has none), and the least that is billed of it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How usage of certain units splits on a certain rate card."""

    roots: tuple[tuple[str, str], ...]
    """Every reported name and its root."""
    parts: tuple[tuple[str, str, str], ...]
    """Part, whole, root: both reported, and the part cannot be more."""
    divisions: tuple[tuple[str, tuple[str, ...], str], ...]
    """Whole, parts, root: the parts divide the whole, so that they should sum to it."""
    orphans: tuple[tuple[str, str], ...]
    """Name, root: a part of a total that was not reported."""
    uncovered: tuple[str, ...]
    """No price counts these."""
    steps: tuple[Step, ...]
    """Parts before what they are parts of."""
    charges: tuple[Charge, ...]
    """What such usage can be billed for, in the order of a bill."""


@dataclass(frozen=True, slots=True)
class Split:
    quantities: dict[str, Quantity]
    """By unit, disjoint, none negative. Zeros are there too."""
    unpriced: bool
    """A quantity that is not zero has no price."""
    doubtful: Set[str]
    """The roots whose quantities were left out because they contradict themselves."""
    remainder: bool
    """The parts of a whole fall short of it; the rest has the whole's own price."""


def plan(names: Collection[str], card: RateCard, units: Units) -> Plan:
    known = [unit for name in names if (unit := units.by_name.get(name))]
    divided = {unit.split_of for unit in known if unit.split_of in names}
    steps = tuple(_steps(known, card, units))
    return Plan(
        roots=tuple((name, _root(name, units)) for name in names),
        parts=tuple(
            (unit.name, whole, unit.root)
            for unit in known
            for whole in unit.ancestors
            if whole in names
        ),
        divisions=tuple(
            (whole, tuple(u.name for u in known if u.split_of == whole), _root(whole, units))
            for whole in divided
            if whole is not None
        ),
        orphans=tuple(
            (unit.name, unit.root) for unit in known if unit.needs_total and unit.root not in names
        ),
        uncovered=tuple(name for name in names if not _is_covered(name, card, units)),
        steps=steps,
        charges=tuple(_charges({"requests"} | {step.unit for step in steps}, card)),
    )


def split(reported: Quantities, by: Plan) -> Split:
    """Every call goes through here: plain loops, since generators take twice the time."""
    doubtful: set[str] = set()
    for name, root in by.roots:
        if not _is_sound(reported[name]):
            doubtful.add(root)
    if doubtful:  # NaN cannot even be compared: leave what is not sound out of the sums
        reported = {name: 0 if root in doubtful else reported[name] for name, root in by.roots}
    remainder = _contradictions(reported, by, doubtful)

    left: dict[str, Quantity] = {}
    for step in by.steps:
        rest: Quantity = 0
        for name in step.added:
            rest += reported[name]
        for unit in step.taken:
            rest -= left[unit]
        if rest < 0:
            doubtful.add(step.root)
        left[step.unit] = rest
    if doubtful:
        left = {step.unit: left[step.unit] for step in by.steps if step.root not in doubtful}
    unpriced = bool(by.uncovered) and any(reported[name] for name in by.uncovered)
    return Split(left, unpriced, doubtful, remainder)


def _contradictions(reported: Quantities, by: Plan, doubtful: set[str]) -> bool:
    """Adds the roots of what contradicts itself. Whether the parts of a whole fall short of it."""
    for part, whole, root in by.parts:
        if reported[part] > reported[whole]:
            doubtful.add(root)
    for name, root in by.orphans:
        if reported[name]:
            doubtful.add(root)
    remainder = False
    for whole, parts, root in by.divisions:
        total = sum([reported[part] for part in parts])
        if total > reported[whole]:
            doubtful.add(root)
        elif total < reported[whole]:
            remainder = True
    return remainder


def _is_sound(quantity: Quantity) -> bool:
    if isinstance(quantity, int) or quantity.is_finite():
        return 0 <= quantity <= LARGEST
    return False


def _root(name: str, units: Units) -> str:
    unit = units.by_name.get(name)
    return unit.root if unit else name


def _is_covered(name: str, card: RateCard, units: Units) -> bool:
    """Whether a price on the card counts it, by itself or inside what it is a part of.

    A unit that needs a price of its own and has none stays on the card: it is noticed when what is
    left of it turns out not to be zero.
    """
    if name in card.ladders or name == "requests":
        return True
    unit = units.by_name.get(name)
    return unit is not None and any(card.ladders.get(whole) for whole in unit.ancestors)


def _steps(known: Collection[Unit], card: RateCard, units: Units) -> list[Step]:
    """For each unit on the card that usage says anything about, the most specific first."""
    names = {unit.name for unit in known}
    steps: list[Step] = []
    for unit in sorted(card.ladders, key=lambda name: -len(units.by_name[name].ancestors)):
        within = names & units.parts[unit]
        if unit == "requests" or (unit not in names and not within):
            continue
        widest = within - {name for other in within for name in units.parts[other]}
        added = (unit,) if unit in names else tuple(sorted(widest))
        taken = tuple(step.unit for step in steps if step.unit in units.parts[unit])
        steps.append(Step(unit, units.by_name[unit].root, added, taken))
    return steps


def _charges(units: Set[str], card: RateCard) -> Iterator[Charge]:
    for unit, ladder in card.ladders.items():
        if unit in units:
            yield unit, ladder, card.minimums.get(unit)

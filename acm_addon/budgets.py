"""Budgets, and what they say of a call: over values, without a clock or a disk. Pure.

What is used of a budget is what is booked in its window, and what calls hold of it. A call that has
not ended holds the most that it can cost; one that has ended, what it did cost, until its row is
booked; and one whose row was booked without a cost goes on to hold, until its cost is known.

Only the holds of running calls will shrink. So a call waits where these alone stand in its way, and
is refused where the rest of what is used leaves no room for it, whatever becomes of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from zoneinfo import ZoneInfo

from acm_addon.model import Attribution
from acm_addon.windows import Period, Window, window_of

THRESHOLDS = (50, 75, 90, 100)
"""Percent of the limit, where a budget names none."""
WAIT_SECONDS = 30.0
LOCKED_SECONDS = 0.25
"""How long a call waits for a ledger that does not answer."""


class Unknown(StrEnum):
    """What a hard budget does with a call whose price is not known before it leaves."""

    BLOCK = "block"
    HOLD = "hold"
    """Hold a sum that the budget names."""
    ALLOW = "allow"


class WhenLocked(StrEnum):
    """What a hard budget does while the ledger does not answer."""

    REFUSE = "refuse"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which calls: those that are all of what is named here. The default is every call."""

    project: str | None = None
    key: str | None = None
    """A proxy key's name."""
    provider: str | None = None
    model: str | None = None
    """Of the model that a call asks for: a name, or a pattern with ``*`` and ``?``."""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """``project=bot,tag:feature=search``; what is no plain word is still told apart."""
        names = ("project", "key", "provider", "model")
        parts = [f"{name}={value}" for name in names if (value := getattr(self, name)) is not None]
        parts += [f"tag:{name}={value}" for name, value in sorted(self.tags.items())]
        return ",".join(parts) or "everything"

    def takes_caller(self, who: Attribution, provider: str) -> bool:
        """Whether it can be a call of theirs, whatever its model."""
        return (
            self.project in (None, who.project)
            and self.key in (None, who.key)
            and self.provider in (None, provider)
            and all(who.tags.get(name) == value for name, value in self.tags.items())
        )

    def takes_model(self, model: str | None) -> bool:
        """Whether it is about this model. A model that is not known may be any."""
        return self.model is None or model is None or fnmatchcase(model, self.model)


@dataclass(frozen=True, slots=True)
class Budget:
    """So much in each window. Its ``label`` is its name: there is one of a scope and a period."""

    id: int
    scope: Scope
    period: Period
    zone: str
    """Of its calendar, as the time zone database names it."""
    limit: int
    """Nano-dollars."""
    hard: bool = False
    """Refuses what does not fit; a soft one never stands in the way."""
    thresholds: tuple[int, ...] = THRESHOLDS
    """Percent of the limit, ascending."""
    unknown: Unknown = Unknown.BLOCK
    unknown_hold: int = 0
    """Nano-dollars, for ``Unknown.HOLD``."""
    when_locked: WhenLocked = WhenLocked.REFUSE
    wait_seconds: float = WAIT_SECONDS
    """How long a call waits for others' holds to shrink."""

    @property
    def label(self) -> str:
        return f"{self.scope.label}/{self.period.value}"

    def window(self, moment: datetime) -> Window:
        return window_of(self.period, moment, ZoneInfo(self.zone))


@dataclass(frozen=True, slots=True)
class Claim:
    """What a call wants to hold of one budget, in the window in which it started."""

    budget: Budget
    window: Window
    amount: int
    """Nano-dollars."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What is used of a budget in a window. Nano-dollars."""

    spent: int = 0
    """Booked."""
    fixed: int = 0
    """Held by calls that have ended."""
    running: int = 0
    """Held by calls that have not, which will shrink."""

    @property
    def held(self) -> int:
        return self.fixed + self.running

    @property
    def used(self) -> int:
        return self.spent + self.held


class Decision(StrEnum):
    PASS = "pass"  # noqa: S105 (no password)
    WAIT = "wait"
    REFUSE = "refuse"
    UNPRICED = "unpriced"
    """Its price is not known, and the budget takes no such call."""
    LOCKED = "locked"
    """The ledger does not answer, and the budget takes no call then."""


@dataclass(frozen=True, slots=True)
class Verdict:
    decision: Decision
    claim: Claim | None = None
    """The one that does not fit."""
    standing: Standing = Standing()
    """Of its budget."""


PASSED = Verdict(Decision.PASS)


def decide(claims: Sequence[tuple[Claim, Standing]]) -> Verdict:
    """Whether a call may leave. A budget that refuses comes before one that lets it wait."""
    waits = None
    for claim, standing in claims:
        limit = claim.budget.limit
        if standing.spent + standing.fixed + claim.amount > limit:
            return Verdict(Decision.REFUSE, claim, standing)
        if waits is None and standing.used + claim.amount > limit:
            waits = Verdict(Decision.WAIT, claim, standing)
    return waits or PASSED


def decide_unasked(claims: Sequence[Claim]) -> Verdict:
    """What the budgets say of a call while the ledger does not answer."""
    for claim in claims:
        if claim.budget.when_locked is WhenLocked.REFUSE:
            return Verdict(Decision.LOCKED, claim)
    return PASSED


def hard_ones(
    budgets: Sequence[Budget], who: Attribution, provider: str, model: str | None = None
) -> tuple[Budget, ...]:
    """The hard budgets under which a call falls, or may fall as long as its model is not known."""
    return tuple(
        budget
        for budget in budgets
        if budget.hard
        and budget.scope.takes_caller(who, provider)
        and budget.scope.takes_model(model)
    )


def claims_of(
    budgets: Sequence[Budget], at: datetime, upper: int | None
) -> tuple[Claim, ...] | Budget:
    """What a call holds; ``upper`` is the most that it can cost, None where that is not known.

    What costs nothing needs no room. Where a budget takes no call of unknown price, that budget.
    """
    claims = []
    for budget in budgets:
        amount = upper
        if amount is None:
            if budget.unknown is Unknown.BLOCK:
                return budget
            amount = budget.unknown_hold if budget.unknown is Unknown.HOLD else 0
        if amount:
            claims.append(Claim(budget, budget.window(at), amount))
    return tuple(claims)


def percent(standing: Standing, limit: int) -> float:
    """How much of the limit is spent. A limit of nothing is used up."""
    return 100 * standing.spent / limit if limit else 100.0


def reached(budget: Budget, standing: Standing) -> int | None:
    """The highest of its thresholds that is spent; None below all of them."""
    passed = [one for one in budget.thresholds if 100 * standing.spent >= one * budget.limit]
    return max(passed, default=None)

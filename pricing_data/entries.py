"""The entries of the price table: frozen values, parsed and checked by ``pricing_data.loader``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

BEIJING = timedelta(hours=8)
"""The only zone whose days any price depends on so far (DeepSeek's weekends). It has no DST."""


ANY_MODEL = "*"
"""In place of a model's name: a price of every model of the provider, such as a tool's fee."""


class Confidence(StrEnum):
    HIGH = "high"
    """Two sources that agree, or a stored copy of the vendor's page."""
    MEDIUM = "medium"
    """One aggregator, or an older copy."""
    LOW = "low"


class Verdict(StrEnum):
    """What was decided where sources of prices disagree and no price here says so."""

    BASE_RIGHT = "base_right"
    """The base dataset's price is used, knowingly."""
    UNDECIDED = "undecided"
    """The base dataset's price is used, and may be wrong."""
    UNPRICED = "unpriced"
    """Nothing that is known would be right, so that there is no price on purpose."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an entry comes from and how far to trust it."""

    source: str
    checked: date | None
    """The day on which the source was read. None for what a user wrote without one."""
    confidence: Confidence
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open in UTC: from ``start`` up to, and without, ``end``. None is unknown, or open."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return (self.start is None or self.start <= at) and (self.end is None or at < self.end)

    def overlaps(self, other: "Period") -> bool:
        starts_in_time = self.start is None or other.end is None or self.start < other.end
        return starts_in_time and (
            other.start is None or self.end is None or other.start < self.end
        )


@dataclass(frozen=True, slots=True)
class Price:
    """USD for ``per`` units of a model, under conditions."""

    model: str
    """In lower case: as requests name it, or the base dataset's id of it."""
    unit: str
    usd: Decimal
    per: int
    conditions: Mapping[str, str]
    """Every one must equal the call's price context; the price with more of them wins."""
    beijing_weekdays: frozenset[int]
    """Days of the week in Beijing, Monday 0. Empty means every day."""
    period: Period
    origin: Origin
    project: str | None = None
    """Whose calls alone it is for: only a user's own prices name one."""
    tiers: tuple[tuple[int, Decimal], ...] = ()
    """Threshold, USD: for whole requests with more input tokens than that."""
    instead_of_tokens: bool = False
    """It stands in for token prices, and does not count where tokens were reported."""

    def active(self, at: datetime) -> bool:
        return self.period.holds(at) and (
            not self.beijing_weekdays or (at + BEIJING).weekday() in self.beijing_weekdays
        )

    def clashes(self, other: "Price") -> bool:
        """Whether both could apply to one call with nothing to choose between them."""
        if (self.model, self.unit, self.project) != (other.model, other.unit, other.project):
            return False
        if self.priority != other.priority or not self.period.overlaps(other.period):
            return False
        days, others = self.beijing_weekdays, other.beijing_weekdays
        if days and others and not days & others:
            return False
        return _can_meet(self.conditions, other.conditions)

    @property
    def priority(self) -> tuple[bool, bool, int, bool]:
        """Sorts prices, the closest fit last.

        A project's own before everybody's, a model's before a provider's, more conditions before
        fewer, a choice of days before every day.
        """
        return (
            self.project is not None,
            self.model != ANY_MODEL,
            len(self.conditions),
            bool(self.beijing_weekdays),
        )


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that is billed as another model."""

    model: str
    priced_as: str
    priced_by: str | None
    """Whose model that is, where it is another provider's."""
    context: Mapping[str, str]
    """What the name says about the call, such as the kind of an Azure deployment."""
    period: Period
    origin: Origin

    def clashes(self, other: "Alias") -> bool:
        return self.model == other.model and self.period.overlaps(other.period)


@dataclass(frozen=True, slots=True)
class Multiplier:
    """Raises or lowers prices under conditions: a region, a residency. Several may apply."""

    factor: Decimal
    models: frozenset[str]
    """As in ``Price.model``. Empty means every model."""
    units: frozenset[str]
    """Empty means every token unit."""
    conditions: Mapping[str, str]
    unless: Mapping[str, str]
    """Each of these keys must be in the call's price context with another value than this."""
    period: Period
    origin: Origin

    def applies(self, context: Mapping[str, str], at: datetime) -> bool:
        return (
            self.period.holds(at)
            and all(context.get(key) == value for key, value in self.conditions.items())
            and all(context.get(key, value) != value for key, value in self.unless.items())
        )

    def clashes(self, other: "Multiplier") -> bool:
        """Whether both could apply to one call because of the same thing."""
        if self.models and other.models and not self.models & other.models:
            return False
        if self.units and other.units and not self.units & other.units:
            return False
        about = self.conditions.keys() | self.unless.keys()
        if about != other.conditions.keys() | other.unless.keys():
            return False
        return self.period.overlaps(other.period) and _can_meet(self.conditions, other.conditions)


@dataclass(frozen=True, slots=True)
class OwnPrice:
    """Units that a provider never bills at the price of what they are parts of.

    Where such a unit has no price of its own the call is partly priced: OpenAI's audio tokens cost
    several times as much as its text tokens.
    """

    units: frozenset[str]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Discount:
    """What a user has negotiated: a factor on list prices. The closest scope alone counts."""

    factor: Decimal
    """0.9 for ten percent off."""
    provider: str | None
    model: str | None
    project: str | None
    units: frozenset[str]
    """Empty means every unit."""
    period: Period
    origin: Origin

    @property
    def priority(self) -> tuple[bool, bool, bool]:
        return self.project is not None, self.model is not None, self.provider is not None

    def clashes(self, other: "Discount") -> bool:
        scope = self.provider, self.model, self.project
        if scope != (other.provider, other.model, other.project):
            return False
        if self.units and other.units and not self.units & other.units:
            return False
        return self.period.overlaps(other.period)


@dataclass(frozen=True, slots=True)
class StandardRate:
    """A choice that a provider offers at its standard prices, such as a service tier."""

    conditions: Mapping[str, str]
    origin: Origin


@dataclass(frozen=True, slots=True)
class Finding:
    """A disagreement between sources that changes no price."""

    model: str
    verdict: Verdict
    values: Mapping[str, str]
    """What each source says, in its own words."""
    origin: Origin


@dataclass(frozen=True, slots=True)
class ProviderPrices:
    """The entries of one provider."""

    prices: tuple[Price, ...] = ()
    aliases: tuple[Alias, ...] = ()
    standard_rates: tuple[StandardRate, ...] = ()
    findings: tuple[Finding, ...] = ()
    multipliers: tuple[Multiplier, ...] = ()
    own_prices: tuple[OwnPrice, ...] = ()


@dataclass(frozen=True, slots=True)
class Overrides:
    """A user's own prices, which come before all others."""

    prices: Mapping[str, tuple[Price, ...]] = field(default_factory=dict)
    """By provider, as the price table calls it."""
    maps: Mapping[str, tuple[Alias, ...]] = field(default_factory=dict)
    """By provider: deployments, profiles, fine-tunes, and self-hosted models by name."""
    discounts: tuple[Discount, ...] = ()


def _can_meet(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether one call can fulfil both. A batch has no service tier of its own."""
    for batch, tier in ((one, other), (other, one)):
        if batch.get("processing") == "batch" and tier.get("service_tier", "default") != "default":
            return False
    return all(one[key] == other[key] for key in one.keys() & other.keys())

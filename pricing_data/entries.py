"""The entries of the price table: frozen values, parsed and checked by ``pricing_data.loader``."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

BEIJING = timedelta(hours=8)
"""The only zone whose days any price depends on so far (DeepSeek's weekends). It has no DST."""


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


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an entry comes from and how far to trust it."""

    source: str
    checked: date
    """The day on which the source was read."""
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

    def active(self, at: datetime) -> bool:
        return self.period.holds(at) and (
            not self.beijing_weekdays or (at + BEIJING).weekday() in self.beijing_weekdays
        )

    def clashes(self, other: "Price") -> bool:
        """Whether both could apply to one call with nothing to choose between them."""
        if (self.model, self.unit) != (other.model, other.unit):
            return False
        if self.priority != other.priority or not self.period.overlaps(other.period):
            return False
        days, others = self.beijing_weekdays, other.beijing_weekdays
        if days and others and not days & others:
            return False
        shared = self.conditions.keys() & other.conditions.keys()
        return all(self.conditions[key] == other.conditions[key] for key in shared)

    @property
    def priority(self) -> tuple[int, bool]:
        """Sorts prices by how closely they fit: more conditions first, then a choice of days."""
        return len(self.conditions), bool(self.beijing_weekdays)


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that is billed as another model."""

    model: str
    priced_as: str
    period: Period
    origin: Origin


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

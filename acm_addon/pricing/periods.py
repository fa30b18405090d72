"""The moments at which some price of a table changes: between two of them, every price holds.

A plan is kept for such a period rather than for a minute, since a capture's calls may lie years
apart and yet be priced alike.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from pricing_data import Overrides, ProviderPrices
from pricing_data.entries import BEIJING
from pricing_data.entries import Period as Dated

_NEW_DAY = 24 - BEIJING // timedelta(hours=1)
"""The hour, in UTC, at which a day begins in Beijing."""

type Period = tuple[int, int, int]
"""Equal for two moments only if every price that holds at the one holds at the other."""


@dataclass(frozen=True, slots=True)
class Periods:
    moments: tuple[datetime, ...]
    """At which a dated entry begins or ends, in order."""
    times: tuple[time, ...]
    """Of a day, in UTC, at which a price begins or ends every day, in order."""
    weekdays: bool
    """Whether some price depends on the day of the week in Beijing."""

    def at(self, moment: datetime) -> Period:
        """The period that an aware moment lies in."""
        if moment.tzinfo is not UTC:
            moment = moment.astimezone(UTC)
        return (
            bisect_right(self.moments, moment),
            bisect_right(self.times, moment.time()) if self.times else 0,
            2 * moment.weekday() + (moment.hour >= _NEW_DAY) if self.weekdays else 0,
        )


def periods(
    base: Mapping[str, Mapping[str, Any]],
    overlay: Mapping[str, ProviderPrices],
    overrides: Overrides,
) -> Periods:
    """Those of the base document's providers, of our entries, and of the user's."""
    constraints = list(_constraints(base.values()))
    prices = [price for each in overlay.values() for price in each.prices]
    prices += [price for each in overrides.prices.values() for price in each]
    dated = [price.period for price in prices]
    for ours in overlay.values():
        dated += [each.period for each in ours.aliases]
        dated += [each.period for each in ours.multipliers]
    dated += [each.period for maps in overrides.maps.values() for each in maps]
    dated += [each.period for each in overrides.discounts]
    return Periods(
        moments=tuple(sorted({*_starts(constraints), *_bounds(dated)})),
        times=tuple(sorted({*_times(constraints)})),
        weekdays=any(price.beijing_weekdays for price in prices),
    )


def _constraints(providers: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, str]]:
    for provider in providers:
        for model in provider["models"]:
            for priced in (*model["periods"], *model.get("variants", ())):
                if priced["constraint"] is not None:
                    yield priced["constraint"]


def _starts(constraints: Iterable[Mapping[str, str]]) -> Iterator[datetime]:
    """The day of a constraint begins at midnight, UTC."""
    for each in constraints:
        if "start_date" in each:
            yield datetime.combine(date.fromisoformat(each["start_date"]), time.min, UTC)


def _times(constraints: Iterable[Mapping[str, str]]) -> Iterator[time]:
    for each in constraints:
        if "start_date" not in each:
            yield time.fromisoformat(each["start_time"])
            yield time.fromisoformat(each["end_time"])


def _bounds(dated: Iterable[Dated]) -> Iterator[datetime]:
    for period in dated:
        for bound in (period.start, period.end):
            if bound is not None:
                yield bound

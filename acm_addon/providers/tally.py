"""Numbers and times as providers report them, read with suspicion: bad ones are dropped."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from acm_addon.model import NANO

MAX_COUNT = 10**12
"""More of anything in one call is nonsense."""
MAX_DOLLARS = 10**6
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_LONGEST_TIME = 64


class Tally:
    """Collects quantities; ``bad`` says that something was not a count."""

    def __init__(self) -> None:
        self.quantities: dict[str, int | Decimal] = {}
        self.bad = False

    def count(self, value: object, *, required: bool = False) -> int | None:
        """A whole number of things, or None where it is absent (null, unless ``required``) or bad.

        Integral fractions such as 12.0 count as whole.
        """
        if type(value) is int and 0 <= value <= MAX_COUNT:
            return value
        if value is None and not required:
            return None
        if isinstance(value, Decimal) and _is_whole(value):
            return int(value)
        self.bad = True
        return None

    def put(self, unit: str, value: object) -> None:
        """Record a count under ``unit``; zero is recorded, absent is not."""
        if (count := self.count(value)) is not None:
            self.quantities[unit] = count

    def amount(self, value: object) -> int | Decimal | None:
        """An amount that need not be whole, such as seconds, or None where it is absent or bad."""
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.bad = True
        elif Decimal(value).is_finite() and 0 <= value <= MAX_COUNT:
            return value
        else:
            self.bad = True
        return None

    def measure(self, unit: str, value: object) -> None:
        """Record an amount under ``unit``; zero is recorded, absent is not."""
        if (amount := self.amount(value)) is not None:
            self.quantities[unit] = amount

    def add(self, unit: str, value: int) -> None:
        self.quantities[unit] = self.quantities.get(unit, 0) + value

    def take(self, other: "Tally") -> None:
        """Add all that another one collected."""
        self.bad = self.bad or other.bad
        for unit, count in other.quantities.items():
            self.quantities[unit] = self.quantities.get(unit, 0) + count

    def check_parts(self, total: str, *parts: str) -> None:
        """Call the usage bad where parts that exclude each other exceed their total."""
        if total in self.quantities:
            known = sum(self.quantities.get(part, 0) for part in parts)
            self.bad = self.bad or known > self.quantities[total]

    def check_present(self, unit: str, *, beside: str) -> None:
        """Call the usage bad where ``unit`` is missing beside one that never comes without it."""
        self.bad = self.bad or (unit not in self.quantities and beside in self.quantities)

    def check_kinds(self, source: Mapping[str, object], kind: type, *keys: str) -> None:
        """Call the usage bad where something else is in the place of an object or a list."""
        for key in keys:
            value = source.get(key)
            if value is not None and not isinstance(value, kind):
                self.bad = True


def _is_whole(value: Decimal) -> bool:
    # Comparing is safe for exponents that arithmetic would overflow on.
    return value.is_finite() and -1 < value <= MAX_COUNT and value == value.to_integral_value()


def mapping(value: object) -> Mapping[str, object]:
    """``value`` where it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def name(value: object) -> str | None:
    """A short text such as a model or an id, or None: the row holds no long provider text."""
    return value if isinstance(value, str) and 0 < len(value) <= 256 else None


def moment(value: object) -> datetime | None:
    """A time in UTC, of ISO 8601 text (UTC where it names no zone) or Unix seconds.

    None for what is neither, or before any work of today's providers, as a 0 in a time's place is.
    """
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(value[:_LONGEST_TIME])
            time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        elif (seconds := Tally().count(value)) is not None:
            time = datetime.fromtimestamp(seconds, UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return time if _EARLIEST <= time < _LATEST else None


def nano_dollars(value: object, unit: Decimal = Decimal(1)) -> int | None:
    """An amount in ``unit`` dollars as nano-dollars, rounded half-even, or None where it is bad."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    amount = Decimal(value)
    if not amount.is_finite() or not 0 <= amount <= MAX_DOLLARS / unit:
        return None
    return int((amount * unit * NANO).to_integral_value(ROUND_HALF_EVEN))

"""Times as the control data store them: integer microseconds UTC, as in the ledger."""

from datetime import datetime

from acm_addon.ledger.rows import from_micros, to_micros

__all__ = ["from_micros", "maybe_from_micros", "maybe_to_micros", "to_micros"]


def maybe_from_micros(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def maybe_to_micros(time: datetime | None) -> int | None:
    return None if time is None else to_micros(time)

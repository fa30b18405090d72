"""The values that pass between stations: frozen, without I/O, without a clock.

Quantities carry genai-prices' unit names (``input_tokens``, ``cache_read_tokens``, …). Totals are
inclusive: ``input_tokens`` is the whole input, cache included; ``output_tokens`` the whole output,
reasoning included. Details stand beside the totals. ``acm_addon.pricing`` splits totals into
disjoint lines, and nothing else does.
"""

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum

type Quantity = int | Decimal
type Quantities = Mapping[str, Quantity]

NANO = 1_000_000_000
"""Nano-dollars in a dollar: the unit of every amount on disk."""

FREE_OF_CHARGE = "free"
"""The price provider at which every unit costs nothing: servers on one's own machine."""


class Entrance(StrEnum):
    """How the program reached us."""

    GATEWAY = "gateway"
    FORWARD = "forward"
    IMPORT = "import"
    """It did not: the call was read from a capture."""


LIVE = (Entrance.GATEWAY, Entrance.FORWARD)
"""The entrances of a running proxy."""


class UsageSource(StrEnum):
    """Where the quantities of a row come from, most trusted first."""

    REPORTED = "reported"
    """The provider's own count."""
    DERIVED = "derived"
    """Computed from request parameters (images, characters)."""
    ESTIMATED = "estimated"
    """Counted by a tokenizer, in whole or in part."""
    NONE = "none"


class Completeness(StrEnum):
    """How much of the call was seen."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    """Cut off by the client, the provider, or our own end."""
    SENT_UNKNOWN = "sent_unknown"
    """It left for the provider; what became of it is not known."""
    PENDING = "pending"
    """Asynchronous and not finished."""
    REFUSED = "refused"
    """It never left."""


class PriceStatus(StrEnum):
    PRICED = "priced"
    PARTLY_PRICED = "partly_priced"
    UNPRICED = "unpriced"
    FREE = "free"


class Reason(StrEnum):
    """Why something is missing from a row. Ours alone: provider text never gets here."""

    UNKNOWN_MODEL = "unknown_model"
    """No price table entry matches the model."""
    UNKNOWN_ENDPOINT = "unknown_endpoint"
    """A provider path that may cost money and that we do not read yet."""
    NO_PRICE_FOR_UNIT = "no_price_for_unit"
    """The model is known, but a quantity has no price."""
    NO_USAGE = "no_usage"
    """The response carried no usage, and nothing could be counted."""
    BAD_USAGE = "bad_usage"
    """The usage contradicts itself, or is not numbers."""
    UNREADABLE_BODY = "unreadable_body"
    """Malformed, truncated, wrongly encoded, or larger than we read."""
    PROVIDER_ERROR = "provider_error"
    """An error status, or an error event inside a stream, without usage."""
    CLIENT_LEFT = "client_left"
    UPSTREAM_FAILED = "upstream_failed"
    """Refused, unreachable, broken off, or never answered."""
    PROXY_STOPPED = "proxy_stopped"
    """Our process ended before the call did."""
    WEBSOCKET = "websocket"
    """Passed through and not metered."""
    UNAUTHORIZED = "unauthorized"
    """Refused by us: no token or key, or one that is unknown, ended, or not good for this call."""
    BUDGET_EXCEEDED = "budget_exceeded"
    """Refused by us: a hard budget had no room for it, or could not be asked."""
    RATE_LIMITED = "rate_limited"
    """Refused by us: the provider had said to wait, and the project asks us to heed that."""
    INTERNAL_ERROR = "internal_error"
    """Refused by us: a fault of our own, before anything was sent."""
    NOT_CAPTURED = "not_captured"
    """Imported from a capture that does not hold the body, or not the whole of it."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Who pays."""

    project: str = "default"
    key: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """What one more model consumed in a call, beside the model that the row names: an advisor, a
    transcriber of spoken input, the other models of a batch."""

    model: str | None
    quantities: Quantities
    price_context: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call consumed. An absent unit is unknown; a zero was reported as zero."""

    quantities: Quantities = field(default_factory=dict)
    source: UsageSource = UsageSource.NONE
    reason: Reason | None = None
    """Why quantities are missing or doubtful."""
    incomplete: bool = False
    """Input or output is known to be missing, so that this is not all that was consumed."""
    others: tuple[ModelUsage, ...] = ()
    """Not in ``quantities``."""


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of the bill: ``amount = quantity x unit_price``, rounded once, half-even."""

    sku: str
    """The price that was used, such as ``openai/gpt-4o:input_mtok``."""
    unit: str
    quantity: Quantity
    unit_price: Decimal
    """USD for one unit (one token, one image), exact."""
    amount: int
    """Nano-dollars."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Usage times prices. Amounts are nano-dollars."""

    lines: tuple[CostLine, ...]
    status: PriceStatus
    computed: int | None
    """Sum of the lines, or None unless every quantity is priced."""
    known: int
    """Sum of the lines that could be priced."""
    price_version: str | None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call as the tap saw it: everything about it but its usage and its cost."""

    id: str
    time: datetime
    """UTC, when the request reached us."""
    entrance: Entrance
    provider: str
    endpoint: str
    attribution: Attribution
    upstream: str
    """Host that the call left for."""
    requested_model: str | None = None
    model: str | None = None
    """As served; the requested one where the response names none."""
    tier: str | None = None
    region: str | None = None
    status: int | None = None
    stream: bool = False
    latency_ms: int | None = None
    first_byte_ms: int | None = None
    request_id: str | None = None
    object_id: str | None = None
    completeness: Completeness = Completeness.COMPLETE
    reason: Reason | None = None
    provider_cost: int | None = None
    """Nano-dollars, where the provider states its own figure."""
    price_context: Mapping[str, str] = field(default_factory=dict)
    """What selects between prices of one model: service_tier, speed, size, quality, …"""


@dataclass(frozen=True, slots=True)
class PriceContext:
    """What decided a row's price beside its model, time, and usage: with these it can be priced
    again."""

    provider: str
    """The provider's id in the price table: ``google`` for a row of ``gemini``."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """What selected between prices of one model, the tier as served included."""
    incomplete: bool = False
    """The usage is known not to be all that was consumed, so that there is no total."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where an imported row was read: a file, and a line or an entry of it."""

    file: str
    """As it was named to the import."""
    line: int | None = None
    """Counted from 1, in files of lines."""
    index: int | None = None
    """Counted from 0, in files of entries or flows."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the ledger. Field names are those of the database, the JSON, and the docs."""

    id: str
    time: datetime
    latency_ms: int | None
    first_byte_ms: int | None
    entrance: Entrance
    provider: str
    endpoint: str
    requested_model: str | None
    model: str | None
    tier: str | None
    region: str | None
    project: str
    key: str | None
    tags: Mapping[str, str]
    status: int | None
    stream: bool
    request_id: str | None
    object_id: str | None
    usage: Quantities
    """Of ``model``."""
    usage_source: UsageSource
    completeness: Completeness
    price_status: PriceStatus
    cost: int | None
    """Nano-dollars booked: the provider's figure if it gave one, else ``computed_cost``."""
    computed_cost: int | None
    provider_cost: int | None
    known_cost: int
    lines: tuple[CostLine, ...]
    price_version: str | None
    reason: Reason | None
    source: Source | None = None
    """None for live traffic."""
    price_context: PriceContext | None = None
    """None where nothing was due, and in rows of versions that did not keep it."""
    other_usage: tuple[ModelUsage, ...] = ()
    """What other models consumed in the same call."""


def new_id(now: float | None = None) -> str:
    """A UUIDv7 (RFC 9562): 48 bits of milliseconds, then randomness, so that ids sort by time."""
    return _uuid(7, time.time() if now is None else now, secrets.randbits(74))


def derived_id(seconds: float, digest: bytes) -> str:
    """A UUIDv8 laid out like a UUIDv7: sorts by time, and is the same for the same ``digest``.

    ``digest`` has ten bytes or more, evenly distributed.
    """
    return _uuid(8, seconds, int.from_bytes(digest[:10]) >> 6)


def _uuid(version: int, seconds: float, bits: int) -> str:
    """``bits`` are 74: 12 before the variant and 62 behind it."""
    value = (int(seconds * 1000) & 0xFFFFFFFFFFFF) << 80
    value |= version << 76 | (bits >> 62) << 64
    value |= 0b10 << 62 | bits & (1 << 62) - 1
    digits = f"{value:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def utc_now() -> datetime:
    return datetime.now(UTC)

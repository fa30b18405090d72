"""What a provider module offers. A provider is a value; its parsers are sans-IO and never raise.

The tap asks in this order: ``classify`` the request line, then feed the request body to
``request_reader``, then the decoded response body to the ``response_reader`` for it. Both readers
take bytes in pieces of any size, hold no more than their stated bound, and answer whenever asked:
after everything, after half of it, or after garbage.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from acm_addon.model import Quantities, Reason, UsageSource


class Billing(Enum):
    """What a request to an endpoint can cost."""

    METERED = "metered"
    """Creates something that is billed; we read its usage."""
    FREE = "free"
    """Listing, retrieving, polling, counting: never billed, not recorded."""
    PENDING = "pending"
    """Starts work that is billed when it is done (a batch): recorded without a price."""
    UNKNOWN = "unknown"
    """May be billed, and we cannot tell: recorded without a price."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    name: str
    """The field's name for it: ``chat.completions``, ``messages``, ``generateContent``."""
    billing: Billing = Billing.METERED
    model: str | None = None
    """The model, where the path names it (Gemini)."""


WEBSOCKET = Endpoint("websocket", Billing.UNKNOWN)
"""A websocket of any provider: recorded, not read."""


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What the request body says. Absent means that it does not say."""

    model: str | None = None
    stream: bool = False
    tier: str | None = None
    max_output_tokens: int | None = None
    choices: int = 1
    """How many answers were asked for (``n``)."""
    price_context: Mapping[str, str] = field(default_factory=dict)
    derived: Quantities = field(default_factory=dict)
    """Quantities that the request alone decides, such as ``images``."""
    input_tokens_estimate: int | None = None
    """A rough size of the input, from its length; for rows whose end is never seen."""


@dataclass(frozen=True, slots=True)
class ResponseFacts:
    """What the response says so far."""

    model: str | None = None
    object_id: str | None = None
    tier: str | None = None
    region: str | None = None
    quantities: Quantities = field(default_factory=dict)
    """Inclusive; empty where no usage was seen."""
    usage_source: UsageSource = UsageSource.NONE
    provider_cost: int | None = None
    """Nano-dollars, where the provider states one."""
    price_context: Mapping[str, str] = field(default_factory=dict)
    output_missing: bool = False
    """The output count is absent or a stub (a stream cut before its last usage)."""
    finished: bool = False
    """The body said that it is complete (a terminal event, a closed JSON document)."""
    failed: bool = False
    """The body is an error, or a stream that carried an error event."""
    pending: bool = False
    """The answer is that the work goes on in the background."""
    reason: Reason | None = None


class RequestReader(Protocol):
    def feed(self, data: bytes) -> None:
        """Take the next decoded bytes of the request body."""

    def facts(self) -> RequestFacts: ...

    def input_text(self) -> list[str]:
        """The texts that make up the input, for a tokenizer. Slow: not for the event loop."""


class ResponseReader(Protocol):
    def feed(self, data: bytes) -> None:
        """Take the next decoded bytes of the response body."""

    def facts(self) -> ResponseFacts: ...

    def output_text(self) -> list[str]:
        """The texts generated so far, for a tokenizer. Slow: not for the event loop."""

    def output_tokens_so_far(self) -> int:
        """A rough count of what was generated so far, cheap enough for the event loop."""


class Provider(Protocol):
    """One provider or API family."""

    @property
    def name(self) -> str:
        """The gateway prefix and the name in every row: ``openai``."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host names whose TLS the forward entrance opens. A leading ``*.`` matches subdomains."""

    @property
    def upstream(self) -> str:
        """Where the gateway sends ``/<name>/…``: scheme, host, and no path."""

    @property
    def price_provider(self) -> str:
        """The provider's id in the price table."""

    def classify(self, method: str, path: str) -> Endpoint:
        """Name the endpoint of a request. ``path`` has no query and no gateway prefix."""

    def request_reader(self, endpoint: Endpoint, content_type: str) -> RequestReader: ...

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, status: int, content_type: str
    ) -> ResponseReader: ...

    def error_body(self, status: int, code: str, message: str) -> bytes:
        """An error of ours as JSON in this provider's own shape, for its SDK to understand."""

"""What a provider module offers. A provider is a value; its parsers are sans-IO and never raise.

The tap asks in this order: ``classify`` the request's head, then feed the request body to
``request_reader``, then the decoded response body to the ``response_reader`` for it, or the
messages of a websocket to the ``websocket_reader``. All readers take bytes in pieces of any size,
hold no more than their stated bound, and answer whenever asked: after everything, after half of it,
or after garbage.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Protocol
from urllib.parse import parse_qsl

from acm_addon.model import ModelUsage, Quantities, Reason, UsageSource
from acm_addon.providers.prompts import Answer, Prompt


class Billing(Enum):
    """What a request to an endpoint can cost."""

    METERED = "metered"
    """Creates something that is billed; we read its usage."""
    FREE = "free"
    """Listing, retrieving, polling, counting: never billed, not recorded."""
    PENDING = "pending"
    """Starts work that is billed when it is done (a batch): recorded without a price."""
    RESULT = "result"
    """Shows what earlier work came to. Never billed itself: once the work is done, what it
    consumed settles the pending row of its object."""
    UNKNOWN = "unknown"
    """May be billed, and we cannot tell: recorded without a price."""


def headers_by_name(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Header fields by lower-case name, duplicates joined (RFC 9110, section 5.3)."""
    headers: dict[str, str] = {}
    several: dict[str, list[str]] = {}
    for field_name, value in fields:
        name = field_name.lower()
        if name in headers:
            several.setdefault(name, [headers[name]]).append(value)
        else:
            headers[name] = value
    # Joined at once: a capture may have a million of one name.
    headers.update((name, ", ".join(values)) for name, values in several.items())
    return headers


@dataclass(frozen=True, slots=True)
class RequestHead:
    """What is known of a request before its body: enough to name its endpoint."""

    method: str
    path: str
    """As the provider knows it: without the gateway's prefix, and without the query."""
    query: str = ""
    """May hold a credential (Gemini's ``key``): read from, and never kept."""
    host: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name. For reading what decides usage or price: never kept."""
    websocket: bool = False
    """It asks for a websocket."""

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def parameters(self) -> Mapping[str, str]:
        """The query's parameters; of repeated ones the last."""
        try:
            return dict(parse_qsl(self.query, max_num_fields=100))
        except ValueError:
            return {}


@dataclass(frozen=True, slots=True)
class ResponseHead:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name."""

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


@dataclass(frozen=True, slots=True)
class Origin:
    """A server that the gateway sends requests to."""

    host: str
    scheme: str = "https"
    port: int = 443

    @property
    def url(self) -> str:
        usual = {"https": 443, "http": 80}[self.scheme] == self.port
        return (
            f"{self.scheme}://{self.host}" if usual else f"{self.scheme}://{self.host}:{self.port}"
        )


@dataclass(frozen=True, slots=True)
class Access:
    """How programs reach a provider through acm: what ``acm routes`` and the docs print."""

    credential: str = "Authorization: Bearer"
    """Where the credential travels."""
    notes: str = ""
    """What does not work, or cannot be seen, and why."""
    endpoints: tuple[str, ...] = ()
    """The names of the endpoints whose usage is read: what ``acm providers`` lists."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    name: str
    """The field's name for it: ``chat.completions``, ``messages``, ``generateContent``."""
    billing: Billing = Billing.METERED
    model: str | None = None
    """The model, where the path or the query names it (Gemini, Bedrock)."""
    region: str | None = None
    """Where the host or the path names it (Bedrock, Vertex)."""
    object_id: str | None = None
    """The work that a ``RESULT`` is about, where the path names it."""
    file: bool = False
    """A ``RESULT`` that is a file, perhaps with what a batch answered, in lines."""
    price_context: Mapping[str, str] = field(default_factory=dict)
    """What of the path, the query or the host selects between prices."""
    price_provider: str | None = None
    """Whose prices hold, where the path says (Hugging Face); None for the provider's own."""


MANAGE = Endpoint("manage", Billing.FREE)
"""Whatever costs nothing: listing, retrieving, changing settings."""
WEBSOCKET = Endpoint("websocket", Billing.UNKNOWN)
"""A websocket whose messages we do not read: recorded without a price."""


BATCH: Mapping[str, str] = {"processing": "batch"}
"""The price context of whatever a batch did: half the usual price for most models."""


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
    derived_source: UsageSource = UsageSource.DERIVED
    """``ESTIMATED`` where ``derived`` is less than exact."""
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
    unframed: bool = False
    """The body cannot say that (sound, plain text, lines): it is complete if its transfer is."""
    failed: bool = False
    """The body is an error, or a stream that carried an error event."""
    pending: bool = False
    """The answer is that the work goes on in the background."""
    others: tuple[ModelUsage, ...] = ()
    """What other models than ``model`` consumed in the same call."""
    created: datetime | None = None
    """When the work was created that a ``RESULT`` shows, where it says so. UTC."""
    links: tuple[str, ...] = ()
    """Ids of objects in which the result of ``object_id`` can be found (a batch's output file)."""
    reason: Reason | None = None
    price_provider: str | None = None
    """Whose prices hold, where only the response says; None for the endpoint's."""


class RequestReader(Protocol):
    def feed(self, data: bytes) -> None:
        """Take the next decoded bytes of the request body."""

    def facts(self) -> RequestFacts: ...

    def input_text(self) -> Prompt:
        """What makes up the input, for a tokenizer. Slow: not for the event loop."""


class ResponseReader(Protocol):
    def feed(self, data: bytes) -> None:
        """Take the next decoded bytes of the response body."""

    def facts(self) -> ResponseFacts: ...

    def output_text(self) -> Answer:
        """What was generated so far, for a tokenizer. Slow: not for the event loop."""

    def output_tokens_so_far(self) -> int:
        """A rough count of what was generated so far, cheap enough for the event loop."""


class WebSocketReader(Protocol):
    def sent(self, message: bytes) -> None:
        """Take a message from the client."""

    def received(self, message: bytes) -> None:
        """Take a message from the provider."""

    def facts(self) -> ResponseFacts:
        """What was consumed on the connection so far."""

    def output_tokens_so_far(self) -> int:
        """A rough count of what was generated so far, cheap enough for the event loop."""


class WithoutWebSockets:
    """For providers whose websockets are recorded, and not metered."""

    __slots__ = ()

    def websocket_reader(self, endpoint: Endpoint) -> WebSocketReader | None:  # noqa: ARG002
        return None


class Provider(Protocol):
    """One provider or API family."""

    @property
    def name(self) -> str:
        """The gateway prefix and the name in every row: ``openai``."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Host names whose TLS the forward entrance opens. A leading ``*.`` matches subdomains, a
        ``*`` elsewhere letters, digits and hyphens: ``bedrock-runtime.*.amazonaws.com``."""

    @property
    def price_provider(self) -> str:
        """The provider's id in the price table."""

    @property
    def origin(self) -> Origin | None:
        """Where the gateway sends ``/<name>/…``; None where users have hosts of their own, and
        the path must name one: ``/<name>/<host>/…``."""

    @property
    def access(self) -> Access: ...

    def classify(self, head: RequestHead) -> Endpoint:
        """Name the endpoint of a request."""

    def request_reader(self, endpoint: Endpoint, head: RequestHead) -> RequestReader: ...

    def response_reader(
        self, endpoint: Endpoint, request: RequestFacts, head: ResponseHead
    ) -> ResponseReader: ...

    def websocket_reader(self, endpoint: Endpoint) -> WebSocketReader | None:
        """A reader of the messages of a metered websocket; None where there is none."""

    def error_body(self, status: int, code: str, message: str) -> bytes:
        """An error of ours as JSON in this provider's own shape, for its SDK to understand."""

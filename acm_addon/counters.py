"""What the proxy did since it started: numbers, and names of a kind that can hold no data."""

from dataclasses import dataclass, field

MOST_NAMES = 50
"""How many names one table holds; what comes after is counted as ``OTHERS``."""
OTHERS = "(others)"

type Table = dict[str, int]


@dataclass(slots=True)
class Counters:
    """Shown by ``acm status`` and ``acm doctor``. Hosts are as the providers' modules write them.

    The tables hold provider hosts and path shapes, never a name that came over the wire.
    """

    calls: int = 0
    """Calls that were begun."""
    unmetered: int = 0
    """Calls that passed and are not in the ledger, because recording failed."""
    tunnelled: int = 0
    """Connections to other hosts, passed through unread."""
    unrouted: int = 0
    """Gateway requests to paths that do not exist."""
    invalid_tags: int = 0
    """Tags that were left out: not of a tag's form, or too many."""
    rejected_ca: Table = field(default_factory=dict)
    """TLS handshakes that the client broke off because it does not trust our authority, by host."""
    silent: Table = field(default_factory=dict)
    """Connections that the client closed without a word once it had seen our certificate, by host.
    Node rejects a certificate in this way."""
    passed_unread: Table = field(default_factory=dict)
    """Connections to AI hosts that were passed through unmetered, by host."""
    not_understood: Table = field(default_factory=dict)
    """Requests to provider endpoints that may cost money and are not read, by provider and path
    shape."""


def add(table: Table, name: str) -> None:
    """Count one more of a name, in a table that does not grow without bound."""
    if name not in table and len(table) >= MOST_NAMES:
        name = OTHERS
    table[name] = table.get(name, 0) + 1

"""``acm explain``: the arithmetic of one row, line by line, and where each number comes from."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated

import typer

from acm_addon.entry_json import lines_from_json
from acm_addon.errors import AcmError
from acm_addon.ledger.priceable import Repricing
from acm_addon.ledger.reader import LedgerReader
from acm_addon.model import CostLine, Entrance, Entry, PriceStatus, Quantities, Quantity
from cli import entries, ledger
from cli.money import by_the_million, exact_dollars, exact_usd, unit_price
from cli.output import print_json
from cli.render import BOLD, clean, columns, milliseconds, paint, point_aligned
from cli.zones import chosen_zone

LAST = "last"

WHOLES = {"input_tokens", "output_tokens"}
"""The units that include others (cache, reasoning, …)."""

ENTRANCES = {
    Entrance.GATEWAY: "the gateway",
    Entrance.FORWARD: "the forward proxy",
    Entrance.IMPORT: "an import",
}


def explain(
    id: Annotated[  # noqa: A002 (the field's own name, and the argument's in the help)
        str,
        typer.Argument(
            metavar="ID", help="The call's id, or the beginning of it; `last` is the newest call."
        ),
    ],
    tz: Annotated[
        str | None, typer.Option("--tz", help="Time zone, such as Europe/Berlin.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the row as JSON.")] = False,
) -> None:
    """Show the arithmetic behind one call's cost."""
    zone = chosen_zone(tz)
    with ledger.opened() as reader:
        entry = newest(reader) if id == LAST else reader.find(id)
        earlier = reader.repricings(entry.id)
    if as_json:
        print_json(entries.entry_json(entry) | {"repricings": [_earlier_json(e) for e in earlier]})
        return
    when = entry.time.astimezone(zone)
    typer.echo("\n".join(lines_of(entry, f"{when:%Y-%m-%d %H:%M:%S %Z}", earlier)))


def newest(reader: LedgerReader) -> Entry:
    """The call that was booked last. Raises AcmError where there is none."""
    calls = reader.recent(reader.newest_rowid() - 1, 1)
    if not calls:
        raise AcmError("no call is recorded yet", "make one: acm run -- python your_program.py")
    return calls[0].entry


def lines_of(entry: Entry, when: str, earlier: Sequence[Repricing] = ()) -> list[str]:
    """The screen, line by line. ``when`` is the call's time in the reader's zone; ``earlier`` the
    bills that it had before."""
    return [
        paint(f"Call {entry.id}", BOLD),
        *_indented(_facts(entry, when)),
        "",
        *_indented(arithmetic(entry)),
        "",
        *_indented(_provenance(entry, earlier)),
    ]


def arithmetic(entry: Entry) -> list[str]:
    """``quantity unit x price = amount``, a line for each, their sum, and what is booked."""
    if not entry.lines:
        return [_booked(entry)]
    amounts = [line.amount for line in entry.lines]
    *shown, total = point_aligned([exact_dollars(amount) for amount in [*amounts, sum(amounts)]])
    rows = [
        (_number(line.quantity), line.unit, f"x {_rate(line)}", f"= {amount}", f" {_sku(line)}")
        for line, amount in zip(entry.lines, shown, strict=True)
    ]
    rows.append(("", "sum", "", f"= {total}", ""))
    *lines, last = columns(rows, right=frozenset({0}), gap=" ")
    return [*lines, "-" * len(last), last, "", _booked(entry)]


def _booked(entry: Entry) -> str:
    """The cost that reports count, and why it is that."""
    if entry.cost is None:
        known = f"; {exact_dollars(entry.known_cost)} of it is" if entry.known_cost else ""
        return f"{paint('Cost', BOLD)}  not known{known}"
    cost = f"{paint('Cost', BOLD)}  {exact_dollars(entry.cost)}"
    if entry.provider_cost is None:
        return cost
    ours = "no figure" if entry.computed_cost is None else exact_dollars(entry.computed_cost)
    return f"{cost}, the provider's own figure (our arithmetic: {ours})"


def _facts(entry: Entry, when: str) -> list[str]:
    model = clean(entry.model)
    if entry.requested_model and entry.requested_model != entry.model:
        model += f" (asked for {clean(entry.requested_model)})"
    answer = "no answer" if entry.status is None else f"HTTP {entry.status}"
    details = [
        answer,
        "streamed" if entry.stream else None,
        milliseconds(entry.latency_ms) if entry.latency_ms is not None else None,
        f"first byte after {milliseconds(entry.first_byte_ms)}"
        if entry.first_byte_ms is not None
        else None,
    ]
    rows = [
        ("Time", when),
        ("Model", model),
        (
            "Endpoint",
            f"{clean(entry.provider)} {clean(entry.endpoint)}, through {ENTRANCES[entry.entrance]}",
        ),
        ("Answer", ", ".join(detail for detail in details if detail)),
        ("Project", clean(entry.project)),
    ]
    if entry.tier:
        rows.append(("Tier", clean(entry.tier)))
    if entry.region:
        rows.append(("Region", clean(entry.region)))
    if entry.tags:
        tags = ", ".join(f"{clean(name)}={clean(value)}" for name, value in entry.tags.items())
        rows.append(("Tags", tags))
    if entry.source is not None:
        rows.append(("Source", clean(entries.place(entry.source))))
    return columns(rows)


def _quantities(usage: Quantities) -> str:
    return ", ".join(f"{unit} {_number(value)}" for unit, value in usage.items())


def _provenance(entry: Entry, earlier: Sequence[Repricing]) -> list[str]:
    source = entries.USAGE_SOURCES[entry.usage_source]
    if entry.usage:
        source = f"{_quantities(entry.usage)}: {source}"
    also = [
        ("Also", f"{clean(other.model) or 'another model'}: {_quantities(other.quantities)}")
        for other in entry.other_usage
    ]
    rows = [
        ("Usage", source),
        *also,
        ("Call", entries.COMPLETENESS[entry.completeness]),
        ("Price", entries.price_words(entry)),
        ("Table", entry.price_version or "none was used"),
    ]
    rows += [("Repriced", _earlier(bill)) for bill in reversed(earlier)]
    if entry.reason is not None:
        rows.append(("Reason", entries.REASONS[entry.reason]))
    if entries.quantity_unknown(entry):
        rows.append(("Lacking", _unseen(entry)))
    elif entry.price_status is PriceStatus.PARTLY_PRICED:
        lacking = " or ".join(entries.lacking(entry)) or "the rest"
        rows.append(("Lacking", f"no line prices {lacking}"))
    if entry.lines and not WHOLES.isdisjoint(entry.usage) and not WHOLES.issuperset(entry.usage):
        rows.append(
            ("Note", "input_tokens and output_tokens are totals; each token is in one line")
        )
    return columns(rows)


def _earlier(repricing: Repricing) -> str:
    bill = repricing.bill
    cost = "not known" if bill.cost is None else exact_dollars(bill.cost)
    table = f"by table {bill.price_version}" if bill.price_version else "by no table"
    return f"{repricing.time:%Y-%m-%d %H:%M:%S} UTC; it was {cost} {table}"


def _earlier_json(repricing: Repricing) -> dict[str, object]:
    """The bill until then."""
    bill = repricing.bill
    return {
        "time": repricing.time.isoformat(),
        "price_status": bill.price_status.value,
        "cost_usd": None if bill.cost is None else exact_usd(bill.cost),
        "known_cost_usd": exact_usd(bill.known_cost),
        "lines": [entries.line_json(line) for line in lines_from_json(json.loads(bill.lines))],
        "price_version": bill.price_version,
    }


def _unseen(entry: Entry) -> str:
    missing = sorted(WHOLES.difference(entry.usage))
    return f"{' and '.join(missing) or 'a part of the usage'} not known"


def _rate(line: CostLine) -> str:
    """The unit price as price lists print it: tokens and characters by the million."""
    if by_the_million(line.unit):
        return f"{unit_price(line.unit_price * 1_000_000)} / 1M"
    return f"{unit_price(line.unit_price)} each"


def _sku(line: CostLine) -> str:
    exact = Decimal(line.quantity) * line.unit_price * 1_000_000_000
    return clean(line.sku) if exact == line.amount else f"{clean(line.sku)} (rounded)"


def _number(quantity: Quantity) -> str:
    return f"{quantity:,}" if isinstance(quantity, int) else f"{quantity.normalize():,f}"


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" if line else "" for line in lines]

"""The price table for people: its models, one model's prices, and what differs between two."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import typer

from acm_addon.errors import AcmError
from acm_addon.home import Home, acm_home
from acm_addon.model import utc_now
from cli import price_table
from cli.money import by_the_million, unit_price
from cli.output import print_json
from cli.render import BOLD, clean, columns, paint, plain_decimal
from cli.times import span_of
from cli.zones import chosen_zone

if TYPE_CHECKING:
    from acm_addon.price_changes import PriceChange, PriceKey
    from acm_addon.pricing import PriceTable
    from acm_addon.pricing.listing import Listed, Listing
    from pricing_data import Discount


def models(provider: str | None, as_json: bool) -> None:
    table, now = price_table.current(acm_home()), utc_now()
    wanted = price_table.priced_by(provider.lower()) if provider else None
    known = sorted({pair for pair in table.models() if wanted in (None, pair[0])})
    if not known:
        raise AcmError(f"no prices of a provider {provider!r}", "`acm prices list` names them all")
    rates = {pair: _standard(table.effective(*pair, {}, now)) for pair in known}
    if as_json:
        print_json(
            {
                "table": table.version,
                "models": [
                    {"provider": name, "model": model, "prices": [_listed_json(p) for p in found]}
                    for (name, model), found in rates.items()
                ],
            }
        )
        return
    rows = [
        (clean(name), clean(model), ", ".join(map(_short, found)))
        for (name, model), found in rates.items()
    ]
    typer.echo("\n".join(columns([("Provider", "Model", "Standard prices, USD"), *rows])))
    typer.echo(f"acm: {len(known):,} models in table {table.version}", err=True)


def show(model: str, provider: str | None, at: str | None, as_json: bool) -> None:
    table, now = price_table.current(acm_home()), utc_now()
    time = now if at is None else span_of("--at", at, now, chosen_zone(None)).since
    listing = _listing(table, model, provider, time)
    prices = [each for each in listing.prices if _holds(each, time)]
    _print(_held(listing, time), _in_use(prices, listing), table, as_json)


def history(model: str, provider: str | None, as_json: bool) -> None:
    table = price_table.current(acm_home())
    listing = _listing(table, model, provider, utc_now())
    _print(listing, list(listing.prices), table, as_json)


def diff(before: str, after: str, as_json: bool) -> None:
    from acm_addon.price_changes import changes, prices_at

    home, now = acm_home(), utc_now()
    old, new = (prices_at(_table(home, name), now) for name in (before, after))
    found = changes(old, new)
    if as_json:
        print_json([change_json(change) for change in found])
        return
    if found:
        typer.echo("\n".join(change_lines(found)))
    typer.echo(f"acm: {len(found):,} of {len(new):,} prices differ", err=True)


def change_lines(found: Iterable["PriceChange"]) -> list[str]:
    """Changes as a table: what changed, before, after."""
    rows = [
        (
            f"{clean(change.key.provider)}/{clean(change.key.model)}",
            _what(change.key),
            _rate(change.before, change.key.unit),
            _rate(change.after, change.key.unit),
        )
        for change in found
    ]
    return columns([("Model", "Unit", "Before", "After"), *rows], right=frozenset({2, 3}))


def change_json(change: "PriceChange") -> dict[str, object]:
    """Prices are USD for one unit."""
    key = change.key
    return {
        "provider": key.provider,
        "model": key.model,
        "unit": key.unit,
        "conditions": dict(key.context),
        "above": None if key.above < 0 else key.above,
        "before_usd": None if change.before is None else plain_decimal(change.before),
        "after_usd": None if change.after is None else plain_decimal(change.after),
    }


def _table(home: Home, name: str) -> "PriceTable":
    from acm_addon.pricing import PriceTable

    match name:
        case "current":
            return price_table.current(home)
        case "shipped":
            return PriceTable.current()
    return price_table.stored(home, name)


def _listing(table: "PriceTable", model: str, provider: str | None, at: datetime) -> "Listing":
    """The model's prices, of the first provider that has some. Raises AcmError for none."""
    names = [price_table.priced_by(provider.lower())] if provider else None
    names = names or price_table.serving(table, model, at)
    found = [listing for name in names if (listing := table.listed(name, model, at)) is not None]
    if not found:
        raise price_table.unknown(model)
    price_table.say_others(list(dict.fromkeys(one.provider for one in found)))
    return found[0]


def _in_use(prices: list["Listed"], listing: "Listing") -> list["Listed"]:
    """Standard prices only where they are what is billed; conditional ones as they are."""
    return [each for each in prices if each.conditions or each.project or each in listing.in_force]


def _held(listing: "Listing", at: datetime) -> "Listing":
    """With what changes its prices at that time. Of discounts of one scope the closest counts."""
    held = [each for each in listing.discounts if each.period.holds(at)]
    return replace(
        listing,
        discounts=tuple({(each.project, each.units): each for each in held}.values()),
        multipliers=tuple(each for each in listing.multipliers if each.period.holds(at)),
    )


def _holds(price: "Listed", at: datetime) -> bool:
    begun = price.effective_from is None or price.effective_from <= at
    return begun and (price.effective_to is None or at < price.effective_to)


def _print(listing: "Listing", prices: list["Listed"], table: "PriceTable", as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "provider": listing.provider,
                "model": listing.model,
                "table": table.version,
                "prices": [_listed_json(price) for price in prices],
                "discounts": [_discount_json(each) for each in listing.discounts],
            }
        )
        return
    heading = ("Unit", "USD", "Where", "From", "To", "Layer", "Source", "Checked", "Confidence")
    rows = [
        (
            price.unit,
            _amount(price),
            _where(price),
            _day(price.effective_from),
            _day(price.effective_to),
            price.layer.value,
            clean(price.source),
            price.checked.isoformat() if price.checked else "-",
            price.confidence.value if price.confidence else "-",
        )
        for price in prices
    ]
    typer.echo(paint(f"{listing.model} of {listing.provider}", BOLD) + f", table {table.version}")
    typer.echo("\n".join(f"  {line}" for line in columns([heading, *rows])))
    for each in listing.discounts:
        typer.echo(f"  less {_percent(each)}%{_scope(each)}: your own discount")
    for many in listing.multipliers:
        where = _pairs({**many.conditions, **{f"not {n}": v for n, v in many.unless.items()}})
        typer.echo(f"  times {plain_decimal(many.factor)} where {where}")


def _listed_json(price: "Listed") -> dict[str, object]:
    return {
        "unit": price.unit,
        "usd": plain_decimal(price.usd),
        "per": price.per,
        "above": price.above,
        "layer": price.layer.value,
        "conditions": dict(price.conditions),
        "when": price.when,
        "project": price.project,
        "effective_from": price.effective_from.isoformat() if price.effective_from else None,
        "effective_to": price.effective_to.isoformat() if price.effective_to else None,
        "source": price.source,
        "checked": price.checked.isoformat() if price.checked else None,
        "confidence": price.confidence.value if price.confidence else None,
        "note": price.note,
    }


def _discount_json(discount: "Discount") -> dict[str, object]:
    start, end = discount.period.start, discount.period.end
    return {
        "percent": _percent(discount),
        "project": discount.project,
        "units": sorted(discount.units) or None,
        "effective_from": start.isoformat() if start else None,
        "effective_to": end.isoformat() if end else None,
    }


def _percent(discount: "Discount") -> str:
    return plain_decimal((1 - discount.factor) * 100)


def _scope(discount: "Discount") -> str:
    words = f" on {', '.join(sorted(discount.units))}" if discount.units else ""
    words += f" of project {clean(discount.project)}" if discount.project else ""
    words += f" from {_day(discount.period.start)}" if discount.period.start else ""
    return words + (f" to {_day(discount.period.end)}" if discount.period.end else "")


def _standard(prices: Iterable["Listed"]) -> list["Listed"]:
    return [price for price in prices if price.above is None]


def _short(price: "Listed") -> str:
    return f"{price.unit} {_amount(price)}"


def _amount(price: "Listed") -> str:
    per = {1: "", 1_000: " / 1K", 1_000_000: " / 1M"}.get(price.per, f" / {price.per:,}")
    return f"{unit_price(price.usd)}{per}"


def _rate(usd: Decimal | None, unit: str) -> str:
    if usd is None:
        return "-"
    if by_the_million(unit):
        return f"{unit_price(usd * 1_000_000)} / 1M"
    return unit_price(usd)


def _what(key: "PriceKey") -> str:
    above = f" above {key.above:,}" if key.above >= 0 else ""
    context = f" ({_pairs(dict(key.context))})" if key.context else ""
    return f"{key.unit}{above}{context}"


def _where(price: "Listed") -> str:
    words = [_pairs(price.conditions)] if price.conditions else []
    words += [f"input above {price.above:,}"] if price.above is not None else []
    words += [price.when] if price.when else []
    words += [f"project {clean(price.project)}"] if price.project else []
    return ", ".join(words) or "-"


def _pairs(values: Mapping[str, str]) -> str:
    return ", ".join(f"{clean(name)}={clean(value)}" for name, value in values.items())


def _day(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d}"

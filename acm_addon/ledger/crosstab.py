"""Sums by one or two keys at once: names, days, hours, and the values of a tag.

Names come from the rollups, and so do tags alone or by time. A tag beside a name is read from the
calls themselves, for no rollup holds both: exact as well, and slower the longer the range.
"""

# Only names of our own are written into SQL; values are bound.
# ruff: noqa: S608

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal
from zoneinfo import ZoneInfo

from acm_addon.ledger.measures import DIMENSIONS, MEASURES, QUARTER
from acm_addon.ledger.rows import from_micros
from acm_addon.ledger.spans import Source, Span, spans
from acm_addon.ledger.totals import Totals

type Name = Literal["model", "provider", "project", "key", "endpoint"]
type Period = Literal["day", "hour"]


@dataclass(frozen=True, slots=True)
class Tag:
    """Grouping by the value of one tag; calls without it are a group of their own."""

    name: str


type GroupKey = Name | Period | Tag


@dataclass(frozen=True, slots=True)
class CrossRow:
    names: tuple[str | None, ...]
    """One for each key, as in ``GroupRow``; None where the calls have none."""
    totals: Totals


@dataclass(frozen=True, slots=True)
class Query:
    sql: str
    values: tuple[object, ...]


_BUCKET = f"time - time % {QUARTER}"
_NAMELESS = "total_rollups"
"""The sums by quarter of an hour over every name: a row where ``rollups`` has very many."""
_SUMS = ", ".join(f"SUM({name})" for name in MEASURES)


def queries(keys: Sequence[GroupKey], since: int, until: int) -> list[Query]:
    """What to ask for a range of microseconds UTC: each row is a name a key, then ``MEASURES``.

    The rows of all answers belong together: a name may be in several.
    """
    tags = [key for key in keys if isinstance(key, Tag)]
    timed = any(key in ("day", "hour") for key in keys)
    if tags and any(not _is_period(key) for key in keys if key is not tags[0]):
        return [_from_calls(keys, Span(Source.CALLS, since, until))]
    parts = spans(since, until, daily=not timed and not tags)
    return [_of_span(keys, tags, part) for part in parts]


def cross_rows(
    found: Iterable[tuple[Any, ...]], keys: Sequence[GroupKey], tz: ZoneInfo
) -> list[CrossRow]:
    """Add up the answers. Ordered key by key: periods as they come, names the dearest first."""
    name_of = [_namer(key, tz) for key in keys]
    groups: dict[tuple[str | None, ...], list[Sequence[int]]] = {}
    first: dict[str | None, int] = {}
    for values in found:
        names = tuple(name(value) for name, value in zip(name_of, values, strict=False))
        groups.setdefault(names, []).append(values[len(keys) :])
        for key, name, value in zip(keys, names, values, strict=False):
            if _is_period(key):
                first[name] = min(value, first.get(name, value))
    rows = [CrossRow(names, add_up(sums)) for names, sums in groups.items()]
    ranks = [
        {name: (first[name], 0, "") for name in {row.names[place] for row in rows}}
        if _is_period(key)
        else _ranks(rows, place)
        for place, key in enumerate(keys)
    ]
    return sorted(
        (row for row in rows if row.totals.requests),
        key=lambda row: [rank[name] for rank, name in zip(ranks, row.names, strict=True)],
    )


def _namer(key: GroupKey, tz: ZoneInfo) -> Callable[[Any], str | None]:
    """What a value of the key is called."""
    if _is_period(key):
        return cache(lambda bucket: _period_name(bucket, tz, hours=key == "hour"))
    return lambda value: value or None


def _period_name(micros: int, tz: ZoneInfo, *, hours: bool) -> str:
    """The day or hour of a zone's calendar in which a quarter of an hour lies.

    Offsets and their changes are multiples of a quarter, so that each lies in one. An hour is told
    from its repetition by its offset.
    """
    local = from_micros(micros).astimezone(tz)
    # The offset is the last thing in ISO format. An hour can begin at half past, when the clock was
    # set back by half an hour: it is named for the hour, with its own offset.
    return f"{local:%Y-%m-%dT%H}:00{local.isoformat()[-6:]}" if hours else f"{local:%Y-%m-%d}"


def add_up(sums: Iterable[Sequence[int]]) -> Totals:
    """Add up rows of sums."""
    return Totals(*map(sum, zip(*sums, strict=True)))


def _is_period(key: GroupKey) -> bool:
    return key in ("day", "hour")


def _of_span(keys: Sequence[GroupKey], tags: Sequence[Tag], span: Span) -> Query:
    if span.source is Source.CALLS:
        return _from_calls(keys, span)
    if tags:
        return _from_tag_rollups(keys, tags[0], span)
    columns = ["bucket" if _is_period(key) else str(key) for key in keys]
    table = _NAMELESS if all(map(_is_period, keys)) else span.source.value
    return Query(
        f"SELECT {', '.join(columns)}, {_SUMS} FROM {table}"
        f" WHERE bucket >= ? AND bucket < ? GROUP BY {_places(keys)}",
        (span.since, span.until),
    )


def _from_calls(keys: Sequence[GroupKey], span: Span) -> Query:
    columns = [_column_of_calls(key) for key in keys]
    return Query(
        f"SELECT {', '.join((*columns, *MEASURES.values()))} FROM calls"
        f" WHERE time >= ? AND time < ? GROUP BY {_places(keys)}",
        (*(key.name for key in keys if isinstance(key, Tag)), span.since, span.until),
    )


def _column_of_calls(key: GroupKey) -> str:
    if isinstance(key, Tag):
        return "(SELECT tag.value FROM json_each(calls.tags) AS tag WHERE tag.key = ?)"
    return _BUCKET if _is_period(key) else DIMENSIONS[key]


def _from_tag_rollups(keys: Sequence[GroupKey], tag: Tag, span: Span) -> Query:
    """The tag's values, and as NULL what the totals have beyond all of them."""
    columns = ", ".join("value" if isinstance(key, Tag) else "bucket" for key in keys)
    less = ", ".join(f"-{name}" for name in MEASURES)
    names = ", ".join(MEASURES)
    tagged = "FROM tag_rollups WHERE bucket >= ? AND bucket < ? AND tag = ?"
    return Query(
        f"SELECT {columns}, {_SUMS} FROM ("
        f"SELECT bucket, value, {names} {tagged}"
        f" UNION ALL SELECT bucket, NULL, {less} {tagged}"
        f" UNION ALL SELECT bucket, NULL AS value, {names} FROM {_NAMELESS}"
        " WHERE bucket >= ? AND bucket < ?"
        f") GROUP BY {_places(keys)}",
        (*(span.since, span.until, tag.name) * 2, span.since, span.until),
    )


def _places(keys: Sequence[GroupKey]) -> str:
    return ", ".join(str(place + 1) for place in range(len(keys)))


def _ranks(rows: Sequence[CrossRow], place: int) -> dict[str | None, tuple[int, int, str]]:
    """The dearest name of a key first, then the busiest."""
    sums: dict[str | None, tuple[int, int]] = {}
    for row in rows:
        cost, requests = sums.get(row.names[place], (0, 0))
        sums[row.names[place]] = (cost - row.totals.cost, requests - row.totals.requests)
    return {name: (cost, requests, name or "") for name, (cost, requests) in sums.items()}

"""Sums by two keys at once, and by tags."""

import itertools
import tempfile
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acm_addon.ledger.crosstab import CrossRow, GroupKey, Tag
from acm_addon.ledger.reader import LedgerReader
from acm_addon.ledger.sqlite import SqliteLedger
from acm_addon.model import Entry
from tests.calls import NOON, make_entry

BERLIN = ZoneInfo("Europe/Berlin")
SET_BACK = datetime(2026, 10, 25, 1, tzinfo=UTC)
KEYS: list[GroupKey] = ["model", "provider", "key", "day", "hour", Tag("feature"), Tag("customer")]

seconds = st.integers(-2 * 86_400, 2 * 86_400) | st.integers(-192, 192).map(lambda n: n * 900)
call = st.tuples(seconds, st.sampled_from(["a", "b", None]), st.sampled_from(["x", "y", None]))


def name_of(key: GroupKey, entry: Entry, zone: ZoneInfo) -> str | None:
    local = entry.time.astimezone(zone)
    match key:
        case Tag(name):
            return entry.tags.get(name)
        case "day":
            return f"{local:%Y-%m-%d}"
        case "hour":
            return f"{local:%Y-%m-%dT%H}:00{local.isoformat()[-6:]}"
    value = getattr(entry, key)
    assert value is None or isinstance(value, str)
    return value


def crossed(path: Path, *keys: GroupKey) -> list[CrossRow]:
    with LedgerReader(path) as reader:
        return reader.crossed(keys, NOON - timedelta(days=9), NOON + timedelta(days=9), BERLIN)


def booked(path: Path, *entries: Entry) -> Path:
    with closing(SqliteLedger(path)) as ledger:
        ledger.book(entries, {})
    return path


@settings(max_examples=40, deadline=None)
@given(st.lists(call, max_size=25), st.tuples(seconds, seconds))
def test_every_pair_of_keys_is_exact(
    calls: list[tuple[int, str | None, str | None]], edges: tuple[int, int]
) -> None:
    """Whatever the edges: each cell has the calls and the cost that a look at each call gives,
    for one key and for any two, over a day on which an hour comes twice."""
    entries = [
        make_entry(
            time=SET_BACK + timedelta(seconds=second),
            model=model,
            cost=number or None,
            key=tag,
            tags={
                name: tag for name in ("feature", "customer") if tag and (number % 2 or name < "d")
            },
        )
        for number, (second, model, tag) in enumerate(calls)
    ]
    since, until = (SET_BACK + timedelta(seconds=edge) for edge in sorted(edges))
    with tempfile.TemporaryDirectory() as folder:
        path = booked(Path(folder) / "ledger.db", *entries)
        with LedgerReader(path) as reader:
            for keys in [(key,) for key in KEYS] + list(itertools.permutations(KEYS, 2)):
                expected: Counter[tuple[str | None, ...]] = Counter()
                cost: Counter[tuple[str | None, ...]] = Counter()
                for entry in entries:
                    if since <= entry.time < until:
                        names = tuple(name_of(key, entry, BERLIN) for key in keys)
                        expected[names] += 1
                        cost[names] += entry.cost or 0
                rows = reader.crossed(keys, since, until, BERLIN)
                assert expected == {row.names: row.totals.requests for row in rows}
                assert cost == {row.names: row.totals.cost for row in rows}


def test_calls_without_the_tag_are_a_row(tmp_path: Path) -> None:
    """The rows of a tag sum to the whole; an empty rest is no row."""
    path = booked(
        tmp_path / "ledger.db",
        make_entry(tags={"feature": "search"}, cost=3),
        make_entry(tags={"other": "x"}, cost=2),
        make_entry(tags={}, cost=None),
    )
    assert [(("search",), 1, 3), ((None,), 2, 2)] == [
        (row.names, row.totals.requests, row.totals.cost) for row in crossed(path, Tag("feature"))
    ]
    all_tagged = booked(tmp_path / "other.db", make_entry(tags={"feature": "search"}))
    assert [("search",)] == [row.names for row in crossed(all_tagged, Tag("feature"))]


def test_rows_are_ordered_key_by_key(tmp_path: Path) -> None:
    """The dearest model first; below it the days as they come, though another order cost more."""
    day = timedelta(days=1)
    path = booked(
        tmp_path / "ledger.db",
        make_entry(model="small", time=NOON - day, cost=5),
        make_entry(model="large", time=NOON, cost=9),
        make_entry(model="large", time=NOON - day, cost=1),
    )
    assert [("large", "2026-11-21"), ("large", "2026-11-22"), ("small", "2026-11-21")] == [
        row.names for row in crossed(path, "model", "day")
    ]
    assert [("2026-11-21", "large"), ("2026-11-21", "small"), ("2026-11-22", "large")] == [
        row.names for row in crossed(path, "day", "model")
    ]


@pytest.mark.parametrize("name", ["a'b", "$.x", 'q"', "%", "no such tag"])
def test_a_tag_of_any_name_can_be_asked_for(tmp_path: Path, name: str) -> None:
    """It is bound, and never a part of the statement."""
    path = booked(tmp_path / "ledger.db", make_entry())
    assert [(None,)] == [row.names for row in crossed(path, Tag(name))]


def test_no_ledger_is_no_calls(tmp_path: Path) -> None:
    """An empty answer, and no file."""
    assert [] == crossed(tmp_path / "none.db", "model", Tag("feature"))

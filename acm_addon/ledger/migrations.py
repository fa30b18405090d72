# ruff: noqa: S608 (only names of our own are written into SQL)
"""The schema's history. Append a function; never change one that was released.

The functions are written out, not built from ``measures``: what they create must not move when the
code does.

Choices that hold for every version:

- ``time`` and ``bucket`` are integer microseconds UTC: a range is an integer comparison, a bucket a
  subtraction, an index entry eight bytes, and no text is parsed.
- Amounts are integer nano-dollars. ``usage``, ``tags`` and ``lines`` are JSON text, in which
  Decimals are strings.
- ``seq`` is the order of booking (a live tail follows it); ``id`` is the identity.
- Tables are strict. Rollups are keyed by bucket first, without a rowid, so that a range of time is
  one stretch of the table.
- ``PRAGMA user_version`` is the number of migrations applied: a process that finds it current need
  not import sqlite-utils.
"""

from sqlite_utils import Migrations
from sqlite_utils.db import Database

migrations = Migrations("ledger")

_M001_MEASURES = """
    requests INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    partial INTEGER NOT NULL,
    sent_unknown INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    partly_priced INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    without_cost INTEGER NOT NULL,
    estimated INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    known_cost INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    latency_ms INTEGER NOT NULL,
    latency_count INTEGER NOT NULL,
    latency_below_10 INTEGER NOT NULL,
    latency_below_15 INTEGER NOT NULL,
    latency_below_22 INTEGER NOT NULL,
    latency_below_33 INTEGER NOT NULL,
    latency_below_47 INTEGER NOT NULL,
    latency_below_68 INTEGER NOT NULL,
    latency_below_100 INTEGER NOT NULL,
    latency_below_150 INTEGER NOT NULL,
    latency_below_220 INTEGER NOT NULL,
    latency_below_330 INTEGER NOT NULL,
    latency_below_470 INTEGER NOT NULL,
    latency_below_680 INTEGER NOT NULL,
    latency_below_1000 INTEGER NOT NULL,
    latency_below_1500 INTEGER NOT NULL,
    latency_below_2200 INTEGER NOT NULL,
    latency_below_3300 INTEGER NOT NULL,
    latency_below_4700 INTEGER NOT NULL,
    latency_below_6800 INTEGER NOT NULL,
    latency_below_10000 INTEGER NOT NULL,
    latency_below_15000 INTEGER NOT NULL,
    latency_below_22000 INTEGER NOT NULL,
    latency_below_33000 INTEGER NOT NULL,
    latency_below_47000 INTEGER NOT NULL,
    latency_below_68000 INTEGER NOT NULL,
    latency_below_100000 INTEGER NOT NULL,
    latency_below_150000 INTEGER NOT NULL,
    latency_below_220000 INTEGER NOT NULL,
    latency_below_330000 INTEGER NOT NULL,
    latency_below_470000 INTEGER NOT NULL,
    latency_below_680000 INTEGER NOT NULL,
    latency_above INTEGER NOT NULL
"""


@migrations()
def m001_calls_and_rollups(db: Database) -> None:
    db.execute(
        """
        CREATE TABLE calls (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            time INTEGER NOT NULL,
            latency_ms INTEGER,
            first_byte_ms INTEGER,
            entrance TEXT NOT NULL,
            provider TEXT NOT NULL,
            endpoint TEXT NOT NULL,
            requested_model TEXT,
            model TEXT,
            tier TEXT,
            region TEXT,
            project TEXT NOT NULL,
            key TEXT,
            tags TEXT NOT NULL,
            status INTEGER,
            stream INTEGER NOT NULL,
            request_id TEXT,
            object_id TEXT,
            usage TEXT NOT NULL,
            usage_source TEXT NOT NULL,
            completeness TEXT NOT NULL,
            price_status TEXT NOT NULL,
            cost INTEGER,
            computed_cost INTEGER,
            provider_cost INTEGER,
            known_cost INTEGER NOT NULL,
            lines TEXT NOT NULL,
            price_version TEXT,
            reason TEXT
        ) STRICT
        """
    )
    db.execute("CREATE INDEX calls_time ON calls (time)")
    for table in ("rollups", "daily_rollups"):
        db.execute(
            f"""
            CREATE TABLE {table} (
                bucket INTEGER NOT NULL,
                project TEXT NOT NULL,
                key TEXT NOT NULL,
                provider TEXT NOT NULL,
                model TEXT NOT NULL,
                endpoint TEXT NOT NULL,
                {_M001_MEASURES},
                PRIMARY KEY (bucket, project, key, provider, model, endpoint)
            ) STRICT, WITHOUT ROWID
            """
        )
    db.execute(
        f"""
        CREATE TABLE total_rollups (
            bucket INTEGER PRIMARY KEY,
            {_M001_MEASURES}
        ) STRICT
        """
    )
    db.execute(
        f"""
        CREATE TABLE tag_rollups (
            bucket INTEGER NOT NULL,
            tag TEXT NOT NULL,
            value TEXT NOT NULL,
            {_M001_MEASURES},
            PRIMARY KEY (bucket, tag, value)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE journals (
            name TEXT PRIMARY KEY,
            resume INTEGER NOT NULL,
            drained INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations()
def m002_source(db: Database) -> None:
    """Where an imported call was read, as JSON; NULL for live traffic."""
    db.execute("ALTER TABLE calls ADD COLUMN source TEXT")


@migrations()
def m003_price_context(db: Database) -> None:
    """What decided a row's price beside its usage, as JSON; NULL in the rows before it."""
    db.execute("ALTER TABLE calls ADD COLUMN price_context TEXT")


@migrations()
def m004_other_usage(db: Database) -> None:
    """What other models than the row's consumed in the same call, as a JSON array."""
    db.execute("ALTER TABLE calls ADD COLUMN other_usage TEXT")


@migrations()
def m005_asynchronous_work(db: Database) -> None:
    """Finding the row of an object; rows that await their call; objects that are another's result.

    The index leaves out the calls that have no object id.
    """
    db.execute(
        "CREATE INDEX calls_object ON calls (provider, object_id) WHERE object_id IS NOT NULL"
    )
    db.execute(
        """
        CREATE TABLE unclaimed (
            object_id TEXT NOT NULL,
            provider TEXT NOT NULL,
            seq INTEGER NOT NULL UNIQUE,
            PRIMARY KEY (object_id, provider)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE links (
            provider TEXT NOT NULL,
            object_id TEXT NOT NULL,
            target TEXT NOT NULL,
            PRIMARY KEY (provider, object_id)
        ) STRICT, WITHOUT ROWID
        """
    )


@migrations()
def m006_repricings(db: Database) -> None:
    """The bills that rows had before they were priced again, each until its ``time``."""
    db.execute(
        """
        CREATE TABLE repricings (
            seq INTEGER PRIMARY KEY,
            call INTEGER NOT NULL,
            time INTEGER NOT NULL,
            price_status TEXT NOT NULL,
            cost INTEGER,
            computed_cost INTEGER,
            known_cost INTEGER NOT NULL,
            lines TEXT NOT NULL,
            price_version TEXT,
            reason TEXT
        ) STRICT
        """
    )
    db.execute("CREATE INDEX repricings_call ON repricings (call)")


@migrations()
def m007_project_names(db: Database) -> None:
    """What a renamed project is called now, for rows that come late under its old name."""
    db.execute(
        """
        CREATE TABLE project_names (
            old TEXT PRIMARY KEY,
            new TEXT NOT NULL
        ) STRICT, WITHOUT ROWID
        """
    )


_M008_IN_WINDOW = """
    since <= {row}.time AND {row}.time < until
    AND (project IS NULL OR project = {row}.project)
    AND ("key" IS NULL OR "key" = {row}."key")
    AND (provider IS NULL OR provider = {row}.provider)
    AND (model IS NULL OR IFNULL({row}.requested_model, {row}.model) GLOB model)
    AND (tags = '{{}}' OR NOT EXISTS (
        SELECT 1 FROM json_each(tags) AS wanted WHERE NOT EXISTS (
            SELECT 1 FROM json_each({row}.tags) AS there
            WHERE there."key" = wanted."key" AND there.value = wanted.value
        )
    ))
"""
_M008_ADD = f"""
    UPDATE budget_windows SET spent = spent + NEW.cost
    WHERE NEW.cost IS NOT NULL AND {_M008_IN_WINDOW.format(row="NEW")};
"""
_M008_TAKE_AWAY = f"""
    UPDATE budget_windows SET spent = spent - OLD.cost
    WHERE OLD.cost IS NOT NULL AND {_M008_IN_WINDOW.format(row="OLD")};
"""
_M008_RELEASE = """
    DELETE FROM holds WHERE call = NEW.id AND NEW.cost IS NOT NULL;
    UPDATE holds SET state = 'booked' WHERE call = NEW.id;
"""


@migrations()
def m008_budgets(db: Database) -> None:
    """What is spent in the present windows of hard budgets, and what running calls hold of them.

    Triggers keep both, so that they change with the rows, in the same transaction, whatever
    changes a row: a drain, a settlement, an import, or new prices. A row whose cost is known
    releases what its call held; one without leaves it standing.
    """
    db.execute(
        """
        CREATE TABLE budget_windows (
            budget INTEGER NOT NULL,
            since INTEGER NOT NULL,
            until INTEGER NOT NULL,
            project TEXT,
            "key" TEXT,
            provider TEXT,
            model TEXT,
            tags TEXT NOT NULL,
            spent INTEGER NOT NULL,
            PRIMARY KEY (budget, since)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute(
        """
        CREATE TABLE holds (
            call TEXT NOT NULL,
            budget INTEGER NOT NULL,
            since INTEGER NOT NULL,
            amount INTEGER NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('running', 'ended', 'booked')),
            journal TEXT NOT NULL,
            PRIMARY KEY (call, budget)
        ) STRICT, WITHOUT ROWID
        """
    )
    db.execute("CREATE INDEX holds_window ON holds (budget, since, state, amount)")
    for name, event, body in (
        ("calls_added", "INSERT", _M008_ADD + _M008_RELEASE),
        ("calls_changed", "UPDATE", _M008_TAKE_AWAY + _M008_ADD + _M008_RELEASE),
        ("calls_removed", "DELETE", _M008_TAKE_AWAY),
    ):
        db.execute(f"CREATE TRIGGER {name} AFTER {event} ON calls BEGIN {body} END")

import io
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

import cli.report
import cli.tail
import cli.today
from acm_addon import master_key
from acm_addon.home import Home
from acm_addon.ledger.sqlite import SqliteLedger
from acm_addon.model import (
    Completeness,
    CostLine,
    Entrance,
    Entry,
    PriceStatus,
    Reason,
    UsageSource,
    new_id,
)
from cli.main import main

type Book = Callable[..., list[Entry]]
type Screen = Callable[..., tuple[int, str, str]]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """What the golden screens take for the time: a Sunday, 15:30 in Berlin."""
    instant = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
    for module in (cli.today, cli.report, cli.tail):
        monkeypatch.setattr(module, "utc_now", lambda: instant)
    return instant


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home of acm's for this test alone, in Berlin, without colour."""
    monkeypatch.setenv("ACM_HOME", str(tmp_path / "acm"))
    monkeypatch.setenv("TZ", "Europe/Berlin")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("ACM_DEBUG", raising=False)
    return Home(tmp_path / "acm")


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test asks, or changes, the keyring of who runs it."""
    monkeypatch.delenv(master_key.VARIABLE, raising=False)
    monkeypatch.setattr(keyring.core, "_keyring_backend", NoKeyring())  # type: ignore[no-untyped-call]


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a text on standard input."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.StringIO(text))


@pytest.fixture
def book(home: Home) -> Book:
    """Book calls in a real ledger, as the drain does. Gives the booked rows."""

    def book_calls(*entries: Entry) -> list[Entry]:
        home.ensure()
        with closing(SqliteLedger(home.ledger)) as ledger:
            ledger.book(entries, {})
        return list(entries)

    return book_calls


@pytest.fixture
def acm(home: Home, capsys: pytest.CaptureFixture[str]) -> Screen:
    """Run a command in this process: its exit code, standard output, and standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        output = capsys.readouterr()
        return code, output.out, output.err

    return run


@pytest.fixture
def make() -> SimpleNamespace:
    """Makers of calls."""
    return SimpleNamespace(priced=priced, costing=costing, unpriced=unpriced)


def priced(time: datetime, model: str = "gpt-4o", **changes: object) -> Entry:
    """A complete call of 1,234 input (1,000 cached) and 56 output tokens: $0.002395."""
    million = Decimal(1_000_000)
    lines = (
        CostLine(
            f"openai/{model}:input_mtok", "input_tokens", 234, Decimal("2.5") / million, 585_000
        ),
        CostLine(
            f"openai/{model}:cache_read_mtok",
            "cache_read_tokens",
            1000,
            Decimal("1.25") / million,
            1_250_000,
        ),
        CostLine(
            f"openai/{model}:output_mtok", "output_tokens", 56, Decimal(10) / million, 560_000
        ),
    )
    entry = Entry(
        id=new_id(time.timestamp()),
        time=time,
        latency_ms=342,
        first_byte_ms=120,
        entrance=Entrance.GATEWAY,
        provider="openai",
        endpoint="chat.completions",
        requested_model=model,
        model=model,
        tier=None,
        region=None,
        project="default",
        key=None,
        tags={},
        status=200,
        stream=False,
        request_id=None,
        object_id=None,
        usage={"input_tokens": 1234, "cache_read_tokens": 1000, "output_tokens": 56},
        usage_source=UsageSource.REPORTED,
        completeness=Completeness.COMPLETE,
        price_status=PriceStatus.PRICED,
        cost=2_395_000,
        computed_cost=2_395_000,
        provider_cost=None,
        known_cost=2_395_000,
        lines=lines,
        price_version="3f2a9c",
        reason=None,
    )
    return replace(entry, **changes)  # type: ignore[arg-type]


def costing(time: datetime, model: str, nano: int, **changes: object) -> Entry:
    """A call booked at a given amount, in one line."""
    line = CostLine(f"x/{model}:requests", "requests", 1, Decimal(nano) / 1_000_000_000, nano)
    amounts = {"cost": nano, "computed_cost": nano, "known_cost": nano}
    return priced(time, model, lines=(line,), **(amounts | changes))


def unpriced(time: datetime, model: str | None = "gpt-99", **changes: object) -> Entry:
    """A call whose model no price table knows."""
    unknown: dict[str, object] = {
        "model": model,
        "cost": None,
        "computed_cost": None,
        "known_cost": 0,
        "lines": (),
        "price_status": PriceStatus.UNPRICED,
        "price_version": None,
        "reason": Reason.UNKNOWN_MODEL,
    }
    return priced(time, **(unknown | changes))  # type: ignore[arg-type]

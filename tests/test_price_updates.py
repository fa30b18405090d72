"""New base data: what it changes, what is refused, and what it takes to be taken over."""

import contextlib
import gzip
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon import price_schedule
from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.price_changes import PriceChange, PriceKey
from acm_addon.price_store import current_table
from acm_addon.price_updates import LARGEST_BYTES, fetch, judge, main, take_over
from acm_addon.pricing import PriceTable
from acm_addon.pricing.base import Json, base_document, published_document
from cli.main import main as acm
from tests.published import prices_of, published

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).ensure()


def priced(amount: str) -> Callable[[Json], object]:
    """GPT-4o's input at another price for a million tokens."""
    return lambda document: prices_of(document, "openai", "gpt-4o").update(input_mtok=amount)


def test_published_data_gives_the_document_that_the_package_gives() -> None:
    """Both ways into the table say the same of the same prices."""
    assert base_document() | {"version": "x"} == published_document(json.loads(published()), "x")


def test_an_update_is_shown_and_then_taken_over(home: Home) -> None:
    """The new price counts from then on, and its table is kept."""
    found = judge(published(priced("3")), home, current_table(home), NOW)
    key = PriceKey("openai", "gpt-4o", "input_tokens", (), -1)
    assert PriceChange(key, Decimal("0.0000025"), Decimal("0.000003")) in found.changes
    assert () == found.refusals
    assert PriceTable.current().version == current_table(home).version
    take_over(found, home)
    assert found.table.version == current_table(home).version
    kept = PriceTable.read(home.prices, found.table.version)
    assert kept.base_name.startswith("genai-prices 2026-11-22-")


@pytest.mark.parametrize("amount", ["12.51", "0.49", "0"])
def test_a_swing_needs_leave(home: Home, amount: str) -> None:
    """More than five times up or down, or to nothing."""
    found = judge(published(priced(amount)), home, current_table(home), NOW)
    assert any(each.startswith("openai/gpt-4o: input_tokens from") for each in found.refusals)


def add_period(document: Json, constraint: dict[str, str], amount: str) -> None:
    """GPT-4o's input at another price from a day on, or at some hours."""
    for model in document["providers"]["openai"]["models"]:
        if model["id"] == "gpt-4o":
            prices = {**model["periods"][0]["prices"], "input_mtok": amount}
            model["periods"].append({"constraint": constraint, "prices": prices})


@pytest.mark.parametrize(
    "constraint",
    [
        {"start_date": "2027-01-01"},
        {"start_date": "2030-01-01"},
        {"start_time": "00:30:00", "end_time": "06:00:00"},
    ],
)
@pytest.mark.parametrize(("amount", "refused"), [("250", True), ("0.1", True), ("5", False)])
def test_a_swing_at_another_time_needs_leave_too(
    home: Home, constraint: dict[str, str], amount: str, refused: bool
) -> None:
    """A price that is not in force at this hour is looked at as well."""
    content = published(lambda document: add_period(document, constraint, amount))
    found = judge(content, home, current_table(home), NOW)
    assert refused == any(each.startswith("openai/gpt-4o: input_") for each in found.refusals)


def test_a_swing_that_is_taken_back_needs_leave_too(home: Home) -> None:
    """What holds now, and in a year, is what did before."""

    def spike(document: Json) -> None:
        add_period(document, {"start_date": "2027-01-01"}, "250")
        add_period(document, {"start_date": "2027-02-01"}, "2.5")

    assert judge(published(spike), home, current_table(home), NOW).refusals


def test_a_price_of_the_past_needs_no_leave(home: Home) -> None:
    """No call from now on is billed at it."""

    def recall(document: Json) -> None:
        for model in document["providers"]["openai"]["models"]:
            if model["id"] == "gpt-4o":
                (period,) = model["periods"]
                dear = {"constraint": None, "prices": {**period["prices"], "input_mtok": "250"}}
                model["periods"] = [dear, {**period, "constraint": {"start_date": "2025-01-01"}}]

    assert () == judge(published(recall), home, current_table(home), NOW).refusals


def test_data_that_lost_models_needs_leave(home: Home) -> None:
    """It looks cut short."""

    def cut(document: Json) -> None:
        for values in document["providers"].values():
            values["models"] = values["models"][: len(values["models"]) // 2]

    assert (
        "more than a tenth of the models is gone"
        in judge(published(cut), home, current_table(home), NOW).refusals
    )


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"{}",
        b"[1]",
        b"[" * 100_000,
        b"\xff\xfe",
        b'[{"id": "x"}]',
        published(priced("-1")),
        published(priced("NaN")),
        published(lambda document: prices_of(document, "openai", "gpt-4o").update(new_mtok="1")),
    ],
)
def test_what_is_no_price_data_is_refused(home: Home, content: bytes) -> None:
    """Whatever it is: with a hint, and the table in use stays."""
    before = current_table(home).version
    with pytest.raises(AcmError) as refused:
        judge(content, home, current_table(home), NOW)
    assert refused.value.hint
    assert before == current_table(home).version


amounts = st.none() | st.decimals(0, 1000, allow_nan=False, places=6)


@given(amounts, amounts)
def test_what_is_incredible(before: Decimal | None, after: Decimal | None) -> None:
    """The same up and down; never where there is nothing to compare, or nothing changed."""
    key = PriceKey("p", "m", "u", (), -1)
    change, back = PriceChange(key, before, after), PriceChange(key, after, before)
    assert change.incredible == back.incredible
    if before is None or after is None or before == after:
        assert not change.incredible
    else:
        assert change.incredible == (max(before, after) > 5 * min(before, after))


@pytest.mark.parametrize(
    "address", ["http://example.com/data.json", "file:///etc/passwd", "x", "http://[::1"]
)
def test_price_data_is_fetched_over_https(address: str) -> None:
    """Nobody on the way may change a price."""
    with pytest.raises(AcmError, match="https"):
        fetch(address)


@pytest.fixture
def origin(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """A server on this machine that gives the last of these contents."""
    contents: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if contents else 500)
            self.end_headers()
            self.wfile.write(contents[-1] if contents else b"")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("ACM_PRICES_URL", f"http://127.0.0.1:{server.server_port}/data.json")
        yield contents
        server.shutdown()


@pytest.fixture
def answering() -> Iterator[Callable[[int, dict[str, str], bytes], str]]:
    """Addresses on this machine that give this status, these headers, and this body."""
    servers: list[HTTPServer] = []

    def answer(status: int, headers: dict[str, str], body: bytes) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):  # Who has read enough leaves.
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        servers.append(HTTPServer(("127.0.0.1", 0), Handler))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}/data.json"

    yield answer
    for server in servers:
        server.shutdown()
        server.server_close()


type Answering = Callable[[int, dict[str, str], bytes], str]


def test_a_redirect_is_followed_to_a_safe_place_alone(answering: Answering) -> None:
    """One to plain http elsewhere would let anybody on the way change a price."""
    here = answering(200, {}, b"[]")
    assert b"[]" == fetch(answering(302, {"Location": here}, b""))
    for elsewhere in ("http://example.com/data.json", "ftp://example.com/x"):
        with pytest.raises(AcmError, match="https"):
            fetch(answering(302, {"Location": elsewhere}, b""))


def test_a_refusing_server_is_named_with_its_status(answering: Answering) -> None:
    """And nothing of what it wrote."""
    with pytest.raises(AcmError, match=r"127\.0\.0\.1 .*status 503") as refused:
        fetch(answering(503, {}, b"secret"))
    assert "secret" not in f"{refused.value.message} {refused.value.hint}"


def test_a_body_without_an_end_is_refused(answering: Answering) -> None:
    """Before it fills the memory."""
    with pytest.raises(AcmError, match="believable"):
        fetch(answering(200, {}, bytes(LARGEST_BYTES + 1)))


def test_the_scheduled_update(
    home: Home,
    origin: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Takes over what is credible, and says in our own words that it did not take the rest."""
    monkeypatch.setenv("ACM_HOME", str(home.root))
    price_schedule.turn(home, on=True)
    shipped = current_table(home).version
    assert (1, "`acm prices update` says why\n") == (main(), capsys.readouterr().out)
    origin.append(published(priced("100")))
    assert 1 == main()
    assert "need a look" in capsys.readouterr().out
    assert shipped == current_table(home).version
    origin.append(published(priced("3")))
    assert (0, "") == (main(), capsys.readouterr().out)
    assert shipped != current_table(home).version


def test_the_command_takes_over_what_is_published(
    home: Home,
    origin: list[bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Over the network, after it has shown what changes. A second time there is nothing new."""
    monkeypatch.setenv("ACM_HOME", str(home.root))
    origin.append(published(priced("3")))
    assert 0 == acm(["prices", "update"])
    _, *rows = capsys.readouterr().out.splitlines()
    assert ["$2.50 / 1M  $3.00 / 1M"] == [row.partition("input_tokens")[2].strip() for row in rows]
    assert current_table(home).base_name.startswith("genai-prices 20")
    assert 0 == acm(["prices", "update"])
    assert "acm: 0 prices change" in capsys.readouterr().err


def test_when_the_schedule_is_due(home: Home) -> None:
    """Off by default; at once when it is turned on; then a day after each attempt."""
    now = NOW.timestamp()
    assert not price_schedule.is_due(home, now)
    price_schedule.turn(home, on=True)
    assert price_schedule.is_due(home, now)
    price_schedule.begin(home)
    began = (home.prices / "auto").stat().st_mtime
    assert not price_schedule.is_due(home, began + 24 * 3600 - 1)
    assert price_schedule.is_due(home, began + 24 * 3600)
    price_schedule.turn(home, on=False)
    assert not price_schedule.is_on(home)


def test_stored_base_data_is_private_and_whole(home: Home) -> None:
    """Nobody else writes prices here."""
    take_over(judge(published(), home, current_table(home), NOW), home)
    assert 0o600 == home.price_base.stat().st_mode & 0o777
    assert "2026-11-22" == json.loads(gzip.decompress(home.price_base.read_bytes()))["as_of"]

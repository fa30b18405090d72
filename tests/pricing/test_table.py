"""Freezing, loading, and versions."""

import gzip
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from acm_addon.model import Usage
from acm_addon.pricing import PriceTable, price

AT = datetime(2026, 11, 22, tzinfo=UTC)


def document(table: PriceTable, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gzip.decompress(table.freeze(folder).read_bytes()))
    return found


def test_the_current_table_is_made_once() -> None:
    """It is slow to make, and never changes."""
    assert PriceTable.current() is PriceTable.current()


def test_the_version_is_a_short_hash(table: PriceTable) -> None:
    """Fit for a row and for a file name."""
    assert re.fullmatch(r"[0-9a-f]{16}", table.version)


def test_lesson_23_a_frozen_table_prices_as_it_did(table: PriceTable, tmp_path: Path) -> None:
    """agenta#5712, tokscale#336, langfuse#12184: a cost depended on when the process began. An old
    row can be recomputed from the table that priced it, without genai-prices."""
    frozen = PriceTable.load(table.freeze(tmp_path))
    calls: list[tuple[str, str, dict[str, int], dict[str, str]]] = [
        (
            "openai",
            "gpt-5.4",
            {"input_tokens": 300_000, "cache_read_tokens": 9, "output_tokens": 7},
            {},
        ),
        ("openai", "dall-e-3", {"images": 1}, {"size": "1024x1024", "quality": "hd"}),
        ("azure", "gpt-4o", {"input_tokens": 3}, {"service_tier": "priority"}),
        ("deepseek", "deepseek-chat", {"input_tokens": 3}, {}),
        ("groq", "whisper-large-v3", {"input_audio_seconds": 1}, {}),
    ]

    assert table.version == frozen.version
    for provider, model, quantities, context in calls:
        costs = [
            price(
                Usage(quantities),
                provider=provider,
                model=model,
                at=AT,
                context=context,
                table=each,
            )
            for each in (table, frozen)
        ]
        assert costs[0] == costs[1]
        assert costs[0].computed


def test_freezing_twice_writes_once(table: PriceTable, tmp_path: Path) -> None:
    """The file is named by its hash, so it is there or it is not; no draft is left behind."""
    path = table.freeze(tmp_path / "prices")
    before = path.stat().st_mtime_ns

    assert path == table.freeze(tmp_path / "prices")
    assert before == path.stat().st_mtime_ns
    assert [path.name] == [each.name for each in path.parent.iterdir()]
    assert path.name == f"{table.version}.json.gz"


def test_a_failed_write_leaves_nothing(
    table: PriceTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither half a table under its final name nor a draft."""

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)

    with pytest.raises(OSError, match="No space left"):
        table.freeze(tmp_path)
    assert [] == list(tmp_path.iterdir())


def test_one_price_makes_another_version(table: PriceTable, tmp_path: Path) -> None:
    """In the base and in the overlay alike."""
    base, overlay = document(table, tmp_path), document(table, tmp_path)
    base["base"]["providers"]["openai"]["models"][0]["periods"][0]["prices"]["input_mtok"] = "9"
    overlay["overlay"]["openai"]["price"][0]["usd"] = "9"

    versions = {table.version, PriceTable(base).version, PriceTable(overlay).version}

    assert len(versions) == 3


def test_the_order_of_a_document_does_not_matter(table: PriceTable, tmp_path: Path) -> None:
    """The same prices are the same version."""
    shuffled = dict(reversed(document(table, tmp_path).items()))

    assert table.version == PriceTable(shuffled).version


def test_a_damaged_file_is_refused(table: PriceTable, tmp_path: Path) -> None:
    """Truncated, of another content than its name says, or of a format to come."""
    path = table.freeze(tmp_path)
    whole = path.read_bytes()
    renamed = tmp_path / "0123456789abcdef.json.gz"
    renamed.write_bytes(whole)
    path.write_bytes(whole[: len(whole) // 2])
    future = tmp_path / "future.json.gz"
    future.write_bytes(gzip.compress(b'{"format": 3}'))

    with pytest.raises(ValueError, match="is damaged"):
        PriceTable.load(path)
    with pytest.raises(ValueError, match="holds the price table"):
        PriceTable.load(renamed)
    with pytest.raises(ValueError, match="not a price table of a format"):
        PriceTable.load(future)


def test_prices_change_on_the_minute(table: PriceTable) -> None:
    """What is cached for one minute is not used in the next, nor for other units or contexts."""

    def cost(minute: int, context: dict[str, str], quantities: dict[str, int]) -> int | None:
        return price(
            Usage(quantities),
            provider="deepseek",
            model="deepseek-v4-flash",
            at=datetime(2026, 11, 20, 3, minute, 30, tzinfo=UTC),
            context=context,
            table=table,
        ).computed

    assert cost(59, {}, {"input_tokens": 1}) == 300
    assert cost(59, {}, {"input_tokens": 1}) == 300
    assert cost(59, {}, {"input_tokens": 1, "output_tokens": 1}) == 1500
    assert cost(59, {"service_tier": "priority"}, {"input_tokens": 1}) is None


def test_only_the_current_table_needs_the_base_library(table: PriceTable, tmp_path: Path) -> None:
    """Importing the engine, and pricing by a frozen table, leave genai-prices alone."""
    check = (
        "import sys, pathlib; from acm_addon.pricing import PriceTable;"
        "PriceTable.load(pathlib.Path(sys.argv[1]));"
        "sys.exit('genai_prices' in sys.modules)"
    )
    command = [sys.executable, "-c", check, str(table.freeze(tmp_path))]

    assert subprocess.run(command, check=False).returncode == 0

"""Servers on one's own machine: counted, and free of charge."""

import json
from datetime import UTC, datetime

import pytest

from acm_addon.booking import book, price_of
from acm_addon.model import (
    FREE_OF_CHARGE,
    Attribution,
    Entrance,
    Exchange,
    PriceContext,
    PriceStatus,
    Usage,
    UsageSource,
)
from acm_addon.pricing import PriceTable
from acm_addon.providers.local import LOCAL
from acm_addon.routing import BUILT_IN
from tests.providers.conftest import Run

_LINES = [
    {"model": "qwen3", "message": {"content": "The"}, "done": False},
    {"model": "qwen3", "done": True, "prompt_eval_count": 21, "eval_count": 9},
]
_STREAM = b"".join(json.dumps(line).encode() + b"\n" for line in _LINES)


@pytest.mark.parametrize("piece", [0, 1, 7])
def test_the_last_line_has_the_counts(run: Run, piece: int) -> None:
    facts = run("ollama/api/chat", _STREAM, piece=piece).response.facts()
    assert {"input_tokens": 21, "output_tokens": 9} == facts.quantities
    assert ("qwen3", True) == (facts.model, facts.finished)


def test_a_stream_without_its_last_line_is_not_finished(run: Run) -> None:
    facts = run("ollama/api/chat", _STREAM.split(b"\n")[0] + b"\n").response.facts()
    assert (False, True, {}) == (facts.finished, facts.output_missing, facts.quantities)


def test_a_whole_answer(run: Run) -> None:
    answer = json.dumps({**_LINES[1], "response": "The Rhine."}).encode()
    facts = run("ollama/api/generate", answer).response.facts()
    assert {"input_tokens": 21, "output_tokens": 9} == facts.quantities


def test_embeddings_have_input_alone(run: Run) -> None:
    facts = run("ollama/api/embed", b'{"model": "e", "prompt_eval_count": 4}').response.facts()
    assert ({"input_tokens": 4}, False, True) == (
        facts.quantities,
        facts.output_missing,
        facts.finished,
    )


def test_an_error_is_one(run: Run) -> None:
    facts = run("ollama/api/chat", b'{"error": "no such model"}', status=404).response.facts()
    assert (True, {}) == (facts.failed, facts.quantities)


def test_the_gateway_leads_to_this_machine() -> None:
    route = BUILT_IN.route("/ollama/api/chat", {})
    assert route is not None
    assert ("http://127.0.0.1:11434", "/api/chat") == (route.origin.url, route.path)
    assert len({provider.origin.port for provider in LOCAL if provider.origin}) == len(LOCAL)


def _exchange(**change: object) -> Exchange:
    return Exchange(
        **{
            "id": "01890000-0000-7000-8000-000000000000",
            "time": datetime(2026, 11, 1, tzinfo=UTC),
            "entrance": Entrance.GATEWAY,
            "provider": "ollama",
            "endpoint": "chat",
            "attribution": Attribution(),
            "upstream": "127.0.0.1",
            "model": "qwen3",
            "status": 200,
            **change,
        }
    )


def test_what_runs_at_home_costs_nothing_and_is_counted() -> None:
    """Any unit of any model, also where not all of it was seen."""
    usage = Usage({"input_tokens": 21}, UsageSource.REPORTED, incomplete=True)
    row = book(_exchange(), usage, PriceTable.current(), FREE_OF_CHARGE)
    assert (0, PriceStatus.FREE, {"input_tokens": 21}) == (row.cost, row.price_status, row.usage)
    assert () == row.lines


def test_it_costs_nothing_when_it_is_priced_again() -> None:
    context = PriceContext(FREE_OF_CHARGE)
    again = price_of(
        {"images": 3},
        context,
        None,
        PriceTable.current(),
        project="default",
        at=datetime.now(UTC),
    )
    assert (0, PriceStatus.FREE) == (again.computed, again.status)

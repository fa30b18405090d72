"""Replicate, on hand-written bodies."""

from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from acm_addon.booking import book
from acm_addon.ledger.reader import LedgerReader
from acm_addon.ledger.sqlite import SqliteLedger
from acm_addon.model import Completeness, Entry, Reason, UsageSource
from acm_addon.pricing import PriceTable
from acm_addon.settlement import Settlement
from acm_addon.tap import Outcome
from tests.providers.exchanges import ended, exchanged, settled

CREATE = "/v1/predictions"
POLL = "/v1/predictions/p1"


def _prediction(status: str, **more: object) -> dict[str, Any]:
    return {
        "id": "p1",
        "model": "acme/painter",
        "version": "5c7d5dc6",
        "status": status,
        "input": {"status": "succeeded", "metrics": {"predict_time": 99}},
        "output": ["data:image/png;base64," + "A" * 1000],
        "created_at": "2026-11-01T10:00:00.12345678Z",
        **more,
    }


@pytest.mark.parametrize("piece", [0, 1, 7])
def test_a_prediction_that_was_waited_for(piece: int) -> None:
    """Done within the creating call: its seconds are the usage, and nothing is pending."""
    done = _prediction("succeeded", metrics={"predict_time": 2.5, "total_time": 3.5})
    asked = {"version": "acme/painter:5c7d5dc6", "input": {"prompt": "a river"}}
    outcome = ended(exchanged("replicate", "POST", CREATE, done, request=asked, piece=piece))
    assert {"compute_seconds": Decimal("2.5")} == outcome.usage.quantities
    assert UsageSource.REPORTED is outcome.usage.source
    assert Completeness.COMPLETE is outcome.exchange.completeness
    exchange = outcome.exchange
    assert ("acme/painter", "acme/painter") == (exchange.requested_model, exchange.model)
    assert "p1" == exchange.object_id


@pytest.mark.parametrize("status", ["starting", "processing"])
def test_a_prediction_that_goes_on(status: str) -> None:
    """It is pending, whatever its answer already holds, and no text of it is counted."""
    outcome = ended(
        exchanged("replicate", "POST", CREATE, _prediction(status, metrics={"predict_time": 1}))
    )
    assert (Completeness.PENDING, {}) == (outcome.exchange.completeness, outcome.usage.quantities)
    assert outcome.texts is None


@pytest.mark.parametrize("status", ["starting", "processing"])
def test_a_look_at_an_unfinished_prediction_settles_nothing(status: str) -> None:
    """Polling is not billed, and knows nothing yet."""
    assert settled(exchanged("replicate", "GET", POLL, _prediction(status))) is None


def test_a_success_without_metrics_is_not_settled() -> None:
    """The next look may show them."""
    assert settled(exchanged("replicate", "GET", POLL, _prediction("succeeded"))) is None


@pytest.mark.parametrize("status", ["succeeded", "failed", "canceled"])
def test_a_look_at_a_finished_prediction_settles_it(status: str) -> None:
    """However it ended: what it reports, at the time of its creation."""
    done = _prediction(status, metrics={"predict_time": 0.000003})
    outcome = settled(exchanged("replicate", "GET", POLL, done))
    assert outcome is not None
    assert {"compute_seconds": Decimal("0.000003")} == outcome.usage.quantities
    assert datetime(2026, 11, 1, 10, 0, 0, 123456, UTC) == outcome.exchange.time
    assert ("p1", "acme/painter") == (outcome.exchange.object_id, outcome.exchange.model)


@pytest.mark.parametrize("status", ["failed", "canceled", "aborted"])
def test_work_that_ended_before_it_began_settles_without_usage(status: str) -> None:
    outcome = settled(exchanged("replicate", "POST", f"{POLL}/cancel", _prediction(status)))
    assert outcome is not None
    assert ({}, Reason.PROVIDER_ERROR) == (outcome.usage.quantities, outcome.usage.reason)


_TIMES = {"predict_time": 9.5, "total_time": 11}


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({"image_output_count": 2}, {"images": 2}),
        ({"image_count": 2}, {"images": 2}),
        (
            {"token_input_count": 3, "token_output_count": 4},
            {"input_tokens": 3, "output_tokens": 4},
        ),
        (
            {"input_token_count": 3, "output_token_count": 4, "tokens_per_second": 7.5},
            {"input_tokens": 3, "output_tokens": 4},
        ),
        (
            {"video_output_duration_seconds": 8.5, "video_output_count": 1},
            {"video_seconds": Decimal("8.5")},
        ),
        ({"video_output_count": 1}, {"videos": 1}),
        (
            {"audio_output_duration_seconds": 3, "audio_output_count": 1},
            {"output_audio_seconds": 3},
        ),
        ({"audio_output_count": 1}, {"audio_clips": 1}),
        (
            {"character_input_count": 5, "character_output_count": 6},
            {"input_characters": 5, "output_characters": 6},
        ),
        ({"training_step_count": 1000}, {"training_steps": 1000}),
        ({"generic_output_count": 1}, {"outputs": 1}),
        ({"unspecified_billing_metric": 0.25}, {"billable_units": Decimal("0.25")}),
        ({}, {"compute_seconds": Decimal("9.5")}),
    ],
)
def test_what_was_made_counts_before_the_time_that_it_took(
    metrics: dict[str, Any], expected: dict[str, Any]
) -> None:
    """A prediction is billed by one of both, and never by its waiting time."""
    done = _prediction("succeeded", metrics=metrics | _TIMES)
    assert expected == ended(exchanged("replicate", "POST", CREATE, done)).usage.quantities


def test_choices_that_the_price_depends_on() -> None:
    metrics = {"video_output_duration_seconds": 8, "with_audio": False, "resolution_target": "720p"}
    done = _prediction("succeeded", metrics=metrics)
    context = ended(exchanged("replicate", "POST", CREATE, done)).exchange.price_context
    assert {"model_variant": "without_audio", "resolution": "720p"} == context


def test_the_model_is_the_one_that_prices_go_by() -> None:
    """The path's where it names one, a deployment's own name, or what is served."""
    done = _prediction("succeeded", metrics={"predict_time": 1})
    inner = done | {"model": "replicate-internal/llama-3-int8"}
    by_path = exchanged("replicate", "POST", "/v1/models/meta/llama/predictions", inner)
    assert "meta/llama" == ended(by_path).exchange.model
    deployed = done | {"deployment": "acme/app"}
    by_deployment = exchanged("replicate", "GET", POLL, deployed)
    outcome = settled(by_deployment)
    assert outcome is not None
    assert "acme/app" == outcome.exchange.model
    old = {key: value for key, value in done.items() if key != "model"}
    outcome = settled(exchanged("replicate", "GET", POLL, old))
    assert outcome is not None
    assert "5c7d5dc6" == outcome.exchange.model


@pytest.mark.parametrize("bad", [-1, "12", True, 1e308, [1], {"a": 1}])
def test_hostile_numbers_are_marked(bad: object) -> None:
    """They give a marked row, and no amount."""
    done = _prediction("succeeded", metrics={"predict_time": bad})
    outcome = ended(exchanged("replicate", "POST", CREATE, done))
    assert ({}, Reason.BAD_USAGE) == (outcome.usage.quantities, outcome.usage.reason)


def test_an_error_and_a_cut_answer() -> None:
    """Neither is pending: one is an error, of the other there is no knowing."""
    detail = {"detail": "no", "status": 402, "title": "Payment"}
    failed = ended(exchanged("replicate", "POST", CREATE, detail, status=402))
    assert Reason.PROVIDER_ERROR is failed.exchange.reason
    cut = ended(exchanged("replicate", "POST", CREATE, b'{"id": "p1", "status": "succee'))
    assert Completeness.PARTIAL is cut.exchange.completeness
    assert {} == cut.usage.quantities
    assert settled(exchanged("replicate", "GET", POLL, detail, status=404)) is None


def test_a_prediction_is_one_row_however_often_it_is_looked_at(tmp_path: Path) -> None:
    """Field lesson 10: polling is not billed again, and the row keeps who created it."""
    table = PriceTable.current()

    def row(outcome: Outcome | None) -> Entry:
        assert outcome is not None
        return book(outcome.exchange, outcome.usage, table, outcome.price_provider)

    path = "/v1/models/black-forest-labs/flux-schnell/predictions"
    begun = _prediction("starting", model="black-forest-labs/flux-schnell")
    done = begun | {"status": "succeeded", "metrics": {"image_output_count": 2} | _TIMES}
    created = row(ended(exchanged("replicate", "POST", path, begun)))
    look = row(settled(exchanged("replicate", "GET", POLL, done)))
    with closing(SqliteLedger(tmp_path / "ledger.db")) as ledger:
        for record in (created, Settlement(look), Settlement(look)):
            ledger.book([record], {})
    with LedgerReader(tmp_path / "ledger.db") as reader:
        (kept,) = [call.entry for call in reader.recent(0, 10)]
    assert (created.id, Completeness.COMPLETE) == (kept.id, kept.completeness)
    assert ({"images": 2}, 6_000_000) == (kept.usage, kept.cost)

"""A fault of ours costs no client its connection, and lets nothing leave that was to be judged."""

import asyncio
from unittest.mock import Mock

import pytest
from mitmproxy.test import tflow

from acm_addon.gatekeeper import Refusal
from acm_addon.model import Reason
from acm_addon.tracked import Tracked
from acm_addon.watch import Watch
from tests.taps import call


def _judge(_: bytes) -> Refusal | None:
    raise LookupError("what a user wrote")


def test_a_fault_while_a_body_is_judged_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    """In JSON, and recorded as a call that never left; the fault's text is nowhere."""
    recorder, flow = Mock(), tflow.tflow()

    async def end_of_request() -> None:
        watch = Watch(recorder, Mock(), Mock(), Mock(), Mock())
        tracked = Tracked(call(), None, websocket=False)
        tracked.verdict = _judge
        flow.metadata["acm"] = tracked
        assert watch.request_end(flow) is None
        await asyncio.sleep(0.01)

    asyncio.run(end_of_request())
    assert flow.response is not None
    assert (500, "internal_error") == (
        flow.response.status_code,
        flow.response.headers["X-ACM-Error"],
    )
    ((_, outcome), _) = recorder.finish.call_args
    assert ("refused", Reason.INTERNAL_ERROR) == (
        outcome.exchange.completeness,
        outcome.exchange.reason,
    )
    assert "LookupError" in caplog.text
    assert "what a user wrote" not in caplog.text

"""HTTP/2 on both sides of the proxy, as between today's SDKs and today's providers."""

import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from acm_addon.budgets import Budget, Scope
from acm_addon.control import budgets
from acm_addon.control.store import ControlStore
from acm_addon.home import Home
from acm_addon.model import NANO, Completeness, UsageSource
from acm_addon.windows import Period
from cli.standin import StandIn
from tests.loopback.h2_upstream import Http2Upstream
from tests.loopback.harness import LiveProxy, clean_environment


def curl_speaks_http2() -> bool:
    if not shutil.which("curl"):
        return False
    said = subprocess.run(["curl", "-V"], check=True, capture_output=True, text=True).stdout
    return "HTTP2" in said


pytestmark = pytest.mark.skipif(
    not curl_speaks_http2(), reason="needs a curl that was built with HTTP/2"
)


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory, standin: StandIn) -> Iterator[Http2Upstream]:
    with Http2Upstream(tmp_path_factory.mktemp("h2"), standin) as running:
        yield running


@pytest.fixture(scope="module")
def http2_proxy(
    tmp_path_factory: pytest.TempPathFactory, upstream: Http2Upstream
) -> Iterator[LiveProxy]:
    home = Home(tmp_path_factory.mktemp("proxy") / "home")
    with LiveProxy(home, (upstream.port, upstream.ca_file)) as live:
        yield live


def curl(proxy: LiveProxy, ask: dict[str, object], *headers: str) -> tuple[str, str]:
    """The body, and the HTTP version and status that curl saw."""
    command = ["curl", "--silent", "--show-error", "--http2", "--max-time", "20"]
    command += ["--proxy", proxy.url, "--cacert", str(proxy.home.ca_certificate)]
    command += ["--write-out", "\n%{http_version} %{http_code}", "--data", json.dumps(ask)]
    for header in ("content-type: application/json", *headers):
        command += ["--header", header]
    command += ["https://api.openai.com/v1/chat/completions"]
    ended = subprocess.run(
        command, check=False, capture_output=True, text=True, env=clean_environment(proxy.home)
    )
    assert ended.returncode == 0, ended.stderr
    body, _, numbers = ended.stdout.rpartition("\n")
    return body, numbers


def question(model: str, stream: bool) -> dict[str, object]:
    return {
        "model": model,
        "stream": stream,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": "Hello"}],
    }


def test_a_hard_budget_refuses_over_http2(
    http2_proxy: LiveProxy, upstream: Http2Upstream, standin: StandIn
) -> None:
    """In the provider's shape, and nothing goes upstream; with room the call is whole."""
    before = upstream.requests
    with ControlStore(http2_proxy.home) as store:
        budget = Budget(0, Scope(), Period.MONTH, "UTC", 1000, hard=True)
        made = budgets.put(store, budget)
        body, numbers = curl(http2_proxy, question("gpt-4o", stream=False))
        assert "2 429" == numbers
        assert "budget_exceeded" == json.loads(body)["error"]["code"]
        assert before == upstream.requests
        budgets.put(store, replace(budget, limit=NANO))
        body, numbers = curl(http2_proxy, question("gpt-4o", stream=True))
        assert "2 200" == numbers
        assert body.endswith("data: [DONE]\n\n")
        budgets.remove(store, made.label)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_both_sides_speak_http2(
    http2_proxy: LiveProxy, upstream: Http2Upstream, standin: StandIn, stream: bool
) -> None:
    """The answer is whole, and the row has the usage that the provider reported."""
    model, before = f"h2-{uuid.uuid4()}", upstream.requests
    body, numbers = curl(http2_proxy, question(model, stream), f"x-standin: name={model}")
    assert numbers == "2 200"
    assert before + 1 == upstream.requests
    if stream:
        assert body.endswith("data: [DONE]\n\n")
    else:
        assert model == json.loads(body)["model"]
    row = http2_proxy.row_of(model)
    usage = standin.calls.wait_for(model, finished=True).usage
    assert usage is not None
    assert usage["output_tokens"] == row.usage["output_tokens"]
    assert row.usage_source is UsageSource.REPORTED
    assert row.completeness is Completeness.COMPLETE
    assert row.stream is stream


def test_a_provider_without_http2(proxy: LiveProxy) -> None:
    """A client that offers HTTP/2 gets what the provider has, and is served."""
    model = f"h1-{uuid.uuid4()}"
    body, numbers = curl(proxy, question(model, stream=False))
    assert numbers.endswith(" 200")
    assert model == json.loads(body)["model"]
    assert proxy.row_of(model).status == 200

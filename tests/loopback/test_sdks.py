"""The real SDKs through both entrances: the same answers as without us, and the right rows."""

import json
import os
import re
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from acm_addon.model import Completeness, Entrance, Entry, PriceStatus, UsageSource
from cli.standin import Seen, StandIn
from tests.loopback.harness import LiveProxy

PROMPT = "Say something about the sea. " * 20
LONG = "Say something long about the sea. " * 300
"""Above the 1,024 tokens from which the stand-in reports a cached part."""

PER_MILLION: dict[str, dict[str, Decimal]] = {
    "gpt-4o": {"input": Decimal("2.5"), "cached": Decimal("1.25"), "output": Decimal(10)},
    "text-embedding-3-small": {"input": Decimal("0.02")},
    "claude-sonnet-4-6": {
        "input": Decimal(3),
        "cached": Decimal("0.3"),
        "written": Decimal("3.75"),
        "output": Decimal(15),
    },
}
"""USD, as the providers list them; asserted against, and not read from our own table."""


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if re.search(r"(?i)_proxy$|^(openai|anthropic)_|^ssl_cert", name):
            monkeypatch.delenv(name)


@pytest.fixture
def through(
    proxy: LiveProxy, entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], str | None]]:
    """Sets the environment of an entrance, and gives the base URL for a path of the gateway."""
    if entrance is Entrance.FORWARD:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("SSL_CERT_FILE", str(proxy.home.ca_certificate))
        yield lambda _path: None
    else:
        yield lambda path: proxy.url + path


def same(result: object) -> str:
    """A result without what is new in every call: ids and times."""
    text = json.dumps(result, sort_keys=True, default=str)
    text = re.sub(r"standin\d{8}", "standin", text)
    return re.sub(r'"created(_at)?": [\d.]+', '"created": 0', text)


def everything(result: Any) -> Any:
    """A model, or every event of a stream, as plain values."""
    if hasattr(result, "model_dump"):
        return result.model_dump()
    return [event.model_dump() for event in result]


def expected_cost(seen: Seen) -> int:
    """Nano-dollars: disjoint parts of the usage times the listed prices."""
    prices = PER_MILLION[re.sub(r"-20\d\d-\d\d-\d\d$", "", seen.model or "")]
    usage = dict(seen.usage or {})
    cached = usage.get("cache_read_tokens", 0)
    written = usage.get("cache_write_tokens", 0)
    parts = {
        "input": usage["input_tokens"] - cached - written,
        "cached": cached,
        "written": written,
        "output": usage.get("output_tokens", 0),
    }
    return sum(round(count * prices[part] * 1000) for part, count in parts.items() if count)


def check_row(row: Entry, seen: Seen, entrance: Entrance, name: str) -> None:
    assert row.entrance is entrance
    assert seen.family == row.provider
    assert row.endpoint == name
    assert seen.model == row.model
    assert row.status == 200
    assert row.completeness is Completeness.COMPLETE
    assert row.usage_source is UsageSource.REPORTED
    assert row.price_status is PriceStatus.PRICED
    assert expected_cost(seen) == row.cost == sum(line.amount for line in row.lines)
    for unit, count in (seen.usage or {}).items():
        assert count == row.usage.get(unit, 0)


OPENAI_CALLS: dict[str, Callable[[Any, dict[str, str]], Any]] = {
    "chat.completions": lambda client, headers: client.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": LONG}], extra_headers=headers
    ),
    "chat.completions streamed": lambda client, headers: client.chat.completions.create(
        model="gpt-4o",
        messages=[{"role": "user", "content": PROMPT}],
        stream=True,
        stream_options={"include_usage": True},
        extra_headers=headers,
    ),
    "responses": lambda client, headers: client.responses.create(
        model="gpt-4o", input=LONG, extra_headers=headers
    ),
    "responses streamed": lambda client, headers: client.responses.create(
        model="gpt-4o", input=PROMPT, stream=True, extra_headers=headers
    ),
    "embeddings": lambda client, headers: client.embeddings.create(
        model="text-embedding-3-small", input=[PROMPT, "two"], extra_headers=headers
    ),
}
ANTHROPIC_CALLS: dict[str, Callable[[Any, dict[str, str]], Any]] = {
    f"messages{' streamed' if stream else ''}{' cached' if cached else ''}": (
        lambda client, headers, stream=stream, cached=cached: client.messages.create(
            model="claude-sonnet-4-6",
            max_tokens=100,
            system=[
                {
                    "type": "text",
                    "text": PROMPT,
                    **({"cache_control": {"type": "ephemeral"}} if cached else {}),
                }
            ],
            messages=[{"role": "user", "content": PROMPT}],
            stream=stream,
            extra_headers=headers,
        )
    )
    for stream in (False, True)
    for cached in (False, True)
}


@pytest.mark.parametrize("call", OPENAI_CALLS)
def test_openai(
    standin: StandIn,
    proxy: LiveProxy,
    entrance: Entrance,
    through: Callable[[str], str | None],
    call: str,
) -> None:
    """openai: equal to a direct call, and a row with the provider's usage at the listed price."""
    openai = pytest.importorskip("openai", reason="the extra `demo` is not installed")
    name = f"sdk-{uuid.uuid4()}"
    make = OPENAI_CALLS[call]
    with openai.OpenAI(
        api_key="no-key", base_url=f"{standin.plain_url}/v1", max_retries=0
    ) as direct:
        expected = same(everything(make(direct, {})))
    with openai.OpenAI(api_key="no-key", base_url=through("/openai/v1"), max_retries=0) as client:
        assert expected == same(everything(make(client, {"x-standin": f"name={name}"})))
    check(standin, proxy, entrance, name, call.partition(" ")[0])


@pytest.mark.parametrize("call", ANTHROPIC_CALLS)
def test_anthropic(
    standin: StandIn,
    proxy: LiveProxy,
    entrance: Entrance,
    through: Callable[[str], str | None],
    call: str,
) -> None:
    """anthropic: the same, with what was written to and read from the cache."""
    anthropic = pytest.importorskip("anthropic", reason="the extra `demo` is not installed")
    name = f"sdk-{uuid.uuid4()}"
    make = ANTHROPIC_CALLS[call]
    with anthropic.Anthropic(api_key="no-key", base_url=standin.plain_url, max_retries=0) as direct:
        expected = same(everything(make(direct, {})))
    with anthropic.Anthropic(
        api_key="no-key", base_url=through("/anthropic"), max_retries=0
    ) as client:
        assert expected == same(everything(make(client, {"x-standin": f"name={name}"})))
    check(standin, proxy, entrance, name, "messages")


def check(standin: StandIn, proxy: LiveProxy, entrance: Entrance, name: str, endpoint: str) -> None:
    """The one row of the call that the stand-in knows by ``name``."""
    seen = standin.calls.wait_for(name, finished=True)
    check_row(proxy.row_of_call(seen), seen, entrance, endpoint)

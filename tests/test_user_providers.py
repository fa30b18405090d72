"""A user's own providers: what the file says, what is wrong with it, and what comes of it."""

from decimal import Decimal
from pathlib import Path

import pytest

from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.model import FREE_OF_CHARGE, PriceStatus, Usage, UsageSource, utc_now
from acm_addon.price_store import current_table, signature
from acm_addon.pricing import price
from acm_addon.providers import PROVIDERS
from acm_addon.providers.base import Billing, RequestHead
from acm_addon.user_providers import directory, user_providers


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).ensure()


def _written(home: Home, text: str) -> Home:
    home.providers.write_text(text)
    return home


def test_two_lines_are_enough(home: Home) -> None:
    """The gateway's path, the host's traffic, and the price follow from them."""
    text = '[vllm-lab]\nhost = "https://llm.lab.example:8443"\nprice = "free"\n'
    known = directory(_written(home, text))
    route = known.route("/vllm-lab/api/v1/chat/completions?a=1", {})
    assert route is not None
    assert ("https://llm.lab.example:8443", "/api/v1/chat/completions?a=1") == (
        route.origin.url,
        route.path,
    )
    assert known.of_host("LLM.lab.example.") is route.provider
    assert FREE_OF_CHARGE == route.provider.price_provider
    assert (*PROVIDERS, route.provider) == known.providers
    assert "/vllm-lab/…" in known.paths()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/chat/completions", "chat.completions"),
        ("/openai/v1/embeddings", "embeddings"),
        ("/a/b/c/responses", "responses"),
        ("/api/chat", "chat"),
    ],
)
def test_what_is_served_is_found_under_any_prefix(home: Home, path: str, expected: str) -> None:
    (own,) = user_providers(_written(home, '[lab]\nhost = "http://10.0.0.9"\n').providers)
    endpoint = own.provider.classify(RequestHead("POST", path))
    assert (expected, Billing.METERED) == (endpoint.name, endpoint.billing)


def test_without_a_file_there_are_those_that_acm_knows(home: Home) -> None:
    assert PROVIDERS == directory(home).providers


def test_a_server_on_this_machine_has_no_host_of_its_own(home: Home) -> None:
    """Or everything else on this machine would be its traffic: its port tells."""
    for host in ("127.0.0.1", "127.0.0.2", "localhost"):
        _written(home, f'[lab]\nhost = "http://{host}:9000"\n')
        (own,) = user_providers(home.providers)
        assert () == own.provider.hosts
        assert own.provider.origin is not None
        assert f"http://{host}:9000" == own.provider.origin.url
        assert own.provider == directory(home).of_address(host, 9000)
        assert directory(home).of_address(host, 9001) is None


def test_amounts_price_every_model(home: Home) -> None:
    """0.20 dollars for a million tokens are 200 nano-dollars for one."""
    text = (
        '[lab]\nhost = "http://10.0.0.9"\nprice = { input_mtok = "0.20", output_mtok = "0.60" }\n'
    )
    before = signature(home)
    table = current_table(_written(home, text))
    usage = Usage({"input_tokens": 10, "output_tokens": 5}, UsageSource.REPORTED)
    cost = price(
        usage,
        provider="lab",
        model="any-model",
        at=utc_now(),
        context={},
        table=table,
        project="default",
    )
    assert (PriceStatus.PRICED, 5000) == (cost.status, cost.computed)
    assert before != signature(home)


def test_the_prices_of_another_provider(home: Home) -> None:
    text = '[lab]\nhost = "https://a.example"\npriced_as = "gemini"\n'
    (own,) = user_providers(_written(home, text).providers)
    assert ("google", {}) == (own.provider.price_provider, own.prices)


def test_without_a_price_there_is_none(home: Home) -> None:
    """Unknown is not free: the rows say that nothing is known of their model."""
    (own,) = user_providers(_written(home, '[lab]\nhost = "https://a.example"\n').providers)
    assert ("lab", {}) == (own.provider.price_provider, own.prices)


def test_prices_are_exact(home: Home) -> None:
    text = '[lab]\nhost = "https://a.example"\nprice = { requests = "0.0000001" }\n'
    (own,) = user_providers(_written(home, text).providers)
    assert {"requests": Decimal("0.0000001")} == own.prices


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[lab", "providers.toml is not TOML"),
        ("lab = 1", "[lab] is no table"),
        ("[lab]", "[lab] has no host"),
        ("[lab]\nhost = 3", "[lab] has a host that is no text"),
        ('[lab]\nhost = "llm.example"', "[lab] has a host that is no http or https URL"),
        ('[lab]\nhost = "ftp://a.example"', "[lab] has a host that is no http or https URL"),
        ('[lab]\nhost = "https://a.example:99999"', "[lab] has a host that is no URL"),
        ('[lab]\nhost = "https://*.example"', "[lab] has a host that is no http or https URL"),
        ('[lab]\nhost = "https://a.example/v1"', "[lab] has a host with more than"),
        ('[lab]\nhost = "https://k@a.example"', "[lab] has a host with more than"),
        ('[lab]\nhost = "https://api.openai.com"', "[lab] has a host of openai"),
        ('[openai]\nhost = "https://a.example"', "[openai] has the name of another provider"),
        ('[v1]\nhost = "https://a.example"', "[v1] is no name for a provider"),
        ('["A b"]\nhost = "https://a.example"', "[A b] is no name for a provider"),
        ('[lab]\nhost = "https://a.example"\nprise = 1', "[lab] has a key 'prise'"),
        ('[lab]\nhost = "https://a.example"\nprice = 1', "[lab] has a price that is neither"),
        ('[lab]\nhost = "https://a.example"\nprice = {a = "1"}', "[lab] has a price of 'a'"),
        (
            '[lab]\nhost = "https://a.example"\nprice = {requests = 0.1}',
            "[lab] has a price of requests that is no amount",
        ),
        (
            '[lab]\nhost = "https://a.example"\nprice = {requests = "-1"}',
            "[lab] has a price of requests that is no amount",
        ),
        ('[lab]\nhost = "https://a.example"\npriced_as = "x"', "[lab] is priced_as a provider"),
        (
            '[lab]\nhost = "https://a.example"\nprice = "free"\npriced_as = "openai"',
            "[lab] has both price and priced_as",
        ),
        (
            '[a]\nhost = "https://a.example"\n[b]\nhost = "https://a.example"',
            "[b] has a host of a",
        ),
    ],
)
def test_a_mistake_is_named_with_its_table(home: Home, text: str, problem: str) -> None:
    """And every one comes with what to write instead."""
    with pytest.raises(AcmError) as raised:
        directory(_written(home, text))
    assert problem in raised.value.message
    assert raised.value.hint

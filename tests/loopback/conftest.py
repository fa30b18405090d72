"""One stand-in and one proxy for the tests of a module."""

from collections.abc import Iterator

import pytest

from acm_addon.home import Home
from acm_addon.model import LIVE, Entrance
from acm_addon.providers import PROVIDERS
from cli.standin import StandIn
from tests.loopback.client import Connection
from tests.loopback.harness import LiveProxy

OPENAI = "api.openai.com"


@pytest.fixture(scope="module")
def standin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    hosts = [host for provider in PROVIDERS for host in provider.hosts]
    with StandIn(tmp_path_factory.mktemp("standin"), hosts) as running:
        yield running


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, standin: StandIn) -> Iterator[LiveProxy]:
    home = Home(tmp_path_factory.mktemp("proxy") / "home")
    with LiveProxy(home, (standin.tls_port, standin.ca_file)) as live:
        yield live


@pytest.fixture(params=LIVE, ids=str)
def entrance(request: pytest.FixtureRequest) -> Entrance:
    chosen = request.param
    assert isinstance(chosen, Entrance)
    return chosen


@pytest.fixture
def connection(proxy: LiveProxy, entrance: Entrance) -> Iterator[Connection]:
    """A connection to OpenAI's host, through each entrance in turn."""
    with Connection(proxy.port, entrance, OPENAI, proxy.home.ca_certificate) as opened:
        yield opened

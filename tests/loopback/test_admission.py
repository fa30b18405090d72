"""Who pays, through the real proxy: tokens, names, proxy keys, and what is refused."""

import base64
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from acm_addon.control import (
    project_tokens,
    projects,
    provider_keys,
    proxy_keys,
    settings,
    vault_access,
)
from acm_addon.control.proxy_keys import Limits
from acm_addon.control.store import ControlStore
from acm_addon.home import Home
from acm_addon.model import Completeness, Entrance, Reason
from tests.loopback.client import Connection, Response
from tests.loopback.harness import LiveProxy
from tests.loopback.raw_upstream import RawUpstream

OPENAI, ANTHROPIC = "api.openai.com", "api.anthropic.com"
GEMINI = "generativelanguage.googleapis.com"
CHAT = "/v1/chat/completions"
REAL = "sk-proj-therealkeythatnobodymaysee1234"
JSON = ("Content-Type", "application/json")

type Fields = list[tuple[str, str]]


def utc_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[RawUpstream]:
    with RawUpstream(tmp_path) as running:
        yield running


@pytest.fixture
def proxy(tmp_path: Path, upstream: RawUpstream) -> Iterator[LiveProxy]:
    """On a machine without a keyring."""
    live = LiveProxy(Home(tmp_path / "home"), (upstream.port, upstream.ca_file), log="debug")
    live.environment["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
    with live:
        yield live


@pytest.fixture
def store(proxy: LiveProxy) -> Iterator[ControlStore]:
    """The control data, as the command line changes them under the running proxy."""
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]
    with ControlStore(proxy.home) as opened:
        yield opened
    keyring.set_keyring(before)


@pytest.fixture
def token(store: ControlStore) -> str:
    """Of a project ``bot``."""
    projects.create(store, "bot", None, utc_now())
    return project_tokens.issue(store, "bot", None, utc_now())[0]


@pytest.fixture
def key(store: ControlStore) -> str:
    """A proxy key ``prog`` without limits, and an OpenAI key behind it."""
    provider_keys.add(store, "main", "openai", REAL, utc_now())
    return proxy_keys.issue(store, "prog", Limits(), utc_now())[0]


class Asker:
    """Asks through one entrance. Each model is used once, so that its row is found by it."""

    def __init__(self, proxy: LiveProxy, entrance: Entrance) -> None:
        self.proxy, self.entrance = proxy, entrance

    def ask(
        self, model: str, *fields: tuple[str, str], host: str = OPENAI, path: str = CHAT
    ) -> Response:
        trust = self.proxy.home.ca_certificate
        body = json.dumps({"model": model, "messages": []}).encode()
        with Connection(self.proxy.port, self.entrance, host, trust) as connection:
            return connection.ask(path, body, [JSON, *fields])

    def refused(self, model: str, *fields: tuple[str, str]) -> tuple[int, str | None]:
        """The status and our code of an answer that must be ours, in OpenAI's shape."""
        answer = self.ask(model, *fields)
        assert "false" == answer.header("x-should-retry")
        code = answer.header("X-ACM-Error")
        error = json.loads(answer.body)["error"]
        assert {"message", "type", "param", "code"} == set(error)
        assert code == error["code"]
        return answer.status, code


@pytest.fixture
def asker(proxy: LiveProxy, entrance: Entrance) -> Asker:
    return Asker(proxy, entrance)


@pytest.fixture
def gateway(proxy: LiveProxy) -> Asker:
    """Where the entrances do not differ."""
    return Asker(proxy, Entrance.GATEWAY)


def basic(user: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:".encode()).decode()


def test_a_token_says_who_pays_until_it_is_revoked(
    proxy: LiveProxy, store: ControlStore, upstream: RawUpstream, asker: Asker, token: str
) -> None:
    """At the very next request. The refused call is a row of the project, and went nowhere."""
    assert 204 == asker.ask("m-good", ("X-Project-Token", token)).status
    head, _ = upstream.request()
    assert b"acm_" not in head and b"Project" not in head
    assert "bot" == proxy.row_of("m-good").project
    project_tokens.revoke(store, "bot", "1", utc_now())
    assert (401, "revoked_token") == asker.refused("m-revoked", ("X-Project-Token", token))
    row = proxy.wait_for(lambda row: row.completeness is Completeness.REFUSED)
    assert ("bot", Reason.UNAUTHORIZED, 0) == (row.project, row.reason, row.cost)
    assert upstream.requests.empty()


def test_where_tokens_are_required_nothing_else_goes_upstream(
    store: ControlStore, upstream: RawUpstream, asker: Asker, token: str
) -> None:
    """No token, a wrong one, and an expired one are refused; a good one passes."""
    settings.put(store, settings.REQUIRE_TOKEN, on=True)
    past = utc_now() - timedelta(seconds=1)
    expired, _ = project_tokens.issue(store, "bot", past, utc_now())
    assert (401, "token_required") == asker.refused("m-none")
    assert (401, "unknown_token") == asker.refused("m-wrong", ("X-Project-Token", "acm_proj_x"))
    assert (401, "expired_token") == asker.refused("m-expired", ("X-Project-Token", expired))
    assert upstream.requests.empty()
    assert 204 == asker.ask("m-good", ("X-Project-Token", token)).status
    settings.put(store, settings.REQUIRE_TOKEN, on=False)
    assert 204 == asker.ask("m-off").status


def test_a_refusal_has_the_shape_of_its_provider(gateway: Asker) -> None:
    """For Anthropic's and Google's SDKs too, also for what costs nothing."""
    wrong = ("X-Project-Token", "acm_proj_wrong")
    asker = gateway
    error = json.loads(asker.ask("m", wrong, host=ANTHROPIC, path="/v1/messages").body)
    assert ("error", "authentication_error") == (error["type"], error["error"]["type"])
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    error = json.loads(asker.ask("m", wrong, host=GEMINI, path=path).body)
    assert (401, "UNAUTHENTICATED") == (error["error"]["code"], error["error"]["status"])
    answer = asker.ask("m", wrong, path="/v1/models")
    assert (401, "unknown_token") == (answer.status, answer.header("X-ACM-Error"))


def test_the_proxy_user_says_who_pays(
    proxy: LiveProxy, store: ControlStore, upstream: RawUpstream, token: str
) -> None:
    """A token or a name, said once when the tunnel is opened; its end counts at each request."""
    trust = proxy.home.ca_certificate
    for model, user in (("m-token", token), ("m-name", "bot")):
        with Connection(proxy.port, Entrance.FORWARD, OPENAI, trust, proxy_user=user) as connection:
            body = json.dumps({"model": model}).encode()
            assert 204 == connection.ask(CHAT, body, [JSON]).status
        assert "bot" == proxy.row_of(model).project
    for _ in range(2):
        assert b"proxy-" not in upstream.request()[0].lower()
    with Connection(proxy.port, Entrance.FORWARD, OPENAI, trust, proxy_user=token) as connection:
        project_tokens.revoke(store, "bot", "1", utc_now())
        answer = connection.ask(CHAT, b'{"model": "m"}', [JSON])
    assert (401, "revoked_token") == (answer.status, answer.header("X-ACM-Error"))
    assert upstream.requests.empty()


def test_the_path_says_who_pays_and_with_which_tags(
    proxy: LiveProxy, upstream: RawUpstream, token: str
) -> None:
    """In the gateway: what is ours is taken off, and the provider sees its own path."""
    for model, who in (("m-token", token), ("m-name", "bot")):
        with Connection(proxy.port, Entrance.GATEWAY, OPENAI) as connection:
            fields = [("Host", "x"), JSON, ("Content-Length", str(len(f'{{"model": "{model}"}}')))]
            target = f"/_p/{who}/_t/feature=search/openai{CHAT}?a=1"
            connection.send_head(f"POST {target} HTTP/1.1", fields)
            connection.socket.sendall(f'{{"model": "{model}"}}'.encode())
            assert 204 == connection.read().status
        row = proxy.row_of(model)
        assert ("bot", {"feature": "search"}) == (row.project, row.tags)
        assert upstream.request()[0].startswith(f"POST {CHAT}?a=1 HTTP/1.1".encode())


def test_plain_v1_goes_to_the_projects_provider(
    proxy: LiveProxy, store: ControlStore, upstream: RawUpstream
) -> None:
    """Without a project, to OpenAI; a credential's own shape goes before both."""
    projects.create(store, "fast", "gemini", utc_now())

    def host_of(*fields: tuple[str, str], who: str = "") -> bytes:
        with Connection(proxy.port, Entrance.GATEWAY, OPENAI) as connection:
            connection.send_head(f"GET {who}/v1/models HTTP/1.1", [("Host", "x"), *fields])
            assert 204 == connection.read().status
        lines = upstream.request()[0].split(b"\r\n")
        return next(line[6:] for line in lines if line.lower().startswith(b"host: "))

    assert b"api.openai.com" == host_of()
    assert GEMINI.encode() == host_of(who="/_p/fast")
    assert b"api.anthropic.com" == host_of(("x-api-key", "k"), who="/_p/fast")


def test_an_unknown_name_and_an_archived_project_are_refused(
    store: ControlStore, asker: Asker, token: str
) -> None:
    """They would be booked to somebody else otherwise. A former name still leads home."""
    projects.archive(store, "bot", utc_now())
    assert (401, "project_archived") == asker.refused("m", ("X-Project-Token", token))
    if asker.entrance is Entrance.FORWARD:
        named = ("Proxy-Authorization", basic("nobody"))
        assert (401, "unknown_project") == asker.refused("m", named)


def test_a_proxy_key_is_swapped_on_the_way_out(
    proxy: LiveProxy, upstream: RawUpstream, asker: Asker, key: str
) -> None:
    """In place, with its case and its neighbours; the row has its name."""
    for name, start in (
        ("Authorization", "Bearer "),
        ("aPI-key", ""),
        ("X-Api-Key", ""),
        ("x-goog-api-key", ""),
        ("Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key."),
    ):
        model = f"m-{name}"
        assert 204 == asker.ask(model, ("X-A", "1"), (name, start + key), ("x-a", "2")).status
        lines = upstream.request()[0].decode().split("\r\n")
        at = lines.index("X-A: 1")
        assert ["X-A: 1", f"{name}: {start}{REAL}", "x-a: 2"] == lines[at : at + 3]
        assert "acm_key" not in "".join(lines)
        assert "prog" == proxy.row_of(model).key


def test_a_proxy_key_in_the_query_is_swapped(
    store: ControlStore, upstream: RawUpstream, gateway: Asker
) -> None:
    """As Gemini's clients may send it."""
    provider_keys.add(store, "google", "gemini", "AIzaTheRealKey+/=", utc_now())
    secret, _ = proxy_keys.issue(store, "g", Limits(), utc_now())
    path = f"/v1beta/models/gemini-2.5-flash:generateContent?alt=json&key={secret}&x=1"
    assert 204 == gateway.ask("m", host=GEMINI, path=path).status
    line = upstream.request()[0].split(b"\r\n")[0]
    assert line.endswith(b"?alt=json&key=AIzaTheRealKey%2B%2F%3D&x=1 HTTP/1.1")


def test_a_proxy_key_that_is_not_good_goes_nowhere(
    proxy: LiveProxy, store: ControlStore, upstream: RawUpstream, gateway: Asker, key: str
) -> None:
    """Unknown, revoked, of another provider, without a key behind it, or a token in its place."""

    def bearer(secret: str) -> tuple[str, str]:
        return "Authorization", f"Bearer {secret}"

    other, _ = proxy_keys.issue(store, "other", Limits(providers=("groq",)), utc_now())
    project_token, _ = project_tokens.issue(store, "default", None, utc_now())
    assert (401, "unknown_key") == gateway.refused("m1", bearer("acm_key_unknown"))
    assert (401, "token_is_no_key") == gateway.refused("m2", bearer(project_token))
    assert (403, "provider_not_allowed") == gateway.refused("m3", bearer(other))
    answer = gateway.ask("m4", ("x-api-key", key), host=ANTHROPIC, path="/v1/messages")
    assert (401, "no_provider_key") == (answer.status, answer.header("X-ACM-Error"))
    new, _ = proxy_keys.rotate(store, "prog", utc_now())
    assert (401, "unknown_key") == gateway.refused("m5", bearer(key))
    proxy_keys.revoke(store, "prog", utc_now())
    assert (401, "revoked_key") == gateway.refused("m6", bearer(new))
    assert upstream.requests.empty()
    row = proxy.wait_for(lambda row: row.key == "other")
    assert Completeness.REFUSED is row.completeness


def test_a_providers_key_does_not_leave_in_clear(
    proxy: LiveProxy, upstream: RawUpstream, key: str
) -> None:
    """A proxy's client may ask for http; whoever listens there would have the key."""
    with socket.create_connection(("127.0.0.1", proxy.port), 20) as client:
        head = f"POST http://{OPENAI}{CHAT} HTTP/1.1\r\nHost: {OPENAI}\r\nContent-Length: 0\r\n"
        client.sendall(f"{head}Authorization: Bearer {key}\r\n\r\n".encode())
        answer = client.recv(65536)
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert b"X-ACM-Error: unsafe_destination" in answer
    assert upstream.requests.empty()


def test_a_key_of_few_models_is_good_for_no_other(
    proxy: LiveProxy, store: ControlStore, upstream: RawUpstream, asker: Asker, key: str
) -> None:
    """Read from the body before it leaves; a body that says two things is refused."""
    limits = Limits(models=("cheap-*", "gemini-*flash"))
    secret, _ = proxy_keys.issue(store, "few", limits, utc_now())
    bearer = ("Authorization", f"Bearer {secret}")
    assert 204 == asker.ask("cheap-1", bearer).status
    assert b'"model": "cheap-1"' in upstream.request()[1]
    assert Completeness.COMPLETE is proxy.row_of("cheap-1").completeness
    assert (403, "model_not_allowed") == asker.refused("dear-1", bearer)
    row = proxy.row_of("dear-1")
    assert ("few", Completeness.REFUSED) == (row.key, row.completeness)
    trust = proxy.home.ca_certificate
    for body in (b'{"model": "cheap-2", "model": "dear-2"}', b"model=dear-2", b"{}", b""):
        with Connection(proxy.port, asker.entrance, OPENAI, trust) as connection:
            answer = connection.ask(CHAT, body, [JSON, bearer])
            assert 403 == answer.status
    with Connection(proxy.port, asker.entrance, OPENAI, trust) as connection:
        chunked = [("Host", "x"), ("Transfer-Encoding", "chunked"), bearer]
        connection.send_head(f"POST {connection.target(CHAT)} HTTP/1.1", chunked)
        connection.socket.sendall(b"0\r\n\r\n")
        answer = connection.read()
        assert (403, "model_unreadable") == (answer.status, answer.header("X-ACM-Error"))
    assert upstream.requests.empty()
    assert 204 == asker.ask("m", bearer, path="/v1/files").status


def test_a_vault_that_does_not_open_stops_no_other_traffic(
    proxy: LiveProxy, store: ControlStore, upstream: RawUpstream, gateway: Asker, key: str
) -> None:
    """A wrong master key, and one that is rotated under the running proxy."""
    bearer = ("Authorization", f"Bearer {key}")
    vault_access.rotate_master(store, None)
    assert 204 == gateway.ask("m-rotated", bearer).status
    good = proxy.home.master_key.read_bytes()
    proxy.stop()
    proxy.home.master_key.write_text("A" * 43 + "=")
    proxy.start()
    assert (503, "vault_unavailable") == gateway.refused("m-wrong", bearer)
    assert 204 == gateway.ask("m-own", ("Authorization", "Bearer sk-own")).status
    log = proxy.output.read_text()
    assert "the master key in the file is not the one that the vault was made with" in log
    assert REAL not in log and key not in log
    proxy.stop()
    proxy.home.master_key.write_bytes(good)
    proxy.start()
    assert 204 == gateway.ask("m-good", bearer).status


def test_damaged_control_data_stop_no_other_traffic(
    proxy: LiveProxy, store: ControlStore, gateway: Asker, token: str
) -> None:
    """A credential that cannot be checked is refused; a call without one passes."""
    proxy.stop()
    store.close()
    for path in proxy.home.root.glob("control.db*"):
        path.write_bytes(b"garbage " * 1000)
    proxy.start()
    assert 204 == gateway.ask("m-plain").status
    refused = gateway.refused("m-token", ("X-Project-Token", token))
    assert (503, "control_unavailable") == refused
    assert "cannot use the control data" in proxy.output.read_text()


def test_a_lost_token_key_is_said_and_may_come_back(
    proxy: LiveProxy, gateway: Asker, token: str
) -> None:
    """It is not replaced; a token is good again once it is back, without a restart."""
    proxy.stop()
    kept = proxy.home.token_key.rename(proxy.home.root / "kept")
    proxy.start()
    assert 204 == gateway.ask("m-plain").status
    refused = gateway.refused("m-token", ("X-Project-Token", token))
    assert (503, "control_unavailable") == refused
    assert "token.key is gone" in proxy.output.read_text()
    kept.rename(proxy.home.token_key)
    assert 204 == gateway.ask("m-again", ("X-Project-Token", token)).status


def test_no_secret_is_in_any_file_of_the_home_or_in_the_log(
    proxy: LiveProxy, store: ControlStore, asker: Asker, key: str, token: str
) -> None:
    """After calls that went well, and calls that were refused, in every way."""
    bearer = ("Authorization", f"Bearer {key}")
    asker.ask("m1", bearer, ("X-Project-Token", token))
    asker.ask("m2", bearer, ("X-Project-Token", token + "x"))
    asker.ask("m3", ("Authorization", f"Bearer {token}"))
    asker.ask("m4", path=f"{CHAT}?key={key}")
    if asker.entrance is Entrance.FORWARD:
        asker.ask("m5", ("Proxy-Authorization", basic(token)))
    proxy_keys.revoke(store, "prog", utc_now())
    asker.ask("m6", bearer)
    proxy.stop()
    secrets = [REAL[8:], key[8:], token[9:]]
    for path in [*proxy.home.root.rglob("*"), proxy.output]:
        if path.is_file():
            content = path.read_bytes()
            assert not [each for each in secrets if each.encode() in content], path

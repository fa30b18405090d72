"""Who pays, as the real SDKs say it: in a proxy URL, in a base URL, and by a proxy key."""

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from acm_addon.control import project_tokens, projects, provider_keys, proxy_keys
from acm_addon.control.proxy_keys import Limits
from acm_addon.control.store import ControlStore
from acm_addon.model import Completeness, Entrance, Reason
from cli import clients
from tests.loopback.harness import LiveProxy

TAGS = "feature=search,customer=a/b"


@pytest.fixture(autouse=True)
def no_settings_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if re.search(r"(?i)_proxy$|^(openai|anthropic)_|^ssl_cert", name):
            monkeypatch.delenv(name)


@pytest.fixture
def store(proxy: LiveProxy) -> Iterator[ControlStore]:
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]
    with ControlStore(proxy.home) as opened:
        projects.ensure(opened, "bot", datetime.now(UTC))
        yield opened
    keyring.set_keyring(before)


def lead(
    monkeypatch: pytest.MonkeyPatch, proxy: LiveProxy, entrance: Entrance, who: str, tags: str = ""
) -> None:
    """Set the environment as ``acm run`` does."""
    if entrance is Entrance.FORWARD:
        chosen = clients.forward_environment(
            proxy.port, proxy.home.ca_certificate, None, who=who, tags=tags
        )
    else:
        chosen = clients.gateway_environment(proxy.port, who=who, tags=tags)
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)


def test_sdks_carry_the_project_and_the_tags(
    proxy: LiveProxy, store: ControlStore, entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What acm run sets is understood by both SDKs, and comes back as it was."""
    import anthropic
    import openai

    lead(monkeypatch, proxy, entrance, "bot", TAGS)
    ask = {"role": "user", "content": "Hello"}
    with openai.OpenAI(api_key="sk-own") as client:
        client.chat.completions.create(model=f"gpt-4o-{entrance}", messages=[ask])  # type: ignore[list-item]
    with anthropic.Anthropic(api_key="sk-ant-own") as other:
        other.messages.create(
            model=f"claude-sonnet-4-{entrance}",
            max_tokens=10,
            messages=[ask],  # type: ignore[list-item]
        )
    for model in (f"gpt-4o-{entrance}", f"claude-sonnet-4-{entrance}"):
        row = proxy.row_of(model)
        assert ("bot", {"feature": "search", "customer": "a/b"}) == (row.project, row.tags)


def test_sdks_raise_their_usual_error_after_one_request(
    proxy: LiveProxy, store: ControlStore, entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A revoked token is an authentication error, and is not tried again."""
    import anthropic
    import openai

    secret, token = project_tokens.issue(store, "bot", None, datetime.now(UTC))
    project_tokens.revoke(store, "bot", str(token.id), datetime.now(UTC))
    lead(monkeypatch, proxy, entrance, secret)
    ask = {"role": "user", "content": "Hello"}
    before = len(proxy.settled_rows())
    with openai.OpenAI(api_key="sk-own") as client, pytest.raises(openai.AuthenticationError):
        client.chat.completions.create(model="gpt-4o", messages=[ask])  # type: ignore[list-item]
    with (
        anthropic.Anthropic(api_key="sk-ant-own") as other,
        pytest.raises(anthropic.AuthenticationError) as raised,
    ):
        other.messages.create(model="claude-x", max_tokens=10, messages=[ask])  # type: ignore[list-item]
    assert "This project token was revoked." in str(raised.value)
    refused = proxy.settled_rows()[before:]
    assert [("bot", Completeness.REFUSED, Reason.UNAUTHORIZED)] * 2 == [
        (row.project, row.completeness, row.reason) for row in refused
    ]


def test_sdks_use_a_proxy_key_as_their_own(
    proxy: LiveProxy, store: ControlStore, entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the header that each of them has for it, streamed and held for a rule about models."""
    import anthropic
    import openai

    now = datetime.now(UTC)
    for provider in ("openai", "anthropic"):
        provider_keys.add(store, f"{provider}-{entrance}", provider, "sk-" + "r" * 40, now)
    limits = Limits("bot", models=("gpt-4o*", "claude-*"))
    secret, key = proxy_keys.issue(store, f"prog-{entrance}", limits, now)
    lead(monkeypatch, proxy, entrance, "default")
    ask = {"role": "user", "content": "Hello"}
    with openai.OpenAI(api_key=secret) as client:
        stream = client.chat.completions.create(
            model=f"gpt-4o-key-{entrance}",
            messages=[ask],  # type: ignore[list-item]
            stream=True,
        )
        assert list(stream)
        with pytest.raises(openai.PermissionDeniedError):
            client.chat.completions.create(model="o1", messages=[ask])  # type: ignore[list-item]
    with anthropic.Anthropic(api_key=secret) as other:
        other.messages.create(
            model=f"claude-key-{entrance}",
            max_tokens=10,
            messages=[ask],  # type: ignore[list-item]
        )
    for model in (f"gpt-4o-key-{entrance}", f"claude-key-{entrance}"):
        row = proxy.row_of(model)
        assert ("bot", key.name) == (row.project, row.key)

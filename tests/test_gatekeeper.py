"""Who pays, and who is refused: decided over values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from acm_addon.control.records import Project, ProjectToken, ProviderKey, ProxyKey, Snapshot
from acm_addon.gatekeeper import (
    Payer,
    Presented,
    Refusal,
    identify,
    may_ask,
    may_use,
    provider_key_for,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
BEFORE, AFTER = NOW - timedelta(days=1), NOW + timedelta(days=1)

DEFAULT = Project(1, "default", None, BEFORE)
BOT = Project(2, "bot", "anthropic", BEFORE)
SHOP = Project(3, "shop", None, BEFORE)
CLOSED = Project(4, "closed", None, BEFORE, archived=BEFORE)


def digest(secret: str) -> bytes:
    return secret.encode()


def token(secret: str, project: Project, **changes: object) -> ProjectToken:
    made = ProjectToken(1, project.id, digest(secret), "", BEFORE)
    return replace(made, **changes)  # type: ignore[arg-type]


def proxy_key(name: str, project: Project | None = None, **changes: object) -> ProxyKey:
    made = ProxyKey(
        id=1,
        name=name,
        digest=digest(f"acm_key_{name}"),
        shown="",
        project=project.id if project else None,
        project_name=project.name if project else None,
        providers=None,
        models=None,
        provider_key=None,
        provider_key_name=None,
        created=BEFORE,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


FREE_KEY, BOT_KEY = proxy_key("free"), proxy_key("bots", BOT)
TOKENS = (
    token("acm_proj_bot", BOT),
    token("acm_proj_shop", SHOP, expires=AFTER),
    token("acm_proj_revoked", BOT, revoked=BEFORE),
    token("acm_proj_expired", BOT, expires=NOW),
    token("acm_proj_closed", CLOSED),
)
KEYS = (
    FREE_KEY,
    BOT_KEY,
    proxy_key("revoked", SHOP, revoked=BEFORE),
    proxy_key("expired", expires=BEFORE),
    proxy_key("closed", CLOSED),
)
PROJECTS = (DEFAULT, BOT, SHOP, CLOSED)
STATE = Snapshot(
    projects={project.id: project for project in PROJECTS},
    by_name={project.name: project for project in PROJECTS} | {"old-bot": BOT},
    tokens={one.digest: one for one in TOKENS},
    proxy_keys={one.digest: one for one in KEYS},
)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Presented(), Payer()),
        (Presented(who="default"), Payer()),
        (Presented(who="bot"), Payer("bot", "anthropic")),
        (Presented(who="old-bot"), Payer("bot", "anthropic")),
        (Presented(who="acm_proj_bot"), Payer("bot", "anthropic")),
        (Presented(token="acm_proj_shop", who="acm_proj_bot"), Payer("shop")),
        (Presented(token="acm_proj_shop", who="bot"), Payer("shop")),
        (Presented(key="acm_key_free"), Payer(key=FREE_KEY)),
        (Presented(key="acm_key_bots"), Payer("bot", "anthropic", BOT_KEY)),
        (Presented(who="shop", key="acm_key_bots"), Payer("bot", "anthropic", BOT_KEY)),
        (Presented(who="shop", key="acm_key_free"), Payer("shop", None, FREE_KEY)),
        (Presented(token="acm_proj_shop", key="acm_key_free"), Payer("shop", None, FREE_KEY)),
        (Presented(token="acm_proj_bot", key="acm_key_bots"), Payer("bot", "anthropic", BOT_KEY)),
    ],
)
def test_the_first_that_says_it_pays(said: Presented, expected: Payer) -> None:
    """Token in the header, token as the user, proxy key, name as the user, default project."""
    assert expected == identify(STATE, said, digest, NOW, required=False)


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Presented(token="acm_proj_never"), Refusal(401, "unknown_token")),
        (Presented(token=""), Refusal(401, "unknown_token")),
        (Presented(who="acm_proj_never"), Refusal(401, "unknown_token")),
        (Presented(token="acm_proj_revoked"), Refusal(401, "revoked_token", "bot")),
        (Presented(token="acm_proj_expired"), Refusal(401, "expired_token", "bot")),
        (Presented(token="acm_proj_closed"), Refusal(401, "project_archived", "closed")),
        (Presented(key="acm_key_never"), Refusal(401, "unknown_key")),
        (Presented(key="acm_key_revoked"), Refusal(401, "revoked_key", "shop", "revoked")),
        (Presented(key="acm_key_expired"), Refusal(401, "expired_key", "default", "expired")),
        (Presented(key="acm_key_closed"), Refusal(401, "project_archived", "closed", "closed")),
        (Presented(key="acm_proj_bot"), Refusal(401, "token_is_no_key")),
        (
            Presented(token="acm_proj_shop", key="acm_key_bots"),
            Refusal(403, "wrong_project", "bot", "bots"),
        ),
        (Presented(token="acm_proj_bot", key="acm_key_never"), Refusal(401, "unknown_key")),
    ],
)
def test_what_is_presented_and_wrong_is_refused(
    said: Presented, expected: Refusal, required: bool
) -> None:
    """Whether or not it was needed; a good token beside a bad key does not help."""
    assert expected == identify(STATE, said, digest, NOW, required=required)


@pytest.mark.parametrize("said", [Presented(), Presented(who="bot"), Presented(who="nobody")])
def test_where_tokens_are_required_a_name_is_none(said: Presented) -> None:
    """Nor is silence."""
    assert Refusal(401, "token_required") == identify(STATE, said, digest, NOW, required=True)


def test_a_token_or_a_proxy_key_is_what_is_required() -> None:
    """Either, in any place."""
    for said in (
        Presented(token="acm_proj_bot"),
        Presented(who="acm_proj_bot"),
        Presented(key="acm_key_free"),
    ):
        assert isinstance(identify(STATE, said, digest, NOW, required=True), Payer)


def test_an_unknown_name_is_refused() -> None:
    """It would be booked to the wrong project."""
    said = Presented(who="nobody")
    assert Refusal(401, "unknown_project") == identify(STATE, said, digest, NOW, required=False)


def test_nothing_known_is_the_default_project() -> None:
    """Before there is any control data."""
    assert Payer() == identify(Snapshot(), Presented(), digest, NOW, required=False)


@pytest.mark.parametrize(
    ("patterns", "models", "expected"),
    [
        (None, (), True),
        (None, ("anything",), True),
        (("gpt-4o-mini",), ("gpt-4o-mini",), True),
        (("gpt-4o-mini",), ("gpt-4o",), False),
        (("gpt-4o*", "claude-*"), ("gpt-4o", "claude-opus-4"), True),
        (("gpt-4o*",), ("gpt-4o", "o1"), False),
        (("gpt-4o*",), ("GPT-4o",), False),
        (("gpt-4o*",), (), False),
    ],
)
def test_a_model_rule_holds_for_every_model_that_is_asked_for(
    patterns: tuple[str, ...] | None, models: tuple[str, ...], expected: bool
) -> None:
    """And a request that names none is not good for it."""
    assert expected == may_ask(replace(FREE_KEY, models=patterns), models)


def test_a_provider_rule() -> None:
    """No rule lets every provider pass."""
    assert may_use(FREE_KEY, "openai")
    limited = replace(FREE_KEY, providers=("anthropic",))
    assert not may_use(limited, "openai")
    assert may_use(limited, "anthropic")


def test_the_newest_key_of_a_provider_stands_behind_a_proxy_key() -> None:
    """Unless the proxy key names one, which then counts alone."""
    old, new = (ProviderKey(number, f"key{number}", "openai", "", b"", BEFORE) for number in (1, 2))
    state = Snapshot(provider_keys=(new, old))
    assert new == provider_key_for(state, FREE_KEY, "openai")
    assert old == provider_key_for(state, replace(FREE_KEY, provider_key=1), "openai")
    assert provider_key_for(state, FREE_KEY, "anthropic") is None
    assert provider_key_for(state, replace(FREE_KEY, provider_key=9), "openai") is None


def test_secrets_are_not_in_the_text_of_a_value() -> None:
    """A value that ends up in a message says nothing."""
    said = Presented("acm_proj_a", "acm_proj_b", "acm_key_c")
    assert "acm_" not in repr(said)

"""Who pays for a request, and whether it may go on: decided over values. Pure.

First match wins: a project's token (in our header, else as the proxy user, else in the path), the
project of a proxy key, a project's name (as the proxy user or in the path), the default project.
A name is a word and no credential: it counts only where tokens are not required. The project that
a proxy key is limited to is such a limit: a token of another project beside it is refused.

What is presented and wrong is refused, whether or not it was needed: it would be booked to the
wrong project otherwise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from acm_addon.control.records import (
    DEFAULT_PROJECT,
    Project,
    ProviderKey,
    ProxyKey,
    Snapshot,
    ended,
)
from acm_addon.vault import PROXY_KEY_PREFIX, TOKEN_PREFIX

type Digest = Callable[[str], bytes]
"""What is stored of a secret."""


_DEFAULT = Project(0, DEFAULT_PROJECT, None, datetime(1970, 1, 1, tzinfo=UTC))
"""Where nothing is known of any project."""


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request says about who pays. Secrets: shown nowhere."""

    token: str | None = field(default=None, repr=False)
    """Of our own header."""
    who: str | None = field(default=None, repr=False)
    """The proxy user name, or the one in the path: a project's token or its name."""
    key: str | None = field(default=None, repr=False)
    """What stands in the place of an API key, where it is ours."""


@dataclass(frozen=True, slots=True)
class Payer:
    """Whose call it is."""

    project: str = DEFAULT_PROJECT
    provider: str | None = None
    """The project's default provider."""
    key: ProxyKey | None = None
    """The proxy key that is to be swapped for the provider's."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The call goes nowhere."""

    status: int
    code: str
    project: str = DEFAULT_PROJECT
    """Whose the refused call is, where that is known."""
    key: str | None = None
    """The proxy key's name."""


def identify(
    state: Snapshot, said: Presented, digest: Digest, now: datetime, *, required: bool
) -> Payer | Refusal:
    """Who pays. ``required``: whether it takes a token or a proxy key."""
    token = _check_token(state, said, digest, now)
    if isinstance(token, Refusal):
        return token
    key = _check_key(state, said.key, digest, now)
    if isinstance(key, Refusal):
        return key
    by_key = state.projects[key.project] if key and key.project is not None else None
    if key and by_key and token and token.id != by_key.id:
        return Refusal(403, "wrong_project", by_key.name, key.name)
    owner: Project | Refusal | None = token or by_key
    if owner is None:
        owner = _without_credential(state, said.who, required=required and key is None)
    if isinstance(owner, Refusal):
        return owner
    if owner.archived:
        return Refusal(401, "project_archived", owner.name, key.name if key else None)
    return Payer(owner.name, owner.provider, key)


def may_use(key: ProxyKey, provider: str) -> bool:
    """Whether a proxy key is good for a provider."""
    return key.providers is None or provider in key.providers


def may_ask(key: ProxyKey, models: Sequence[str]) -> bool:
    """Whether a proxy key is good for every one of these models. None named is none allowed."""
    if key.models is None:
        return True
    return bool(models) and all(
        any(fnmatchcase(model, pattern) for pattern in key.models) for model in models
    )


def provider_key_for(state: Snapshot, key: ProxyKey, provider: str) -> ProviderKey | None:
    """The vault's key that a proxy key stands for at a provider."""
    for candidate in state.provider_keys:
        if candidate.provider == provider and key.provider_key in (None, candidate.id):
            return candidate
    return None


def _without_credential(state: Snapshot, who: str | None, *, required: bool) -> Project | Refusal:
    """The project of a name that somebody carries, or the default one."""
    if required:
        return Refusal(401, "token_required")
    if who and not _is_token(who):
        return state.by_name.get(who) or Refusal(401, "unknown_project")
    return state.by_name.get(DEFAULT_PROJECT, _DEFAULT)


def _check_token(
    state: Snapshot, said: Presented, digest: Digest, now: datetime
) -> Project | Refusal | None:
    """The project of the token that counts; None where there is none."""
    presented = said.token
    if presented is None and said.who and _is_token(said.who):
        presented = said.who
    if presented is None:
        return None
    found = state.tokens.get(digest(presented))
    if found is None:
        return Refusal(401, "unknown_token")
    owner = state.projects[found.project]
    if how := ended(found, now):
        return Refusal(401, f"{how}_token", owner.name)
    return owner


def _check_key(
    state: Snapshot, presented: str | None, digest: Digest, now: datetime
) -> ProxyKey | Refusal | None:
    if presented is None:
        return None
    if not presented.startswith(PROXY_KEY_PREFIX):
        return Refusal(401, "token_is_no_key")
    found = state.proxy_keys.get(digest(presented))
    if found is None:
        return Refusal(401, "unknown_key")
    if how := ended(found, now):
        owner = state.projects.get(found.project or 0)
        name = owner.name if owner else DEFAULT_PROJECT
        return Refusal(401, f"{how}_key", name, found.name)
    return found


def _is_token(text: str) -> bool:
    return text.startswith(TOKEN_PREFIX)

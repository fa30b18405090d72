"""The control data as values. Times are UTC; None where it has not happened, or never will."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from acm_addon.budgets import Budget

DEFAULT_PROJECT = "default"


class Switch(StrEnum):
    """What can be on for a project. All are off until they are turned on."""

    GUARD = "guard"
    """Its calls are held back while a provider says to wait."""
    INCLUDE_USAGE = "include-usage"
    """Streams are asked for their usage in its name: see ``acm_addon.include_usage``."""


@dataclass(frozen=True, slots=True)
class Project:
    id: int
    name: str
    provider: str | None
    """Where its plain ``/v1/…`` calls go."""
    created: datetime
    archived: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProjectToken:
    id: int
    project: int
    digest: bytes
    shown: str
    """``acm_proj_…wxyz``."""
    created: datetime
    expires: datetime | None = None
    revoked: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """A provider's own key, sealed."""

    id: int
    name: str
    provider: str
    shown: str
    """``sk-proj-…wxyz``."""
    sealed: bytes = field(repr=False)
    created: datetime
    rotated: datetime | None = None
    revoked: datetime | None = None

    @property
    def binding(self) -> str:
        """What its sealed value is bound to."""
        return f"acm/provider-key/{self.id}/{self.provider}/{self.name}"


@dataclass(frozen=True, slots=True)
class ProxyKey:
    """A key of ours that a program uses in place of the provider's."""

    id: int
    name: str
    digest: bytes
    shown: str
    project: int | None
    """Who pays; None leaves that to the other ways of saying it."""
    project_name: str | None
    providers: tuple[str, ...] | None
    """None: all of them."""
    models: tuple[str, ...] | None
    """Names, or patterns such as ``gpt-4o*``. None: all of them."""
    provider_key: int | None
    """The key that it stands for; None: the newest one of the provider that is called."""
    provider_key_name: str | None
    created: datetime
    rotated: datetime | None = None
    expires: datetime | None = None
    revoked: datetime | None = None


def ended(credential: ProjectToken | ProxyKey, now: datetime) -> str | None:
    """``revoked`` or ``expired``; None where it is good."""
    if credential.revoked is not None:
        return "revoked"
    if credential.expires is not None and credential.expires <= now:
        return "expired"
    return None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of the control data, ready to be asked at every request."""

    require_token: bool = False
    projects: Mapping[int, Project] = field(default_factory=lambda: MappingProxyType({}))
    by_name: Mapping[str, Project] = field(default_factory=lambda: MappingProxyType({}))
    """By their names, and by the names that they had before."""
    tokens: Mapping[bytes, ProjectToken] = field(default_factory=lambda: MappingProxyType({}))
    """By digest; revoked ones too, so that a refusal can say so."""
    proxy_keys: Mapping[bytes, ProxyKey] = field(default_factory=lambda: MappingProxyType({}))
    provider_keys: tuple[ProviderKey, ...] = ()
    """Those that are not revoked, the newest first."""
    budgets: tuple[Budget, ...] = ()
    switched: Mapping[Switch, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    """Names of the projects for which each thing is on."""

    @property
    def has_credentials(self) -> bool:
        """Whether there is a token or a proxy key that was not revoked."""
        return any(token.revoked is None for token in self.tokens.values()) or any(
            key.revoked is None for key in self.proxy_keys.values()
        )

    def is_on(self, what: Switch, project: str) -> bool:
        return project in self.switched.get(what, ())

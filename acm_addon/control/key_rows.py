"""Rows of provider keys and proxy keys as values."""

import json
from typing import Any

from acm_addon.control.records import ProviderKey, ProxyKey
from acm_addon.control.times import from_micros, maybe_from_micros

KEY_COLUMNS = "id, name, provider, shown, sealed, created, rotated, revoked"
PROXY_KEY_COLUMNS = (
    "id, name, digest, shown, project,"
    " (SELECT projects.name FROM projects WHERE projects.id = proxy_keys.project),"
    " providers, models, provider_key,"
    " (SELECT name FROM provider_keys WHERE provider_keys.id = proxy_keys.provider_key),"
    " created, rotated, expires, revoked"
)


def key_of(row: Any) -> ProviderKey:
    """The provider key of a row of ``KEY_COLUMNS``."""
    number, name, provider, shown, sealed, created, rotated, revoked = row
    return ProviderKey(
        id=number,
        name=name,
        provider=provider,
        shown=shown,
        sealed=sealed,
        created=from_micros(created),
        rotated=maybe_from_micros(rotated),
        revoked=maybe_from_micros(revoked),
    )


def proxy_key_of(row: Any) -> ProxyKey:
    """The proxy key of a row of ``PROXY_KEY_COLUMNS``."""
    number, name, digest, shown, project, project_name, *rest = row
    providers, models, provider_key, provider_key_name, *times = rest
    created, rotated, expires, revoked = times
    return ProxyKey(
        id=number,
        name=name,
        digest=digest,
        shown=shown,
        project=project,
        project_name=project_name,
        providers=_names(providers),
        models=_names(models),
        provider_key=provider_key,
        provider_key_name=provider_key_name,
        created=from_micros(created),
        rotated=maybe_from_micros(rotated),
        expires=maybe_from_micros(expires),
        revoked=maybe_from_micros(revoked),
    )


def names_text(names: tuple[str, ...] | None) -> str | None:
    return None if names is None else json.dumps(names)


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(json.loads(text))

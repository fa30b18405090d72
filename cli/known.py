"""Names that are typed, checked against what there is."""

from collections.abc import Sequence

from acm_addon.home import acm_home
from cli.exits import UsageError


def known_provider(name: str | None) -> str | None:
    """Raises UsageError for a provider that acm does not know."""
    from acm_addon.user_providers import directory

    names = [provider.name for provider in directory(acm_home()).providers]
    if name is None or name in names:
        return name
    raise UsageError(f"there is no provider {name!r}", f"one of {', '.join(names)}")


def listed(texts: Sequence[str] | None) -> tuple[str, ...] | None:
    """What an option names that may be repeated, and take commas; None where it is left out.

    Raises UsageError where it names nothing.
    """
    if not texts:
        return None
    names = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError("an option of names was given without one", "leave it out for no limit")
    return tuple(dict.fromkeys(names))

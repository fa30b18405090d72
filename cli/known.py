"""Names that are typed, checked against what there is."""

from collections.abc import Sequence

from acm_addon.attribution import MAX_TAGS, parse_tags
from acm_addon.control import projects
from acm_addon.control.records import DEFAULT_PROJECT
from acm_addon.control.store import ControlStore
from acm_addon.home import acm_home
from cli.exits import UsageError


def known_provider(name: str | None) -> str | None:
    """Raises UsageError for a provider that acm does not know."""
    from acm_addon.user_providers import directory

    known = directory(acm_home()).providers
    if name is None or any(name == provider.name for provider in known):
        return name
    raise UsageError(f"there is no provider {name!r}", "`acm providers` lists them")


def known_project(name: str) -> str:
    """A project by the name that rows have, where it is given by a former one.

    Raises AcmError for a project that is not there.
    """
    if name == DEFAULT_PROJECT:
        return name
    with ControlStore(acm_home()) as store:
        return projects.get(store, name).name


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


def typed_tags(texts: Sequence[str]) -> dict[str, str]:
    """What ``--tag`` says, once or several times: as much as ``X-ACM-Tags`` may say.

    Raises UsageError for what is no tag, for a name that comes twice, and for too many.
    """
    tags: dict[str, str] = {}
    for text in texts:
        found = parse_tags(text)
        if found.invalid or not found.values:
            raise UsageError(
                f"--tag {text!r} is no tag",
                "write it as feature=search: letters, digits and _.-, in a value also :@/+",
            )
        if twice := tags.keys() & found.values.keys():
            raise UsageError(f"the tag {min(twice)!r} is given twice", "leave one of them out")
        tags |= found.values
    if len(tags) > MAX_TAGS:
        raise UsageError(f"a call has at most {MAX_TAGS} tags", "leave out some --tag")
    return tags

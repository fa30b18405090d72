"""Options that are given as ``NAME=VALUE``, any number of times."""

from cli.exits import UsageError


def pairs(option: str, given: list[str]) -> dict[str, str]:
    """Raises UsageError for what is not ``name=value``, and for a name that is given twice."""
    found: dict[str, str] = {}
    for each in given:
        name, _, value = (part.strip() for part in each.partition("="))
        if not (name and value):
            raise UsageError(f"{option} {each!r} is no pair", f"write {option} name=value")
        if name in found:
            raise UsageError(f"{option} {name!r} is given twice", "give it once")
        found[name] = value
    return found

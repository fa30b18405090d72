"""The zone of a report: the one that was typed, or the machine's own."""

import os
from functools import cache
from io import BytesIO
from pathlib import Path
from struct import pack
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from acm_addon.errors import AcmError
from cli.exits import UsageError

LOCALTIME = Path("/etc/localtime")


def chosen_zone(name: str | None) -> ZoneInfo:
    """The zone called ``name`` (``Europe/Berlin``), or the local one. Raises UsageError."""
    if name is None:
        return local_zone()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"--tz {name!r} is not a time zone", _suggest(name)) from None


def local_zone() -> ZoneInfo:
    """``TZ`` if it is set, else what ``/etc/localtime`` is, else UTC: the order of the C library.

    Raises AcmError where ``TZ`` names no zone: days cut in the wrong zone are wrong sums, and
    the C library would silently take UTC.
    """
    setting = os.environ.get("TZ", "").removeprefix(":")
    if not setting:
        return _machine_zone(LOCALTIME)
    try:
        path = Path(setting)
        return _machine_zone(path) if path.is_absolute() else _named_or_ruled(setting)
    except (ValueError, OSError):
        raise AcmError(
            f"the environment says TZ={setting!r}, which is not a time zone",
            "set TZ to a name such as Europe/Berlin, or choose with --tz",
        ) from None


def _machine_zone(path: Path) -> ZoneInfo:
    """The zone that a zoneinfo file holds, with its name where the file is a link into the set."""
    if not path.exists():
        return ZoneInfo("UTC")
    _, found, name = str(path.resolve()).partition("zoneinfo/")
    if found:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            pass  # A folder of variants such as zoneinfo/posix: read the file itself.
    with path.open("rb") as file:
        return ZoneInfo.from_file(file, key="local")


def _named_or_ruled(setting: str) -> ZoneInfo:
    try:
        return ZoneInfo(setting)
    except ZoneInfoNotFoundError:
        return _posix_zone(setting)


@cache
def _posix_zone(rule: str) -> ZoneInfo:
    """A POSIX rule (``CET-1CEST,M3.5.0,M10.5.0/3``), read as the footer of an empty TZif file.

    RFC 9636 section 3: a version-2 file is a version-1 block, a version-2 block, and the rule for
    all times after the last transition; with no transition that is every time. Raises ValueError.
    """
    block = pack(">6l", 0, 0, 0, 0, 1, 1) + pack(">lbb", 0, 0, 0) + b"\0"
    header = b"TZif2" + bytes(15)
    file = BytesIO(header + block + header + block + b"\n" + rule.encode("ascii") + b"\n")
    return ZoneInfo.from_file(file, key=rule)


def _suggest(name: str) -> str:
    from difflib import get_close_matches
    from zoneinfo import available_timezones

    by_lower = {zone.lower(): zone for zone in available_timezones()}
    by_city = {zone.rpartition("/")[2]: by_lower[zone] for zone in sorted(by_lower)}
    wanted = name.lower().replace(" ", "_")
    known = by_city | by_lower
    close = [known[match] for match in get_close_matches(wanted, known, n=1)]
    return f"did you mean {close[0]}?" if close else "try a name such as Europe/Berlin or UTC"

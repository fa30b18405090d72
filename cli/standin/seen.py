"""The stand-in's own count of the billable calls that reached it."""

import dataclasses
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Seen:
    """One billable call, from the moment its head arrived."""

    number: int
    name: str | None
    """What the caller called it: ``x-standin: name=…``."""
    family: str
    path: str
    object_id: str | None = None
    """The id that was given to it, once it was answered."""
    model: str | None = None
    status: int | None = None
    usage: Mapping[str, int] | None = None
    """What was reported to the client, in acm's unit names; None where nothing was."""
    finished: bool = False
    """The whole answer was handed to the network."""


class Calls:
    """Every call, in the order of arrival. Safe to use from any thread."""

    def __init__(self) -> None:
        self._seen: dict[int, Seen] = {}
        self._changed = threading.Condition()

    def put(self, seen: Seen) -> None:
        with self._changed:
            self._seen[seen.number] = seen
            self._changed.notify_all()

    def update(self, number: int, **changes: Any) -> None:
        """Add what has become known; nothing where the call is not a billable one."""
        with self._changed:
            if number in self._seen:
                self.put(dataclasses.replace(self._seen[number], **changes))

    def all(self) -> list[Seen]:
        with self._changed:
            return list(self._seen.values())

    def named(self, name: str) -> Seen | None:
        """The latest call of that name."""
        return next((seen for seen in reversed(self.all()) if seen.name == name), None)

    def wait_for(self, name: str, timeout: float = 10.0, *, finished: bool = False) -> Seen:
        """The call of that name, once it has arrived (or is over).

        ``timeout`` is in seconds; raises TimeoutError after it.
        """

        def found() -> Seen | None:
            seen = self.named(name)
            return seen if seen and (seen.finished or not finished) else None

        with self._changed:
            seen = self._changed.wait_for(found, timeout)
        if seen is None:
            raise TimeoutError(f"no call named {name!r} within {timeout} s")
        return seen

    def wait_for_count(self, count: int, timeout: float = 10.0) -> None:
        """Until that many calls have arrived. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._seen) >= count, timeout):
                raise TimeoutError(f"fewer than {count} calls within {timeout} s")

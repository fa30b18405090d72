"""Who pays for a call, and the headers that are ours and never go upstream."""

from acm_addon.model import Attribution

_OURS = (b"x-acm-", b"x-project-token")
_PROXY = (b"proxy-authorization", b"proxy-connection")

type HeaderFields = tuple[tuple[bytes, bytes], ...]


def attribute() -> Attribution:
    """Everything belongs to the default project as long as there is no other."""
    return Attribution()


def without_own_headers(fields: HeaderFields) -> HeaderFields:
    """The header fields that go upstream, in their order, with their case and duplicates."""
    kept = tuple(field for field in fields if not _is_own(field[0].lower()))
    return kept if len(kept) != len(fields) else fields


def _is_own(name: bytes) -> bool:
    return name.startswith(_OURS) or name in _PROXY

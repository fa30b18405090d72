"""How old the prices are."""

from datetime import date

from pricing_data.loader import read_files

_BASE_AS_OF = {"0.2.3": date(2026, 11, 9)}
"""By release of genai-prices: the day of the newest price change that it holds and that had come
into force. The releases carry no date of their own."""


def base_as_of(version: str) -> date | None:
    """Up to which day a release of the base dataset knows prices; None for one we have not seen."""
    return _BASE_AS_OF.get(version)


def last_checked() -> date:
    """The last day on which a source of our own entries was read."""
    days = (
        entry["checked"]
        for provider in read_files().values()
        for entries in provider.values()
        if isinstance(entries, list)
        for entry in entries
        if isinstance(entry, dict) and "checked" in entry
    )
    return max(date.fromisoformat(str(day)) for day in days)

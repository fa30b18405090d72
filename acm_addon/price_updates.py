"""New base data for the price table: fetched or read from a file, judged, and then taken over.

Run as a module it is the scheduled update: a process of its own, started by the proxy where
``acm prices auto daily`` is on, and then once a day. Nothing else fetches by itself.
"""

import hashlib
import json
import os
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from acm_addon.errors import AcmError
from acm_addon.home import Home, acm_home
from acm_addon.model import utc_now
from acm_addon.price_changes import (
    PriceChange,
    changes,
    lost_models,
    negative_price,
    prices_at,
    prices_from,
    swings,
)
from acm_addon.price_store import (
    current_table,
    publish,
    store_base,
    table_over,
    table_to_update,
)
from acm_addon.pricing import PriceTable
from acm_addon.pricing.base import published_document

PUBLISHED = (
    "https://raw.githubusercontent.com/pydantic/genai-prices/refs/heads/main/prices/new_data/v2/"
    "data.json"
)
"""Where genai-prices publishes its data between releases."""
URL_VARIABLE = "ACM_PRICES_URL"

_PATIENCE_SECONDS = 30
"""For the next bytes."""
_PATIENCE_IN_ALL_SECONDS = 300
LARGEST_BYTES = 64_000_000
"""The published data has some two million."""


@dataclass(frozen=True, slots=True)
class Update:
    """New base data, and what it does to the prices."""

    document: dict[str, Any]
    table: PriceTable
    changes: tuple[PriceChange, ...]
    """Of what calls are billed at now."""
    refusals: tuple[str, ...]
    """Why it is not taken over unless the user accepts it."""


def url() -> str:
    return os.environ.get(URL_VARIABLE) or PUBLISHED


def fetch(address: str) -> bytes:
    """The published data. Raises AcmError."""
    host = _checked(address)
    request = urllib.request.Request(address, headers={"User-Agent": "acm"})  # noqa: S310
    opener = urllib.request.build_opener(_CheckedRedirects)
    try:
        with opener.open(request, timeout=_PATIENCE_SECONDS) as answer:
            content = _read(answer)
    except urllib.error.HTTPError as error:
        raise AcmError(
            f"{host} did not give the price data (status {error.code})",
            f"try again later, or look at {URL_VARIABLE} if it is set; the prices in use stay",
        ) from error
    except (OSError, HTTPException, ValueError) as error:
        raise AcmError(
            f"{host} did not give the price data ({type(error).__name__})",
            "is this machine online? `acm prices import FILE --sha256 HASH` needs no network",
        ) from error
    return believable(content)


def believable(content: bytes) -> bytes:
    """Raises AcmError for more than price data can be."""
    if len(content) > LARGEST_BYTES:
        raise AcmError("the price data is larger than is believable", "the prices in use stay")
    return content


class _CheckedRedirects(urllib.request.HTTPRedirectHandler):
    """Follows to where data may be fetched from, and nowhere else."""

    def redirect_request(self, *args: Any) -> urllib.request.Request | None:
        *_, target = args
        _checked(target)
        return super().redirect_request(*args)


def _checked(address: str) -> str:
    """The host of an address that nobody on the way can answer for. Raises AcmError for others."""
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    host = parts.hostname or ""
    local = host in ("127.0.0.1", "::1", "localhost")
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        raise AcmError(
            "price data is fetched over https alone", f"{URL_VARIABLE} names the address"
        )
    return host


def _read(answer: Any) -> bytes:
    """Up to one byte too many. Raises TimeoutError where that goes on and on."""
    content, end = bytearray(), time.monotonic() + _PATIENCE_IN_ALL_SECONDS
    while len(content) <= LARGEST_BYTES and (piece := answer.read1(1 << 20)):
        content += piece
        if time.monotonic() > end:
            raise TimeoutError
    return bytes(content)


def judge(content: bytes, home: Home, before: PriceTable, now: datetime) -> Update:
    """What the data would change. Raises AcmError for what is no price data, or negative.

    Needs the user's leave (``refusals``): a price that swings by more than five times, and the loss
    of a tenth of the models.
    """
    release = f"{now:%Y-%m-%d}-{hashlib.sha256(content).hexdigest()[:8]}"
    try:
        document = published_document(json.loads(content), release)
        document["as_of"] = f"{now:%Y-%m-%d}"
        if wrong := negative_price(document):
            raise AcmError(f"the data has a negative price: {wrong}", "the prices in use stay")
        table = table_over(document, home)
        old, new = prices_at(before, now), prices_at(table, now)
        # Every price is looked at, so that none can fail later, in the proxy.
        to_come = swings(prices_from(before, now), prices_from(table, now))
    except (ArithmeticError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise AcmError(
            f"this is no price data that this version reads ({type(error).__name__})",
            "upgrade acm, or look at what the address gives; the prices in use stay",
        ) from error
    today = changes(old, new)
    incredible = [change for change in today if change.incredible]
    refusals = list(dict.fromkeys(_swing(change) for change in (*incredible, *to_come)))
    if lost_models(old, new):
        refusals.append("more than a tenth of the models is gone")
    return Update(document, table, tuple(today), tuple(refusals))


def take_over(update: Update, home: Home) -> None:
    """Make the data the base of the table in use. A running proxy follows within a second."""
    update.table.freeze(home.prices)
    store_base(home, update.document)
    publish(home, current_table(home))


def main() -> int:
    """One scheduled update. What it has to say is one line of our own words."""
    home = acm_home()
    try:
        update = judge(fetch(url()), home, table_to_update(home), utc_now())
    except (
        AcmError,
        OSError,
        ValueError,
    ):  # Its message may quote the data, and this goes to the log.
        sys.stdout.write("`acm prices update` says why\n")
        return 1
    if update.refusals:
        sys.stdout.write("the new prices need a look: `acm prices update` shows them\n")
        return 1
    take_over(update, home)
    return 0


def _swing(change: PriceChange) -> str:
    key = change.key
    return f"{key.provider}/{key.model}: {key.unit} from {change.before:f} to {change.after:f}"


if __name__ == "__main__":
    sys.exit(main())

"""Finds out what ``acm doctor`` judges: asks the proxy, the disk, the ledger, and the runtimes."""

import http.client
import json
import shutil
import stat
from collections.abc import Mapping
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path

from acm_addon import process, token_key
from acm_addon.errors import AcmError
from acm_addon.home import PING_PATH, Home
from acm_addon.ledger.reader import LedgerReader
from acm_addon.model import utc_now
from acm_addon.process import ProxyState
from cli import backlog, health, price_table, runtimes
from cli.checkup import Authority, Facts, Proxy
from cli.runtimes import Trust
from pricing_data.dates import base_as_of, last_checked

PATIENCE = 5.0
"""Seconds that the proxy may take to answer."""


def look(home: Home) -> Facts:
    """Everything about one home. Raises nothing that a check is about."""
    state = process.running(home)
    authority = _authority(home)
    fault, newest, waiting = _ledger(home)
    base, as_of = _base(home)
    own_providers = _own_providers(home)
    return Facts(
        now=utc_now(),
        home=str(home.root),
        proxy=_proxy(state) if state else None,
        locked=process.is_locked(home),
        authority=authority,
        trust=tuple(_trust(home)) if authority else (),
        counters=health.counters(home),
        tables=health.tables(home),
        ledger_fault=fault,
        newest_call=newest,
        backlog=waiting,
        free_bytes=_free_bytes(home.root),
        base_version=base,
        base_as_of=as_of,
        last_checked=last_checked(),
        control_fault=token_key.fault(home),
        undelivered=_undelivered(home),
        own_providers=own_providers,
        price_fault=None if own_providers else _price_fault(home),
    )


def ping(host: str, port: int) -> str | None:
    """The version of the acm that answers at a place, over a connection of our own; else None."""
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    try:
        connection.request("GET", PING_PATH)
        answer = json.loads(connection.getresponse().read(1000))
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    found = answer.get("acm") if isinstance(answer, dict) else None
    return found if isinstance(found, str) else None


def _proxy(state: ProxyState) -> Proxy:
    return Proxy(
        host=state.host,
        port=state.port,
        pid=state.pid,
        version=state.version,
        answers=ping(state.host, state.port),
        test_upstream=state.test_upstream,
    )


def _authority(home: Home) -> Authority | None:
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificate(home.ca_certificate.read_bytes())
        mode = home.ca_key.stat().st_mode
        folder = home.ca.stat().st_mode
    except (OSError, ValueError):
        return None
    shared = stat.S_IRGRP | stat.S_IROTH
    return Authority(
        begins=found.not_valid_before_utc,
        ends=found.not_valid_after_utc,
        key_is_private=not (mode & shared and folder & (stat.S_IXGRP | stat.S_IXOTH)),
    )


def _trust(home: Home) -> list[Trust]:
    """Empty where there is nobody to ask, or nothing to ask with."""
    from acm_addon.trust import write_ca_bundle

    try:
        return runtimes.ask_all(home, write_ca_bundle(home))
    except (AcmError, OSError, ValueError):
        return []


def _ledger(home: Home) -> tuple[str | None, datetime | None, int]:
    """What is wrong with it, when its newest call was, and how many bytes wait for it."""
    try:
        with LedgerReader(home.ledger) as reader:
            newest = reader.recent(reader.newest_rowid() - 1, 1)
            waiting = backlog.waiting_bytes(home, reader)
    except AcmError as error:
        return error.message, None, sum(backlog.journal_sizes(home).values())
    return None, newest[-1].entry.time if newest else None, waiting


def _undelivered(home: Home) -> Mapping[str, int]:
    """Empty where nobody can say; what is wrong with the control data has its own check."""
    from acm_addon.control import alert_log
    from acm_addon.control.store import ControlStore

    if not home.control.exists():
        return {}
    try:
        with ControlStore(home) as store:
            return alert_log.undelivered(store, utc_now())
    except AcmError:
        return {}


def _base(home: Home) -> tuple[str, date | None]:
    """The release of the base data in use, and its day."""
    from acm_addon.price_store import base_release

    try:
        return base_release(home)
    except ValueError:  # Damaged: what is shipped stands in.
        shipped = version("genai-prices")
        return shipped, base_as_of(shipped)


def _own_providers(home: Home) -> tuple[str, str | None] | None:
    from acm_addon.user_providers import user_providers

    try:
        user_providers(home.providers)
    except AcmError as error:
        return error.message, error.hint
    return None


def _price_fault(home: Home) -> AcmError | None:
    try:
        price_table.current(home)
    except AcmError as error:
        return error
    return None


def _free_bytes(path: Path) -> int | None:
    """On the disk of a folder that need not exist yet."""
    there = next((one for one in (path, *path.absolute().parents) if one.is_dir()), None)
    try:
        return shutil.disk_usage(there).free if there else None
    except OSError:
        return None

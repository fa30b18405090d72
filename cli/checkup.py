"""What ``acm doctor`` makes of what it found. Pure: facts in, findings out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from acm_addon.errors import AcmError
from cli.price_table import OLD_DAYS, age_days
from cli.runtimes import Trust

LITTLE_DISK = 1_000_000_000
NO_DISK = 100_000_000
"""Bytes: below the first it is worth a word, below the second records may soon be lost."""
MUCH_BACKLOG = 10_000_000
"""Bytes that wait for the ledger though the proxy runs."""
CLOCK_SLACK = timedelta(minutes=5)

type Names = Mapping[str, int]


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    """Worth knowing; nothing is broken."""
    FAIL = "fail"
    """Needs hands."""


@dataclass(frozen=True, slots=True)
class Finding:
    check: str
    verdict: Verdict
    message: str
    hint: str | None = None
    """What to do; only beside what is not ok."""
    data: Mapping[str, object] = field(default_factory=dict)
    """The same for programs. The names do not change."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that says that it runs."""

    host: str
    port: int
    pid: int
    version: str
    answers: str | None
    """The version that answered at its port; None where no acm did."""
    test_upstream: str | None = None


@dataclass(frozen=True, slots=True)
class Authority:
    """The certificate of this home, where there is a sound one."""

    begins: datetime
    ends: datetime
    key_is_private: bool
    """Whether its key is readable by its owner alone."""


@dataclass(frozen=True, slots=True)
class Facts:
    now: datetime
    home: str
    proxy: Proxy | None
    locked: bool
    """Whether a proxy lives, ready or not."""
    authority: Authority | None
    trust: tuple[Trust, ...]
    counters: Mapping[str, int]
    """Of the running proxy since its start, else of the last one."""
    tables: Mapping[str, Names]
    """What the proxy counted by name, as ``acm_addon.counters`` has it."""
    ledger_fault: str | None
    newest_call: datetime | None
    backlog: int
    """Bytes of the journal that are not in the ledger."""
    free_bytes: int | None
    base_version: str
    base_as_of: date | None
    last_checked: date
    control_fault: AcmError | None = None
    """Why projects, tokens and keys cannot be told."""
    undelivered: Names = field(default_factory=dict)
    """Alerts of the last days that a channel did not take, by channel."""
    own_providers: tuple[str, str | None] | None = None
    """What is wrong with the user's file of providers, and what to try; None where nothing is."""
    price_fault: AcmError | None = None
    """Why the price table cannot be made, so that an earlier one prices calls."""


def examine(facts: Facts) -> list[Finding]:
    """Every check, in the order in which a person would go about it."""
    return [
        _proxy(facts),
        _authority(facts),
        _trust(facts),
        _rejected(facts),
        *_own_providers(facts),
        _unread(facts),
        _not_understood(facts),
        _unmetered(facts),
        _tags(facts),
        _ledger(facts),
        _control(facts),
        _alerts(facts),
        _journal(facts),
        _disk(facts),
        _clock(facts),
        _prices(facts),
    ]


def healthy(findings: list[Finding]) -> bool:
    return all(finding.verdict is not Verdict.FAIL for finding in findings)


def _proxy(facts: Facts) -> Finding:
    proxy = facts.proxy
    data: dict[str, object] = {
        "running": proxy is not None,
        "host": proxy.host if proxy else None,
        "port": proxy.port if proxy else None,
        "version": proxy.version if proxy else None,
        "answers": proxy is not None and proxy.answers is not None,
    }
    if proxy is None and facts.locked:
        hint = "ask again in a moment; `acm logs` shows what it does"
        return Finding("proxy", Verdict.FAIL, "is starting or stopping", hint, data)
    if proxy is None:
        return Finding("proxy", Verdict.FAIL, "is not running", "`acm start` starts it", data)
    place = f"{proxy.host} port {proxy.port}"
    if proxy.answers is None:
        message = f"runs (pid {proxy.pid}), and nothing of acm answers on {place}"
        return Finding("proxy", Verdict.FAIL, message, "`acm restart`, then `acm logs`", data)
    if proxy.test_upstream:
        message = f"answers on {place}, and {proxy.test_upstream} plays every provider (a test)"
        return Finding("proxy", Verdict.WARN, message, "`acm stop && acm start` ends that", data)
    return Finding("proxy", Verdict.OK, f"acm {proxy.answers} answers on {place}", None, data)


def _authority(facts: Facts) -> Finding:
    found = facts.authority
    data = {"present": found is not None, "expires": found.ends.isoformat() if found else None}
    if found is None:
        command = "acm restart" if facts.proxy else "acm start"
        hint = f"`{command}` makes one; move {facts.home}/ca away first, if it is there"
        return Finding(
            "certificate", Verdict.FAIL, "there is no sound one in acm's home", hint, data
        )
    day = f"{found.ends:%Y-%m-%d}"
    if not found.begins <= facts.now < found.ends:
        hint = "check the clock; else move the folder `ca` away and `acm restart`"
        message = f"is not valid now, but from {found.begins:%Y-%m-%d} until {day}"
        return Finding("certificate", Verdict.FAIL, message, hint, data)
    if not found.key_is_private:
        hint = f"chmod 600 {facts.home}/ca/*.pem: whoever has the key can pose as any provider"
        return Finding("certificate", Verdict.FAIL, "others can read its key", hint, data)
    return Finding("certificate", Verdict.OK, f"present, valid until {day}", None, data)


def _trust(facts: Facts) -> Finding:
    data = {
        "runtimes": [
            {"runtime": one.runtime, "through": one.through, "trusts": one.trusts}
            for one in facts.trust
        ]
    }
    wary = [f"{one.runtime} ({one.through})" for one in facts.trust if one.trusts is False]
    trusting = [one.runtime for one in facts.trust if one.trusts]
    if wary:
        message = f"not under `acm run` by {', '.join(wary)}"
        hint = (
            "a wrapper or a setting of yours overrides the variable; `acm run --gateway` needs none"
        )
        return Finding("trust", Verdict.FAIL, message, hint, data)
    if not trusting:
        hint = "see the certificate, above; `acm run --gateway` needs no trust"
        return Finding("trust", Verdict.WARN, "could not be asked", hint, data)
    return Finding("trust", Verdict.OK, f"under `acm run` by {', '.join(trusting)}", None, data)


def _rejected(facts: Facts) -> Finding:
    rejected, silent = _table(facts, "rejected_ca"), _table(facts, "silent")
    data = {"rejected": rejected, "left_without_a_word": silent}
    hint = (
        "start the program with `acm run -- CMD…`, which makes it trust acm, or use the gateway: "
        "`acm run --gateway -- CMD…`"
    )
    if rejected:
        message = f"rejected the certificate: {_counts(rejected)}"
        return Finding("clients", Verdict.FAIL, message, hint, data)
    if silent:
        message = f"hung up after the certificate, as Node does to reject it: {_counts(silent)}"
        return Finding("clients", Verdict.WARN, message, hint, data)
    return Finding("clients", Verdict.OK, "none rejected the certificate", None, data)


def _own_providers(facts: Facts) -> list[Finding]:
    """Nothing to say where there is no mistake: most have no such file."""
    if facts.own_providers is None:
        return []
    message, hint = facts.own_providers
    return [Finding("providers", Verdict.FAIL, message, hint, {})]


def _unread(facts: Facts) -> Finding:
    table = _table(facts, "passed_unread")
    if table:
        message = f"connections to AI hosts passed unmetered: {_counts(table)}"
        hint = "their calls cost money that no report shows; `acm routes` lists what is metered"
        return Finding("tunnels", Verdict.WARN, message, hint, {"hosts": table})
    message = "no AI host that acm knows was passed unmetered"
    return Finding("tunnels", Verdict.OK, message, None, {"hosts": table})


def _not_understood(facts: Facts) -> Finding:
    table = _table(facts, "not_understood")
    if table:
        message = f"called and not understood: {_counts(table)}"
        hint = "the calls are in the ledger without a cost; `acm report --by endpoint` counts them"
        return Finding("endpoints", Verdict.WARN, message, hint, {"shapes": table})
    return Finding(
        "endpoints", Verdict.OK, "all that were called are understood", None, {"shapes": table}
    )


def _unmetered(facts: Facts) -> Finding:
    number = facts.counters.get("unmetered", 0)
    data = {"calls": number}
    if number:
        message = f"{number:,} calls passed and could not be recorded"
        hint = "`acm logs` says why; see the disk below"
        return Finding("unmetered", Verdict.FAIL, message, hint, data)
    return Finding("unmetered", Verdict.OK, "every call was recorded", None, data)


def _tags(facts: Facts) -> Finding:
    number = facts.counters.get("invalid_tags", 0)
    data = {"invalid": number}
    if number:
        hint = "X-ACM-Tags: feature=search,customer=42; letters, digits and _.:@/+-, ten at most"
        return Finding("tags", Verdict.WARN, f"{number:,} were left out", hint, data)
    return Finding("tags", Verdict.OK, "none was left out", None, data)


def _ledger(facts: Facts) -> Finding:
    data = {"readable": facts.ledger_fault is None}
    if facts.ledger_fault:
        hint = f"is {facts.home}/ledger.db yours to read? Moving it away starts a new one"
        return Finding("ledger", Verdict.FAIL, facts.ledger_fault, hint, data)
    return Finding("ledger", Verdict.OK, "can be read", None, data)


def _control(facts: Facts) -> Finding:
    """Calls without a token or a proxy key pass all the same."""
    why = facts.control_fault
    data = {"usable": why is None}
    if why:
        return Finding("control", Verdict.FAIL, why.message, why.hint, data)
    return Finding("control", Verdict.OK, "projects, tokens and keys can be told", None, data)


def _alerts(facts: Facts) -> Finding:
    data = {"undelivered": dict(facts.undelivered)}
    if facts.undelivered:
        message = f"did not arrive: {_counts(facts.undelivered)}"
        hint = "`acm alert log` says why, `acm alert test` tries each channel"
        return Finding("alerts", Verdict.WARN, message, hint, data)
    return Finding("alerts", Verdict.OK, "none was refused by a channel", None, data)


def _journal(facts: Facts) -> Finding:
    data = {"backlog_bytes": facts.backlog}
    waits = f"{facts.backlog:,} bytes wait for the ledger"
    if facts.backlog and facts.proxy is None:
        hint = "`acm report` and `acm start` book them"
        return Finding("journal", Verdict.WARN, waits, hint, data)
    if facts.backlog > MUCH_BACKLOG:
        hint = "`acm logs` says whether the drain has failed; `acm restart` starts another"
        return Finding("journal", Verdict.FAIL, waits, hint, data)
    return Finding(
        "journal", Verdict.OK, waits if facts.backlog else "all in the ledger", None, data
    )


def _disk(facts: Facts) -> Finding:
    free = facts.free_bytes
    data = {"free_bytes": free}
    if free is None:
        hint = "does acm's home exist? `acm start` makes it"
        return Finding("disk", Verdict.WARN, "its free space is not known", hint, data)
    room = f"{free / 1e9:,.1f} GB free" if free >= 1e9 else f"{free / 1e6:,.0f} MB free"
    if free < LITTLE_DISK:
        verdict = Verdict.FAIL if free < NO_DISK else Verdict.WARN
        hint = "make room: without it calls pass unrecorded; ACM_HOME moves acm elsewhere"
        return Finding("disk", verdict, room, hint, data)
    return Finding("disk", Verdict.OK, room, None, data)


def _clock(facts: Facts) -> Finding:
    newest = facts.newest_call
    data = {"now": facts.now.isoformat(timespec="seconds")}
    hint = "set this machine's clock; calls are priced and reported by it"
    if facts.now.date() < facts.last_checked - timedelta(days=1):
        message = f"{facts.now:%Y-%m-%d} is before acm was made ({facts.last_checked})"
        return Finding("clock", Verdict.FAIL, message, hint, data)
    if newest and newest > facts.now + CLOCK_SLACK:
        message = f"the newest call is of {newest:%Y-%m-%d %H:%M} UTC: the clock was set back"
        return Finding("clock", Verdict.WARN, message, hint, data)
    return Finding("clock", Verdict.OK, f"{facts.now:%Y-%m-%d %H:%M} UTC is plausible", None, data)


def _prices(facts: Facts) -> Finding:
    as_of, name = facts.base_as_of, f"genai-prices {facts.base_version}"
    age = age_days(as_of, facts.now)
    data = {
        "base": facts.base_version,
        "as_of": as_of.isoformat() if as_of else None,
        "age_days": age,
        "own_entries_checked": facts.last_checked.isoformat(),
        "usable": facts.price_fault is None,
    }
    if why := facts.price_fault:
        message = f"changes are not in use: {why.message}"
        return Finding("prices", Verdict.FAIL, message, why.hint, data)
    hint = "newer models may be unpriced, prices wrong: `acm prices update`"
    if as_of is None or age is None:
        return Finding("prices", Verdict.WARN, f"the age of {name} is not known", hint, data)
    days = f"{age:,} day{'' if age == 1 else 's'}"
    if age > OLD_DAYS:
        return Finding("prices", Verdict.WARN, f"old: {name} is of {as_of}, {days} ago", hint, data)
    return Finding("prices", Verdict.OK, f"{name} is of {as_of}, {days} ago", None, data)


def _table(facts: Facts, name: str) -> dict[str, int]:
    """The most frequent first."""
    table = facts.tables.get(name, {})
    return dict(sorted(table.items(), key=lambda item: (-item[1], item[0])))


def _counts(table: Names) -> str:
    return ", ".join(f"{name} ({number:,})" for name, number in table.items())

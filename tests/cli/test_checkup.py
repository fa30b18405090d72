"""What acm doctor makes of what it found."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from acm_addon.errors import AcmError
from cli.checkup import Authority, Facts, Finding, Proxy, Verdict, examine, healthy
from cli.doctor import finding_json, lines, summary
from cli.runtimes import Trust

NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)

WELL = Facts(
    now=NOW,
    home="/home/me/acm",
    proxy=Proxy("127.0.0.1", 4141, 7, "0.1.0", answers="0.1.0"),
    locked=True,
    authority=Authority(NOW - timedelta(days=1), NOW + timedelta(days=3649), key_is_private=True),
    trust=(
        Trust("python ssl", "SSL_CERT_FILE", True),
        Trust("python httpx", "SSL_CERT_FILE", None),
        Trust("curl", "CURL_CA_BUNDLE", True),
    ),
    counters={"calls": 9, "unmetered": 0},
    tables={},
    ledger_fault=None,
    newest_call=NOW - timedelta(hours=1),
    backlog=0,
    free_bytes=81_400_000_000,
    base_version="0.2.3",
    base_as_of=date(2026, 11, 9),
    last_checked=date(2026, 11, 22),
)

ALL_WELL = """\
ok    proxy         acm 0.1.0 answers on 127.0.0.1 port 4141
ok    certificate   present, valid until 2036-11-18
ok    trust         under `acm run` by python ssl, curl
ok    clients       none rejected the certificate
ok    tunnels       no AI host that acm knows was passed unmetered
ok    endpoints     all that were called are understood
ok    unmetered     every call was recorded
ok    tags          none was left out
ok    ledger        can be read
ok    control       projects, tokens and keys can be told
ok    alerts        none was refused by a channel
ok    journal       all in the ledger
ok    disk          81.4 GB free
ok    clock         2026-11-22 14:30 UTC is plausible
ok    prices        genai-prices 0.2.3 is of 2026-11-09, 13 days ago

Everything is in order.
"""

ILL = replace(
    WELL,
    trust=(Trust("node", "NODE_EXTRA_CA_CERTS", False), Trust("curl", "CURL_CA_BUNDLE", True)),
    counters={"unmetered": 1234, "invalid_tags": 2},
    tables={
        "rejected_ca": {"api.openai.com": 2, "api.anthropic.com": 3},
        "passed_unread": {"*.openai.azure.com": 4},
        "not_understood": {"openai POST /v1/threads/{}/runs": 1},
    },
    control_fault=AcmError("it is gone", "fetch it"),
    undelivered={"ops": 2},
    free_bytes=50_000_000,
    now=NOW + timedelta(days=60),
)

ALL_ILL = """\
ok    proxy         acm 0.1.0 answers on 127.0.0.1 port 4141
ok    certificate   present, valid until 2036-11-18
fail  trust         not under `acm run` by node (NODE_EXTRA_CA_CERTS)
                    hint: a wrapper or a setting of yours overrides the variable; `acm run
                    --gateway` needs none
fail  clients       rejected the certificate: api.anthropic.com (3), api.openai.com (2)
                    hint: start the program with `acm run -- CMD…`, which makes it trust acm, or
                    use the gateway: `acm run --gateway -- CMD…`
warn  tunnels       connections to AI hosts passed unmetered: *.openai.azure.com (4)
                    hint: their calls cost money that no report shows; `acm routes` lists what
                    is metered
warn  endpoints     called and not understood: openai POST /v1/threads/{}/runs (1)
                    hint: the calls are in the ledger without a cost; `acm report --by endpoint`
                    counts them
fail  unmetered     1,234 calls passed and could not be recorded
                    hint: `acm logs` says why; see the disk below
warn  tags          2 were left out
                    hint: X-ACM-Tags: feature=search,customer=42; letters, digits and _.:@/+-,
                    ten at most
ok    ledger        can be read
fail  control       it is gone
                    hint: fetch it
warn  alerts        did not arrive: ops (2)
                    hint: `acm alert log` says why, `acm alert test` tries each channel
ok    journal       all in the ledger
fail  disk          50 MB free
                    hint: make room: without it calls pass unrecorded; ACM_HOME moves acm
                    elsewhere
ok    clock         2027-01-21 14:30 UTC is plausible
warn  prices        old: genai-prices 0.2.3 is of 2026-11-09, 73 days ago
                    hint: newer models may be unpriced, prices wrong: `acm prices update`

5 need hands, 5 are worth knowing.
"""


def screen(facts: Facts) -> str:
    findings = examine(facts)
    return "\n".join(
        [*(line for one in findings for line in lines(one)), "", summary(findings), ""]
    )


def finding(facts: Facts, check: str) -> Finding:
    return next(one for one in examine(facts) if one.check == check)


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


def test_the_screen_of_the_well() -> None:
    """One line a check."""
    assert ALL_WELL == screen(WELL)
    assert healthy(examine(WELL))


def test_the_screen_of_the_ill() -> None:
    """Whatever is not ok has a hint below it."""
    assert ALL_ILL == screen(ILL)
    assert not healthy(examine(ILL))


@pytest.mark.parametrize(
    ("check", "change", "verdict", "said"),
    [
        ("proxy", {"proxy": None, "locked": False}, "fail", "is not running"),
        ("proxy", {"proxy": None}, "fail", "is starting or stopping"),
        ("proxy", {"proxy": replace(WELL.proxy, answers=None)}, "fail", "nothing of acm answers"),
        ("proxy", {"proxy": replace(WELL.proxy, test_upstream="x:9")}, "warn", "x:9 plays every"),
        ("certificate", {"authority": None}, "fail", "there is no sound one"),
        ("certificate", {"now": NOW - timedelta(days=2)}, "fail", "is not valid now"),
        ("certificate", {"now": NOW + timedelta(days=3650)}, "fail", "is not valid now"),
        (
            "certificate",
            {"authority": replace(WELL.authority, key_is_private=False)},
            "fail",
            "others can read its key",
        ),
        ("trust", {"trust": ()}, "warn", "could not be asked"),
        ("clients", {"tables": {"silent": {"api.x.ai": 2}}}, "warn", "api.x.ai (2)"),
        ("ledger", {"ledger_fault": "cannot read it"}, "fail", "cannot read it"),
        ("journal", {"backlog": 5}, "ok", "5 bytes wait"),
        ("journal", {"backlog": 5, "proxy": None}, "warn", "5 bytes wait"),
        ("journal", {"backlog": 10**8}, "fail", "100,000,000 bytes wait"),
        ("disk", {"free_bytes": 500_000_000}, "warn", "500 MB free"),
        ("disk", {"free_bytes": None}, "warn", "not known"),
        ("clock", {"now": datetime(2026, 11, 20, tzinfo=UTC)}, "fail", "before acm was made"),
        ("clock", {"newest_call": NOW + timedelta(hours=1)}, "warn", "was set back"),
        ("clock", {"newest_call": NOW + timedelta(minutes=1)}, "ok", "plausible"),
        ("prices", {"now": NOW + timedelta(days=32)}, "ok", "45 days ago"),
        ("prices", {"now": NOW + timedelta(days=33)}, "warn", "old: "),
        ("prices", {"base_as_of": None}, "warn", "is not known"),
    ],
)
def test_each_check_has_its_limits(
    check: str, change: dict[str, object], verdict: str, said: str
) -> None:
    """What is wrong is said, with a hint wherever it is not ok."""
    found = finding(replace(WELL, **change), check)  # type: ignore[arg-type]
    assert verdict == found.verdict.value
    assert said in found.message
    assert (found.verdict is Verdict.OK) == (found.hint is None)


def test_the_json_of_a_finding_is_stable() -> None:
    """The same names whether it is ok or not, so that a program need not ask."""
    assert {
        "check": "clients",
        "status": "fail",
        "message": "rejected the certificate: api.anthropic.com (3), api.openai.com (2)",
        "hint": finding(ILL, "clients").hint,
        "data": {
            "rejected": {"api.anthropic.com": 3, "api.openai.com": 2},
            "left_without_a_word": {},
        },
    } == finding_json(finding(ILL, "clients"))
    names = [(one.check, list(one.data)) for facts in (WELL, ILL) for one in examine(facts)]
    assert names[: len(names) // 2] == names[len(names) // 2 :]
    gone = replace(WELL, proxy=None, authority=None, trust=(), base_as_of=None, free_bytes=None)
    assert names[: len(names) // 2] == [(one.check, list(one.data)) for one in examine(gone)]


def test_every_name_is_documented() -> None:
    """docs/doctor.md is the contract of the JSON."""
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text()
    names = {name for one in examine(WELL) for name in (one.check, *one.data)}
    assert set() == {name for name in names if f"`{name}`" not in page}


def test_a_few_findings_are_counted_in_words() -> None:
    """One needs, two need."""
    assert "Nothing needs hands; 1 is worth knowing." == summary(
        examine(replace(WELL, base_as_of=None))
    )
    assert "1 needs hands, 0 are worth knowing." == summary(
        examine(replace(WELL, ledger_fault="x"))
    )


def test_a_damaged_certificate_has_to_go_first() -> None:
    """The proxy makes a new one only where there is none."""
    ends = " makes one; move /home/me/acm/ca away first, if it is there"
    gone = replace(WELL, authority=None)
    assert f"`acm restart`{ends}" == finding(gone, "certificate").hint
    assert f"`acm start`{ends}" == finding(replace(gone, proxy=None), "certificate").hint

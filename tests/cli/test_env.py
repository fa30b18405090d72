"""What a program's environment gets: acm env, acm routes, and the pure choices behind them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

import certifi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acm_addon import process
from acm_addon.home import Home
from acm_addon.process import ProxyOptions, ProxyState
from acm_addon.providers import PROVIDERS
from acm_addon.routing import leads_to
from acm_addon.trust import TRUST_VARIABLES
from cli import clients
from cli.env import Shell, lines_for

type Screen = Callable[..., tuple[int, str, str]]

CHILD = [sys.executable, str(Path(__file__).parents[1] / "process_child.py")]


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without proxies, roots, or base URLs of their own, in a POSIX shell."""
    mine = {
        *clients.PROXY_VARIABLES,
        *clients.NO_PROXY_VARIABLES,
        *TRUST_VARIABLES,
        *(url.name for url in clients.BASE_URLS),
        "ALL_PROXY",
        "all_proxy",
    }
    for name in mine:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SHELL", "/bin/bash")


@pytest.fixture
def proxy(home: Home) -> Iterator[ProxyState]:
    """A running proxy, played, with a certificate in its home."""
    home.ensure().ca_certificate.write_text(
        certifi.contents().partition("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    )
    yield process.start_background(home, ProxyOptions(port=4567), command=CHILD)
    process.stop(home)


def test_env_leads_through_the_proxy(acm: Screen, home: Home, proxy: ProxyState) -> None:
    """Proxy, exceptions, and roots; plain http is left as it is."""
    code, out, err = acm("env", "--json")
    assert (0, "") == (code, err)
    variables = json.loads(out)
    assert "http://127.0.0.1:4567" == variables["HTTPS_PROXY"] == variables["https_proxy"]
    assert "localhost,127.0.0.1,::1" == variables["NO_PROXY"] == variables["no_proxy"]
    for name in TRUST_VARIABLES:
        assert str(home.ca_bundle) == variables[name]
    assert home.ca_bundle.is_file()
    assert not {"HTTP_PROXY", "http_proxy"} & variables.keys()


def test_env_gateway_needs_no_certificate(acm: Screen, home: Home, proxy: ProxyState) -> None:
    """Base URLs as each SDK expects them, and nothing about trust."""
    home.ca_certificate.unlink()
    variables = json.loads(acm("env", "--gateway", "--json")[1])
    assert "http://127.0.0.1:4567/openai/v1" == variables["OPENAI_BASE_URL"]
    assert "http://127.0.0.1:4567/anthropic" == variables["ANTHROPIC_BASE_URL"]
    assert "http://127.0.0.1:4567/gemini" == variables["GOOGLE_GEMINI_BASE_URL"]
    assert "127.0.0.1" in variables["NO_PROXY"]
    assert not set(TRUST_VARIABLES) & variables.keys()


def test_what_a_shell_evaluates_is_what_is_meant(acm: Screen, proxy: ProxyState) -> None:
    """A real sh takes the output."""
    lines, variables = acm("env")[1], json.loads(acm("env", "--json")[1])
    assert variables == _evaluated(["sh"], lines, variables, {})


@settings(deadline=None, max_examples=15)
@given(
    st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=20
    )
)
def test_any_value_survives_quoting_in_sh(values: list[str]) -> None:
    """Quotes, dollars, newlines: a path may hold them all."""
    variables = {f"ACM_{number}": value for number, value in enumerate(values)}
    lines = "\n".join(lines_for(Shell.SH, variables))
    assert variables == _evaluated(["sh"], lines, variables, {})


@pytest.mark.parametrize(("shell", "program"), [(Shell.FISH, "fish"), (Shell.POWERSHELL, "pwsh")])
def test_any_value_survives_quoting_in_other_shells(shell: Shell, program: str) -> None:
    """The same, where the shell is installed."""
    if not shutil.which(program):
        pytest.skip(f"{program} is not installed")
    values = {"ACM_A": "it's $HOME \\ \\' `x`", "ACM_B": "“quoted”"}
    assert values == _evaluated([program], "\n".join(lines_for(shell, values)), values, {})


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        (Shell.SH, ["export A='it'\"'\"'s';", "unset B;"]),
        (Shell.FISH, ["set -gx A 'it\\'s';", "set -e B;"]),
        (
            Shell.POWERSHELL,
            ["$Env:A = 'it''s';", "Remove-Item Env:B -ErrorAction SilentlyContinue;"],
        ),
    ],
)
def test_each_shell_gets_its_own_syntax(shell: Shell, expected: list[str]) -> None:
    """Setting and unsetting."""
    assert expected == lines_for(shell, {"A": "it's", "B": None})


def test_the_users_shell_is_chosen_unless_one_is_named(
    acm: Screen, proxy: ProxyState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """fish is recognised from SHELL; an option wins."""
    monkeypatch.setenv("SHELL", "/usr/local/bin/fish")
    assert "set -gx HTTPS_PROXY 'http://127.0.0.1:4567';" in acm("env")[1]
    assert "$Env:HTTPS_PROXY = " in acm("env", "--shell", "powershell")[1]
    assert 2 == acm("env", "--shell", "tcsh")[0]


def test_unset_takes_back_all_that_was_set(acm: Screen, proxy: ProxyState) -> None:
    """In a shell that had nothing before, nothing is left, from either way."""
    for way in ([], ["--gateway"]):
        given_ = json.loads(acm("env", *way, "--json")[1])
        with pytest.MonkeyPatch.context() as patch:
            for name, value in given_.items():
                patch.setenv(name, value)
            back = json.loads(acm("env", "--unset", "--json")[1])
        assert dict.fromkeys(given_) == back


def test_unset_leaves_alone_what_is_not_ours(acm: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """A company's proxy and roots stay, and its exceptions lose only our additions."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.company.example:3128")
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/company.pem")
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1,::1,.company.example")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://llm.company.example/v1")
    assert {"NO_PROXY": ".company.example"} == json.loads(acm("env", "--unset", "--json")[1])


def test_env_without_a_proxy_prints_nothing_to_evaluate(acm: Screen) -> None:
    """An eval of it then changes nothing, and the user sees why."""
    code, out, err = acm("env")
    assert (1, "") == (code, out)
    assert "the proxy is not running" in err
    assert "hint: `acm start`" in err


def test_another_proxy_of_the_users_is_warned_about(
    acm: Screen, proxy: ProxyState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name is told; its URL may hold a password and is not."""
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hunter2@proxy.company.example:3128")
    code, out, err = acm("env")
    assert 0 == code
    assert "# warning: HTTPS_PROXY names another proxy" in err
    assert "hunter2" not in out + err


def test_a_server_of_the_users_own_is_left_alone(
    acm: Screen, proxy: ProxyState, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key must not go to the provider instead. The provider's own URL is replaced."""
    monkeypatch.setenv("OPENAI_BASE_URL", "https://me:hunter2@llm.company.example/v1")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://api.anthropic.com")
    code, out, err = acm("env", "--gateway")
    assert 0 == code
    assert "export OPENAI_BASE_URL=" not in out
    assert "export ANTHROPIC_BASE_URL=http://127.0.0.1:4567/anthropic;" in out
    assert "warning: OPENAI_BASE_URL names a server of your own" in err
    assert "hunter2" not in out + err


@pytest.mark.parametrize(
    ("inherited", "expected"),
    [
        (None, "localhost,127.0.0.1,::1"),
        ("", "localhost,127.0.0.1,::1"),
        ("*", "localhost,127.0.0.1,::1"),
        (".corp, 10.0.0.0/8 ,localhost", "localhost,127.0.0.1,::1,.corp,10.0.0.0/8"),
    ],
)
def test_exceptions_are_kept_and_extended(inherited: str | None, expected: str) -> None:
    """All but ``*``, which would switch the proxy off that the user asks for."""
    found = clients.forward_environment(1, Path("/b"), inherited)
    assert expected == found["NO_PROXY"] == found["no_proxy"]


def test_our_own_proxy_is_not_another_one() -> None:
    """`acm run` in a shell after `acm env`."""
    ours = clients.forward_environment(4141, Path("/b"), None)
    assert clients.other_proxy(ours, 4141) is None
    assert "ALL_PROXY" == clients.other_proxy({**ours, "ALL_PROXY": "socks5://h:1"}, 4141)
    assert [] == clients.own_base_urls(clients.gateway_environment(4141), 4141)


def test_an_sdk_that_heeds_no_proxy_is_led_to_the_gateway() -> None:
    """Replicate's brings a transport of its own: without this its calls would not be seen."""
    forward = clients.forward_environment(4141, Path("/b"), None)
    expected = "http://127.0.0.1:4141/replicate"
    assert expected == forward["REPLICATE_BASE_URL"]
    assert "OPENAI_BASE_URL" not in forward


def test_together_is_given_the_host_alone() -> None:
    """Its SDK appends the version, which is not the same for every endpoint."""
    gateway = clients.gateway_environment(4141)
    assert "http://127.0.0.1:4141/together" == gateway["TOGETHER_BASE_URL"]


def test_every_base_url_belongs_to_a_provider_that_is_there() -> None:
    """Or the gateway would answer 404."""
    names = {provider.name for provider in PROVIDERS}
    assert set() == {url.provider for url in clients.BASE_URLS} - names


def test_an_ipv6_address_is_bracketed() -> None:
    """In a URL, it has to be."""
    assert "http://[::1]:4141" == clients.origin(4141, "::1")


NODE = "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js"
CODEX = "/usr/lib/node_modules/@openai/codex/bin/codex.js"


@pytest.mark.parametrize(
    ("name", "file", "first_line", "expected"),
    [
        ("node", "/usr/bin/node", "\x7fELF", True),
        ("/opt/node/bin/node", "/opt/node/bin/node", "\x7fELF", True),
        ("npx", "/home/me/.volta/bin/volta-shim", "\x7fELF", True),
        ("tool", "/home/me/tool", "#!/usr/bin/env node\n", True),
        ("tool", "/home/me/tool", "#!/usr/bin/env -S node --no-warnings\n", True),
        ("tool", "/home/me/tool", "#! /usr/local/bin/node\n", True),
        ("claude", NODE, "#!/usr/bin/env node\n", True),
        ("claude", NODE, "\x7fELF", True),
        ("codex", CODEX, "#!/usr/bin/env node\n", False),
        ("python", "/usr/bin/python3.12", "\x7fELF", False),
        ("deno", "/usr/bin/deno", "\x7fELF", False),
        ("tool", "/home/me/tool", "#!/usr/bin/env python3\n", False),
        ("tool", "/home/me/node/tool", "#!/bin/sh\n", False),
        ("tool", "/home/me/tool", "#!\n", False),
        ("tool", "/home/me/tool", "#!/usr/bin/env\n", False),
        ("tool", "/home/me/tool", "", False),
    ],
)
def test_programs_that_ignore_proxies_are_recognised(
    name: str, file: str, first_line: str, expected: bool
) -> None:
    """By name, by interpreter, and by where npm puts them."""
    assert expected is clients.needs_gateway(name, PurePosixPath(file), first_line)


def test_routes_lists_every_provider(acm: Screen, home: Home) -> None:
    """Path, upstream and hosts of each, with the default port while nothing runs."""
    code, out, err = acm("routes")
    assert (0, "") == (code, err)
    for provider in PROVIDERS:
        line = next(line for line in out.splitlines() if line.startswith(f"{provider.name} "))
        assert f"http://127.0.0.1:4141/{provider.name}/" in line
        assert leads_to(provider) in line
        assert all(host in line for host in provider.hosts)
    assert "http://127.0.0.1:4141/v1/" in out


def test_routes_in_json_names_the_running_port(acm: Screen, proxy: ProxyState) -> None:
    """The same table for scripts."""
    table = json.loads(acm("routes", "--json")[1])
    assert "http://127.0.0.1:4567" == table["gateway"]
    assert [provider.name for provider in PROVIDERS] == [row["name"] for row in table["providers"]]
    openai = table["providers"][0]
    assert "http://127.0.0.1:4567/openai/v1" == openai["base_urls"]["OPENAI_BASE_URL"]


def _evaluated(
    shell: list[str], lines: str, wanted: Mapping[str, object], environment: Mapping[str, str]
) -> dict[str, str]:
    """The wanted variables as a program sees them that the shell starts after the lines."""
    show = f"{sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
    ended = subprocess.run(
        [*shell, "-c", f"{lines}\n{show}"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"], "PYTHONUTF8": "1", **environment},
    )
    found = json.loads(ended.stdout)
    return {name: found[name] for name in wanted}


def test_env_without_a_standard_output_is_no_failure(home: Home, proxy: ProxyState) -> None:
    """It was closed: there is nobody to tell."""
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "cli", "env"],
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    assert (0, b"") == (done.returncode, done.stderr)

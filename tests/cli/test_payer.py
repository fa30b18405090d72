"""Who pays for what acm run starts."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import certifi
import pytest

from acm_addon import master_key, process
from acm_addon.control import project_tokens, projects, settings
from acm_addon.control.store import ControlStore
from acm_addon.home import Home
from cli import clients
from cli.payer import repository_name

type Screen = Callable[..., tuple[int, str, str]]

CHILD = [sys.executable, str(Path(__file__).parents[1] / "process_child.py")]
SHOW = "import json, os, sys; json.dump(dict(os.environ), open(sys.argv[1], 'w'))"


SHOW_COMMANDS = """
import json, os, sys, psutil
with open(sys.argv[1], "w") as out:
    running = [each.info["cmdline"] for each in psutil.process_iter(["cmdline"])]
    json.dump({"HTTPS_PROXY": os.environ["HTTPS_PROXY"], "running": running}, out)
"""
"""A program that writes down what every process of the machine was started with."""


@pytest.fixture(autouse=True)
def played_proxy(home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The proxy process is played. We are in a git repository."""
    monkeypatch.setattr(process, "proxy_command", lambda: CHILD)
    for name in (*clients.PROXY_VARIABLES, *(url.name for url in clients.BASE_URLS)):
        monkeypatch.delenv(name, raising=False)
    home.ensure().ca_certificate.write_text(
        certifi.contents().partition("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(Path(process.__file__).parents[1]))
    folder = tmp_path / "My Repo" / "inner"
    folder.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(folder.parent)], check=True)
    monkeypatch.chdir(folder)
    yield
    process.stop(home)


@pytest.fixture
def child(acm: Screen, tmp_path: Path) -> Callable[..., dict[str, str]]:
    def run(*options: str) -> dict[str, str]:
        out = tmp_path / "environment.json"
        assert 0 == acm("run", *options, "--", sys.executable, "-c", SHOW, str(out))[0]
        found = json.loads(out.read_text())
        assert isinstance(found, dict)
        return found

    return run


def test_a_repository_pays_by_its_name(home: Home, child: Callable[..., dict[str, str]]) -> None:
    """As proxy user or in the path; the project is made by itself. A name that was given wins."""
    assert "My-Repo" == urlsplit(child()["HTTPS_PROXY"]).username
    assert "/_p/My-Repo/openai/v1" == urlsplit(child("--gateway")["OPENAI_BASE_URL"]).path
    with ControlStore(home) as store:
        assert ["default", "My-Repo"] == [one.name for one in projects.everything(store)]
    assert urlsplit(child("--project", "default")["HTTPS_PROXY"]).username is None


def test_tags_travel_with_the_name(child: Callable[..., dict[str, str]]) -> None:
    """As the password, and in the path."""
    tags = ("--tag", "feature=search", "--tag", "n=a/b")
    proxy = urlsplit(child(*tags)["HTTPS_PROXY"])
    assert ("My-Repo", "feature%3Dsearch%2Cn%3Da%2Fb") == (proxy.username, proxy.password)
    path = urlsplit(child("--gateway", *tags)["OPENAI_BASE_URL"]).path
    assert "/_p/My-Repo/_t/feature=search,n=a%2Fb/openai/v1" == path


def test_where_tokens_are_required_a_run_has_one_of_its_own(
    home: Home, child: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gone when the program has ended, and good for 30 days where `acm run` cannot see to that."""
    lives: list[timedelta] = []
    forget = project_tokens.forget

    def look_and_forget(store: ControlStore, number: int) -> None:
        (token,) = project_tokens.of_project(store, "My-Repo")
        assert token.expires is not None
        lives.append(token.expires - token.created)
        forget(store, number)

    monkeypatch.setattr(project_tokens, "forget", look_and_forget)
    with ControlStore(home) as store:
        settings.put(store, settings.REQUIRE_TOKEN, on=True)
    user = urlsplit(child()["HTTPS_PROXY"]).username
    assert user and user.startswith("acm_proj_")
    with ControlStore(home) as store:
        assert [] == project_tokens.of_project(store, "My-Repo")
    assert [timedelta(days=30)] == lives


def test_the_token_of_a_run_is_in_no_command_line(acm: Screen, home: Home, tmp_path: Path) -> None:
    """Every user of the machine can read those."""
    acm("config", "set", "require-token", "on")
    out = tmp_path / "commands.json"
    assert 0 == acm("run", "--", sys.executable, "-c", SHOW_COMMANDS, str(out))[0]
    found = json.loads(out.read_text())
    token = urlsplit(found["HTTPS_PROXY"]).username
    assert str(out) in str(found["running"])
    assert token not in str(found["running"])


def test_a_project_that_is_not_there_stops_only_who_named_it(
    acm: Screen, home: Home, child: Callable[..., dict[str, str]]
) -> None:
    """A repository whose project is archived is paid by the default one, and that is said."""
    code, _, err = acm("run", "--project", "nope", "--", "true")
    assert 1 == code
    assert "there is no project 'nope'" in err
    child()
    acm("project", "archive", "My-Repo")
    assert urlsplit(child()["HTTPS_PROXY"]).username is None
    assert 1 == acm("run", "--project", "My-Repo", "--", "true")[0]
    assert 2 == acm("run", "--tag", "no tag", "--", "true")[0]


def test_damaged_control_data_do_not_stop_a_program(
    acm: Screen, home: Home, child: Callable[..., dict[str, str]]
) -> None:
    """Traffic first: the default project pays, and a warning says so."""
    home.control.write_bytes(b"garbage " * 1000)
    assert urlsplit(child()["HTTPS_PROXY"]).username is None
    assert "warning: the default project pays: cannot use" in acm("run", "--", "true")[2]


def test_the_master_key_is_not_handed_on(
    child: Callable[..., dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program needs it for nothing."""
    monkeypatch.setenv(master_key.VARIABLE, "A" * 43 + "=")
    assert master_key.VARIABLE not in child()
    assert master_key.VARIABLE in os.environ


def test_the_name_of_a_repository(tmp_path: Path) -> None:
    """From any folder inside; of a worktree that of its main one; of a submodule its own."""
    main, tree, module = tmp_path / "main", tmp_path / "tree", tmp_path / "main" / "module"
    (main / ".git" / "worktrees" / "tree").mkdir(parents=True)
    (main / "deep" / "er").mkdir(parents=True)
    for folder, target in (
        (tree, main / ".git" / "worktrees" / "tree"),
        (module, Path("../.git/modules/module")),
    ):
        folder.mkdir()
        (folder / ".git").write_text(f"gitdir: {target}\n")
    assert "main" == repository_name(main / "deep" / "er") == repository_name(tree)
    assert "module" == repository_name(module)
    assert repository_name(tmp_path) is None

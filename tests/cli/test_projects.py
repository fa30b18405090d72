"""acm project, acm key and acm config, as they are typed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from acm_addon.home import Home
from cli.exits import UsageError
from cli.expiry import parse_expiry

type Screen = Callable[..., tuple[int, str, str]]

SECRET = "sk-proj-abcdefghijklmnopqrstuvwxyz"


def test_a_project_from_its_making_to_its_archive(
    acm: Screen, book: Callable[..., object], make: SimpleNamespace
) -> None:
    """What is shown of it, before and after a rename that takes its calls along."""
    assert (0, "") == acm("project", "create", "bot", "--provider", "anthropic")[::2]
    now = datetime.now(UTC)
    book(make.priced(now, project="bot"), make.priced(now, project="bot"))
    shown = acm("project", "show", "bot")[1]
    for line in ("Provider:       anthropic", "Status:         active", "$0.00479, 2 calls"):
        assert line in shown
    assert 0 == acm("project", "rename", "bot", "robot")[0]
    found = json.loads(acm("project", "show", "bot", "--json")[1])
    assert ("robot", 2) == (found["name"], found["this_month"]["requests"])
    assert "0.00479" == found["this_month"]["cost_usd"]
    assert 0 == acm("project", "archive", "robot")[0]
    listed = {row["name"]: row["status"] for row in json.loads(acm("project", "list", "--json")[1])}
    assert {"default": "active", "robot": "archived"} == listed
    assert "active" in acm("project", "archive", "--undo", "robot")[1]
    assert "robot" in acm("project", "list")[1]


def test_a_token_is_data_once(acm: Screen, home: Home) -> None:
    """Standard output has it alone; what is said of it is elsewhere. It is never shown again."""
    acm("project", "create", "bot")
    code, out, err = acm("project", "token", "new", "bot", "--expires", "30d")
    secret = out.strip()
    assert (0, "acm_proj_", 1) == (code, secret[:9], len(out.splitlines()))
    assert "shown once" in err and secret not in err
    listed = acm("project", "token", "list", "bot")[1]
    assert f"acm_proj_…{secret[-4:]}" in listed and secret not in listed
    assert 0 == acm("project", "token", "revoke", "bot", secret[-4:])[0]
    (token,) = json.loads(acm("project", "token", "list", "bot", "--json")[1])
    assert "revoked" == token["status"]
    made = json.loads(acm("project", "token", "new", "bot", "--json")[1])
    assert ("active", None) == (made["status"], made["expires"])


def test_the_end_of_a_token_is_listed_to_the_minute(acm: Screen) -> None:
    """A day is good to its last hour: its end alone would read as a day more."""
    acm("project", "token", "new", "default", "--expires", "2999-12-30")
    assert acm("project", "token", "list", "default")[1].endswith("2999-12-31 00:00\n")


def test_a_lost_token_key_is_told(acm: Screen, home: Home) -> None:
    """By the doctor, and by who would need it."""
    assert 0 == acm("project", "token", "new", "default")[0]
    home.token_key.unlink()
    found = json.loads(acm("doctor", "--json")[1])["checks"]
    (control,) = [one for one in found if one["check"] == "control"]
    assert ("fail", {"usable": False}) == (control["status"], control["data"])
    code, out, err = acm("project", "token", "new", "default")
    assert (1, "") == (code, out)
    assert f"error: {control['message']}\nhint: {control['hint']}\n" == err


def test_a_key_from_the_pipe_to_the_list(
    acm: Screen, home: Home, pipe: Callable[[str], None]
) -> None:
    """It is never printed; neither is the one that replaces it."""
    pipe(SECRET + "\n")
    code, out, err = acm("key", "add", "openai")
    assert (0, "") == (code, err)
    assert "sk-proj-…wxyz" in out and "in a file of acm's home" in out
    _, secret, _ = acm("key", "issue", "prog", "--provider", "openai", "--model", "gpt-4o*,o1")
    assert secret.startswith("acm_key_")
    pipe(SECRET.upper())
    assert "…WXYZ" in acm("key", "rotate", "openai")[1]
    assert secret != acm("key", "rotate", "prog")[1]
    assert 0 == acm("key", "rotate-master")[0]
    code, out, _ = acm("key", "list", "--check", "--json")
    found = json.loads(out)
    assert (0, True) == (code, found["provider_keys"][0]["opens"])
    assert ["gpt-4o*", "o1"] == found["proxy_keys"][0]["models"]
    assert 0 == acm("key", "revoke", "prog")[0] == acm("key", "revoke", "openai")[0]
    text = acm("key", "list")[1]
    assert 2 == text.count("revoked")
    assert SECRET[8:] not in text and secret.strip() not in text


def test_the_list_says_which_key_a_proxy_key_stands_for(
    acm: Screen, pipe: Callable[[str], None]
) -> None:
    """Where it was chosen; else it is the newest one, whichever that is."""
    pipe(SECRET)
    acm("key", "add", "old", "--provider", "openai")
    acm("key", "issue", "fixed", "--key", "old")
    acm("key", "issue", "newest")
    shown = {line.split()[0]: line for line in acm("key", "list")[1].splitlines()}
    assert shown["fixed"].endswith("for key old") and shown["newest"].endswith("-")
    found = json.loads(acm("key", "list", "--json")[1])["proxy_keys"]
    assert ["old", None] == [each["stands_for"] for each in found]


def test_a_vault_that_does_not_open_is_one_clear_line(
    acm: Screen, home: Home, pipe: Callable[[str], None]
) -> None:
    """With a hint, and exit code 1."""
    pipe(SECRET)
    acm("key", "add", "openai")
    home.master_key.write_text("A" * 43 + "=")
    code, out, err = acm("key", "list", "--check")
    assert (1, "") == (code, out)
    assert "error: the master key in the file is not the one" in err
    assert "hint: " in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("typed", "code", "complaint"),
    [
        ("project create a/b", 1, "cannot name a project"),
        ("project create x --provider nope", 2, "there is no provider 'nope'"),
        ("project show nope", 1, "there is no project 'nope'"),
        ("project token new nope", 1, "there is no project 'nope'"),
        ("project token new default --expires never", 2, "is not a time to come"),
        ("project token revoke default 7", 1, "no token '7'"),
        ("project", 2, "missing command"),
        ("key add nope", 2, "there is no provider 'nope'"),
        ("key add openai", 1, "no key was given"),
        ("key issue k --project nope", 1, "there is no project 'nope'"),
        ("key issue k --model ,", 2, "without one"),
        ("key issue k --key nope", 1, "there is no provider key 'nope'"),
        ("key revoke nope", 1, "there is no provider key 'nope'"),
        ("key rotate-master", 1, "there is no vault yet"),
        ("config set nope on", 2, "there is no setting 'nope'"),
        ("config set require-token maybe", 2, "maybe"),
    ],
)
def test_what_cannot_be_meant(
    acm: Screen, pipe: Callable[[str], None], typed: str, code: int, complaint: str
) -> None:
    """One line that says why, and one that says what to do."""
    pipe("")
    found, out, err = acm(*typed.split())
    assert (code, "") == (found, out)
    assert complaint in err
    assert 2 == len(err.strip().splitlines())
    assert "\nhint: " in err


def test_settings(acm: Screen) -> None:
    """Off until they are set."""
    assert "off\n" == acm("config", "get", "require-token")[1]
    assert 0 == acm("config", "set", "require-token", "on")[0]
    assert "on\n" == acm("config", "get", "require-token")[1]
    assert {"require-token": "on"} == json.loads(acm("config", "list", "--json")[1])
    assert "project token" in acm("config", "list")[1]


def test_an_expiry() -> None:
    """A span from now, or a day, which is good to its end in the user's zone."""
    now, berlin = datetime(2026, 11, 22, 12, tzinfo=UTC), ZoneInfo("Europe/Berlin")
    assert parse_expiry(None, now, berlin) is None
    assert now + timedelta(days=30) == parse_expiry("30d", now, berlin)
    assert now + timedelta(hours=12) == parse_expiry("12h", now, berlin)
    assert datetime(2026, 11, 22, 23, tzinfo=UTC) == parse_expiry("2026-11-22", now, berlin)
    for past in ("0d", "2026-11-21"):
        with pytest.raises(UsageError, match="past"):
            parse_expiry(past, now, berlin)


@pytest.mark.parametrize(
    "arguments",
    [
        ("key", "add", "openai", "some-key-of-any-form"),
        ("key", "rotate", SECRET),
        ("key", "revoke", "acm_key_abcdefghijkl"),
        ("project", "token", "revoke", "default", "acm_proj_abcdefghijkl"),
        ("alert", "test", "slack://T0abcdefg/B0abcdefg/abcdefghijkl"),
    ],
)
def test_a_secret_typed_by_mistake_is_not_repeated(arguments: tuple[str, ...], acm: Screen) -> None:
    """An error goes to logs of others, such as a CI's; it says what is wrong all the same."""
    code, out, err = acm(*arguments)
    assert (True, "") == (code in {1, 2}, out)
    assert err.startswith("error: ")
    for secret in (arguments[-1], "abcdefg", "any-form"):
        assert secret not in err

"""acm providers: what is metered of whom."""

import json
from collections.abc import Callable

import pytest

from acm_addon.home import Home
from acm_addon.providers import PROVIDERS

type Screen = Callable[..., tuple[int, str, str]]


def test_everybody_is_listed(acm: Screen) -> None:
    """One line a provider, in the order in which people read them."""
    code, out, err = acm("providers")
    assert (0, "") == (code, err)
    names = [line.split()[0] for line in out.splitlines()[1:]]
    assert [provider.name for provider in PROVIDERS] == names


def test_one_of_them_with_its_endpoints(acm: Screen) -> None:
    code, out, _ = acm("providers", "mistral")
    assert 0 == code
    assert "ocr" in out
    assert "note: Fine-tuning is recorded without a price." in out


def test_a_users_own_is_among_them(acm: Screen, home: Home) -> None:
    home.ensure().providers.write_text('[lab]\nhost = "https://a.example"\nprice = "free"\n')
    table = json.loads(acm("providers", "--json")[1])["providers"]
    assert ("lab", ["a.example"], "free") == (
        table[-1]["name"],
        table[-1]["hosts"],
        table[-1]["priced_as"],
    )
    routes = json.loads(acm("routes", "--json")[1])["providers"]
    assert "https://a.example" == routes[-1]["upstream"]


def test_everybody_says_what_is_read(acm: Screen) -> None:
    """A provider of which nothing is read has no place in the list."""
    table = json.loads(acm("providers", "--json")[1])["providers"]
    assert [] == [row["name"] for row in table if not row["metered"]]


def test_a_name_that_nobody_has_is_a_usage_error(acm: Screen) -> None:
    code, out, err = acm("providers", "nobody")
    assert (2, "") == (code, out)
    assert "hint: `acm providers` lists them" in err


def test_doctor_names_a_mistake_in_the_users_file(acm: Screen, home: Home) -> None:
    """And says nothing of a sound one."""
    file = home.ensure().providers
    file.write_text("[lab]\n")
    found = json.loads(acm("doctor", "--json")[1])["checks"]
    message = next(one["message"] for one in found if one["check"] == "providers")
    assert "providers.toml: [lab] has no host" == message
    file.write_text('[lab]\nhost = "https://a.example"\n')
    found = json.loads(acm("doctor", "--json")[1])["checks"]
    assert "providers" not in [one["check"] for one in found]


@pytest.mark.parametrize("command", ["providers", "routes"])
def test_a_mistake_in_the_users_file_is_told(acm: Screen, home: Home, command: str) -> None:
    home.ensure().providers.write_text("[lab]\n")
    code, out, err = acm(command)
    assert (1, "") == (code, out)
    assert "providers.toml: [lab] has no host" in err
    assert "hint: for example host" in err

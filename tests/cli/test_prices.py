"""acm prices: the table, the user's own entries, and its updates."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cli.price_gaps
from acm_addon.home import Home
from acm_addon.price_store import current_table, stored_tables
from acm_addon.pricing import PriceTable
from cli.own_prices import _entry
from pricing_data import load_overrides
from tests.cli.conftest import Screen
from tests.published import prices_of, published


def test_the_list(acm: Screen) -> None:
    """Every model with its standard rates, of one provider where asked."""
    code, out, err = acm("prices", "list", "--provider", "gemini")
    assert 0 == code
    assert {"google"} == {line.split()[0] for line in out.splitlines()[1:]}
    assert f"in table {PriceTable.current().version}" in err
    listed = json.loads(acm("prices", "list", "--json")[1])
    assert ("openai", "gpt-4o") in {(each["provider"], each["model"]) for each in listed["models"]}
    assert (1, "") == acm("prices", "list", "--provider", "nobody")[:2]


def test_what_a_model_is_billed_at(acm: Screen) -> None:
    """Each price with what selects it, where it is from, and how far to trust that."""
    shown = json.loads(acm("prices", "show", "gpt-4o", "--provider", "openai", "--json")[1])
    standard = {
        price["unit"]: (price["usd"], price["per"], price["layer"])
        for price in shown["prices"]
        if not price["conditions"]
    }
    assert ("2.5", 1_000_000, "base") == standard["input_tokens"]
    assert "genai-prices" in acm("prices", "show", "gpt-4o")[1]
    code, _, err = acm("prices", "show", "gpt-99")
    assert 1 == code
    assert "hint: " in err


def test_the_history_of_a_price(acm: Screen) -> None:
    """What held before is still there, with its dates; what holds is not repeated elsewhere."""
    wanted = ("grok-code-fast-1", "--provider", "x-ai")
    everything = json.loads(acm("prices", "history", *wanted, "--json")[1])["prices"]
    now = json.loads(acm("prices", "show", *wanted, "--json")[1])["prices"]
    inputs = [
        [each["usd"] for each in prices if each["unit"] == "input_tokens"]
        for prices in (everything, now)
    ]
    assert {"0.2", "1"} <= set(inputs[0])
    assert ["1"] == inputs[1]


def test_doctor_names_a_mistake_in_the_users_prices(acm: Screen, home: Home) -> None:
    """The table before it stays in use: nothing else would tell that a discount does not count."""
    acm("prices", "set", "--discount", "10")
    with home.price_overrides.open("a") as file:
        file.write("[[discount]]\npercent = 10\n")
    found = json.loads(acm("doctor", "--json")[1])
    (check,) = [one for one in found["checks"] if one["check"] == "prices"]
    assert ("fail", False, False) == (check["status"], check["data"]["usable"], found["healthy"])
    assert "overrides.toml: discount 2 (line 4)" in check["message"]
    assert check["hint"]


def test_prices_that_are_set_at_once(acm: Screen, home: Home) -> None:
    """One after another: each process finds what the others wrote."""
    models = [f"m-{number}" for number in range(4)]
    command = [sys.executable, "-m", "cli", "prices", "set", "--discount", "10", "--model"]
    running = [
        subprocess.Popen([*command, model], env={**os.environ, "ACM_HOME": str(home.root)})
        for model in models
    ]
    assert [0] * len(models) == [process.wait() for process in running]
    own = json.loads(acm("prices", "own", "--json")[1])
    written = "".join(each["entry"] for each in own)
    assert len(models) == len(own) == sum(f'"{model}"' in written for model in models)


def test_a_model_is_its_makers_before_it_is_a_resellers(acm: Screen) -> None:
    """Azure, which acm meters too, sells Claude: who names no provider does not mean Azure."""
    model = "claude-sonnet-4-5"
    acm("prices", "set", *("--provider", "anthropic", "--model", model), "--rate", "requests=7")
    shown = json.loads(acm("prices", "show", model, "--json")[1])
    assert ["7"] == [each["usd"] for each in shown["prices"] if each["unit"] == "requests"]
    cost = json.loads(acm("cost", "--model", model, "--input", "1", "--json")[1])
    assert "anthropic" == cost["provider"]


def test_a_discount_is_shown_while_it_holds(acm: Screen) -> None:
    """With the day from which it does; of two, the closer one. The history has them all."""
    model = ("gpt-4o", "--provider", "openai")
    acm("prices", "set", "--discount", "10")
    acm("prices", "set", "--discount", "20", "--provider", "openai", "--from", "2999-01-01")

    def percents(*command: str) -> list[str]:
        shown = json.loads(acm("prices", *command, "--json")[1])
        return [each["percent"] for each in shown["discounts"]]

    assert ["10"] == percents("show", *model)
    assert ["20"] == percents("show", *model, "--at", "2999-02-01")
    assert ["10", "20"] == percents("history", *model)
    text = acm("prices", "history", *model)[1]
    assert "  less 20% from 2999-01-01: your own discount\n" in text


def test_own_entries_come_and_go(home: Home, acm: Screen) -> None:
    """By number; the table in use follows, and each one that was is kept."""
    cost = ("cost", "--model", "my-model", "--provider", "openai", "--input", "1000000", "--json")
    assert 1 == acm(*cost)[0]
    assert 0 == acm("prices", "map", "my-model", "gpt-4o", "--provider", "openai")[0]
    assert "2.50" == json.loads(acm(*cost)[1])["cost_usd"]
    acm(
        *("prices", "set", "--provider", "openai", "--model", "gpt-4o", "--project", "shop"),
        *("--rate", "input_tokens=1.25", "--from", "2026-01-01"),
    )
    assert "2.50" == json.loads(acm(*cost)[1])["cost_usd"]
    assert "1.25" == json.loads(acm(*cost, "--project", "shop")[1])["cost_usd"]
    own = json.loads(acm("prices", "own", "--json")[1])
    assert [1, 2] == [each["number"] for each in own]
    assert "[[map]]" in own[0]["entry"]
    assert 0 == acm("prices", "remove", "1")[0]
    assert 1 == acm(*cost)[0]
    assert 3 == len({version for _, version in stored_tables(home)})
    assert 2 == acm("prices", "remove", "2")[0]


def test_what_the_user_wrote_stays(home: Home, acm: Screen) -> None:
    """Comments, order, and a last line without its end."""
    home.ensure().price_overrides.write_text('# ours\n[[discount]]\npercent = "5" # signed\n#end')
    acm("prices", "set", "--discount", "10", "--provider", "openai")
    text = home.price_overrides.read_text()
    assert text.startswith('# ours\n[[discount]]\npercent = "5" # signed\n#end\n[[discount]]\n')
    acm("prices", "remove", "2")
    assert (
        '# ours\n[[discount]]\npercent = "5" # signed\n#end\n' == home.price_overrides.read_text()
    )
    assert 0o600 == home.price_overrides.stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("number", "left"),
    [
        (1, "# a\n# b\n\n# b too\n[[discount]]\nproject = '# b'\npercent = '2'\n\n  # end"),
        (2, "# a\n[[discount]]\npercent = '1' # one\n\n# b\n\n# b too\n  # end"),
    ],
)
def test_a_comment_stays_when_the_entry_before_it_goes(
    home: Home, acm: Screen, number: int, left: str
) -> None:
    """It is about the next one, or about the file."""
    text = (
        "# a\n[[discount]]\npercent = '1' # one\n\n"
        "# b\n\n# b too\n[[discount]]\nproject = '# b'\npercent = '2'\n\n  # end"
    )
    home.ensure().price_overrides.write_text(text)
    assert "b too" not in json.loads(acm("prices", "own", "--json")[1])[0]["entry"]
    assert 0 == acm("prices", "remove", str(number))[0]
    assert left == home.price_overrides.read_text()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ((), 2),
        (("--discount", "10", "--rate", "input_tokens=1"), 2),
        (("--rate", "input_tokens=1"), 2),
        (("--provider", "openai", "--rate", "input_tokens"), 2),
        (("--provider", "openai", "--rate", "input_tokens=-1"), 1),
        (("--provider", "openai", "--rate", "input_tokens=cheap"), 1),
        (("--provider", "openai", "--rate", "warps=1"), 1),
        (("--provider", "openai", "--rate", "images=1", "--rate", "images=2"), 2),
        (("--provider", "", "--discount", "10"), 1),
        (("--discount", "101"), 1),
        (("--discount", "-1"), 1),
        (("--discount", "10", "--from", "2026-02-01", "--to", "2026-01-01"), 1),
        (("--discount", "10", "--from", "someday"), 1),
    ],
)
def test_what_is_no_price_is_refused(
    home: Home, acm: Screen, options: tuple[str, ...], code: int
) -> None:
    """With a hint; the file and the table in use stay."""
    acm("prices", "set", "--discount", "5")
    before = home.price_overrides.read_bytes(), current_table(home).version
    found, out, err = acm("prices", "set", *options)
    assert (code, "") == (found, out)
    assert "hint: " in err
    assert before == (home.price_overrides.read_bytes(), current_table(home).version)


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        (("set", "--discount", "10", "--provider", "nobody"), "a provider 'nobody'"),
        (("set", "--discount", "10", "--model", "gpt-99"), "the model 'gpt-99'"),
        (("set", "--discount", "10", "--model", "gpt-99", "--provider", "openai"), "gpt-99"),
        (("map", "mine", "gpt-99", "--provider", "azure"), "gpt-99"),
        (("map", "mine", "gpt-4o", "--provider", "azure", "--priced-by", "groq"), "gpt-4o"),
    ],
)
def test_a_scope_without_a_price_is_said(acm: Screen, typed: tuple[str, ...], word: str) -> None:
    """It is taken over, for its price may come; but it is mostly a typo."""
    code, _, err = acm("prices", *typed)
    assert 0 == code
    assert "warning: there is no price for" in err
    assert word in err


def test_a_project_is_called_what_it_is_called_now(home: Home, acm: Screen) -> None:
    """Its former name leads to it here as well; a name that nobody knows is said."""
    acm("project", "create", "shop")
    acm("project", "rename", "shop", "store")
    _, _, err = acm("prices", "set", "--discount", "10", "--project", "shop")
    assert "warning" not in err
    assert {"store"} == current_table(home).projects
    code, _, err = acm("prices", "set", "--discount", "10", "--project", "shpo")
    assert (0, True) == (code, "warning: there is no project 'shpo' yet" in err)


@pytest.mark.parametrize(
    "typed",
    [
        ("set", "--discount", "10"),
        ("set", "--discount", "10", "--provider", "gemini"),
        ("set", "--discount", "10", "--model", "gpt-4o"),
        ("set", "--provider", "openai", "--model", "gpt-99", "--rate", "input_tokens=1"),
        ("map", "mine", "gpt-4o", "--provider", "azure", "--priced-by", "openai"),
    ],
)
def test_a_scope_with_a_price_is_not_warned_of(acm: Screen, typed: tuple[str, ...]) -> None:
    """Nothing but that it counts is said."""
    code, _, err = acm("prices", *typed)
    assert 0 == code
    assert "warning" not in err


def test_nothing_of_ones_own_is_an_empty_list(acm: Screen) -> None:
    """Before there is a file, and once its last entry is gone."""
    for _ in range(2):
        assert (0, "") == acm("prices", "own")[:2]
        assert [] == json.loads(acm("prices", "own", "--json")[1])
        acm("prices", "set", "--discount", "5")
        acm("prices", "remove", "1")


def test_two_entries_for_the_same_calls_are_refused(home: Home, acm: Screen) -> None:
    """Nothing would choose between them; dates do."""
    own = ("prices", "set", "--provider", "openai", "--model", "gpt-4o", "--rate", "input_tokens=1")
    assert 0 == acm(*own, "--to", "2026-06-01")[0]
    assert 1 == acm(*own)[0]
    assert 0 == acm(*own, "--from", "2026-06-01")[0]


def test_a_clash_with_a_provider_of_ones_own_is_refused(home: Home, acm: Screen) -> None:
    """The prices beside it are of the same kind; the file and the table in use stay."""
    home.ensure().providers.write_text(
        '[lab]\nhost = "https://a.example"\nprice = { requests = "1" }\n'
    )
    before = current_table(home).version
    code, _, err = acm("prices", "set", "--provider", "lab", "--rate", "requests=2")
    assert (1, True) == (code, "hint: " in err)
    assert not home.price_overrides.exists()
    assert before == current_table(home).version


def test_a_malformed_file_is_named_with_its_line(home: Home, acm: Screen) -> None:
    """By every command that needs the table."""
    home.ensure().price_overrides.write_text('[[discount]]\npercent = "x"\n')
    for command in (("prices", "list"), ("cost", "--model", "gpt-4o", "--input", "1")):
        code, out, err = acm(*command)
        assert (1, "") == (code, out)
        assert "overrides.toml: discount 1 (line 1)" in err
        assert "hint: " in err


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: text.strip())
)
def test_any_name_can_be_written(name: str) -> None:
    """And is read back as it was typed, in the lower case of names."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "overrides.toml"
        fields = {"provider": "openai", "model": name, "priced_as": "gpt-4o!"}
        path.write_text(_entry("map", fields), encoding="utf-8")
        (alias,) = load_overrides(path, []).maps["openai"]
        assert name.lower() == alias.model


def test_the_difference_between_tables(home: Home, acm: Screen) -> None:
    """What is not there before, or after, is a dash and no zero."""
    acm(
        *("prices", "set", "--provider", "openai", "--model", "gpt-4o"),
        *("--rate", "input_tokens=3"),
    )
    changes = json.loads(acm("prices", "diff", "shipped", "--json")[1])
    (change,) = (each for each in changes if not each["conditions"])
    assert ("openai", "gpt-4o", "0.0000025", "0.000003") == (
        change["provider"],
        change["model"],
        change["before_usd"],
        change["after_usd"],
    )
    out = acm("prices", "diff", "shipped")[1]
    assert ["openai/gpt-4o", "input_tokens", "$2.50", "/", "1M", "$3.00", "/", "1M"] == (
        out.splitlines()[1].split()
    )
    assert "" == acm("prices", "diff", "current", current_table(home).version)[1]
    assert 1 == acm("prices", "diff", "ffffff")[0]


def test_old_prices_are_said_to_be_old(acm: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above 45 days, with exit code 1."""
    day = datetime(2026, 11, 9, 12, tzinfo=UTC)
    for days, code in ((45, 0), (46, 1)):
        then = day + timedelta(days=days)
        monkeypatch.setattr(cli.price_gaps, "utc_now", lambda then=then: then)
        found, out, _ = acm("prices", "stale", "--json")
        assert (code, days, bool(code)) == (
            found,
            json.loads(out)["age_days"],
            json.loads(out)["stale"],
        )
    assert "OLD" in acm("prices", "stale")[1]


@pytest.fixture
def dearer(tmp_path: Path) -> tuple[Path, str]:
    """Published data in which one price is higher, and its hash."""

    def change(document: dict[str, object]) -> None:
        prices_of(document, "openai", "gpt-4o").update(input_mtok="3")

    path = tmp_path / "data.json"
    path.write_bytes(published(change))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_import_from_a_file(home: Home, acm: Screen, dearer: tuple[Path, str]) -> None:
    """Shown and taken over; not without its hash, and not where there is no file."""
    path, digest = dearer
    assert 1 == acm("prices", "import", str(path), "--sha256", "0" * 64)[0]
    assert 1 == acm("prices", "import", str(path) + "x", "--sha256", digest)[0]
    assert PriceTable.current().version == current_table(home).version
    code, out, err = acm("prices", "import", str(path), "--sha256", digest, "--dry-run", "--json")
    assert (0, ["gpt-4o"]) == (code, sorted({change["model"] for change in json.loads(out)}))
    assert "nothing was written" in err
    assert PriceTable.current().version == current_table(home).version
    code, out, _ = acm("prices", "import", str(path), "--sha256", digest.upper())
    assert 0 == code
    assert "openai/gpt-4o" in out
    assert "$3.00 / 1M" in out
    assert PriceTable.current().version != current_table(home).version


def test_an_update_mends_damaged_base_data(
    home: Home, acm: Screen, dearer: tuple[Path, str]
) -> None:
    """As every other command says that it does."""
    home.ensure().price_base.write_bytes(b"junk")
    code, _, err = acm("prices", "list")
    assert 1 == code
    assert "`acm prices update` fetches the base data again" in err
    path, digest = dearer
    assert 0 == acm("prices", "import", str(path), "--sha256", digest)[0]
    assert 0 == acm("prices", "list")[0]
    assert "3" == next(
        price["usd"]
        for price in json.loads(acm("prices", "show", "gpt-4o", "--json")[1])["prices"]
        if price["unit"] == "input_tokens"
    )


def test_a_file_without_an_end_is_refused(acm: Screen) -> None:
    """Before it fills the memory."""
    code, _, err = acm("prices", "import", "/dev/zero", "--sha256", "0" * 64)
    assert 1 == code
    assert "larger than is believable" in err


def test_a_swing_is_refused_unless_accepted(home: Home, acm: Screen, tmp_path: Path) -> None:
    """It is shown, and named."""

    def change(document: dict[str, object]) -> None:
        prices_of(document, "openai", "gpt-4o").update(input_mtok="250")

    path = tmp_path / "data.json"
    path.write_bytes(published(change))
    typed = (
        "prices",
        "import",
        str(path),
        "--sha256",
        hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    code, out, err = acm(*typed)
    assert 1 == code
    assert "$250.00 / 1M" in out
    assert "hint: --accept" in err
    assert PriceTable.current().version == current_table(home).version
    assert 0 == acm(*typed, "--accept")[0]
    assert PriceTable.current().version != current_table(home).version


def test_an_update_from_nowhere_is_an_error(
    home: Home, acm: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a hint for machines without internet."""
    monkeypatch.setenv("ACM_PRICES_URL", "http://127.0.0.1:1/data.json")
    code, _, err = acm("prices", "update")
    assert 1 == code
    assert "acm prices import" in err


def test_the_schedule_is_off_until_it_is_turned_on(home: Home, acm: Screen) -> None:
    """And off again."""
    said = [acm("prices", "auto")[1]]
    for when in ("daily", "off"):
        assert 0 == acm("prices", "auto", when)[0]
        said.append(acm("prices", "auto")[1])
    assert ["off\n", "daily\n", "off\n"] == said
    assert 2 == acm("prices", "auto", "hourly")[0]


def test_without_a_command_its_help_is_shown(acm: Screen) -> None:
    """That is no mistake."""
    code, out, err = acm("prices")
    assert (0, "") == (code, err)
    assert "verify" in out

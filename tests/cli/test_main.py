import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import cli.today
from acm_addon.errors import AcmError
from acm_addon.presence import StartError
from cli.main import COMMANDS, program

OTHERS = ("cli.alert", "cli.run", "acm_addon.alert_sender", "acm_addon.limit_keeper")
"""What other commands need."""
HEAVY = ("mitmproxy", "tiktoken", "genai_prices", "sqlite_utils", "rich", "cryptography")


def python(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | changes,
        timeout=60,
        check=False,
    )


def test_a_misspelt_command_gets_a_suggestion(acm) -> None:
    """The nearest command is named, on the hint's line."""
    code, out, err = acm("todya")
    assert (2, "") == (code, out)
    assert (
        "error: no such command 'todya'\n"
        "hint: did you mean 'today'? `acm --help` lists what there is\n"
    ) == err


def test_a_misspelt_option_gets_a_suggestion(acm) -> None:
    """Options too."""
    assert (
        2,
        "",
        "error: no such option: --jsno\n"
        "hint: did you mean --json? `acm today --help` lists what there is\n",
    ) == acm("today", "--jsno")


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("today", "--nonsense"),
        ("today", "extra"),
        ("today", "--tz"),
        ("report", "--by", "colour"),
        ("explain",),
        ("tail", "-n", "many"),
    ],
)
def test_a_usage_error_is_one_line_and_a_hint(arguments: tuple[str, ...], acm) -> None:
    """Exit code 2, nothing on standard output, two lines on standard error."""
    code, out, err = acm(*arguments)
    assert (2, "") == (code, out)
    first, second = err.splitlines()
    assert first.startswith("error: ")
    assert second.startswith("hint: ")


@pytest.mark.parametrize("command", ["today", "report"])
def test_an_option_without_its_value_points_at_its_command(command: str, acm) -> None:
    """Not at the help of the whole."""
    assert f"hint: `acm {command} --help` shows" in acm(command, "--tz")[2]


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (AcmError("no ledger", "make one"), 1, "error: no ledger\nhint: make one\n"),
        (AcmError("two\nlines"), 1, "error: two lines\n"),
        (StartError("port 4141 is taken", "try --port"), 3, None),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_an_expected_failure_decides_the_exit_code(
    error: BaseException, code: int, said: str | None, acm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever command it comes from."""

    def fail() -> None:
        raise error

    monkeypatch.setattr(cli.today.ledger, "opened", fail)
    found, out, err = acm("today")
    assert (code, "") == (found, out)
    if said is not None:
        assert said == err


def test_an_unexpected_failure_tells_its_class_only(acm, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception's text may hold a secret; it is shown only to who asks for the traceback."""

    def fail() -> None:
        raise ValueError("sk-canary")

    monkeypatch.setattr(cli.today.ledger, "opened", fail)
    code, out, err = acm("today")
    assert (1, "") == (code, out)
    assert err.startswith("error: unexpected ValueError: ")
    assert "canary" not in err

    monkeypatch.setenv("ACM_DEBUG", "1")
    assert "sk-canary" in acm("today")[2]


def test_a_ledger_that_is_none_is_an_expected_failure(home, acm) -> None:
    """A damaged file is said in one line, not as a traceback."""
    home.ensure()
    home.ledger.write_bytes(b"this is no database" * 100)
    code, out, err = acm("today")
    assert (1, "") == (code, out)
    assert err.startswith("error: ")
    assert "Traceback" not in err


def test_version(acm) -> None:
    """The installed distribution's."""
    try:
        installed = version("api-cost-monitor")
    except PackageNotFoundError:
        pytest.skip("acm is not installed here: it runs from its source")
    assert (0, f"acm {installed}\n", "") == acm("--version")


@pytest.mark.parametrize("name", [name for places in COMMANDS.values() for name in places])
def test_a_command_is_known_without_the_others(name: str) -> None:
    """Under the name that is typed."""
    assert [name] == list(getattr(get_command(program(name)), "commands", {}))


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",)])
def test_help_lists_the_commands(arguments: tuple[str, ...], acm) -> None:
    """Also when nothing is typed; on standard output, for it was asked for."""
    code, out, err = acm(*arguments)
    assert (0, "") == (code, err)
    for command in ("today", "report", "tail", "explain", "run", "demo", "start", "status"):
        assert command in out


def test_no_help_is_lost_to_markup() -> None:
    """Words in brackets are markup to what renders the help, which leaves them out without a word.

    A default in words goes into `show_default`.
    """
    assert [] == [
        f"{path} {param.name}"
        for path, command in every_command(get_command(program()))
        for param in command.params
        if "[" in (getattr(param, "help", "") or "")
    ]


def test_arguments_are_named_in_capitals_and_explained() -> None:
    """What is typed in their place is not their name; the help puts the brackets around."""
    arguments = [
        (path, param.metavar or param.name, param.help)
        for path, command in every_command(get_command(program()))
        for param in command.params
        if param.param_type_name == "argument"
    ]
    assert arguments
    assert [] == [
        (path, name)
        for path, name, explained in arguments
        if not (name.isupper() and explained) or name[0] in "[{"
    ]


def every_command(group: Any, path: str = "acm") -> Iterator[tuple[str, Any]]:
    yield path, group
    for name, command in getattr(group, "commands", {}).items():
        yield from every_command(command, f"{path} {name}")


def test_a_closed_pipe_is_silent(home) -> None:
    """`acm … | head` ends without a word, as other programs do."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "report", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert (141, b"") == (process.returncode, err)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said(home) -> None:
    """Output that cannot be written is a failure, not a success."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "cli", "today"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert 1 == done.returncode
    assert "error: the system says 'No space left on device'" in done.stderr


@pytest.mark.parametrize("arguments", ['["today"]', '["today", "--json"]', '["explain", "last"]'])
def test_reading_loads_nothing_heavy(arguments: str, home, make, book) -> None:
    """What makes a start slow is not even imported: measured in a process of its own."""
    from datetime import UTC, datetime

    book(make.priced(datetime.now(UTC)))
    done = python(
        "-c",
        f"import sys; from cli.main import main; code = main({arguments});"
        f"print([name for name in {HEAVY + OTHERS} if name in sys.modules], code, file=sys.stderr)",
    )
    assert "[] 0\n" == done.stderr


def test_output_without_colour_has_no_escape_codes(home, make, book) -> None:
    """Into a pipe, or with NO_COLOR."""
    from datetime import UTC, datetime

    book(make.priced(datetime.now(UTC)))
    for command in ("today", "report", "explain"):
        arguments = [command, "last"] if command == "explain" else [command]
        for setting in ({"NO_COLOR": "1"}, {"NO_COLOR": ""}):
            done = python("-m", "cli", *arguments, **setting)
            assert 0 == done.returncode
            assert "\x1b" not in done.stdout


def test_output_survives_an_encoding_without_bars(home, make, book) -> None:
    """A Latin-1 terminal gets # for bars and ? for what it lacks, not a failure."""
    from datetime import UTC, datetime

    book(make.priced(datetime.now(UTC), "模型"))
    for command in ("today", "report", "explain"):
        arguments = [command, "last"] if command == "explain" else [command]
        done = subprocess.run(
            [sys.executable, "-m", "cli", *arguments],
            capture_output=True,
            env=os.environ | {"PYTHONIOENCODING": "latin-1"},
            timeout=60,
            check=False,
        )
        assert (0, b"") == (done.returncode, done.stderr)
        assert b"??" in done.stdout

"""How a command ends: its exit code, and what standard error says about it. Decided here alone.

Standard output is data; standard error is talk: one ``error:`` line, and a ``hint:`` line that says
what to do. No exception text of others is shown, for it may carry what passed through the proxy.
"""

import os
import re
import sys
from collections.abc import Callable
from enum import IntEnum

import typer

from acm_addon.errors import AcmError

_SECRET = re.compile(
    r"\b(acm_key_|acm_proj_|(?:sk-|AIza|gsk_|xai-|hf_|r8_|pplx-)(?=[\w-]{16}))[\w-]+"
    r"|\b((?!https?:)[a-z][a-z0-9+]*://)[^\s'\"`]+"
)
"""What may stand on a command line by mistake: a token or key, and a chat's or database's URL."""
_EXTRA = re.compile(r"got unexpected extra argument.*", re.DOTALL)
"""Typer repeats what was typed. Behind ``acm key add openai`` that is a key, of whatever form."""

DEBUG_HINT = "ACM_DEBUG=1 shows where it happened (read that before you share it)"


class ExitCode(IntEnum):
    OK = 0
    FAILED = 1
    """An expected failure, explained on standard error."""
    USAGE = 2
    NOT_STARTED = 3
    BUDGET_EXCEEDED = 4
    INTERRUPTED = 130
    """128 + SIGINT, as shells count."""
    BROKEN_PIPE = 141
    """128 + SIGPIPE: the reader of our output left. Nothing is said."""


class UsageError(AcmError):
    """What was typed cannot be meant."""


def exit_code_of(command: Callable[[], object]) -> int:
    """Run a command, say on standard error why it failed if it did, and return its exit code.

    ``command`` is a Typer application in its non-standalone mode: it returns an exit code that a
    command asked for (``typer.Exit``), or whatever the command returned.
    """
    try:
        outcome = command()
        if sys.stdout is not None:
            sys.stdout.flush()  # While a failure to write can still be reported.
    except SystemExit as error:
        return code_of_system_exit(error)
    except (Exception, KeyboardInterrupt) as error:
        return code_of(error)
    return outcome if isinstance(outcome, int) else ExitCode.OK


def code_of(error: BaseException) -> int:
    """The exit code that an error stands for, once it is explained on standard error."""
    match error:
        case AcmError():
            complain(error.message, error.hint)
            return code_of_failure(error)
        case typer.TyperException():
            complain(*explain_usage(error))
            return error.exit_code
        case KeyboardInterrupt() | typer.Abort():
            return ExitCode.INTERRUPTED
        case BrokenPipeError():
            abandon_output()
            return ExitCode.BROKEN_PIPE
        case OSError(strerror=str()):
            show_traceback(error)
            where = f": {error.filename}" if error.filename else ""
            complain(f"the system says {error.strerror!r}{where}", DEBUG_HINT)
            abandon_output()
            return ExitCode.FAILED
    return unexpected(error)


def code_of_failure(error: AcmError) -> ExitCode:
    from acm_addon.presence import StartError

    match error:
        case UsageError():
            return ExitCode.USAGE
        case StartError():
            return ExitCode.NOT_STARTED
        case _:
            return ExitCode.FAILED


def complain(message: str, hint: str | None) -> None:
    """One line that says what is wrong, and one that says what to do."""
    typer.echo(f"error: {without_secrets(one_line(message))}", err=True)
    if hint:
        typer.echo(f"hint: {one_line(hint)}", err=True)


def explain_usage(error: typer.TyperException) -> tuple[str, str]:
    """Typer's complaint as a message and a hint, in our wording."""
    said = error.format_message().replace("Value error, ", "")  # Pydantic's own prefix.
    message, _, suggestion = said.partition(" Did you mean ")
    command = _command_of(error)
    possible = sorted(getattr(error, "possibilities", None) or ())
    if possible:
        message = str(getattr(error, "message", message))
        suggestion = f"{' or '.join(possible)}?"
    message = message[:1].lower() + message[1:].rstrip(".")
    message = _EXTRA.sub("got more arguments than it takes", message)
    if suggestion:
        return message, f"did you mean {suggestion} `{command} --help` lists what there is"
    return message, f"`{command} --help` shows what can be typed"


def _command_of(error: typer.TyperException) -> str:
    """The command that a complaint is about, as it was typed.

    Typer's parser leaves it out where an option lacks its value: then it is the innermost one on
    the way to where that was raised.
    """
    context = getattr(error, "ctx", None)
    trace = None if context else error.__traceback__
    while trace:
        context = trace.tb_frame.f_locals.get("ctx", context)
        trace = trace.tb_next
    return str(getattr(context, "command_path", "acm"))


def code_of_system_exit(error: SystemExit) -> int:
    """Typer answers a broken pipe with ``sys.exit(1)``, and shell completion exits by itself."""
    if isinstance(error.__context__, BrokenPipeError):
        abandon_output()
        return ExitCode.BROKEN_PIPE
    if error.code is None:
        return ExitCode.OK
    return error.code if isinstance(error.code, int) else ExitCode.FAILED


def unexpected(error: BaseException) -> ExitCode:
    """A fault of ours: its class and where to go; its text only where the user asks for it."""
    show_traceback(error)
    complain(f"unexpected {type(error).__name__}: this is a fault in acm", DEBUG_HINT)
    return ExitCode.FAILED


def show_traceback(error: BaseException) -> None:
    if os.environ.get("ACM_DEBUG") == "1":
        import traceback

        traceback.print_exception(error)


def abandon_output() -> None:
    """Point standard output at nothing, so that the interpreter's last flush stays silent."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return  # Not a file: a test's buffer, or closed already.


def without_secrets(message: str) -> str:
    """A message that repeats what was typed, without what has the form of a secret."""
    return _SECRET.sub(lambda found: f"{found[1] or found[2]}…", message)


def one_line(text: str) -> str:
    return " ".join(text.split())

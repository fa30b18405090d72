"""Who pays for what ``acm run`` starts: the project that was named, else the git repository's."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import typer

from acm_addon import listening
from acm_addon.control import project_tokens, projects, settings
from acm_addon.control.records import DEFAULT_PROJECT
from acm_addon.control.store import ControlStore
from acm_addon.errors import AcmError
from acm_addon.home import Home
from acm_addon.model import utc_now
from acm_addon.process import ProxyState
from cli.known import typed_tags

TOKEN_LIFE = timedelta(days=30)
"""Of the token that a program gets for itself: it is dropped when the program ends, but who kills
``acm run`` with -9 leaves it."""


@dataclass(frozen=True, slots=True)
class Payer:
    """What a program's proxy URL or base URL shall say."""

    who: str | None = field(default=None, repr=False)
    """The project's name, or a token of its where tokens are required. None: the default one."""
    tags: str = ""
    """``feature=search,customer=42``."""


@contextlib.contextmanager
def paying(
    home: Home, state: ProxyState, project: str | None, tags: Sequence[str]
) -> Iterator[Payer]:
    """The payer, for as long as the program runs.

    Raises AcmError for a project that was named and is not there, or closed. Without a name nothing
    stands in the program's way: what cannot be told is said, and the default project pays.
    """
    said = ",".join(f"{name}={value}" for name, value in typed_tags(tags).items())
    payer, token = _chosen(home, state, project, said)
    try:
        yield payer
    finally:
        if token is not None:
            with contextlib.suppress(AcmError), ControlStore(home) as store:
                project_tokens.forget(store, token)


def _chosen(
    home: Home, state: ProxyState, project: str | None, tags: str
) -> tuple[Payer, int | None]:
    """The payer, and the number of the token that was made for it, if one was."""
    try:
        with ControlStore(home) as store:
            if project:
                name = projects.require_open(projects.get(store, project)).name
            else:
                name = _of_repository(store, Path.cwd())
            required = settings.get(store, settings.REQUIRE_TOKEN)
            if not required and listening.is_loopback(state.host):
                return Payer(None if name == DEFAULT_PROJECT else name, tags), None
            now = utc_now()
            secret, token = project_tokens.issue(store, name, now + TOKEN_LIFE, now)
            return Payer(secret, tags), token.id
    except (AcmError, OSError) as error:
        if project:
            raise
        why = error.message if isinstance(error, AcmError) else type(error).__name__
        typer.echo(f"acm: warning: the default project pays: {why}", err=True)
        return Payer(None, tags), None


def repository_name(folder: Path) -> str | None:
    """The name of the git repository that a folder is in: its folder's, a worktree's main one's."""
    for candidate in (folder, *folder.parents):
        mark = candidate / ".git"
        if mark.is_dir():
            return candidate.name
        if mark.is_file():
            return (_main_of_worktree(mark) or candidate).name
    return None


def _main_of_worktree(mark: Path) -> Path | None:
    """``gitdir: /src/main/.git/worktrees/x`` leads to ``/src/main``; anything else to nothing."""
    try:
        target = Path(mark.read_text().removeprefix("gitdir:").strip())
    except (OSError, UnicodeDecodeError):
        return None
    worktrees = target.parent
    if worktrees.name == "worktrees" and worktrees.parent.name == ".git":
        return worktrees.parent.parent
    return None


def _of_repository(store: ControlStore, folder: Path) -> str:
    name = projects.name_from(repository_name(folder) or "")
    if name is None:
        return DEFAULT_PROJECT
    project = projects.ensure(store, name, utc_now())
    if project.archived:
        typer.echo(f"acm: project {project.name} is archived; the default project pays", err=True)
        return DEFAULT_PROJECT
    return project.name

"""The control data as a file; projects, their tokens, and settings in it."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from sqlite_utils import Database

from acm_addon import token_key, vault
from acm_addon.control import project_tokens, projects, proxy_keys, settings
from acm_addon.control.migrations import migrations
from acm_addon.control.proxy_keys import Limits
from acm_addon.control.snapshot import ControlView
from acm_addon.control.store import SCHEMA_VERSION, ControlStore
from acm_addon.errors import AcmError
from acm_addon.home import Home

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_the_schema_is_what_the_migrations_make(home: Home, store: ControlStore) -> None:
    """Of the current version, strict, in WAL mode, for the owner alone."""
    assert SCHEMA_VERSION == len(migrations.pending(Database(memory=True)))
    with closing(sqlite3.connect(home.control)) as conn:
        assert (SCHEMA_VERSION,) == conn.execute("PRAGMA user_version").fetchone()
        assert ("wal",) == conn.execute("PRAGMA journal_mode").fetchone()
        loose = conn.execute(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND NOT strict"
            " AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '\\_sqlite_%' ESCAPE '\\'"
        ).fetchall()
        assert [] == loose
    modes = {path.stat().st_mode & 0o777 for path in home.root.iterdir()}
    assert {0o600} == modes


def test_a_file_of_the_future_and_a_damaged_one_are_one_clear_line(home: Home) -> None:
    """With a hint; the file is left as it is."""
    ControlStore(home).close()
    with closing(sqlite3.connect(home.control)) as conn:
        conn.execute("PRAGMA user_version = 99")
    with pytest.raises(AcmError, match="newer version") as raised:
        ControlStore(home)
    assert raised.value.hint
    home.control.write_bytes(b"garbage " * 1000)
    with pytest.raises(AcmError, match=r"cannot use the control data") as raised:
        ControlStore(home)
    assert raised.value.hint
    assert b"garbage " * 1000 == home.control.read_bytes()


def test_projects_are_made_found_and_listed(store: ControlStore) -> None:
    """The default one is there from the start, and a name is given once."""
    assert ["default"] == [project.name for project in projects.everything(store)]
    made = projects.create(store, "ChatBot", "anthropic", NOW)
    assert made == projects.get(store, "ChatBot")
    assert ("anthropic", NOW, None) == (made.provider, made.created, made.archived)
    for taken in ("ChatBot", "default"):
        with pytest.raises(AcmError, match="already"):
            projects.create(store, taken, None, NOW)
    with pytest.raises(AcmError, match="there is no project 'x'"):
        projects.get(store, "x")
    assert made == projects.ensure(store, "ChatBot", NOW)
    assert "new" == projects.ensure(store, "new", NOW).name


@pytest.mark.parametrize("name", ["", "a b", "-x", "a/b", "a:b", "é", "x" * 65, "acm_proj_x"])
def test_what_cannot_stand_in_a_url_is_no_name(store: ControlStore, name: str) -> None:
    """A name travels as a proxy user and in a path."""
    with pytest.raises(AcmError, match="cannot name a project"):
        projects.create(store, name, None, NOW)


@pytest.mark.parametrize(
    ("folder", "name"),
    [("my-repo", "my-repo"), ("My Repo (2)", "My-Repo-2"), ("...", None), ("é", None)],
)
def test_a_folder_gives_a_name(folder: str, name: str | None) -> None:
    """The nearest one, or none."""
    assert name == projects.name_from(folder)


def test_a_rename_keeps_the_old_name_leading_to_the_project(store: ControlStore) -> None:
    """For programs that carry it; nobody else may have it. Back again is a rename too."""
    projects.create(store, "a", None, NOW)
    rewritten: list[tuple[str, str]] = []

    def rewrite(old: str, new: str) -> None:
        rewritten.append((old, new))

    assert "b" == projects.rename(store, "a", "b", rewrite).name
    assert "b" == projects.get(store, "a").name == projects.rename(store, "a", "b", rewrite).name
    with pytest.raises(AcmError, match="was the name of project 'b'"):
        projects.create(store, "a", None, NOW)
    assert "a" == projects.rename(store, "b", "a", rewrite).name
    assert [("a", "b"), ("b", "a")] == rewritten
    names = ControlView(store).snapshot.by_name
    assert {"default", "a", "b"} == set(names)
    assert "a" == names["b"].name


def test_a_rename_that_fails_in_the_ledger_changes_nothing(store: ControlStore) -> None:
    """Both have the new name, or neither."""
    projects.create(store, "a", None, NOW)

    def fail(old: str, new: str) -> None:
        raise AcmError("the ledger is locked")

    with pytest.raises(AcmError, match="locked"):
        projects.rename(store, "a", "b", fail)
    assert {"default", "a"} == {project.name for project in projects.everything(store)}
    projects.create(store, "b", None, NOW)
    with pytest.raises(AcmError, match="already"):
        projects.rename(store, "a", "b", fail)
    with pytest.raises(AcmError, match="keeps its name"):
        projects.rename(store, "default", "c", fail)


def test_archiving_can_be_undone(store: ControlStore) -> None:
    """An archived project gets no tokens and no keys, and the default one is never archived."""
    projects.create(store, "a", None, NOW)
    assert NOW == projects.archive(store, "a", NOW).archived
    with pytest.raises(AcmError, match="archived"):
        project_tokens.issue(store, "a", None, NOW)
    with pytest.raises(AcmError, match="archived"):
        proxy_keys.issue(store, "k", Limits(project="a"), NOW)
    assert projects.archive(store, "a", None).archived is None
    assert project_tokens.issue(store, "a", None, NOW)[0].startswith("acm_proj_")
    with pytest.raises(AcmError, match="cannot be archived"):
        projects.archive(store, "default", NOW)


def test_a_token_is_stored_as_a_keyed_hash_alone(home: Home, store: ControlStore) -> None:
    """It is found by its digest under the home's key, and is in no file in clear."""
    secret, token = project_tokens.issue(store, "default", NOW + timedelta(days=1), NOW)
    key = token_key.load(home)
    assert key is not None
    assert vault.digest(key, secret) == token.digest
    found = ControlView(store).snapshot.tokens[vault.digest(key, secret)]
    assert token == found
    for path in home.root.iterdir():
        assert secret[9:].encode() not in path.read_bytes(), path


def test_tokens_are_rotated_without_losing_the_project(store: ControlStore) -> None:
    """A new one beside the old one, then the old one revoked: by number or by its end."""
    projects.create(store, "a", None, NOW)
    first, second = (project_tokens.issue(store, "a", None, NOW)[1] for _ in range(2))
    assert [first, second] == project_tokens.of_project(store, "a")
    assert NOW == project_tokens.revoke(store, "a", str(first.id), NOW).revoked
    again = project_tokens.revoke(store, "a", str(first.id), NOW + timedelta(1))
    assert NOW == again.revoked
    assert second.id == project_tokens.revoke(store, "a", second.shown[-4:], NOW).id
    for which, project in (("nope", "a"), (str(first.id), "default")):
        with pytest.raises(AcmError, match="no token"):
            project_tokens.revoke(store, project, which, NOW)


def test_a_damaged_token_key_is_one_clear_line(home: Home, store: ControlStore) -> None:
    """Nothing is hashed under half a key."""
    home.token_key.write_bytes(b"short")
    with pytest.raises(AcmError, match="5 bytes, not 32"):
        project_tokens.issue(store, "default", None, NOW)


def test_a_lost_token_key_is_not_replaced_unseen(home: Home, store: ControlStore) -> None:
    """Another one would make every token look wrong. When all are revoked, there may be one."""
    project, (_, token) = "default", project_tokens.issue(store, "default", None, NOW)
    proxy_keys.issue(store, "ci", Limits(), NOW)
    assert token_key.fault(home) is None
    home.token_key.unlink()
    for again in (
        lambda: project_tokens.issue(store, project, None, NOW),
        lambda: proxy_keys.rotate(store, "ci", NOW),
    ):
        with pytest.raises(AcmError, match="is gone"):
            again()
    assert not home.token_key.exists()
    why = token_key.fault(home)
    assert why is not None
    assert "revoke every token and proxy key" in str(why.hint)

    project_tokens.revoke(store, project, str(token.id), NOW)
    assert token_key.fault(home) is not None
    proxy_keys.revoke(store, "ci", NOW)
    assert token_key.fault(home) is None
    assert project_tokens.issue(store, project, None, NOW)[0].startswith("acm_proj_")


def test_a_view_sees_what_another_connection_changes(home: Home, store: ControlStore) -> None:
    """At its next look, and reads nothing anew before."""
    view = ControlView(store)
    assert not view.refresh()
    with ControlStore(home) as other:
        settings.put(other, settings.REQUIRE_TOKEN, on=True)
        secret, _ = project_tokens.issue(other, "default", None, NOW)
    assert view.refresh()
    assert not view.refresh()
    assert view.snapshot.require_token
    assert vault.digest(token_key.ensure(home), secret) in view.snapshot.tokens


def test_the_first_token_key_stays(home: Home) -> None:
    """Two commands may be the first at once: the file is never replaced, nor left in part."""
    home.ensure()
    token_key.write_once(home.token_key, b"a" * 32)
    token_key.write_once(home.token_key, b"b" * 32)
    assert b"a" * 32 == token_key.ensure(home)
    assert 0o600 == home.token_key.stat().st_mode & 0o777
    assert [home.token_key.name] == [
        path.name for path in home.root.iterdir() if "token" in path.name
    ]

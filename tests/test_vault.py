"""Sealing, hashing, and showing secrets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acm_addon import vault
from acm_addon.vault import Unsealable

MASTER = bytes(range(32))
SECRET = "sk-proj-abcdefghijklmnopqrstuvwxyz"


@given(secret=st.text(max_size=300).filter(lambda text: text.isascii()), binding=st.text())
def test_what_is_sealed_opens_with_the_same_key_and_binding(secret: str, binding: str) -> None:
    """Whatever the secret, and never twice the same bytes."""
    binding = binding.encode("utf-8", "replace").decode()
    sealed = vault.seal(MASTER, secret, binding)
    assert secret == vault.unseal(MASTER, sealed, binding)
    assert sealed != vault.seal(MASTER, secret, binding)


def test_a_sealed_value_does_not_open_elsewhere() -> None:
    """Not with another key, and not for another row: it cannot be moved between rows."""
    sealed = vault.seal(MASTER, SECRET, "row 1")
    for key, binding in ((bytes(32), "row 1"), (MASTER, "row 2")):
        with pytest.raises(Unsealable):
            vault.unseal(key, sealed, binding)


@given(position=st.integers(0, 61), bit=st.integers(0, 7), cut=st.integers(0, 61))
def test_a_damaged_value_does_not_open(position: int, bit: int, cut: int) -> None:
    """One bit of it changed, or its end missing: refused, and never another secret."""
    sealed = vault.seal(MASTER, SECRET, "row")
    assert 62 == len(sealed)
    changed = bytearray(sealed)
    changed[position] ^= 1 << bit
    for damaged in (bytes(changed), sealed[:cut]):
        with pytest.raises(Unsealable) as raised:
            vault.unseal(MASTER, damaged, "row")
        assert "" == str(raised.value)


def test_secrets_of_ours_are_told_by_their_beginning_and_are_never_the_same() -> None:
    """Long enough that none is guessed: 192 bits."""
    tokens = {vault.new_token() for _ in range(100)}
    keys = {vault.new_proxy_key() for _ in range(100)}
    assert {"acm_proj_"} == {token[:9] for token in tokens}
    assert {"acm_key_"} == {key[:8] for key in keys}
    assert (100, 100) == (len(tokens), len(keys))
    assert {9 + 32} == {len(token) for token in tokens}


def test_a_digest_depends_on_the_key_of_the_home() -> None:
    """The same token has another digest in another home; any text has one."""
    assert vault.digest(MASTER, "t") == vault.digest(MASTER, "t")
    assert vault.digest(MASTER, "t") != vault.digest(bytes(32), "t")
    assert 32 == len(vault.digest(MASTER, "\udcff\x00é"))


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        (SECRET, "sk-proj-…wxyz"),
        ("sk-ant-api03-abcdefghijklmnopqrstuvwxyz", "sk-ant-…wxyz"),
        ("gsk_abcdefghijklmnopqrstuvwxyz", "gsk_…wxyz"),
        ("AIzaSyabcdefghijklmnopqrstuvwxyz", "…wxyz"),
        ("0123456789abcdef0123", "…0123"),
        ("sk-short", "sk-…"),
        ("secret", "…"),
        ("", "…"),
    ],
)
def test_a_secret_is_shown_by_its_kind_and_its_end(secret: str, expected: str) -> None:
    """Of a short one nothing is shown: four characters of it would be too much."""
    assert expected == vault.shown(secret)


@given(key=st.binary(min_size=32, max_size=32))
def test_a_key_is_read_as_it_was_written(key: bytes) -> None:
    """As base64, and as hexadecimal digits with a newline behind them."""
    assert key == vault.key_from_text(vault.key_to_text(key))
    assert key == vault.key_from_text(key.hex() + "\n")


@pytest.mark.parametrize("text", ["", "x", "0" * 63, "g" * 64, "aGVsbG8=", "é" * 32, "=" * 44])
def test_what_is_no_key_is_none(text: str) -> None:
    """Too short, too long, and not base64."""
    assert vault.key_from_text(text) is None

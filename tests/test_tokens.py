"""The tokenizer fallback: right counts, no network, and no text that it cannot take."""

import asyncio
import gzip
import json
import re
import socket
import subprocess
import sys
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiktoken_ext import openai_public

from acm_addon import tokens
from acm_addon.tokens import Estimator, count_tokens


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("tiktoken is great!", "cl100k_base", 6),
        ("tiktoken is great!", "o200k_base", 6),
        ("antidisestablishmentarianism", "cl100k_base", 6),
        ("2 + 2 = 4", "cl100k_base", 7),
        ("お誕生日おめでとう", "cl100k_base", 9),
        ("お誕生日おめでとう", "o200k_base", 8),
        ("", "o200k_base", 0),
    ],
)
def test_counts_that_openai_publishes(text: str, encoding: str, expected: int) -> None:
    """The examples of OpenAI's cookbook on counting tokens."""
    assert expected == count_tokens([text], encoding)


def test_special_tokens_are_text() -> None:
    """A prompt that contains one neither fails nor counts it as one token."""
    assert count_tokens(["<|endoftext|>"], "cl100k_base") == 7


@pytest.mark.parametrize("encoding", ["o200k_base", "cl100k_base"])
def test_our_patterns_and_hashes_are_tiktoken_s(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade of tiktoken that changes how it cuts words does not go unnoticed."""
    hashes: list[str] = []

    def capture(_: str, expected_hash: str) -> dict[bytes, int]:
        hashes.append(expected_hash)
        return {}

    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", capture)

    published = openai_public.ENCODING_CONSTRUCTORS[encoding]()

    assert published["pat_str"] == tokens._PATTERNS[encoding]
    assert hashes == [tokens._SHA256[encoding]]


LONG = 1_000_000


@pytest.mark.parametrize("encoding", ["cl100k_base", "o200k_base"])
@pytest.mark.parametrize(
    "text",
    [
        "a" * LONG,
        " " * LONG,
        " " * LONG + "x",
        "\n" * LONG,
        "\t " * (LONG // 2) + ".",
        "漢字仮名" * (LONG // 4),
        "!" * LONG,
        ("a" * 1999 + " ") * (LONG // 2000),
    ],
    ids=["letters", "spaces", "spaces-x", "newlines", "tabs", "han", "marks", "words"],
)
def test_long_runs_are_counted(text: str, encoding: str) -> None:
    """tiktoken alone panics on the spaces: its regex engine overflows its stack."""
    assert 0 < count_tokens([text], encoding) <= 2 * LONG


def test_surrogates_are_counted() -> None:
    """Half a pair, as a cut-off JSON escape leaves it, is no reason to fail."""
    assert count_tokens(["\ud83d cut"], "o200k_base") > 0


@given(
    st.lists(
        st.one_of(
            st.text(max_size=30),
            st.sampled_from([" ", "a", "\n", "漢"]).flatmap(
                lambda letter: st.integers(1, 5000).map(lambda times: letter * times)
            ),
        ),
        max_size=8,
    ).map("".join)
)
def test_pieces_are_the_text(text: str) -> None:
    """Nothing is lost or doubled in cutting, and no piece has a run that is too long."""
    pieces = list(tokens._pieces(text))

    assert text == "".join(pieces)
    for piece in pieces:
        assert max(map(len, re.findall(r"\s+|\S+", piece)), default=0) <= tokens._RUN


def test_cutting_a_long_text_hardly_changes_its_count() -> None:
    """Ordinary prose is cut before spaces, where its tokens are cut too."""
    text = "The quick brown fox jumps over the lazy dog, again and again. " * 5000
    whole = len(tokens._encoding("o200k_base").encode_ordinary(text))

    assert len(text) > 4 * tokens._CHUNK
    assert abs(whole - count_tokens([text], "o200k_base")) <= 5


def test_a_damaged_rank_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong ranks would count wrongly without anyone noticing."""
    monkeypatch.setattr(tokens, "tokenizer_ranks", lambda _: gzip.compress(b"YQ== 0\n"))
    tokens._load.cache_clear()

    with pytest.raises(RuntimeError, match="rank file of o200k_base is damaged"):
        count_tokens(["a"], "o200k_base")


def _vocabulary(*merged: bytes) -> str:
    """As mistral-common holds it: single bytes, then what they merge to."""
    tokens = [bytes([byte]) for byte in range(256)] + list(merged)
    return json.dumps(
        {
            "config": {
                "pattern": r"\p{L}+|[^\p{L}]",
                "default_vocab_size": len(tokens) + 10,
                "default_num_special_tokens": 10,
            },
            "vocab": [
                {"rank": rank, "token_bytes": b64encode(token).decode(), "token_str": None}
                for rank, token in enumerate([*tokens, b"beyond"])
            ],
        },
        indent=4,
    )


@pytest.fixture
def nothing_remembered() -> Iterator[None]:
    """Neither an encoding nor where it was found, before and after."""

    def forget() -> None:
        tokens._tekken_path.cache_clear()
        tokens._load.cache_clear()

    forget()
    yield
    forget()


@pytest.mark.usefixtures("nothing_remembered")
def test_a_vocabulary_that_is_installed_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The newest of mistral-common, in its own words; tokens beyond its size are none."""
    data = tmp_path / "mistral_common" / "data"
    data.mkdir(parents=True)
    (tmp_path / "mistral_common" / "__init__.py").write_text("raise ImportError")
    (data / "tekken_240718.json").write_text(_vocabulary())
    (data / "tekken_240911.json").write_text(_vocabulary(b"he", b"hel"))
    monkeypatch.syspath_prepend(str(tmp_path))

    assert tokens.is_available(tokens.TEKKEN)
    assert 3 == count_tokens(["hello"], tokens.TEKKEN)


def test_an_installed_vocabulary_in_another_form_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A wrong count would go unnoticed."""
    file = tmp_path / "tekken_1.json"
    file.write_text("{}")
    monkeypatch.setattr(tokens, "_tekken_path", lambda: file)
    tokens._load.cache_clear()

    with pytest.raises(RuntimeError, match="mistral-common holds no vocabulary"):
        count_tokens(["a"], tokens.TEKKEN)


@pytest.mark.parametrize(("name", "expected"), [("o200k_base", True), ("p50k_base", False)])
def test_encodings_that_are_there(name: str, expected: bool) -> None:
    assert expected is tokens.is_available(name)


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading an encoding opens no socket."""

    def refuse(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    tokens._load.cache_clear()

    assert count_tokens(["hello"], "o200k_base") == 1


@pytest.fixture
def estimator() -> Iterator[Estimator]:
    made = Estimator()
    yield made
    made.close()


def test_the_estimator_works_on_one_thread_of_its_own(estimator: Estimator) -> None:
    """Not the loop's, and the same one for everything."""

    async def work() -> list[str]:
        jobs = [estimator.run(lambda: threading.current_thread().name) for _ in range(4)]
        return list(await asyncio.gather(*jobs))

    names = set(asyncio.run(work()))

    assert len(names) == 1
    assert threading.current_thread().name not in names


def test_the_loop_runs_on_while_it_counts(estimator: Estimator) -> None:
    """A job that waits for the loop can only end if the loop is free."""
    released = threading.Event()

    async def work() -> bool:
        job = asyncio.ensure_future(estimator.run(released.wait, 30))
        await asyncio.sleep(0)
        released.set()
        return await job

    assert asyncio.run(work())


def test_the_estimator_counts(estimator: Estimator) -> None:
    """As ``count_tokens`` does."""
    counted = asyncio.run(estimator.run(count_tokens, ["hello", "hello"], "o200k_base"))

    assert count_tokens(["hello", "hello"], "o200k_base") == counted


def test_what_the_work_raises_arrives(estimator: Estimator) -> None:
    """At the caller's await."""

    def fail() -> None:
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        asyncio.run(estimator.run(fail))


def test_closing_needs_no_work_and_is_not_final(estimator: Estimator) -> None:
    """Nothing started, nothing to stop; and a late call still gets its count."""
    estimator.close()
    estimator.close()

    assert asyncio.run(estimator.run(count_tokens, ["hello"], "o200k_base")) == 1


def test_importing_the_module_loads_no_tokenizer() -> None:
    """tiktoken is imported with the first count."""
    check = "import sys, acm_addon.tokens; sys.exit('tiktoken' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0

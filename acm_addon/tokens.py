"""Counts tokens where the provider did not: tiktoken, from rank files that we ship or find.

Nothing is ever fetched. Which encoding counts which model is in ``families.py``.

Loading an encoding takes a good part of a second, and counting a long text tens of milliseconds, so
the event loop leaves both to an ``Estimator``.
"""

import asyncio
import gzip
import hashlib
import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from acm_addon.json_fields import parse
from pricing_data import tokenizer_ranks

if TYPE_CHECKING:
    from tiktoken import Encoding

_SHA256 = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}
"""Of the decompressed rank files, as tiktoken expects them (tiktoken_ext/openai_public.py)."""

_PATTERNS = {
    "o200k_base": "|".join(
        (
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        )
    ),
    "cl100k_base": (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
        r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
    ),
}
"""How each encoding cuts text into words. From the same file, which has them behind a fetch."""

TEKKEN = "tekken"
"""The encoding of Mistral's models, from mistral-common where that is installed."""
_TEKKEN_SETTINGS = (b"pattern", b"default_vocab_size", b"default_num_special_tokens")
_TEKKEN_SETTING = re.compile(
    rb'"(' + b"|".join(_TEKKEN_SETTINGS) + rb')":\s*+("(?:[^"\\]++|\\.)*+"|\d++)'
)
_TEKKEN_RANK = re.compile(rb'"rank":\s*+(\d++),\s*+"token_bytes":\s*+"([^"]*+)"')

_CHUNK = 1 << 16
_RUN = 2000
_PIECES = re.compile(
    rf"(?:\S{{1,{_RUN - 1}}}+(?!\S)|\s{{1,{_RUN - 1}}}+(?!\s))*+"
    rf"(?:\S{{1,{_RUN}}}+|\s{{1,{_RUN}}}+|$)"
)
"""Text up to the end of the first run of ``_RUN`` characters without, or of nothing but, space.

tiktoken overflows its stack, and panics, on long runs of space, and takes longer and longer on long
words. Cutting them may change the count by one for each cut.
"""


def count_tokens(texts: Iterable[str], encoding: str = "o200k_base") -> int:
    """Tokens of all ``texts`` together. Slow: not for the event loop.

    What looks like a special token is counted as the text that it is.
    """
    encode = _encoding(encoding).encode_ordinary
    return sum(len(encode(piece)) for text in texts for piece in _pieces(text) if piece)


def is_available(encoding: str) -> bool:
    """Whether its vocabulary is installed. Ours always are."""
    return encoding in _SHA256 or (encoding == TEKKEN and _tekken_path() is not None)


class Estimator:
    """Runs tokenizing work on one thread of its own, which starts with the first of it."""

    def __init__(self) -> None:
        self._worker: ThreadPoolExecutor | None = None

    async def run[**P, T](self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do ``work`` on the thread, after what was asked before. Raises what it raises."""
        if self._worker is None:
            self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokens")
        return await asyncio.wrap_future(self._worker.submit(work, *args, **kwargs))

    def close(self) -> None:
        """Drop what has not begun, and wait for nothing. The next ``run`` starts afresh."""
        if self._worker is not None:
            self._worker.shutdown(wait=False, cancel_futures=True)
            self._worker = None


def _pieces(text: str) -> Iterator[str]:
    """``text`` in parts that tiktoken takes in good time, cut before space where there is any."""
    start = 0
    while start < len(text):
        end = start + _CHUNK
        if end < len(text):
            space = max(text.rfind(" ", start + 1, end), text.rfind("\n", start + 1, end))
            end = space if space > start else end
        yield from _PIECES.findall(text, start, end)
        start = end


_loading = Lock()


def _encoding(name: str) -> "Encoding":
    with _loading:  # so that two threads never load the same one
        return _load(name)


@cache
def _load(name: str) -> "Encoding":
    """Raises RuntimeError where the rank file is not the one that tiktoken expects."""
    from tiktoken import Encoding

    if name == TEKKEN:
        return _tekken()
    ranks = gzip.decompress(tokenizer_ranks(name))
    if hashlib.sha256(ranks).hexdigest() != _SHA256[name]:
        raise RuntimeError(f"the rank file of {name} is damaged: reinstall acm")
    return Encoding(
        name,
        pat_str=_PATTERNS[name],
        mergeable_ranks=dict(_rank(line) for line in ranks.splitlines()),
        special_tokens={},
    )


def _tekken() -> "Encoding":
    """Raises RuntimeError where the file is not what it was.

    Read with expressions, since parsing so large a document would hold up all other threads.
    """
    from tiktoken import Encoding

    path = _tekken_path()
    raw = path.read_bytes() if path else b""
    settings = {match[1]: parse(match[2]) for match in _TEKKEN_SETTING.finditer(raw, 0, 4096)}
    pattern, size, special = (settings.get(name) for name in _TEKKEN_SETTINGS)
    if not (isinstance(pattern, str) and isinstance(size, int) and isinstance(special, int)):
        raise RuntimeError("mistral-common holds no vocabulary that acm can read: upgrade it")
    ranks = {
        b64decode(match[2]): rank
        for match in _TEKKEN_RANK.finditer(raw)
        if (rank := int(match[1])) < size - special
    }
    return Encoding(TEKKEN, pat_str=pattern, mergeable_ranks=ranks, special_tokens={})


@cache
def _tekken_path() -> Path | None:
    """The newest vocabulary in mistral-common, or None. Looking for it imports nothing."""
    spec = find_spec("mistral_common")
    places = spec.submodule_search_locations if spec else None
    found = [path for place in places or () for path in Path(place).glob("data/tekken_*.json")]
    return max(found, default=None)


def _rank(line: bytes) -> tuple[bytes, int]:
    token, _, rank = line.partition(b" ")
    return b64decode(token), int(rank)

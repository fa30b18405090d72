"""Recordings through the real proxy give the rows that they give without it."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from acm_addon.home import Home
from acm_addon.model import Entrance
from acm_addon.pricing import PriceTable
from tests.accuracy.recordings import FIXTURES, FOLDER, Recording, recordings
from tests.accuracy.stations import booked, is_replayable, metered, outcome
from tests.loopback.harness import LiveProxy
from tests.loopback.replay import ReplayUpstream, compare, differences, encoded, pieces

_SAMPLE = 60
_OWN = [record for record in recordings(FIXTURES) if is_replayable(record)]
_REMOTE = [record for record in metered() if is_replayable(record)]
_OTHERS = _REMOTE[:: max(1, len(_REMOTE) // _SAMPLE)]


@pytest.fixture(scope="module")
def replaying(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveProxy]:
    with ReplayUpstream(tmp_path_factory.mktemp("replay"), [*_OWN, *_OTHERS]) as upstream:
        home = Home(tmp_path_factory.mktemp("replayed") / "home")
        with LiveProxy(home, (upstream.port, upstream.ca_file)) as live:
            yield live


def test_our_own_recordings_give_the_same_rows(replaying: LiveProxy, entrance: Entrance) -> None:
    """Compressed and cut into pieces, through TLS and the journal: every field of every row."""
    assert {} == compare(replaying, _OWN, entrance)


@pytest.mark.skipif(
    not _OTHERS, reason=f"no recordings in {FOLDER}; set ACM_RECORDINGS to their folder"
)
def test_a_sample_of_recordings_gives_the_same_rows(
    replaying: LiveProxy, entrance: Entrance
) -> None:
    assert {} == compare(replaying, _OTHERS, entrance)


def test_a_row_that_differs_is_named() -> None:
    """The comparison is of every field; only times, id, entrance, and source may differ."""
    record, table = _OWN[0], PriceTable.current()
    fields = [*record["response_headers"], ["x-request-id", record["id"]]]
    row = booked(outcome(record | {"response_headers": fields}), table)
    assert {} == differences(record, row, table)
    wrong = replace(row, usage={**row.usage, "output_tokens": 8}, stream=True)
    assert {"usage", "stream"} == differences(record, wrong, table).keys()


def test_our_own_recordings_travel_in_every_coding() -> None:
    assert {None, "gzip", "br", "zstd"} == {each["original_content_encoding"] for each in _OWN}


@pytest.mark.parametrize("record", _OWN[:3], ids=lambda record: record["id"])
def test_pieces_are_the_whole(record: Recording) -> None:
    """They are many, and put together they are the body."""
    data = encoded(record)
    assert data == b"".join(pieces(data))
    assert len(list(pieces(data))) > 5

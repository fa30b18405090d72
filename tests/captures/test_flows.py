import io
import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mitmproxy.addons.savehar import SaveHar
from mitmproxy.io import FlowWriter, tnetstring
from mitmproxy.test import tflow, tutils
from mitmproxy.version import FLOW_FORMAT_VERSION
from mitmproxy.websocket import WebSocketMessage
from wsproto.frame_protocol import Opcode

from acm_addon.captures import flows
from acm_addon.captures.flows import FORMAT_VERSION, header_fields, next_flow
from acm_addon.captures.old_flows import Conversion
from acm_addon.captures.reading import Reading
from acm_addon.model import Attribution, Completeness, Entry
from acm_addon.pricing import PriceTable
from tests.capture_files import MOMENT, saved
from tests.taps import REQUEST, RESPONSE

BROTLI: bytes = brotli.compress(RESPONSE.encode())


def chat_flow(host: str = "api.openai.com", **response: Any) -> Any:
    started = MOMENT.timestamp()
    request = tutils.treq(
        host=host,
        method=b"POST",
        path=b"/v1/chat/completions?x=1",
        headers=((b"content-type", b"application/json"),),
        content=REQUEST.encode(),
        timestamp_start=started,
    )
    settings = {
        "headers": ((b"content-type", b"application/json"), (b"content-encoding", b"br")),
        "content": BROTLI,
        "timestamp_start": started + 0.3,
        "timestamp_end": started + 0.5,
    }
    return tflow.tflow(req=request, resp=tutils.tresp(**(settings | response)))


def dumped(*values: Any) -> bytes:
    """A flow file of flows, or of their states."""
    file = io.BytesIO()
    for value in values:
        if isinstance(value, dict):
            tnetstring.dump(value, file)
        else:
            FlowWriter(file).add(value)
    return file.getvalue()


def read(path: Path) -> tuple[list[Entry], Reading]:
    reading = Reading(path, PriceTable.current(), Attribution())
    return [row for row in reading.records() if isinstance(row, Entry)], reading


def test_a_flow_is_priced_from_its_wire_bytes(tmp_path: Path) -> None:
    """The body is decoded by the readers of live traffic."""
    ((row,), reading) = read(saved(tmp_path / "flows", dumped(chat_flow())))
    assert (40_000, MOMENT, 500, 300) == (row.cost, row.time, row.latency_ms, row.first_byte_ms)
    assert (Completeness.COMPLETE, 0) == (row.completeness, row.source.index if row.source else -1)
    assert reading.read_bytes == (tmp_path / "flows").stat().st_size


def test_flows_of_all_kinds_are_counted(tmp_path: Path) -> None:
    """Damaged ones, ones of versions to come, and ones of other protocols."""
    newer = chat_flow().get_state() | {"version": 9999}
    values = (tflow.ttcpflow(), newer, {"version": 21}, chat_flow("example.com"), chat_flow())
    rows, reading = read(saved(tmp_path / "flows", dumped(*values) + dumped(chat_flow())[:-9]))
    tally = reading.tally
    assert [4] == [row.source.index for row in rows if row.source]
    assert (1, 2, [1, 2, 5]) == (tally.billable, tally.not_provider, tally.unreadable_places)


def test_a_flow_that_is_too_long_costs_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is passed over without being read."""
    monkeypatch.setattr(flows, "MAX_ENTRY", 5000)
    long = chat_flow(content=b"x" * 6000)
    short = dumped(chat_flow())
    file = io.BytesIO(dumped(long) + short)
    assert (None, short, b"") == (next_flow(file), next_flow(file), next_flow(file))


def test_garbage_after_a_flow(tmp_path: Path) -> None:
    """It is one unreadable entry: where the next flow would begin is not known."""
    rows, reading = read(saved(tmp_path / "flows", dumped(chat_flow()) + b"garbage" + b"1:x" * 99))
    assert (1, [1]) == (len(rows), reading.tally.unreadable_places)


def test_flows_of_an_earlier_version(tmp_path: Path) -> None:
    """They are converted, among those that need it not; one that is damaged costs itself alone."""
    assert FORMAT_VERSION == FLOW_FORMAT_VERSION
    old = chat_flow().get_state() | {"version": 20}
    damaged = {"version": 20, "type": "http"}
    rows, reading = read(saved(tmp_path / "flows", dumped(old, chat_flow(), damaged, old)))
    assert [0, 1, 3] == [row.source.index for row in rows if row.source]
    assert ({40_000}, [2]) == ({row.cost for row in rows}, reading.tally.unreadable_places)


def test_a_conversion_that_dies() -> None:
    """The next flow starts another process."""
    old = dumped(chat_flow().get_state() | {"version": 20})
    with closing(Conversion()) as conversion:
        converted = conversion.convert(old)
        process = conversion._process
        assert process is not None
        assert process.stdin is not None
        process.kill()
        process.wait()
        with pytest.raises((ValueError, OSError)):
            conversion.convert(old)
        # Else Python says of what was not written that it could not be written, in its own time.
        assert process.stdin.closed
        assert converted == conversion.convert(old)


def test_a_call_that_broke_off(tmp_path: Path) -> None:
    """A flow with an error and no answer: it left, and nobody knows what became of it."""
    flow = chat_flow()
    flow.response = None
    flow.error = tflow.terr()
    (row,), _ = read(saved(tmp_path / "flows", dumped(flow)))
    assert (None, Completeness.SENT_UNKNOWN) == (row.status, row.completeness)


def test_what_mitmproxy_exports_as_har_says_the_same(tmp_path: Path) -> None:
    """Its ``hardump`` of the flow: the same row, but for its id and its place."""
    har = json.dumps(SaveHar().make_har([chat_flow()]), indent=4)
    (exported,), _ = read(saved(tmp_path / "a", har))
    (dump,), _ = read(saved(tmp_path / "b", dumped(chat_flow())))
    same = {"id": "", "source": None, "latency_ms": None, "first_byte_ms": None}
    assert replace(dump, **same) == replace(exported, **same)


def test_the_same_flows_give_the_same_ids(tmp_path: Path) -> None:
    """Whatever the file is called."""
    data = dumped(chat_flow(), chat_flow())
    first = [row.id for row in read(saved(tmp_path / "a", data))[0]]
    assert first == [row.id for row in read(saved(tmp_path / "b", data))[0]]
    assert 2 == len(set(first))


def test_a_flow_of_odd_numbers(tmp_path: Path) -> None:
    """Its durations are not known, and a status that is none makes it unreadable."""
    odd = chat_flow(timestamp_end=1e18).get_state()
    bad = chat_flow().get_state()
    bad["response"]["status_code"] = 10**30
    (row,), reading = read(saved(tmp_path / "flows", dumped(odd, bad)))
    assert (None, 300) == (row.latency_ms, row.first_byte_ms)
    assert [1] == reading.tally.unreadable_places


def test_messages_of_a_websocket_are_metered(tmp_path: Path) -> None:
    """Text and binary messages, whichever side said them."""
    flow = tflow.twebsocketflow()
    flow.request.host, flow.request.path = "api.openai.com", "/v1/realtime?model=gpt-realtime"
    usage = {"input_tokens": 3, "output_tokens": 2}
    done = {"type": "response.done", "response": {"usage": usage}}
    assert flow.websocket is not None
    said = WebSocketMessage(Opcode.TEXT, False, json.dumps(done).encode(), MOMENT.timestamp())
    flow.websocket.messages.append(said)
    (row,), _ = read(saved(tmp_path / "a", dumped(flow)))
    assert ("realtime", "gpt-realtime", usage) == (row.endpoint, row.model, row.usage)


def realtime_flow(*messages: Any) -> bytes:
    """A session's flow whose last messages are these, as its file keeps them."""
    flow = tflow.twebsocketflow()
    flow.request.host, flow.request.path = "api.openai.com", "/v1/realtime?model=gpt-realtime"
    state = flow.get_state()
    said = [[1, False, each, MOMENT.timestamp(), False, False] for each in messages]
    state["websocket"]["messages"] = [*state["websocket"]["messages"], *said]
    return dumped(state)


def test_text_messages_that_were_kept_as_text(tmp_path: Path) -> None:
    """As mitmproxy 6 and earlier did; its conversion leaves them so."""
    usage = {"input_tokens": 3, "output_tokens": 2}
    done = json.dumps({"type": "response.done", "response": {"usage": usage}})
    (row,), _ = read(saved(tmp_path / "a", realtime_flow(done)))
    assert usage == row.usage


@pytest.mark.parametrize("message", [10**13, True, None, [1, 2]])
def test_a_message_that_is_none(tmp_path: Path, message: Any) -> None:
    """A number is not taken for so many bytes."""
    rows, reading = read(saved(tmp_path / "a", realtime_flow(message)))
    assert ([], [0]) == (rows, reading.tally.unreadable_places)


@pytest.mark.parametrize("value", [None, 5, "text", b"bytes"])
def test_a_header_field_of_another_type_costs_no_flow(tmp_path: Path, value: Any) -> None:
    """What was exchanged is priced whatever an addon put into a field."""
    state = chat_flow().get_state()
    state["request"]["headers"] = [[b"x-a", value], *state["request"]["headers"]]
    (row,), _ = read(saved(tmp_path / "flows", dumped(state)))
    assert 40_000 == row.cost


@given(
    st.lists(st.tuples(st.sampled_from(["A", "x-b", "c,1:"]), st.text(",]:0123\n é", max_size=9)))
)
def test_header_fields_of_any_content(fields: list[tuple[str, str]]) -> None:
    """Names and values may look like the marks that are between fields."""
    lists = [[name.encode(), content.encode("latin-1")] for name, content in fields]
    payload = tnetstring.dumps(lists).partition(b":")[2][:-1]
    assert fields == header_fields(payload.decode("latin-1"))


@given(st.text("0123456789:,]a", max_size=30))
def test_what_is_no_list_of_header_fields(text: str) -> None:
    """It is told, or read; it never holds anybody up."""
    try:
        assert len(header_fields(text)) <= len(text)
    except ValueError:
        assert text

"""Captures of our own making, of any size: one chat completion after another."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

WORDS = 600
"""In the prompt of a call."""
_TEXT = "What it costs is what the words between these two quotation marks come to. "


def _request(words: int) -> str:
    content = _TEXT * (words // len(_TEXT.split()))
    return json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": content}]})


def write_flows(path: Path, calls: int, words: int = WORDS) -> None:
    """As mitmproxy writes them, with two connections each."""
    from mitmproxy.io import tnetstring
    from mitmproxy.test import tflow

    flow = tflow.tflow(resp=True).get_state()
    for connection in (flow["client_conn"], flow["server_conn"]):
        connection["cipher_list"] = [f"TLS_CIPHER_{number}" for number in range(30)]
        connection["certificate_list"] = [b"A" * 1500]
    request = _request(words).encode()
    with path.open("wb") as file:
        for place, (target, kind, body) in zip(range(calls), _calls(), strict=False):
            started = datetime.fromisoformat(_time(place)).timestamp()
            asked = {
                "host": "api.openai.com",
                "port": 443,
                "method": b"POST",
                "path": target.encode(),
                "headers": _fields(15, b"application/json"),
                "content": request,
                "timestamp_start": started,
            }
            answered = {
                "headers": _fields(20, kind.encode()),
                "content": body.encode(),
                "timestamp_start": started + 0.3,
                "timestamp_end": started + 0.4,
            }
            tnetstring.dump(
                flow
                | {
                    "request": flow["request"] | asked,
                    "response": flow["response"] | answered,
                },
                file,
            )


def _fields(count: int, kind: bytes) -> list[tuple[bytes, bytes]]:
    some = [(b"x-header-%d" % number, b"v" * 20) for number in range(count)]
    return [(b"content-type", kind), *some]


def _calls() -> Iterator[tuple[str, str, str]]:
    """Host and path, content type, and the answer's body: plain and streamed by turns."""
    usage = {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000}
    head = {"id": "chatcmpl-1", "model": "gpt-4o-2024-08-06", "created": 1}
    message = {"role": "assistant", "content": _TEXT * 6}
    plain = {**head, "choices": [{"index": 0, "message": message}], "usage": usage}
    chunks = [
        {**head, "choices": [{"index": 0, "delta": {"content": word}}]} for word in _TEXT.split()
    ]
    last = {**head, "choices": [], "usage": usage}
    streamed = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in (*chunks, last))
    while True:
        yield "/v1/chat/completions", "application/json", json.dumps(plain)
        yield "/v1/chat/completions", "text/event-stream", streamed + "data: [DONE]\n\n"


def write_lines(path: Path, calls: int, words: int = WORDS) -> None:
    request = _request(words)

    def line(place: int, target: str, kind: str, body: str) -> Any:
        return {
            "provider_host": "api.openai.com",
            "method": "POST",
            "path": target,
            "time": _time(place),
            "request_headers": [["content-type", "application/json"]],
            "request_body": request,
            "status": 200,
            "response_headers": [["content-type", kind]],
            "response_body": body,
        }

    _write(path, calls, line, ("", "\n", "\n"))


def write_recordings(path: Path, calls: int, folder: Path) -> None:
    """As many recorded exchanges as ``calls`` says: those of a folder, again and again."""
    recorded = [line for file in sorted(folder.glob("*.jsonl")) for line in file.open("rb")]
    with path.open("wb") as file:
        file.writelines(islice(cycle(recorded), calls))


def write_har(path: Path, calls: int, words: int = WORDS) -> None:
    request = _request(words)

    def entry(place: int, target: str, kind: str, body: str) -> Any:
        return {
            "startedDateTime": _time(place),
            "time": 400,
            "request": {
                "method": "POST",
                "url": f"https://api.openai.com{target}",
                "headers": [{"name": f"x-header-{each}", "value": "v" * 20} for each in range(15)],
                "postData": {"mimeType": "application/json", "text": request},
            },
            "response": {
                "status": 200,
                "headers": [{"name": f"x-header-{each}", "value": "v" * 20} for each in range(20)],
                "content": {"size": len(body), "mimeType": kind, "text": body},
            },
            "timings": {"send": 1, "wait": 300, "receive": 99},
        }

    _write(path, calls, entry, ('{"log": {"version": "1.2", "entries": [', ",\n", "]}}"))


def _write(path: Path, calls: int, make: Callable[..., Any], around: tuple[str, str, str]) -> None:
    start, between, end = around
    with path.open("w") as file:
        file.write(start)
        for place, call in zip(range(calls), _calls(), strict=False):
            file.write((between if place else "") + json.dumps(make(place, *call)))
        file.write(end)


def _time(place: int) -> str:
    """One call after another, three seconds apart."""
    return (datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=3 * place)).isoformat()

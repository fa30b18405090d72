"""``acm import``: calls a second of one core, and memory, on captures of our own making.

Measured on the whole command, from its start to the last row in the ledger: processor time of its
process and of the one that it starts. Beside it the time in which ``json`` alone reads the file.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

_CALLS = 20_000
_HAR_MEGABYTES = 300
_WORDS = "What it costs is what the words between these two quotation marks come to. "


def main() -> None:
    print(f"Import: {_CALLS:,} calls into an empty ledger, on one core")
    with tempfile.TemporaryDirectory(prefix="acm-bench-") as folder:
        for name, write in (("JSON lines", _write_lines), ("HAR", _write_har)):
            path = Path(folder) / "capture"
            write(path, _CALLS)
            seconds, megabytes = _import(path, folder)
            print(
                f"  {name:<10}  {_CALLS / seconds:,.0f} calls/s"
                f" ({seconds / _parse_seconds(path):.1f}x the time of json.loads),"
                f" {megabytes:,.0f} MB of memory, {path.stat().st_size / 1e6:,.0f} MB of file"
            )
        many = _CALLS * _HAR_MEGABYTES * 10**6 // path.stat().st_size
        _write_har(path, many)
        seconds, megabytes = _import(path, folder)
        print(
            f"  large HAR   {many / seconds:,.0f} calls/s,"
            f" {megabytes:,.0f} MB of memory, {path.stat().st_size / 1e6:,.0f} MB of file"
        )


def _import(path: Path, folder: str) -> tuple[float, float]:
    """Processor seconds, and the most memory in megabytes."""
    with tempfile.TemporaryDirectory(dir=folder) as home:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "import", str(path)],
            env={**os.environ, "ACM_HOME": home},
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError("the import failed")
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6


_PARSE = """
import json, pathlib, sys, time
text = pathlib.Path(sys.argv[1]).read_bytes()
started = time.process_time()
for line in [text] if text.startswith(b'{"log"') else text.splitlines():
    json.loads(line)
print(time.process_time() - started)
"""


def _parse_seconds(path: Path) -> float:
    """In a process of its own: what this one held would be counted as memory of its children."""
    return float(subprocess.check_output([sys.executable, "-c", _PARSE, str(path)]))


def _calls() -> Iterator[tuple[str, str, str]]:
    """Host and path, content type, and the answer's body: plain and streamed by turns."""
    usage = {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000}
    head = {"id": "chatcmpl-1", "model": "gpt-4o-2024-08-06", "created": 1}
    message = {"role": "assistant", "content": _WORDS * 6}
    plain = {**head, "choices": [{"index": 0, "message": message}], "usage": usage}
    chunks = [
        {**head, "choices": [{"index": 0, "delta": {"content": word}}]} for word in _WORDS.split()
    ]
    last = {**head, "choices": [], "usage": usage}
    streamed = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in (*chunks, last))
    while True:
        yield "/v1/chat/completions", "application/json", json.dumps(plain)
        yield "/v1/chat/completions", "text/event-stream", streamed + "data: [DONE]\n\n"


_REQUEST = json.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": _WORDS * 40}]})


def _write_lines(path: Path, calls: int) -> None:
    def line(place: int, target: str, kind: str, body: str) -> Any:
        return {
            "provider_host": "api.openai.com",
            "method": "POST",
            "path": target,
            "time": _time(place),
            "request_headers": [["content-type", "application/json"]],
            "request_body": _REQUEST,
            "status": 200,
            "response_headers": [["content-type", kind]],
            "response_body": body,
        }

    _write(path, calls, line, ("", "\n", "\n"))


def _write_har(path: Path, calls: int) -> None:
    def entry(place: int, target: str, kind: str, body: str) -> Any:
        return {
            "startedDateTime": _time(place),
            "time": 400,
            "request": {
                "method": "POST",
                "url": f"https://api.openai.com{target}",
                "headers": [{"name": f"x-header-{each}", "value": "v" * 20} for each in range(15)],
                "postData": {"mimeType": "application/json", "text": _REQUEST},
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
